"""Red blood cells on smears: Chula RBC-12 (Naruenatthanaset et al., arXiv 2012.01321)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.errors import DataError, UsageError
from imbench.files.reading import LARGE, SMALL, open_regular, read_text
from imbench.images.classes import choose_classes
from imbench.images.dataset import Listing
from imbench.images.notes import DataNote
from imbench.images.obtain import Obtainable, RemoteFile
from imbench.images.options import DatasetOptions
from imbench.images.split import stratified_splits
from imbench.images.whole_groups import share_notes
from imbench.spec import Value

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["RedBloodCells"]

_COMMIT = "fa130f48135d79bbd69f8e540b533511017d6896"


@dataclass(frozen=True)
class _Cell:
    """A point on a smear: its line in the label file, its place in pixels and its type."""

    smear: str
    line: int
    x: int
    y: int
    kind: int

    @property
    def name(self) -> str:
        return f"{self.smear}/{self.line:03d}"


class RedBloodCells(Obtainable):
    """``rbc``: more than 20,000 red blood cells of thirteen types on 738 smears.

    Options: `majority` (default ``normal``), `minority` (default ``teardrop``; ``schistocyte``,
    ``teardrop/schistocyte``, ``rest``, ...), `test` (the share of the smears' cells, default
    ``0.5``), `side` (of the square around a cell's point, in pixels, default ``72``: a cell and
    its rim).

    Notes
    -----
    Smears of 640 x 480 px, with a point and a type for each cell (``bench data fetch rbc``).
    Licence: MIT. An image is the square around a point, in which neighbours may be seen; points
    nearer to an edge than half a side have no such square and are left out. There is no official
    split; ours is by smear, since the stain differs between smears and would give classes away:
    colour alone ranks cells with an AUROC of about .84.

    References
    ----------
    Naruenatthanaset, Chalidabhongse, Palasuwan, Anantrasirichai and Palasuwan 2021, "Red blood cell
    segmentation with overlapping cell separation and classification on imbalanced dataset",
    arXiv 2012.01321, https://github.com/Chula-PIC-Lab/Chula-RBC-12-Dataset.
    """

    title = "Chula RBC-12"
    terms = "MIT"
    name = "rbc"
    folder_name = "Chula-RBC-12"
    # The server packs the archive anew for everyone, so the two folders in it are checked, by the
    # names that git gives them in that commit.
    remotes = (
        RemoteFile(
            file="Chula-RBC-12-Dataset.zip",
            urls=("https://codeload.github.com/Chula-PIC-Lab/Chula-RBC-12-Dataset/zip/" + _COMMIT,),
            trees={
                "Dataset": "ae1f7e6900c368625a93f6a68c62c968920b374d",
                "Label": "cb73801e1e10e1f2c57721d38578a295fbd4afca",
            },
        ),
    )
    types: ClassVar[tuple[str, ...]] = (
        *("normal", "macrocyte", "microcyte", "spherocyte", "target", "stomatocyte", "ovalocyte"),
        *("teardrop", "burr", "schistocyte", "uncategorised", "hypochromia", "elliptocyte"),
    )
    """The type that each number of a label file stands for."""

    def __init__(self, root: Path, argument: str | None = None, /, **options: Value) -> None:
        super().__init__(root, argument)
        if argument is not None:
            raise UsageError("rbc takes no argument; write rbc:minority=schistocyte")
        given = DatasetOptions("rbc", options, ("majority", "minority", "test", "side"))
        self.majority = given.text("majority", "normal")
        self.minority = given.text("minority", "teardrop")
        self.test = given.share("test", 0.5)
        self.side = given.integer("side", 72, low=8, high=400)

    def lacks(self, folder: Path) -> str | None:
        """Return what of the official layout is missing in a folder."""
        missing = [f"{name}/" for name in ("Dataset", "Label") if not (folder / name).is_dir()]
        return ", ".join(missing) or None

    def everything(self) -> Listing:
        """List the cells of all types."""
        return self._cut(self._points())

    def read(self) -> Listing:
        """List the cells of the chosen types."""
        chosen = choose_classes(
            self._points(), majority=self.majority, minority=self.minority, owner=self.name
        )
        notes = (*chosen.notes, *share_notes(chosen, {"test": self.test}))
        return self._cut(replace(chosen, notes=notes))

    def _points(self) -> Listing:
        """List the cells that have a whole square; the source of each is its smear."""
        base = self.locate()
        half = self.side // 2
        cells: list[_Cell] = []
        near = 0
        for path in sorted((base / "Label").glob("*.txt"), key=_smear_order):
            width, height = self._size(base, path.stem)
            found = _read_points(path, len(self.types))
            whole = [
                cell
                for cell in found
                if half <= cell.x <= width - self.side + half
                and half <= cell.y <= height - self.side + half
            ]
            near += len(found) - len(whole)
            cells += whole
        if not cells:
            raise DataError(f"{base} has no cell with a whole square around it; {self.remedy()}")
        smears = np.array([cell.smear for cell in cells], dtype=object)
        names = tuple(cell.name for cell in cells)
        # One class for all: quotas of thirteen classes would each keep smears out of the test
        # split once their own is full, and rare types would decide about common ones.
        splits = stratified_splits(
            names, np.zeros(len(cells), np.int64), test=self.test, groups=smears
        )
        listing = Listing(
            classes=self.types,
            sources=[base / "Dataset" / f"{cell.smear}.jpg" for cell in cells],
            labels=np.array([cell.kind for cell in cells], np.int64),
            splits=splits,
            names=names,
            groups=smears,
        )
        return replace(listing, notes=tuple(self._notes(listing, near)))

    def _notes(self, listing: Listing, near: int) -> Iterable[DataNote]:
        groups = listing.groups
        assert groups is not None  # noqa: S101 - set above
        smears = len(set(groups.tolist()))
        count = int((listing.splits == "test").sum())
        words = f"no official split: {count} of {len(listing.names)} cells are the test split, "
        yield DataNote("guessed", f"{words}by smear ({smears} smears)", count, "test=SHARE")
        if near:
            words = f"{near} cells nearer to the edge of a smear than half of {self.side} px"
            yield DataNote("left out", words, near, "side=PIXELS")

    def _cut(self, listing: Listing) -> Listing:
        """Return the listing with the squares around the points as sources."""
        from PIL import Image

        squares = np.empty((len(listing.names), self.side, self.side, 3), np.uint8)
        row = 0
        for path, places in groupby(zip(listing.sources, listing.names, strict=True), _smear_of):
            points = {cell.name: cell for cell in self._cells_of(path)}
            with open_regular(path, LARGE) as raw, Image.open(raw) as image:
                pixels = self._pixels(image, path)
            for _, name in places:
                cell = points[name]
                top, left = cell.y - self.side // 2, cell.x - self.side // 2
                squares[row] = pixels[top : top + self.side, left : left + self.side]
                row += 1
        return replace(listing, sources=squares)

    def _pixels(self, image: Image.Image, path: Path) -> NDArray[np.uint8]:
        try:
            return np.asarray(image.convert("RGB"))
        except (OSError, SyntaxError) as error:
            raise DataError(f"{path} cannot be decoded: {error}; {self.remedy()}") from error

    def _cells_of(self, smear: Path) -> list[_Cell]:
        return _read_points(smear.parent.parent / "Label" / f"{smear.stem}.txt", len(self.types))

    def _size(self, base: Path, smear: str) -> tuple[int, int]:
        from PIL import Image

        path = base / "Dataset" / f"{smear}.jpg"
        try:
            with open_regular(path, LARGE) as raw, Image.open(raw) as image:
                return image.size
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise DataError(
                f"{path}, a smear that has a label file, cannot be read: {error}; {self.remedy()}"
            ) from error


def _read_points(path: Path, types: int) -> list[_Cell]:
    """Read lines ``x y type``; empty ones are skipped."""
    cells = []
    try:
        lines = read_text(path, SMALL).splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if len(words) != 3 or not all(word.isascii() and word.isdigit() for word in words):
            raise DataError(f"{path}, line {number}: {line!r} is not x, y and a type")
        x, y, kind = (int(word[:9]) for word in words)
        if kind >= types:
            raise DataError(f"{path}, line {number}: no type {kind}, they are 0 to {types - 1}")
        cells.append(_Cell(path.stem, number, x, y, kind))
    return cells


def _smear_order(path: Path) -> tuple[int, str]:
    return (int(path.stem[:9]) if path.stem.isdigit() else 0, path.stem)


def _smear_of(place: tuple[Path, str]) -> Path:
    return place[0]
