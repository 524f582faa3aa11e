"""A folder of class folders, with or without folders for training and test images above them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.datasets._user_images import UserImages
from imbench.errors import DataError, UsageError
from imbench.files.archive import is_archive
from imbench.images.dataset import Listing
from imbench.images.folder_tree import make_tree
from imbench.images.image_files import KEEP, find_images
from imbench.images.layout import Layout, ListedImage, find_layout
from imbench.images.layout_notes import layout_notes
from imbench.images.left_out import left_out_notes, link_notes, policies
from imbench.images.links import listed_twice
from imbench.images.notes import DataNote
from imbench.images.split import SPLITS, stratified_splits
from imbench.images.split_folders import SplitChoice
from imbench.spec import Value, shown, unknown_name

__all__ = ["Folder"]


class Folder(UserImages):
    """``folder:PATH``: PATH below the data folder, below the working directory, or absolute.

    Options: `majority`, `minority` (class names; ``rest``; ``minority=skirt/hat``); `train`,
    `test`, `validation` (a folder of PATH: ``test=val``; or a number, the share of each class's
    training images: ``test=0.25``, the default where there are no split folders); ``split=none``
    (folders named like splits are none); `depth` (levels down to the class folders); `keep`
    (``hidden``, ``masks``, ``thumbnails``, ``unnamed``: files to read that are left out);
    `geometry`, what becomes of images that are not square: ``stretch`` (default) squeezes them,
    ``pad`` fills them up with grey, ``crop`` keeps the square in their middle; `range`, the
    values of files of more than 8 bits that become black and white: ``LOW-HIGH``, such as
    ``0-4095``, default ``auto``, what the training images use; `copies`, the largest distance of
    images that are nearly equal, from 0 to 1 (default ``0.4``), or ``exact`` for equal ones only.

    Notes
    -----
    Your images, under your terms; none are copied but into the cache of decoded images. Each folder
    of PATH is a class, with all images below it. Where PATH, or a folder in it, has folders named
    ``train`` and ``test`` (``val`` too; ``training_set``, ``Testing``, ``eval``, ...) with the
    classes in them, they are the split, and what lies beside them is left out; otherwise ours takes
    the same share of each class by a hash of the image's path. Folders that may be splits or
    classes are refused with the options that decide. Masks and thumbnails beside images, hidden
    files and formats that are not read are left out and counted: `bench data stats` says which.
    With two classes and no choice the larger one is the majority.

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
    own: ClassVar[tuple[str, ...]] = ("train", "split", "depth", "keep")

    def __init__(self, root: Path, argument: str | None = None, /, **options: Value) -> None:
        super().__init__(root, argument, **options)
        self.choice = self._choice()
        self.keep = (self.given.text("keep") or "").split("/") if "keep" in options else []
        for rule in self.keep:
            if rule not in KEEP:
                raise unknown_name("rule of keep=", rule, KEEP)

    def share(self, key: str, default: float) -> float:
        """Return the share of an option, or the default if it names a folder."""
        return default if self._names_folder(key) else super().share(key, default)

    def everything(self) -> Listing:
        """List the images of all classes."""
        base = self.place()
        if not base.is_dir():
            remedy = (
                "unpack it, and name the folder"
                if is_archive(base)
                else "csv:PATH reads a table of images"
            )
            raise DataError(f"{base} is not a folder; {remedy}")
        found = find_images(base, self.keep)
        tree = make_tree(found.folders)
        layout = find_layout(tree, self.choice, str(base))
        images = layout.images()
        twice = listed_twice(base, images) if found.followed or found.linked else []
        every = [*found.left_out, *layout.left_out(tree), *twice]
        left_out = left_out_notes(every, layout.class_of, keep=True)
        if not layout.classes:
            said = "".join(f"; {note.line}" for note in left_out)
            raise DataError(
                f"{base} has no class folders with images in them{said}; {_use_a_table(base)}"
            )
        gone = {left.place for left in twice}
        listing = self._listing(base, layout, [one for one in images if one.path not in gone])
        notes = [*layout_notes(layout, self.choice), *self._share_note(layout, listing)]
        return replace(
            listing,
            notes=(*notes, *link_notes(found), *left_out),
            policies=self.policies | policies(found, self.keep),
        )

    def other_classes(self, listing: Listing) -> str:
        """Point to a table of images."""
        return _use_a_table(self.place(), listing.names[0])

    def _listing(self, base: Path, layout: Layout, images: list[ListedImage]) -> Listing:
        names = tuple(one.path for one in images)
        classes = tuple(sorted({one.kind for one in images}))
        number = {name: label for label, name in enumerate(classes)}
        labels = np.array([number[one.kind] for one in images], np.int64)
        splits = np.array([one.split for one in images], dtype="<U10")
        return Listing(
            classes=classes,
            sources=[base / name for name in names],
            labels=labels,
            splits=self._shared_out(splits, layout, names, labels),
            names=names,
        )

    def _shared_out(
        self,
        splits: NDArray[np.str_],
        layout: Layout,
        names: tuple[str, ...],
        labels: NDArray[np.int64],
    ) -> NDArray[np.str_]:
        """Return the splits, with shares of the training images in those that have no folder."""
        test, validation = self.test, self.validation
        if layout.splits:
            test, validation = (self.choice.shares.get(key, 0.0) for key in ("test", "validation"))
        rows = np.flatnonzero(splits == ("train" if layout.splits else ""))
        # Without the folders around them, so that a folder more above moves no image.
        cut = len("".join(f"{name}/" for name in layout.top))
        shared = stratified_splits(
            [names[row][cut:] for row in rows], labels[rows], test=test, validation=validation
        )
        splits[rows] = shared
        return splits

    def _share_note(self, layout: Layout, listing: Listing) -> list[DataNote]:
        if layout.splits or "test" in self.choice.shares:
            return []
        count = int((listing.splits == "test").sum())
        text = (
            f"no split folders: {self.test:.0%} of each class, {count} of {len(listing.names)} "
            "images, are the test split, by a hash of their paths"
        )
        return [DataNote("guessed", text, count, "test=SHARE or test=FOLDER")]

    def _choice(self) -> SplitChoice:
        split = self.given.text("split")
        if split not in (None, "none"):
            raise UsageError(f"folder: split={split} is not split=none; test=FOLDER names a folder")
        folders = {
            key: path
            for key in SPLITS
            if (path := self.given.text(key)) and (key == "train" or self._names_folder(key))
        }
        if folders and split:
            raise UsageError("folder: split=none takes no train=, test= or validation=FOLDER")
        return SplitChoice(
            folders=folders,
            shares={
                key: self.share(key, 0.0)
                for key in ("test", "validation")
                if key in self.given.given and key not in folders
            },
            pooled=split == "none",
            depth=self.given.integer("depth", 1, low=1, high=20)
            if "depth" in self.given.given
            else None,
        )

    def _names_folder(self, key: str) -> bool:
        """Whether an option names a folder: anything but a share, a number from 0 to below 1."""
        text = self.given.text(key)
        try:
            return text is not None and not 0 <= float(text) < 1
        except ValueError:
            return True


def _use_a_table(base: Path, name: str = "IMAGE.jpg") -> str:
    return (
        f"where folders are not classes write a table, a first line path,label and a line such as "
        f"{shown(name)},CLASS for each image, and name it csv:TABLE.csv,root={base}"
    )
