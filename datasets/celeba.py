"""Faces with one attribute against faces with another, of CelebA (Liu et al., ICCV 2015)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imbench.datasets._celeba_tables import (
    ATTRIBUTES,
    PARTITION,
    place,
    read_attributes,
    read_partition,
    table_of,
)
from imbench.errors import DataError, UsageError
from imbench.images.dataset import Listing
from imbench.images.notes import DataNote
from imbench.images.obtain import Obtainable
from imbench.images.options import DatasetOptions
from imbench.spec import Value

__all__ = ["CelebA"]

_IMAGES = "img_align_celeba"


class CelebA(Obtainable):
    """``celeba``: aligned faces, official partition; faces with both attributes or neither are out.

    Options: `majority` (default ``Black_Hair``), `minority` (default ``Blond_Hair``); ``rest`` for
    either is the faces without the other attribute; `geometry` (``stretch``, ``pad``, default
    ``crop``, as is usual for these faces); `copies` as for a folder.

    Notes
    -----
    202,599 faces of 10,177 people, aligned and cut to 178 x 218 px, with 40 attributes each. Terms:
    non-commercial research; the images belong to whoever holds their rights. It is not downloaded
    here (``bench data import celeba FOLDER``); a copy with CSV tables, as on Kaggle, is read too.
    The split is the official partition, in which nobody stands on two sides. Attributes were
    labelled by people, and some labels are wrong.

    References
    ----------
    Liu, Luo, Wang and Tang 2015, "Deep learning face attributes in the wild", ICCV,
    arXiv 1411.7766.
    """

    title = "CelebA"
    terms = "non-commercial research"
    name = "celeba"
    folder_name = "celeba"
    also_in = ("CelebA",)
    by_hand = (
        "CelebA lies on a Google Drive behind quotas: from "
        "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html get img_align_celeba.zip, "
        "list_attr_celeba.txt and list_eval_partition.txt into one folder and run "
        "`bench data import celeba FOLDER`; or import the archive of Kaggle's copy"
    )

    def __init__(self, root: Path, argument: str | None = None, /, **options: Value) -> None:
        super().__init__(root, argument)
        if argument is not None:
            raise UsageError("celeba takes no argument; write celeba:minority=Eyeglasses")
        given = DatasetOptions("celeba", options, ("majority", "minority", "geometry", "copies"))
        self.majority = str(given.text("majority", "Black_Hair"))
        self.minority = str(given.text("minority", "Blond_Hair"))
        if self.majority == self.minority:
            raise UsageError(f"celeba: {self.majority} is both majority and minority")
        self.policies = given.policies(geometry="crop")

    def lacks(self, folder: Path) -> str | None:
        """Return what of the official layout is missing in a folder."""
        missing = [
            f"{name}.txt" for name in (ATTRIBUTES, PARTITION) if table_of(folder, name) is None
        ]
        images = place(folder, _IMAGES)
        missing += [] if images is not None and images.is_dir() else [f"{_IMAGES}/"]
        return ", ".join(missing) or None

    def read(self) -> Listing:
        """List the faces with exactly one of the two attributes."""
        base = self.locate()
        images, wanted = place(base, _IMAGES), (self.majority, self.minority)
        splits = read_partition(base)
        names, labels, where = [], [], []
        out = 0
        for name, has in read_attributes(base, wanted):
            if has[0] == has[1]:
                out += 1
                continue
            if name not in splits:
                raise DataError(f"{PARTITION} does not list {name}; {self.remedy()}")
            names.append(name)
            labels.append(int(has[1]))
            where.append(splits[name])
        if not names or images is None:
            raise DataError(f"celeba has no face with only one of {' and '.join(wanted)}")
        if (images / _IMAGES).is_dir():  # as some archives have it
            images = images / _IMAGES
        words = f"{out} faces that have both {' and '.join(wanted)} or neither"
        note = DataNote("left out", words, out, "majority=rest or minority=rest")
        return Listing(
            classes=wanted,
            sources=[images / name for name in names],
            labels=np.array(labels, np.int64),
            splits=np.array(where),
            names=tuple(names),
            notes=(note,) if out else (),
            policies=self.policies,
        )

    def _copy_layout(self, path: Path, target: Path) -> None:
        zipped = path / f"{_IMAGES}.zip"
        tables = [table_of(path, name) for name in (ATTRIBUTES, PARTITION)]
        if self.lacks(path) is not None and zipped.is_file() and None not in tables:
            import shutil

            from imbench.files.archive import extract

            extract(zipped, target)
            if not (target / _IMAGES).is_dir():
                raise DataError(f"{zipped} holds no folder {_IMAGES}")
            for table in tables:
                if table is not None:
                    shutil.copy2(table, target / table.name)
        else:
            super()._copy_layout(path, target)
