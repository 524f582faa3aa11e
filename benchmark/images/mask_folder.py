"""Object masks that a user keeps in a folder of their own, found by the names of the images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from imbench.errors import DataError
from imbench.files.reading import LARGE, read_bytes
from imbench.images.cache import make_dataset
from imbench.images.companions import is_beside, unmasked
from imbench.images.dataset import Decoded, Images
from imbench.images.decode import ImageFault, quiet_pillow, shown_size, shrink_mask
from imbench.images.formats import suffix_of
from imbench.images.image_files import KEEP, find_images
from imbench.images.validate import read_listing

__all__ = ["MaskFolder", "find_masks", "pair_masks"]

_ALIKE = 0.02
"""How far the proportions of a mask may lie from its image's: a small one has whole pixels."""


@dataclass(frozen=True)
class MaskFolder:
    """The masks of a data set's images in a folder.

    Attributes
    ----------
    folder : Path
        The folder.
    files : mapping
        Name of an image to the paths of its masks below the folder; several make one object.
    unused : int
        Files of the folder that belong to no image.
    sources : mapping
        Name of an image to its file, or to its pixels (height, width, channels).
    """

    folder: Path
    files: Mapping[str, Sequence[str]]
    unused: int
    sources: Mapping[str, Path | NDArray[np.uint8]]

    def added_to(self, decoded: Decoded) -> Decoded:
        """Return a data set with these masks alone: of test images, or else of training images.

        Raises
        ------
        DataError
            If a mask cannot be read, or has other proportions than its image.
        """
        test, train = decoded.test, replace(decoded.train, masks=None)
        if any(name in self.files for name in test.names):
            test = self._masked(test, decoded.geometry)
        else:
            test, train = replace(test, masks=None), self._masked(train, decoded.geometry)
        return replace(decoded, test=test, train=train)

    def _masked(self, images: Images, geometry: str) -> Images:
        size = images.pixels.shape[1]
        masks = np.zeros((len(images), size, size), np.bool_)
        with quiet_pillow():
            for row, name in enumerate(images.names):
                for file in self.files.get(name, ()):
                    masks[row] |= self._read(name, file, size, geometry)
        return replace(images, masks=masks)

    def _read(self, name: str, file: str, size: int, geometry: str) -> NDArray[np.bool_]:
        source = self.sources[name]
        try:
            data = read_bytes(self.folder / file, LARGE)
            width, height = shown_size(data)
            own = _size_of(source)
            if abs(width * own[1] / (height * own[0]) - 1) > _ALIKE:
                raise ImageFault(f"it is {width} x {height}, its image {own[0]} x {own[1]}")
            return shrink_mask(data, size=size, geometry=geometry)
        except (ImageFault, OSError) as fault:
            raise DataError(f"the mask {self.folder / file} of {name}: {fault}") from fault


def find_masks(folder: Path, spec: str, root: Path) -> MaskFolder:
    """Find the masks of a data set's images; the images themselves may lie there too.

    Raises
    ------
    DataError
        If the folder cannot be read, has no mask of an image, or one that may be of several.
    """
    listing = read_listing(make_dataset(spec, root), spec)
    images = {source.resolve() for source in listing.sources if isinstance(source, Path)}
    found = [
        name
        for name in find_images(folder, [rule for rule in KEEP if rule != "hidden"]).files
        if (folder / name).resolve() not in images
    ]
    files = pair_masks(listing.names, found)
    if not files:
        example = PurePosixPath(listing.names[0]).with_suffix(".png")
        raise DataError(
            f"no file in {folder} has the name of an image of {spec}: the mask of "
            f"{listing.names[0]} would be {example}, or end in _mask.png"
        )
    unused = len(found) - sum(map(len, files.values()))
    return MaskFolder(folder, files, unused, dict(zip(listing.names, listing.sources, strict=True)))


def pair_masks(images: Iterable[str], masks: Iterable[str]) -> dict[str, list[str]]:
    """Return the masks of each image that has some, by their paths.

    A mask has the name of its image, or that and a word for a mask (``_mask``, ``_gt``), whatever
    the suffix; its folders are the last ones of the image, or the other way round, but for those
    that are named for images or masks.

    Raises
    ------
    DataError
        If a mask may be of several images.

    Examples
    --------
    >>> images = ["test/bent/000.png", "test/good/000.png"]
    >>> pair_masks(images, ["ground_truth/bent/000_mask.png"])
    {'test/bent/000.png': ['ground_truth/bent/000_mask.png']}
    """
    ends: dict[tuple[str, ...], list[str]] = {}
    whole: dict[tuple[str, ...], list[str]] = {}
    for image in images:
        parts = _parts(image)
        whole.setdefault(parts, []).append(image)
        for start in range(len(parts)):
            ends.setdefault(parts[start:], []).append(image)
    found: dict[str, list[str]] = {}
    for mask in sorted(masks):
        of = _images_of(_parts(mask), ends, whole)
        if len(of) > 1:
            raise DataError(
                f"the mask {mask} may be of {of[0]} or of {of[1]}: put masks into folders of the "
                "same names as those of their images"
            )
        for image in of:
            found.setdefault(image, []).append(mask)
    return found


def _images_of(
    mask: tuple[str, ...],
    ends: Mapping[tuple[str, ...], list[str]],
    whole: Mapping[tuple[str, ...], list[str]],
) -> list[str]:
    """Return the images a mask may be of: by its own name before one without a word for a mask."""
    for stem in (mask[-1], unmasked(mask[-1])):
        parts = (*mask[:-1], stem)
        if parts in ends:
            return ends[parts]
        for start in range(1, len(parts)):
            if parts[start:] in whole:
                return whole[parts[start:]]
    return []


def _parts(path: str) -> tuple[str, ...]:
    """Return the folders of a path that tell images apart, and its name without the suffix."""
    *folders, name = path.split("/")
    kept = [folder for folder in folders if not is_beside(folder)]
    return (*kept, name[: len(name) - len(suffix_of(name))])


def _size_of(source: Path | NDArray[np.uint8]) -> tuple[int, int]:
    if isinstance(source, Path):
        return shown_size(read_bytes(source, LARGE))
    height, width = source.shape[:2]
    return width, height
