"""Splits, groups and weights of the images of a table, each with what is to be said of it."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from imbench.datasets._table import Table
from imbench.errors import DataError
from imbench.images.notes import DataNote
from imbench.images.split import SPLITS
from imbench.images.split_words import split_names

__all__ = ["read_groups", "read_splits", "read_weights"]

_NO_GROUP = ("", "nan", "none", "null", "na", "n/a", "<na>")
"""Cells of images whose group is not known."""


def read_splits(table: Table, name: str) -> tuple[NDArray[np.str_], DataNote]:
    """Return the split of each row; raise DataError if a cell names none."""
    cells = table.column(name)
    known = split_names(dict.fromkeys(cells))
    unknown = Counter(cell for cell in cells if cell not in known)
    if unknown:
        said = ", ".join(f"{cell!r} ({count})" for cell, count in unknown.most_common(5))
        raise DataError(
            f"{table.path}: {len(unknown)} values of column {name!r} are none of "
            f"{', '.join(SPLITS)}: {said}; split=none splits the images anew"
        )
    # That no group is torn is checked where images are decoded; `bench data verify` lists them.
    splits = [known[cell] for cell in cells]
    counts = Counter(splits)
    said = ", ".join(f"{counts[split]} {split}" for split in SPLITS if counts[split])
    note = DataNote("split", f"by column {name!r}: {said}", len(cells), "split=none")
    return np.array(splits, dtype="<U10"), note


def read_groups(table: Table, name: str) -> tuple[NDArray[np.object_], list[DataNote]]:
    """Return the group of each row; an image whose group is not known is one of its own."""
    cells = table.column(name)
    alone = [row for row, cell in enumerate(cells) if cell.casefold() in _NO_GROUP]
    groups = np.array(cells, dtype=object)
    taken = set(cells)
    for row in alone:
        own = f"row {table.lines[row]}"
        while own in taken:
            own += "'"
        groups[row] = own
    sizes = Counter(groups.tolist())
    largest = max(sizes.values())
    if largest == 1:
        words = (
            f"column {name!r} gives each of {len(cells)} images a group of its own: none is kept"
        )
        notes = [DataNote("grouped", f"{words} together", len(cells), "group=COLUMN or group=none")]
    else:
        groups_of = "1 group" if len(sizes) == 1 else f"{len(sizes)} groups"
        words = f"{len(cells)} images in {groups_of} by column {name!r}, the largest of {largest}"
        notes = [DataNote("grouped", words, len(cells), "group=COLUMN or group=none")]
    if alone:
        words = f"{len(alone)} images without a {name} are each a group of their own"
        notes.append(DataNote("guessed", words, len(alone), "fill these cells"))
    return groups, notes


def read_weights(table: Table, name: str) -> tuple[NDArray[np.float64], DataNote]:
    """Return the weight of each row; raise DataError if a cell is no positive number."""
    weights = []
    for line, cell in zip(table.lines, table.column(name), strict=True):
        try:
            weight = float(cell)
        except ValueError:
            weight = math.nan
        if not (math.isfinite(weight) and weight > 0):
            raise DataError(
                f"{table.path}, line {line}: {name} {cell!r} is not a positive number; weight=none "
                "weighs all images alike"
            )
        weights.append(weight)
    words = f"the loss of {len(weights)} images by column {name!r}"
    words += f", {min(weights):g} to {max(weights):g}"
    return np.array(weights, np.float64), DataNote("weighted", words, len(weights), "weight=none")
