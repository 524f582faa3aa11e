"""Images made elsewhere, through AUG's second stage: Sahoo et al. 2020, arXiv 2008.05524."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import TEXT
from imbench.errors import DataError, UsageError
from imbench.files.reading import LARGE, read_bytes
from imbench.images.decode import ImageFault, Picture, decode
from imbench.images.image_files import find_images
from imbench.images.left_out import left_out_notes
from imbench.images.pixel_notes import pixel_notes
from imbench.images.value_range import FULL
from imbench.methods._joint import JointPart
from imbench.methods._made_folders import all_folders, existing, filled
from imbench.training.examples import Examples

__all__ = ["Generated"]


@dataclass(eq=False, repr=False)
class Generated(JointPart):
    """Add the images of a folder to the minority, as AUG adds what its generators make.

    Parameters
    ----------
    path : str
        The folder, from the working directory or absolute. For two classes it holds images of the
        minority. For more, or to add images of the majority too, it holds a folder for each label
        (``0`` is the majority in a run), and no image beside them. In a path, ``{seed}`` stands for
        the replicate and ``{minority}`` for the training images of the smallest class, since images
        made from other training images than a cell's are no fair rival.
    gamma, kappa, filter, beta, summed
        See `imbench.methods.aug.Augmented`.

    Notes
    -----
    The images of the folder take the place of the fakes in the classifier's loss of AUG, with the
    same sampler, weights, steps and filter: a diffusion model, or any other generator, competes
    with AUG on equal terms. Images that are not square become squares as those of the data set do
    (its ``geometry``). The content of the folder counts in a cell, with placeholders that of all
    folders: results are not reused once it has changed. It helps as far as the images are of the
    minority and differ from those there are; a generator that has seen test images makes the scores
    worthless.

    References
    ----------
    Sahoo, Singh, Panda, Feris and Das 2020, "Mitigating dataset imbalance via joint generation and
    classification", ECCV Workshops, doi 10.1007/978-3-030-65414-6_14, arXiv 2008.05524.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from PIL import Image
    >>> from imbench import Method
    >>> x, y = np.zeros((13, 8, 8, 3), np.uint8), np.repeat([0, 1], [10, 3])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for number in range(4):
    ...         Image.new("RGB", (8, 8), "white").save(Path(folder, f"{number}.png"))
    ...     method = Method(f"generated:{folder}", network="linear", steps=1, device="cpu")
    ...     note = method.fit(x, y).notes_[0]
    >>> note[:41], method.priors_
    ('generated images added: 4 of class 1 (con', array([0.5, 0.5]))
    """

    version: ClassVar[int] = 3
    title: ClassVar[str] = "Generated"
    makes_images: ClassVar[bool] = True

    path: str
    gamma: float | str = 1.0
    kappa: float | None = None
    filter: float = 0.0
    beta: float = 0.999
    summed: bool = False

    constraints: ClassVar = {
        "path": TEXT,
        **JointPart.constraints,
    }

    @property
    def stamp(self) -> int:
        """The version, and eight digits that stand for the content of the folder."""
        return self.version * 10**8 + int(_digest_of_all(self.path), 16) % 10**8

    @property
    def by_seed(self) -> bool:
        """Whether each replicate has a folder of its own."""
        return filled(self.path, seed=0) != self.path

    def foresee(self, counts: NDArray[np.int64], shape: tuple[int, ...]) -> None:
        """Refuse a folder that does not hold images of these classes."""
        super().foresee(counts, shape)
        _by_label(self._folder(int(counts.min())), len(counts), int(np.argmin(counts)))

    def resample(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Add the images of the folder under their labels."""
        if x.pixels.ndim != 4:
            raise UsageError("generated adds images, not rows of features")
        x, y = self._without_held(x, y, rng)
        side, channels = _square(x.pixels.shape[1:])
        folder = self._folder(min(self.context_.counts, default=0))
        found = _by_label(folder, int(y.max()) + 1, 1 - self.majority_)
        pictures, labels, geometry = [], [], self.context_.geometry
        for label, files in found.items():
            pictures += [_read(file, side, channels, geometry) for file in files]
            labels += [label] * len(files)
        counts = ", ".join(f"{len(files)} of class {label}" for label, files in found.items())
        digest = _digest(_listing(folder))[:16]
        self.notes_.append(f"generated images added: {counts} (content {digest})")
        left_out = left_out_notes(find_images(folder).left_out)
        self.notes_ += [f"of the generated images {note.line}" for note in left_out]
        used = [picture.properties for picture in pictures]
        made = pixel_notes(used, {"geometry": geometry}, FULL)
        self.notes_ += [f"of the generated images {note.line}" for note in made]
        pixels = np.stack([picture.pixels for picture in pictures])
        return self._join(x, y, Examples(pixels), np.asarray(labels, np.int64))

    def _folder(self, minority: int) -> Path:
        """Return the folder of the replicate, given the images of the smallest class."""
        return existing(filled(self.path, seed=self.context_.seed, minority=minority))


Listing = tuple[tuple[str, int, int], ...]
"""Path, size and time of change of each image."""


def _by_label(folder: Path, classes: int, minority: int) -> dict[int, list[Path]]:
    """Return the image files of each label; of two classes those of the minority."""
    beside = [name for name in find_images(folder).files if "/" not in name]
    below = sorted(place.name for place in folder.iterdir() if place.name.isdecimal())
    if not below and classes == 2:
        if not beside:
            raise DataError(f"generated: {folder} holds no images")
        return {minority: [folder / name for name in beside]}
    if beside or not below:
        raise DataError(
            f"generated: with {classes} classes {folder} has to hold a folder of images for each "
            f"label, named 1 to {classes - 1}, and no image beside them"
        )
    found = {}
    for name in below:
        files = [folder / name / file for file in find_images(folder / name).files]
        if int(name) >= classes:
            raise DataError(f"generated: {folder / name}: labels go from 0 to {classes - 1}")
        if not files:
            raise DataError(f"generated: {folder / name} holds no images")
        found[int(name)] = files
    return found


def _read(file: Path, side: int, channels: int, geometry: str) -> Picture:
    try:
        content = read_bytes(file, LARGE)
        return decode(content, size=side, channels=channels, geometry=geometry)
    except (ImageFault, OSError) as fault:
        raise DataError(f"generated: {file}: {fault}") from fault


def _square(shape: tuple[int, ...]) -> tuple[int, int]:
    height, width, channels = shape
    if height != width:
        raise UsageError(f"generated makes square images; those to train on are {height} x {width}")
    return height, channels


def _listing(folder: Path) -> Listing:
    files = [(name, os.stat(folder / name)) for name in find_images(folder).files]  # noqa: PTH116
    listed = [(str(folder / name), stat.st_size, stat.st_mtime_ns) for name, stat in files]
    return (str(folder), 0, 0), *listed


def _digest_of_all(path: str) -> str:
    """Return a hash of all images that a path stands for, for any seed and count."""
    found = {numbers: _digest(_listing(own)) for numbers, own in all_folders(path).items()}
    if "" in found:
        return found[""]
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


@cache
def _digest(listing: Listing) -> str:
    """Return a hash of the names and contents of a folder's images, read once for a listing."""
    (folder, *_), *files = listing
    digest = hashlib.sha256()
    for name, *_ in files:
        below = Path(name).relative_to(folder).as_posix()
        digest.update(f"{len(below)} {below} ".encode("utf-8", "surrogateescape"))
        digest.update(hashlib.sha256(read_bytes(Path(name), LARGE)).digest())
    return digest.hexdigest()
