"""Group records that are comparable: same data, majority, settings and protocol."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import NamedTuple

from imbench.errors import UsageError
from imbench.records.cell import Cell, Settings
from imbench.records.floors import FLOOR_TITLES, is_floor
from imbench.records.record import Record
from imbench.short_names import short_names

__all__ = [
    "Basis",
    "Group",
    "MethodKey",
    "format_ranges",
    "group_differences",
    "group_records",
    "method_order",
    "method_title",
    "shots_label",
    "without_group",
]


class Basis(NamedTuple):
    """What comparable records share; not the name of the data set."""

    fingerprint: str
    majority: int | None
    protocol: int
    settings: Settings
    by_class: tuple[int, ...] | None = None
    """Training images of minorities 1, 2, ... where they differ: such cells share no table."""

    @property
    def text(self) -> str:
        """Return what identifies it, as it was before there were counts by class."""
        return repr(self).replace(", by_class=None)", ")")


class MethodKey(NamedTuple):
    """A method: its recipe and the versions of its parts."""

    recipe: str
    versions: tuple[tuple[str, int], ...]


@dataclass
class Group:
    """Comparable records, by method, minority count and seed."""

    basis: Basis
    names: list[str] = field(default_factory=list)
    """Specs of the data set, sorted; several only if the data moved."""
    title: str = ""
    """Name for headings: the end of the path where the spec is long, unlike that of other data."""
    slots: dict[tuple[MethodKey, int], dict[int, Record]] = field(default_factory=dict)
    planned: dict[tuple[MethodKey, int], set[int]] = field(default_factory=dict)
    """Seeds of the plans, whether or not they have records."""
    edited: set[tuple[MethodKey, int, int]] = field(default_factory=set)
    """Method, count and seed of records whose checksum is wrong."""
    floors: dict[tuple[str, int], dict[int, Record]] = field(default_factory=dict)
    """Recipe and count of floors, which are no methods, to their records by seed."""

    @property
    def name(self) -> str:
        """Return the spec of the data set, the first of several."""
        return self.names[0]

    @cached_property
    def code(self) -> str:
        """Eight hexadecimal digits that identify the group."""
        return hashlib.sha256(self.basis.text.encode()).hexdigest()[:8]

    def label(self, count: int) -> str:
        """Return a count as the head of a column: ``50``, or ``77-282`` where classes differ."""
        by_class = self.basis.by_class
        return str(count) if by_class is None else _range(by_class)

    @cached_property
    def seeds(self) -> list[int]:
        """All seeds, sorted."""
        seeds = {seed for slot in self.slots.values() for seed in slot}
        return sorted(seeds.union(*self.planned.values()))

    @cached_property
    def counts(self) -> list[int]:
        """All minority counts, sorted."""
        return sorted({count for _, count in (*self.slots, *self.planned)})

    @cached_property
    def rows(self) -> list[MethodKey]:
        """All methods: those of the paper in its order, then others alphabetically."""
        return sorted({row for row, _ in (*self.slots, *self.planned)}, key=method_order)

    @cached_property
    def records(self) -> list[Record]:
        """All records, by method, count and seed."""
        return [
            self.slots[row, count][seed]
            for row in self.rows
            for count in self.counts
            for seed in sorted(self.slots.get((row, count), ()))
        ]

    @cached_property
    def test_counts(self) -> list[int]:
        """Test images of each class, from the first record that has them."""
        return next((record.test_counts for record in self.records if record.test_counts), [])

    @cached_property
    def data_notes(self) -> list[str]:
        """What was done to the data, from the first record that says it."""
        return next((record.data_notes for record in self.records if record.data_notes), [])

    @cached_property
    def majority(self) -> int | None:
        """Training images of the majority, from the first record that has them."""
        counts = (record.train_counts[0] for record in self.records if record.train_counts)
        return next(counts, self.basis.majority)


def group_records(records: Iterable[Record], planned: Iterable[Cell] = ()) -> list[Group]:
    """Return the groups of comparable records, by name of the data set.

    If a cell has two records, a finished one is taken. `planned` are the cells of all plans, with
    or without a record; those comparable to no record are left out: see `without_group`.
    """
    groups: dict[Basis, Group] = {}
    for record in records:
        basis = _basis(record.cell)
        group = groups.setdefault(basis, Group(basis))
        if is_floor(record.cell):
            place = record.cell.recipe, record.cell.minority
            group.floors.setdefault(place, {})[record.cell.seed] = record
            continue
        if record.cell.dataset not in group.names:
            group.names = sorted([*group.names, record.cell.dataset])
        method, count, seed = _method(record.cell), record.cell.minority, record.cell.seed
        slot = group.slots.setdefault((method, count), {})
        if seed in slot and slot[seed].done:
            continue
        slot[seed] = record
        group.edited.discard((method, count, seed))
        if not record.intact:
            group.edited.add((method, count, seed))
    for cell in planned:
        if _basis(cell) in groups:
            planned_seeds = groups[_basis(cell)].planned
            planned_seeds.setdefault((_method(cell), cell.minority), set()).add(cell.seed)
    groups = {basis: group for basis, group in groups.items() if group.slots}
    titles = short_names(group.name for group in groups.values())
    for group in groups.values():
        group.title = titles[group.name]
    return sorted(groups.values(), key=_group_order)


def without_group(records: Iterable[Record], planned: Iterable[Cell]) -> list[Cell]:
    """Return the planned cells that are comparable to no record, so that no table shows them."""
    known = {_basis(record.cell) for record in records if not is_floor(record.cell)}
    return [cell for cell in planned if _basis(cell) not in known]


def group_differences(alike: Sequence[Group]) -> dict[str, list[str]]:
    """Return how groups of a data set differ: field to the value of each group."""
    described = [_describe(group) for group in alike]
    values = {key: [str(fields[key]) for fields in described] for key in described[0]}
    return {key: texts for key, texts in values.items() if len(set(texts)) > 1}


def method_order(method: MethodKey) -> tuple[int, str, tuple[tuple[str, int], ...]]:
    """Return the sort key of a method: the paper's order, then the alphabet."""
    from imbench.training.recipe import PAPER_METHODS

    recipe, versions = method
    rank = PAPER_METHODS.index(recipe) if recipe in PAPER_METHODS else len(PAPER_METHODS)
    return rank, recipe, versions


@cache
def method_title(recipe: str) -> str:
    """Return the name of a method in tables, or its recipe if a plug-in is not installed."""
    if recipe in FLOOR_TITLES:
        return FLOOR_TITLES[recipe]
    from imbench.training.recipe import parse_recorded

    try:
        return parse_recorded(recipe).title
    except UsageError:
        return recipe


def shots_label(cell: Cell) -> int | str:
    """Return the count of a cell, or ``77-282`` where those of its minorities differ."""
    return cell.minority if cell.by_class is None else _range(cell.by_class)


def _range(by_class: Sequence[int]) -> str:
    return f"{min(by_class)}-{max(by_class)}"


def format_ranges(numbers: Iterable[int]) -> str:
    """Write integers as ``0-2,5``."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _basis(cell: Cell) -> Basis:
    return Basis(cell.fingerprint, cell.majority, cell.protocol, cell.settings, cell.by_class)


def _method(cell: Cell) -> MethodKey:
    return MethodKey(cell.recipe, tuple(sorted(cell.versions.items())))


def _describe(group: Group) -> dict[str, object]:
    basis = group.basis
    majority = "all" if basis.majority is None else basis.majority
    return {
        "data": basis.fingerprint[:12],
        "majority": majority,
        "minorities": "alike" if basis.by_class is None else "+".join(map(str, basis.by_class)),
        "protocol": basis.protocol,
        **dict(basis.settings),  # a dump leaves out later fields that have their default
    }


def _group_order(group: Group) -> tuple[object, ...]:
    basis = group.basis
    majority = math.inf if basis.majority is None else basis.majority
    settings = tuple(basis.settings.model_dump().values())
    by_class = basis.by_class or ()
    return group.name, basis.fingerprint, majority, basis.protocol, settings, by_class
