"""Check every image of a data set and list its defects."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imbench.files.reading import LARGE, read_bytes, unread
from imbench.images.blank import describe_blank
from imbench.images.copy_defects import copy_defects
from imbench.images.copy_search import search_copies
from imbench.images.dataset import Listing
from imbench.images.decode import ImageFault, decode, image_of, open_image, quiet_pillow
from imbench.images.defect import Defect
from imbench.images.depth import depth
from imbench.images.duplicates import Copies
from imbench.images.properties import Properties
from imbench.images.split import SPLITS, crossing_groups
from imbench.images.value_range import ValueRange
from imbench.images.whole_groups import why_missing

__all__ = [
    "Defect",
    "SurveyedImage",
    "class_counts",
    "find_defects",
    "format_counts",
    "survey_copies",
    "survey_headers",
    "survey_images",
]

_THREADS = 2
_CHUNK = 1024
"""Files that are handed to the threads at a time."""
_SMALL = 8


@dataclass(frozen=True, eq=False)
class SurveyedImage(Properties):
    """An image's properties, hash and thumbnail, or its fault."""

    digest: str = ""
    thumbnail: NDArray[np.uint8] | None = None
    fault: str = ""


def survey_images(listing: Listing, value_range: ValueRange | None = None) -> list[SurveyedImage]:
    """Decode every image; `value_range` as `imbench.images.deep_files.settle_range` found it."""
    return _survey(listing, lambda path: _survey_pixels(path, value_range))


def survey_headers(listing: Listing, value_range: ValueRange | None = None) -> list[SurveyedImage]:
    """Read the header of every image file; what needs its pixels stays empty."""
    return _survey(listing, lambda path: _survey_header(path, value_range))


def class_counts(listing: Listing) -> dict[str, NDArray[np.int64]]:
    """Count the images of each class, shape (classes,), by split; without empty splits."""
    present = [split for split in SPLITS if (listing.splits == split).any()]
    return {split: _split_counts(listing, split) for split in present}


def find_defects(
    listing: Listing, images: list[SurveyedImage], copies: Copies, official: Mapping[str, int]
) -> list[Defect]:
    """List all defects, sorted by kind.

    Kinds: ``undecodable``; ``blank`` (it shows nothing); ``missing class``; ``leak`` (a copy of a
    test image elsewhere, or of a validation image in training); ``two classes`` and ``near copies
    of two classes`` (copies with different labels); ``torn group``; ``duplicate`` (copies within a
    split) and ``count`` (not the official one), which are not grave.
    """
    defects = [
        Defect("undecodable", f"{name}: {image.fault}", True)
        for name, image in zip(listing.names, images, strict=True)
        if image.fault
    ]
    defects += [
        Defect("blank", f"{name}: {image.blank}", True)
        for name, image in zip(listing.names, images, strict=True)
        if image.blank
    ]
    defects += copy_defects(listing, copies)
    if listing.groups is not None:
        defects += [
            Defect("torn group", f"{group} is in {' and '.join(splits)}", True)
            for group, splits in crossing_groups(listing.groups, listing.splits).items()
        ]
    for split in SPLITS:
        present = (listing.splits == split).any()
        for name, count in zip(
            listing.classes, _split_counts(listing, split).tolist(), strict=True
        ):
            if count == 0 and split != "validation":
                why = why_missing(listing, split, name)
                defects.append(Defect("missing class", f"{name} has no {split} image{why}", True))
            expected = official.get(f"{split} {name}", count)
            if present and count != expected:
                text = f"{count} {split} images of {name}, officially {expected}"
                defects.append(Defect("count", text, False))
    return sorted(defects)


def _split_counts(listing: Listing, split: str) -> NDArray[np.int64]:
    labels = listing.labels[listing.splits == split]
    return np.bincount(labels, minlength=len(listing.classes)).astype(np.int64)


def survey_copies(
    listing: Listing, images: list[SurveyedImage], value_range: ValueRange | None = None
) -> Copies:
    """Find the copies among the images, those that show nothing excepted: these are all alike."""
    digests = [None if image.blank or image.fault else image.digest for image in images]
    return search_copies(listing, digests, [image.thumbnail for image in images], value_range)


def _survey(listing: Listing, survey: Callable[[Path], SurveyedImage]) -> list[SurveyedImage]:
    if isinstance(listing.sources, np.ndarray):
        return [_survey_array(image) for image in listing.sources]
    images: list[SurveyedImage] = []
    shared: dict[str, NDArray[np.uint8] | None] = {}
    with quiet_pillow(), ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(listing.sources), _CHUNK):
            paths = listing.sources[start : start + _CHUNK]
            for image in pool.map(lambda path: _or_fault(survey, path), paths):
                thumbnail = shared.setdefault(image.digest, image.thumbnail)
                images.append(replace(image, thumbnail=thumbnail))
    return images


def _or_fault(survey: Callable[[Path], SurveyedImage], path: Path) -> SurveyedImage:
    try:
        return survey(path)
    except ImageFault as fault:
        return SurveyedImage(fault=str(fault))
    except OSError as error:
        return SurveyedImage(fault=unread(error))


def _survey_pixels(path: Path, value_range: ValueRange | None) -> SurveyedImage:
    picture = decode(read_bytes(path, LARGE), size=_SMALL, value_range=value_range)
    return SurveyedImage(
        **vars(picture.properties), digest=picture.digest, thumbnail=picture.thumbnail
    )


def _survey_header(path: Path, value_range: ValueRange | None) -> SurveyedImage:
    image = open_image(read_bytes(path, LARGE), value_range)
    return SurveyedImage(
        image.width, image.height, image.mode, str(image.format), bits=depth(image)
    )


def _survey_array(pixels: NDArray[np.uint8]) -> SurveyedImage:
    image = image_of(pixels)
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    blank = describe_blank(image)
    return SurveyedImage(*image.size, image.mode, "array", blank=blank, digest=digest)


def format_counts(images: list[SurveyedImage]) -> dict[str, Counter[str]]:
    """Count the formats and modes of the images without a fault."""
    sound = [image for image in images if not image.fault]
    return {
        "formats": Counter(image.format for image in sound),
        "modes": Counter(image.mode for image in sound),
    }
