"""The tables of CelebA: the official text files, or the CSV tables that Kaggle made of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from imbench.datasets._table import read_table
from imbench.errors import DataError
from imbench.files.reading import LARGE, read_text
from imbench.images.classes import REST
from imbench.spec import unknown_name

__all__ = ["ATTRIBUTES", "PARTITION", "place", "read_attributes", "read_partition", "table_of"]

ATTRIBUTES, PARTITION = "list_attr_celeba", "list_eval_partition"
_SPLITS = {"0": "train", "1": "validation", "2": "test"}


def place(folder: Path, name: str) -> Path | None:
    """Return where something is: beside the others, or in the official subfolders."""
    for where in (folder, folder / "Anno", folder / "Eval", folder / "Img"):
        if (where / name).exists():
            return where / name
    return None


def table_of(folder: Path, name: str) -> Path | None:
    """Return the official table of a name, or else Kaggle's."""
    return place(folder, f"{name}.txt") or place(folder, f"{name}.csv")


def read_partition(folder: Path) -> dict[str, str]:
    """Return the split of each image."""
    path, splits = _existing(folder, PARTITION), {}
    for line, cells in _csv(path)[1] if path.suffix == ".csv" else _words(path):
        if len(cells) != 2 or cells[1] not in _SPLITS:
            raise DataError(f"{path.name}, line {line}: {cells} is not a name and 0, 1 or 2")
        splits[cells[0]] = _SPLITS[cells[1]]
    return splits


def read_attributes(
    folder: Path, wanted: tuple[str, str]
) -> Iterator[tuple[str, tuple[bool, bool]]]:
    """Yield each image and whether it has the two attributes."""
    path = _existing(folder, ATTRIBUTES)
    header, rows = _csv(path) if path.suffix == ".csv" else _official(path)
    for name in wanted:
        if name != REST and name not in header:
            raise unknown_name("attribute of celeba", name, [*header, REST])
    columns = [header.index(name) + 1 if name != REST else 0 for name in wanted]
    for line, cells in rows:
        if len(cells) != len(header) + 1:
            raise DataError(f"{path.name}, line {line} has {len(cells) - 1} values")
        a, b = (cells[column] == "1" if column else None for column in columns)
        yield cells[0], (not b if a is None else a, not a if b is None else b)


Rows = list[tuple[int, list[str]]]
"""Line and cells of each row."""


def _existing(folder: Path, name: str) -> Path:
    path = table_of(folder, name)
    if path is None:
        raise DataError(f"{folder} lacks {name}.txt")
    return path


def _words(path: Path) -> Rows:
    try:
        lines = read_text(path, LARGE).splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8: {error.reason}") from error
    return [(number, line.split()) for number, line in enumerate(lines, 1) if line.strip()]


def _official(path: Path) -> tuple[list[str], Rows]:
    """Read a count, the names of the attributes, and a row for each image."""
    rows = _words(path)
    if len(rows) < 3 or len(rows[0][1]) != 1 or not rows[0][1][0].isdigit():
        raise DataError(f"{path.name} does not begin with a count and the names of attributes")
    (_, (count,)), (_, header), *rest = rows
    if len(rest) != int(count):
        raise DataError(f"{path.name} has {len(rest)} rows and says {count}")
    return header, rest


def _csv(path: Path) -> tuple[list[str], Rows]:
    table = read_table(path, expected=("image_id", "partition"))
    return table.header[1:], list(zip(table.lines, table.rows, strict=True))
