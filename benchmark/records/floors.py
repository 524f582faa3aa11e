"""Records of floors: scores that a method has to be above, of what needs no network.

They are records of cells whose recipe is no method, in a folder of their own, so that nothing
that counts, compares or plans methods meets them. A report reads them beside the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from imbench.records.cell import Cell
from imbench.records.record import Record
from imbench.records.store import Store

__all__ = [
    "COLOUR",
    "FEATURES",
    "FLOOR_TITLES",
    "floor_store",
    "floors_beside",
    "is_floor",
    "read_floors",
]

FOLDER = "floors"
COLOUR = "floor:colour"
"""Recipe of the colour floor; no method is called ``floor``."""
FEATURES = "floor:features"
"""Recipe of the floor of frozen features; the cell's versions name the backbone."""
FLOOR_TITLES = {COLOUR: "colour floor", FEATURES: "feature floor"}


def is_floor(cell: Cell) -> bool:
    """Whether a cell is of a floor, not of a method."""
    return cell.recipe in FLOOR_TITLES


def floor_store(results: Path, *, own: bool = False) -> Store:
    """Return the store of the floors of a results folder."""
    return Store(results / FOLDER, own=own)


def read_floors(results: Path) -> list[Record]:
    """Return the records of all floors; empty where a results folder has none."""
    return floor_store(results).records()


def floors_beside(records: Iterable[Record], floors: Iterable[Record]) -> list[Record]:
    """Return the floors that any of the records of methods can be held against."""
    compared = {_place(record.cell) for record in records}
    return [one for one in floors if _place(one.cell) in compared]


def _place(cell: Cell) -> tuple[object, ...]:
    return cell.fingerprint, cell.shots, cell.majority, cell.seed, cell.protocol, cell.settings
