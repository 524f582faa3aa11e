"""The class of each row of a table: from a column, or from a column for each class."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

from imbench.datasets._table import Table
from imbench.errors import DataError
from imbench.images.notes import DataNote

__all__ = ["labels_by_columns", "labels_in_column"]

_MISSING = ("nan", "none", "null", "na", "n/a", "<na>", "?", "-")
"""Labels by which other programs may mean that there is none."""
_MARKS = {
    **dict.fromkeys(("1", "1.0", "true", "yes"), True),
    **dict.fromkeys(("0", "0.0", "false", "no"), False),
}


def labels_in_column(table: Table, name: str) -> tuple[list[str | None], list[DataNote]]:
    """Return the label of each row, None where the cell is empty."""
    cells = [unicodedata.normalize("NFC", cell) or None for cell in table.column(name)]
    empty = cells.count(None)
    if empty == len(cells):
        raise DataError(f"{table.path}: column {name!r} is empty; label= names another")
    notes = []
    if empty:
        notes.append(DataNote("left out", f"{empty} images without a {name}", empty, "label them"))
    for label, count in sorted(Counter(filter(None, cells)).items()):
        if label.casefold() in _MISSING:
            words = f"{label!r} is the class of {count} images like any other label"
            notes.append(DataNote("guessed", words, count, "empty these cells to leave them out"))
    return cells, notes


def labels_by_columns(
    table: Table, names: Sequence[str]
) -> tuple[list[str | None], list[DataNote]]:
    """Return the one column of each row that is marked by 1; None where it is not just one.

    -1 is no where a column holds no 0, as in CelebA; elsewhere it is as unsure as an empty cell.

    Raises
    ------
    DataError
        If a cell is no mark, or no row has exactly one.
    """
    columns = [_marks(table, name) for name in names]
    why: Counter[str] = Counter()
    labels: list[str | None] = []
    for row in zip(*columns, strict=True):
        marked = [name for name, mark in zip(names, row, strict=True) if mark]
        if None in row:
            why["with an empty or unsure cell"] += 1
        elif len(marked) != 1:
            why["of several classes" if marked else "of no class"] += 1
        labels.append(marked[0] if len(marked) == 1 and None not in row else None)
    among = f"among the columns {', '.join(names)}"
    if not any(labels):
        raise DataError(f"{table.path}: no row has exactly one 1 {among}; label= names them")
    notes = [
        DataNote("left out", f"{count} images {reason} {among}", count, "label=")
        for reason, count in sorted(why.items())
    ]
    return labels, notes


def _marks(table: Table, name: str) -> list[bool | None]:
    cells = [cell.lower() for cell in table.column(name)]
    minus = {"-1", "-1.0"}
    no = None if {"0", "0.0"} & set(cells) else False
    known = {**_MARKS, "": None, **dict.fromkeys(minus, no)}
    for line, cell in zip(table.lines, cells, strict=True):
        if cell not in known:
            raise DataError(f"{table.path}, line {line}: {name} {cell!r} is neither 0 nor 1")
    return [known[cell] for cell in cells]
