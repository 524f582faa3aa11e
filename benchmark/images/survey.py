"""Look at every image of a data set and name what is wrong with it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imbench.images.cache_writer import quiet_pillow
from imbench.images.dataset import Dataset, Listing
from imbench.images.decode import ImageFault, decode, open_image
from imbench.images.duplicates import CopyPair, find_copies
from imbench.images.split import SPLITS, crossing_groups

__all__ = [
    "Defect",
    "SurveyedImage",
    "class_counts",
    "find_defects",
    "format_counts",
    "list_everything",
    "survey_headers",
    "survey_images",
]

_THREADS = 2
_SMALL = 8


@dataclass(frozen=True, eq=False)
class SurveyedImage:
    """One image: its size as displayed, mode, format, hash and thumbnail, or its fault."""

    width: int = 0
    height: int = 0
    mode: str = ""
    format: str = ""
    digest: str = ""
    thumbnail: NDArray[np.uint8] | None = None
    fault: str = ""


@dataclass(frozen=True, order=True)
class Defect:
    """Something wrong; `grave` if scores on the data would be wrong or could not be had."""

    kind: str
    text: str
    grave: bool


def list_everything(dataset: Dataset) -> Listing:
    """List every image of a data set, whatever classes are chosen."""
    read: Callable[[], Listing] = getattr(dataset, "everything", dataset.read)
    return read()


def survey_images(listing: Listing) -> list[SurveyedImage]:
    """Decode every image."""
    return _each(listing, _decoded)


def survey_headers(listing: Listing) -> list[SurveyedImage]:
    """Read the header of every image file; `digest` and `thumbnail` stay empty."""
    return _each(listing, _header)


def class_counts(listing: Listing) -> dict[str, NDArray[np.int64]]:
    """Return the images of each class, shape (classes,), by split; empty splits are left out."""
    counts = {}
    for split in SPLITS:
        labels = listing.labels[listing.splits == split]
        if len(labels):
            counts[split] = np.bincount(labels, minlength=len(listing.classes)).astype(np.int64)
    return counts


def find_defects(
    listing: Listing, seen: list[SurveyedImage], official: Mapping[str, int]
) -> list[Defect]:
    """Name everything that is wrong, sorted by kind.

    Kinds: ``undecodable``; ``missing class``; ``leak`` (a copy of a test image elsewhere, or of a
    validation image in training); ``two classes`` (copies with different labels); ``torn group``;
    ``duplicate`` (copies inside a split) and ``count`` (other than official), which are not grave.
    """
    found = [
        Defect("undecodable", f"{name}: {one.fault}", True)
        for name, one in zip(listing.names, seen, strict=True)
        if one.fault
    ]
    found += _missing_classes(listing)
    found += _copies(listing, seen)
    if listing.groups is not None:
        found += [
            Defect("torn group", f"{group} is in {' and '.join(where)}", True)
            for group, where in crossing_groups(listing.groups, listing.splits).items()
        ]
    counts = class_counts(listing)
    for split, row in counts.items():
        for name, count in zip(listing.classes, row.tolist(), strict=True):
            expected = official.get(f"{split} {name}", count)
            if count != expected:
                text = f"{count} {split} images of {name}, officially {expected}"
                found.append(Defect("count", text, False))
    return sorted(found)


def _missing_classes(listing: Listing) -> list[Defect]:
    counts = class_counts(listing)
    none = np.zeros(len(listing.classes), np.int64)
    return [
        Defect("missing class", f"{name} has no {split} image", True)
        for split in ("train", "test")
        for name, count in zip(listing.classes, counts.get(split, none), strict=True)
        if count == 0
    ]


def _copies(listing: Listing, seen: list[SurveyedImage]) -> list[Defect]:
    rows = np.array([row for row, one in enumerate(seen) if not one.fault], np.int64)
    digests = [seen[row].digest for row in rows]
    pictures = [one.thumbnail for one in seen if one.thumbnail is not None]
    thumbnails = np.stack(pictures) if len(pictures) == len(rows) > 0 else None
    splits, labels = listing.splits[rows], listing.labels[rows]

    def text(pair: CopyPair) -> str:
        a, b = (listing.names[rows[row]] for row in (pair.first, pair.second))
        return f"{a} {'=' if pair.exact else '~'} {b}"

    found = []
    inside = splits != "test"
    across = find_copies(digests, thumbnails, side=~inside)
    kept = np.flatnonzero(inside)
    found += [Defect("leak", text(pair), True) for pair in across]
    found += [
        Defect(
            "leak", text(CopyPair(int(kept[pair.first]), int(kept[pair.second]), pair.exact)), True
        )
        for pair in find_copies(
            [digests[row] for row in kept],
            None if thumbnails is None else thumbnails[kept],
            side=splits[kept] == "validation",
        )
    ]
    for pair in find_copies(digests, thumbnails):
        if labels[pair.first] != labels[pair.second]:
            where = [listing.classes[labels[row]] for row in (pair.first, pair.second)]
            found.append(Defect("two classes", f"{text(pair)} ({' and '.join(where)})", True))
        elif splits[pair.first] == splits[pair.second]:
            found.append(Defect("duplicate", text(pair), False))
    return found


def _each(listing: Listing, how: Callable[[Path], SurveyedImage]) -> list[SurveyedImage]:
    if isinstance(listing.sources, np.ndarray):
        return [_array(image) for image in listing.sources]
    with quiet_pillow(), ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda path: _tried(how, path), listing.sources))


def _tried(how: Callable[[Path], SurveyedImage], path: Path) -> SurveyedImage:
    try:
        return how(path)
    except ImageFault as fault:
        return SurveyedImage(fault=str(fault))
    except FileNotFoundError:
        return SurveyedImage(fault="the file is missing")
    except OSError as error:
        return SurveyedImage(fault=f"the file cannot be read: {error.strerror}")


def _decoded(path: Path) -> SurveyedImage:
    picture = decode(path.read_bytes(), size=_SMALL)
    return SurveyedImage(
        picture.width,
        picture.height,
        picture.mode,
        picture.format,
        picture.digest,
        picture.thumbnail,
    )


def _header(path: Path) -> SurveyedImage:
    with path.open("rb") as file:
        image: Image.Image = open_image(file.read())
    return SurveyedImage(image.width, image.height, image.mode, str(image.format))


def _array(image: NDArray[np.uint8]) -> SurveyedImage:
    height, width, channels = image.shape
    mode = "L" if channels == 1 else "RGB"
    return SurveyedImage(width, height, mode, "array", hashlib.sha256(image.tobytes()).hexdigest())


def format_counts(seen: list[SurveyedImage]) -> dict[str, Counter[str]]:
    """Count formats and modes of the images that have no fault."""
    fine = [one for one in seen if not one.fault]
    return {
        "formats": Counter(one.format for one in fine),
        "modes": Counter(one.mode for one in fine),
    }
