"""Medical images of MedMNIST's npz files, 28 px and up (Yang et al., Scientific Data 2023)."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np

from imbench.datasets._chosen import ChosenClasses
from imbench.datasets._medmnist_files import BINARY, CLASSES, MD5, read_parts
from imbench.errors import DataError, UsageError
from imbench.files.archive import describe_file
from imbench.images.dataset import Listing
from imbench.images.obtain import Obtainable, RemoteFile
from imbench.images.options import DatasetOptions
from imbench.spec import Value, unknown_name

__all__ = ["MedMNIST"]

_RECORD = "https://zenodo.org/records/10519652/files"
_FILE = "https://zenodo.org/record/6496656/files"
_SIZES = ("", "_64", "_128", "_224")


class MedMNIST(ChosenClasses, Obtainable):
    """``medmnist:FILE``: one of MedMNIST's 2-D files, official split.

    FILE is ``pneumoniamnist``, ``bloodmnist``, ... (with ``_64``, ``_128`` or ``_224`` for the
    larger images), or the path of an npz file of that layout. Options: `majority`, `minority`
    (classes; for ``pneumoniamnist`` and ``breastmnist`` the sick are the minority by default).

    Notes
    -----
    Images of 28 x 28 px, grey or in colour, cut to squares by the authors. The files of 28 px are
    downloaded (``bench data fetch medmnist:pneumoniamnist``), larger ones imported. Licence:
    CC BY 4.0, ``dermamnist`` CC BY-NC 4.0. The split is the official one, with a validation split.
    ``chestmnist`` has several labels an image and is refused. Some files have images of one patient
    on two sides; which, they do not say.

    References
    ----------
    Yang, Shi, Wei, Liu, Zhao, Ke, Pfister and Ni 2023, "MedMNIST v2: a large-scale lightweight
    benchmark for 2D and 3D biomedical image classification", Scientific Data 10, 41,
    arXiv 2110.14795.
    """

    title = "MedMNIST"
    terms = "CC BY 4.0 (dermamnist: CC BY-NC 4.0)"

    def __init__(self, root: Path, argument: str | None = None, /, **options: Value) -> None:
        super().__init__(root, argument)
        if not argument:
            raise UsageError("medmnist needs a file: write medmnist:pneumoniamnist")
        self.path = Path(argument) if argument.endswith(".npz") else None
        self.file = self.path.stem if self.path else argument
        self.kind = _kind_of(self.file, strict=self.path is None)
        self.name = f"medmnist:{argument}"
        self.folder_name = f"medmnist-{self.file}"
        self.also_in = ("medmnist",)
        if self.file in MD5 and self.path is None:
            urls = (f"{_RECORD}/{self.file}.npz?download=1", f"{_FILE}/{self.file}.npz?download=1")
            remote = RemoteFile(f"{self.file}.npz", urls, f"md5:{MD5[self.file]}")
            self.remotes = (remote,)
        given = DatasetOptions(self.name, options, ("majority", "minority"))
        majority, minority = BINARY.get(self.kind or "", (None, None))
        chosen = "majority" in options or "minority" in options
        self.majority = given.text("majority", None if chosen else majority)
        self.minority = given.text("minority", None if chosen else minority)

    def lacks(self, folder: Path) -> str | None:
        """Return what is missing in a folder."""
        name = f"{self.file}.npz"
        return None if (folder / name).is_file() else name

    def remedy(self) -> str:
        """Return the end of a sentence: what provides the file, or how to write one elsewhere."""
        found = next((place for place in self._places(f"{self.file}.npz") if place.is_file()), None)
        return f"write {self.name}.npz for {found}" if found else super().remedy()

    def everything(self) -> Listing:
        """List the images of all classes."""
        path = self._place()
        parts = read_parts(path)
        labels = np.concatenate([part[1] for part in parts.values()])
        names = CLASSES.get(self.kind or "", ())
        count = int(labels.max(initial=0)) + 1
        if (names and count > len(names)) or count > 1000 or labels.min(initial=0) < 0:
            raise DataError(f"{path} has labels up to {count - 1}; {len(names)} classes are known")
        sizes = [len(part[1]) for part in parts.values()]
        try:
            pixels = np.concatenate([part[0] for part in parts.values()])
        except ValueError as error:
            raise DataError(f"{path}: the splits have images of different shapes") from error
        return Listing(
            classes=names or tuple(str(label) for label in range(count)),
            sources=pixels,
            labels=labels,
            splits=np.repeat(list(parts), sizes),
            names=tuple(
                f"{split}/{row:06d}"
                for split, size in zip(parts, sizes, strict=True)
                for row in range(size)
            ),
            channels=pixels.shape[-1],
        )

    def find_fault(self, path: Path) -> str | None:
        """Return in words what is wrong with a downloaded file; None if nothing is."""
        return None if zipfile.is_zipfile(path) else f"the file is {describe_file(path)}, not npz"

    def _place(self) -> Path:
        if self.path is None:
            return self.locate() / f"{self.file}.npz"
        places = self._places(self.path)
        for place in places:
            if place.is_file():
                return place
        looked = " nor ".join(map(str, places))
        raise DataError(f"{self.name}: there is no {looked}{self._or_fetched(self.path.name)}")

    def _places(self, path: Path | str) -> list[Path]:
        return [self.root / path, Path.cwd() / Path(path).expanduser()]

    def _or_fetched(self, name: str) -> str:
        """Return the end of a sentence, where a file lies with those that are downloaded."""
        for folder in (self.folder_name, *self.also_in):
            if (self.root / folder / name).is_file():
                spec = f"medmnist:{self.file if self.kind else f'{folder}/{name}'}"
                return f"; write {spec} for {self.root / folder / name}"
        if self.file in MD5:
            known = f"medmnist:{self.file}"
            return f"; write {known} for the one that `bench data fetch {known}` downloads"
        return ""

    def _copy_layout(self, path: Path, target: Path) -> None:
        target.mkdir()
        name = f"{self.file}.npz"
        shutil.copy2(self._find_layout(path) / name, target / name)

    def _unpack(self, path: Path, folder: Path) -> None:
        """Keep the npz file as it is: it would be taken for an archive."""
        if path.suffix != ".npz":
            super()._unpack(path, folder)
        elif path.parent != folder:
            shutil.copy2(path, folder / f"{self.file}.npz")


def _kind_of(file: str, *, strict: bool) -> str | None:
    """Return which data set of MedMNIST a file is by its name; None if it is not known."""
    for kind in CLASSES:
        if file in {kind + size for size in _SIZES}:
            return kind
    if not strict:
        return None
    if file.startswith("chestmnist"):
        raise UsageError("medmnist:chestmnist has several labels an image, and imbench reads one")
    raise unknown_name("file of medmnist", file, [*CLASSES])
