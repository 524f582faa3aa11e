"""Photographs of waste by material: TrashNet (Yang and Thung 2016)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from imbench.datasets._chosen import ChosenClasses
from imbench.errors import UsageError
from imbench.images.classes import REST
from imbench.images.dataset import Listing
from imbench.images.image_files import find_images
from imbench.images.left_out import left_out_notes
from imbench.images.obtain import Obtainable, RemoteFile
from imbench.images.options import DatasetOptions
from imbench.images.split import own_split_note, stratified_splits
from imbench.spec import Value

__all__ = ["TrashNet"]

_COMMIT = "6fa2b878c6c1b4304b91109070ce0edf9279bb31"


class TrashNet(ChosenClasses, Obtainable):
    """``trashnet``: 2,527 photographs of waste, of six materials.

    Options: `majority` (default ``rest``, all other materials), `minority` (default ``trash``, 137
    images of what is of no material; ``glass/plastic``, ...), `test` (the share of each class,
    default ``0.25``, which leaves 103 of ``trash`` for training), `geometry` (default
    ``stretch``; ``pad``, ``crop``), `copies` as for a folder. All six materials:
    ``trashnet:majority=paper,minority=glass/plastic/metal/cardboard/trash``.

    Notes
    -----
    Objects on a white board, one a photograph, scaled to 512 x 384 px by the authors
    (``bench data fetch trashnet``). Licence: MIT. There is no official split for images of all six
    classes; ours takes the same share of each class by a hash of the file's name. Several
    photographs show one object, and which is not said, so that test images may have siblings in
    training. Copies of test images are left out of training.

    References
    ----------
    Yang and Thung 2016, "Classification of trash for recyclability status", CS 229 project report,
    Stanford University, https://github.com/garythung/trashnet.
    """

    title = "TrashNet"
    terms = "MIT"
    known_leaks = True
    name = "trashnet"
    folder_name = "trashnet"
    # The name that git gives to the file in that commit.
    remotes = (
        RemoteFile(
            file="dataset-resized.zip",
            urls=(
                "https://raw.githubusercontent.com/garythung/trashnet/"
                f"{_COMMIT}/data/dataset-resized.zip",
            ),
            checksum="git:4184b4e9d359026a49e5d34ac2cead944f53be88",
        ),
    )
    official_classes: ClassVar[Mapping[str, int]] = {
        "paper": 594,
        "glass": 501,
        "plastic": 482,
        "metal": 410,
        "cardboard": 403,
        "trash": 137,
    }

    def __init__(self, root: Path, argument: str | None = None, /, **options: Value) -> None:
        super().__init__(root, argument)
        if argument is not None:
            raise UsageError("trashnet takes no argument; write trashnet:minority=glass")
        known = ("majority", "minority", "test", "geometry", "copies")
        given = DatasetOptions("trashnet", options, known)
        self.majority = given.text("majority", REST)
        self.minority = given.text("minority", "trash")
        self.test = given.share("test", 0.25)
        self.policies = given.policies(geometry="stretch")

    def lacks(self, folder: Path) -> str | None:
        """Return what of the official layout is missing in a folder."""
        missing = [f"{name}/" for name in self.official_classes if not (folder / name).is_dir()]
        return ", ".join(missing) or None

    def everything(self) -> Listing:
        """List the photographs of all six materials."""
        base = self.locate()
        names, labels, left_out = [], [], []
        for label, kind in enumerate(self.official_classes):
            found = find_images(base / kind)
            names += [f"{kind}/{file}" for file in found.files]
            labels += [label] * len(found.files)
            left_out += [replace(one, place=f"{kind}/{one.place}") for one in found.left_out]
        splits = stratified_splits(names, np.array(labels, np.int64), test=self.test)
        apart = "photographs of one object are not kept together, as nothing says which they are"
        return Listing(
            classes=tuple(self.official_classes),
            sources=[base / name for name in names],
            labels=np.array(labels, np.int64),
            splits=splits,
            names=tuple(names),
            notes=(
                own_split_note(splits, self.test, apart),
                *left_out_notes(left_out, lambda place: place.split("/")[0]),
            ),
            policies=self.policies,
        )
