"""Faces with one attribute against faces with another, of CelebA (Liu et al., ICCV 2015)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from imbench.errors import DataError, UsageError
from imbench.images.classes import REST
from imbench.images.dataset import Listing
from imbench.images.obtain import Obtainable
from imbench.images.options import DatasetOptions
from imbench.spec import Value, unknown_name

__all__ = ["CelebA"]

_ATTRIBUTES, _PARTITION, _IMAGES = (
    "list_attr_celeba.txt",
    "list_eval_partition.txt",
    "img_align_celeba",
)
_SPLITS = {"0": "train", "1": "validation", "2": "test"}


class CelebA(Obtainable):
    """``celeba``: aligned faces, official partition; faces with both attributes or neither are out.

    Options: `majority` (default ``Black_Hair``), `minority` (default ``Blond_Hair``); ``rest`` for
    either is the faces without the other attribute; `geometry` (``stretch``, ``pad``, default
    ``crop``, as is usual for these faces).

    Notes
    -----
    202,599 faces of 10,177 people, aligned and cut to 178 x 218 px, with 40 attributes each. Terms:
    non-commercial research; the images belong to whoever holds their rights. It is not downloaded
    here (``bench data import celeba FOLDER``). The split is the official partition, in which
    nobody stands on two sides. Attributes were labelled by people, and some labels are wrong.

    References
    ----------
    Liu, Luo, Wang and Tang 2015, "Deep learning face attributes in the wild", ICCV,
    arXiv 1411.7766.
    """

    title = "CelebA"
    terms = "non-commercial research"
    paper_name = "CelebA"
    name = "celeba"
    folder_name = "celeba"
    also_in = ("CelebA",)
    by_hand = (
        "CelebA lies on a Google Drive behind quotas: from "
        "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html get img_align_celeba.zip, "
        "list_attr_celeba.txt and list_eval_partition.txt into one folder and run "
        "`bench data import celeba FOLDER`"
    )

    def __init__(self, root: Path, argument: str | None = None, /, **options: Value) -> None:
        super().__init__(root, argument)
        if argument is not None:
            raise UsageError("celeba takes no argument; write celeba:minority=Eyeglasses")
        given = DatasetOptions("celeba", options, ("majority", "minority", "geometry"))
        self.majority = str(given.text("majority", "Black_Hair"))
        self.minority = str(given.text("minority", "Blond_Hair"))
        if self.majority == self.minority:
            raise UsageError(f"celeba: {self.majority} is both majority and minority")
        self.policies = given.policies(geometry="crop")

    @classmethod
    def lacks(cls, folder: Path) -> str | None:
        """Return what of the official layout is missing in a folder."""
        missing = [name for name in (_ATTRIBUTES, _PARTITION) if _place(folder, name) is None]
        images = _place(folder, _IMAGES)
        missing += [] if images is not None and images.is_dir() else [f"{_IMAGES}/"]
        return ", ".join(missing) or None

    def read(self) -> Listing:
        """List the faces with exactly one of the two attributes."""
        base = self.locate()
        images, wanted = _place(base, _IMAGES), (self.majority, self.minority)
        splits = _partition(base)
        names, labels, where = [], [], []
        for name, has in _attributes(base, wanted):
            if has[0] == has[1]:
                continue
            if name not in splits:
                raise DataError(f"{_PARTITION} does not list {name}; {self.remedy()}")
            names.append(name)
            labels.append(int(has[1]))
            where.append(splits[name])
        if not names or images is None:
            raise DataError(f"celeba has no face with only one of {' and '.join(wanted)}")
        if (images / _IMAGES).is_dir():  # as some archives have it
            images = images / _IMAGES
        return Listing(
            classes=wanted,
            sources=[images / name for name in names],
            labels=np.array(labels, np.int64),
            splits=np.array(where),
            names=tuple(names),
            policies=self.policies,
        )

    def _copy_layout(self, path: Path, target: Path) -> None:
        zipped = path / f"{_IMAGES}.zip"
        tables = [_place(path, name) for name in (_ATTRIBUTES, _PARTITION)]
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


def _place(folder: Path, name: str) -> Path | None:
    """Return where something is: beside the others, or in the official subfolders."""
    for place in (folder, folder / "Anno", folder / "Eval", folder / "Img"):
        if (place / name).exists():
            return place / name
    return None


def _lines(base: Path, name: str) -> list[str]:
    path = _place(base, name)
    if path is None:
        raise DataError(f"{base} lacks {name}")
    return path.read_text("utf-8").splitlines()


def _partition(base: Path) -> dict[str, str]:
    splits = {}
    for number, line in enumerate(_lines(base, _PARTITION), 1):
        cells = line.split()
        if not cells:
            continue
        if len(cells) != 2 or cells[1] not in _SPLITS:
            raise DataError(f"{_PARTITION}, line {number}: {line!r} is not a name and 0, 1 or 2")
        splits[cells[0]] = _SPLITS[cells[1]]
    return splits


def _attributes(base: Path, wanted: tuple[str, str]) -> Iterator[tuple[str, tuple[bool, bool]]]:
    """Yield each image and whether it has the two attributes."""
    lines = _lines(base, _ATTRIBUTES)
    if len(lines) < 3 or not lines[0].strip().isdigit():
        raise DataError(f"{_ATTRIBUTES} does not begin with a count and the names of attributes")
    header, rows = lines[1].split(), [line for line in lines[2:] if line.strip()]
    if len(rows) != int(lines[0]):
        raise DataError(f"{_ATTRIBUTES} has {len(rows)} rows and says {lines[0].strip()}")
    for name in wanted:
        if name != REST and name not in header:
            raise unknown_name("attribute of celeba", name, [*header, REST])
    columns = [header.index(name) + 1 if name != REST else 0 for name in wanted]
    for number, row in enumerate(rows, 3):
        cells = row.split()
        if len(cells) != len(header) + 1:
            raise DataError(f"{_ATTRIBUTES}, line {number} has {len(cells) - 1} values")
        a, b = (cells[column] == "1" if column else None for column in columns)
        yield cells[0], (not b if a is None else a, not a if b is None else b)
