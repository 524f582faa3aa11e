"""Which records may stand in one table: same data, same majority, same settings, same protocol."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import NamedTuple

from imbench.errors import UsageError
from imbench.records.cell import Cell, Settings
from imbench.records.record import Record
from imbench.spec import short_names

__all__ = [
    "Basis",
    "Group",
    "MethodKey",
    "format_ranges",
    "group_differences",
    "group_records",
    "method_order",
    "method_title",
]


class Basis(NamedTuple):
    """What records must share to be compared. The name of the data set is not part of it."""

    fingerprint: str
    majority: int | None
    protocol: int
    settings: Settings


class MethodKey(NamedTuple):
    """A method as a table has it: its recipe, and the versions of its parts."""

    recipe: str
    versions: tuple[tuple[str, int], ...]


@dataclass
class Group:
    """Comparable records, by method, minority count and seed."""

    basis: Basis
    names: list[str] = field(default_factory=list)
    """Data set specs the records were run under, sorted; one, unless the data moved."""
    title: str = ""
    """Name for headings: the end of the path where the spec is long, unlike that of other data."""
    slots: dict[tuple[MethodKey, int], dict[int, Record]] = field(default_factory=dict)
    planned: dict[tuple[MethodKey, int], set[int]] = field(default_factory=dict)
    """Seeds asked for, whether or not a record of them exists."""
    edited: set[tuple[MethodKey, int, int]] = field(default_factory=set)
    """Method, count and seed of records whose checksum is wrong."""

    @property
    def name(self) -> str:
        """Return the spec of the data set, the first of several."""
        return self.names[0]

    @cached_property
    def code(self) -> str:
        """Return eight hexadecimal digits that tell this group from every other one."""
        return hashlib.sha256(repr(self.basis).encode()).hexdigest()[:8]

    @cached_property
    def seeds(self) -> list[int]:
        """Return all seeds, sorted."""
        found = {seed for slot in self.slots.values() for seed in slot}
        return sorted(found.union(*self.planned.values()))

    @cached_property
    def counts(self) -> list[int]:
        """Return all minority counts, sorted."""
        return sorted({count for _, count in (*self.slots, *self.planned)})

    @cached_property
    def rows(self) -> list[MethodKey]:
        """Return all methods: the paper's in its order, then others alphabetically."""
        return sorted({row for row, _ in (*self.slots, *self.planned)}, key=method_order)

    @cached_property
    def records(self) -> list[Record]:
        """Return all records, by method, count and seed."""
        return [
            self.slots[row, count][seed]
            for row in self.rows
            for count in self.counts
            for seed in sorted(self.slots.get((row, count), ()))
        ]

    @cached_property
    def test_counts(self) -> list[int]:
        """Return the test images of each class, from the first record that knows them."""
        return next((record.test_counts for record in self.records if record.test_counts), [])

    @cached_property
    def majority(self) -> int | None:
        """Return the majority's training images, from the first record that knows them."""
        for record in self.records:
            if record.train_counts:
                return record.train_counts[0]
        return self.basis.majority


def group_records(records: Iterable[Record], planned: Iterable[Cell] = ()) -> list[Group]:
    """Sort records into comparable groups, by name of the data set.

    Of two records of the same cell a finished one wins. `planned` cells that have no record become
    holes of the group they belong to; without any record there is no group.
    """
    found: dict[Basis, Group] = {}
    for record in records:
        basis = _basis(record.cell)
        group = found.setdefault(basis, Group(basis))
        if record.cell.dataset not in group.names:
            group.names = sorted([*group.names, record.cell.dataset])
        row, count, seed = _row(record.cell), record.cell.minority, record.cell.seed
        slot = group.slots.setdefault((row, count), {})
        if seed in slot and slot[seed].done:
            continue
        slot[seed] = record
        group.edited.discard((row, count, seed))
        if not record.intact:
            group.edited.add((row, count, seed))
    for cell in planned:
        if _basis(cell) in found:
            asked = found[_basis(cell)].planned
            asked.setdefault((_row(cell), cell.minority), set()).add(cell.seed)
    titles = short_names(group.name for group in found.values())
    for group in found.values():
        group.title = titles[group.name]
    return sorted(found.values(), key=_group_order)


def group_differences(alike: Sequence[Group]) -> dict[str, list[str]]:
    """Return what groups of one data set differ in: field name to one value per group."""
    described = [_described(group) for group in alike]
    return {
        key: [str(one[key]) for one in described]
        for key in described[0]
        if len({str(one[key]) for one in described}) > 1
    }


def method_order(row: MethodKey) -> tuple[int, str, tuple[tuple[str, int], ...]]:
    """Return the sort key of a method: the paper's order, then the alphabet."""
    from imbench.training.recipe import PAPER_METHODS

    rank = PAPER_METHODS.index(row.recipe) if row.recipe in PAPER_METHODS else len(PAPER_METHODS)
    return rank, row.recipe, row.versions


@cache
def method_title(recipe: str) -> str:
    """Return a method's name as the paper prints it.

    A recipe whose plug-in is not installed here keeps its text: its records are still sound.
    """
    from imbench.training.recipe import parse_recorded

    try:
        return parse_recorded(recipe).title
    except UsageError:
        return recipe


def format_ranges(numbers: Iterable[int]) -> str:
    """Write integers as ``0-2,5``."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)


def _basis(cell: Cell) -> Basis:
    return Basis(cell.fingerprint, cell.majority, cell.protocol, cell.settings)


def _row(cell: Cell) -> MethodKey:
    return MethodKey(cell.recipe, tuple(sorted(cell.versions.items())))


def _described(group: Group) -> dict[str, object]:
    basis = group.basis
    majority = "all" if basis.majority is None else basis.majority
    return {
        "data": basis.fingerprint[:12],
        "majority": majority,
        "protocol": basis.protocol,
        **basis.settings.model_dump(),
    }


def _group_order(group: Group) -> tuple[object, ...]:
    basis = group.basis
    majority = math.inf if basis.majority is None else basis.majority
    settings = tuple(basis.settings.model_dump().values())
    return group.name, basis.fingerprint, majority, basis.protocol, settings
