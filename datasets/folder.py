"""A folder of class folders, with or without train, validation and test folders above them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from imbench.datasets._user_images import UserImages
from imbench.errors import DataError, UsageError
from imbench.images.dataset import Listing
from imbench.images.image_files import image_files
from imbench.images.split import split_name, stratified_splits

__all__ = ["Folder"]


class Folder(UserImages):
    """``folder:PATH``: PATH below the data folder, below the working directory, or absolute.

    Options: `majority`, `minority` (class names; ``rest``; ``minority=skirt/hat``), and where PATH
    has no split folders `test` and `validation` (shares of each class, default 0.25 and 0);
    `geometry`, what becomes of images that are not square: ``stretch`` (default) squeezes them,
    ``pad`` fills them up with grey, ``crop`` keeps the square in their middle.

    Notes
    -----
    Your images, under your terms; none are copied but into the cache of decoded images. Each folder
    of PATH is a class, with all images below it. Where PATH has folders ``train`` and ``test``
    (``val`` too) with the classes in them, they are the split; otherwise ours takes the same share
    of each class by a hash of the image's path. With two classes and no choice the larger one is
    the majority.

    References
    ----------
    The layout is that of torchvision's ImageFolder,
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.ImageFolder.html.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, count in (("hat", 4), ("shirt", 8)):
    ...         Path(folder, name).mkdir()
    ...         for number in range(count):
    ...             Path(folder, name, f"{number}.png").touch()
    ...     listing = Folder(Path(), folder).read()
    >>> for split in ("train", "test"):
    ...     print(split, listing.classes, np.bincount(listing.labels[listing.splits == split]))
    train ('shirt', 'hat') [6 3]
    test ('shirt', 'hat') [2 1]
    """

    title = "Folder"
    kind = "folder"

    def everything(self) -> Listing:
        """List the images of all classes."""
        base = self.place()
        if not base.is_dir():
            raise DataError(f"{base} is not a folder; csv:PATH reads a table of images")
        above = _split_folders(base)
        if above and self.split_given:
            raise UsageError(f"{base} has its own split; leave out test= and validation=")
        found: list[tuple[str, str, str]] = []
        for split, folder in above or [("", base)]:
            for name in sorted(_folders(folder)):
                below = (folder / name).relative_to(base).as_posix()
                found += [(f"{below}/{file}", split, name) for file in image_files(folder / name)]
        if not found:
            raise DataError(f"{base} has no class folders with images in them")
        return self._listing(base, sorted(found), bool(above))

    def _listing(self, base: Path, found: list[tuple[str, str, str]], split: bool) -> Listing:
        names = tuple(name for name, _, _ in found)
        classes = tuple(sorted({kind for _, _, kind in found}))
        number = {name: label for label, name in enumerate(classes)}
        labels = np.array([number[kind] for _, _, kind in found], np.int64)
        return Listing(
            classes=classes,
            sources=[base / name for name in names],
            labels=labels,
            splits=np.array([where for _, where, _ in found])
            if split
            else stratified_splits(names, labels, test=self.test, validation=self.validation),
            names=names,
            policies=self.policies,
        )


def _folders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [e.name for e in entries if e.is_dir() and not e.name.startswith(".")]


def _split_folders(base: Path) -> list[tuple[str, Path]]:
    """Return split and folder of each split, or nothing if there are no split folders."""
    above = [(split_name(name), base / name) for name in sorted(_folders(base))]
    if not above or any(split is None for split, _ in above):
        return []
    splits = [split for split, _ in above]
    for needed in ("train", "test"):
        if needed not in splits:
            raise DataError(
                f"{base} has {' and '.join(path.name for _, path in above)} but no {needed} "
                "folder; make one, or point at the class folders to have them split"
            )
    if len(set(splits)) != len(splits):
        raise DataError(f"{base} has two folders for one split: {', '.join(map(str, splits))}")
    return [(str(split), path) for split, path in above]
