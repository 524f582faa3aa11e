"""Records to tables: per data set and metric, methods as rows and minority counts as columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from imbench.records.cell import Cell
from imbench.records.groups import (
    Group,
    MethodKey,
    group_records,
    method_title,
)
from imbench.records.metric_specs import load_metric
from imbench.records.record import Record
from imbench.report.bold import choose_bold
from imbench.report.diagnosis import BY_METRIC, KINDS, Diagnosis, diagnose
from imbench.report.floors import trivial_score
from imbench.report.means import TableCell, make_table_cell
from imbench.report.table_notes import (
    CALIBRATION,
    PRIORS,
    class_notes,
    cost_notes,
    interval_notes,
    other_table_notes,
    protocol_line,
    provenance_notes,
)
from imbench.stats.about_metrics import (
    is_thresholded,
    lower_is_better,
    metric_title,
    score_range,
)
from imbench.stats.metrics import METRICS, Metric

__all__ = [
    "RANKINGS",
    "Table",
    "TableRow",
    "make_tables",
    "metric_title",
    "row_title",
]


RANKINGS = ("auroc", "auprc")
"""Metrics that no threshold enters: without one of them AUROC stands beside a thresholded one."""


@dataclass(frozen=True)
class TableRow:
    """A method's row, with an entry for each count of the table."""

    recipe: str
    title: str
    entries: tuple[TableCell, ...]


@dataclass(frozen=True)
class Table:
    """All methods on one data set by one metric."""

    group: Group
    metric: str
    title: str
    protocol: str
    """The protocol in one line."""
    counts: tuple[int, ...]
    lines: tuple[TableRow, ...]
    trivial: float | None
    """Best score of a classifier that ignores its input; None if it cannot be computed."""
    floors: tuple[TableRow, ...]
    """Scores of what needs no network, such as colours alone; none where a run left none."""
    notes: tuple[str, ...]
    ranked: bool = False
    """Whether AUROC stands beside the scores, since a threshold enters them."""
    first: bool = True
    """Whether it is the first table of its group: what holds by any metric is noted below it."""

    @cached_property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """What is wrong with the records: read when a form of the table is made, not before.

        What holds by any metric is read for the first table of a group alone.
        """
        return diagnose(self.group, self.metric, kinds=KINDS if self.first else BY_METRIC)

    @cached_property
    def aurocs(self) -> dict[tuple[str, int], float]:
        """Mean AUROC by title of the row and count; empty unless `ranked`."""
        if not self.ranked:
            return {}
        auroc = METRICS["auroc"]
        group = self.group
        cells = {
            (line.title, count): _table_cell(group, row, count, "auroc", auroc)
            for line, row in zip(self.lines, group.rows, strict=True)
            for count in self.counts
        }
        for line in _floors(group, "auroc", auroc):
            cells |= {
                (line.title, count): entry
                for count, entry in zip(self.counts, line.entries, strict=True)
            }
        return {place: cell.mean for place, cell in cells.items() if cell.mean is not None}

    @property
    def advice(self) -> tuple[str, ...]:
        """Return the diagnoses that belong below this table, each with what to do."""
        said: set[str] = set()
        notes = []
        for one in self.diagnoses:
            notes.append(f"{one.sentence}; to do: as above" if one.advice in said else one.note)
            said.add(one.advice)
        return tuple(notes)


def make_tables(
    records: Iterable[Record],
    metrics: Sequence[str] = ("f1",),
    *,
    planned: Iterable[Cell] = (),
    bold: str = "best",
) -> list[Table]:
    """Return a table for each group of comparable records and each metric.

    Raises
    ------
    UsageError
        If a metric is unknown.
    """
    found = group_records(records, planned)
    alike: dict[str, list[Group]] = defaultdict(list)
    for group in found:
        alike[group.name].append(group)
    loaded = {name: load_metric(name) for name in metrics}
    alone = not set(RANKINGS) & set(metrics)
    return [
        replace(
            _table(group, name, metric, bold, other_table_notes(alike[group.name])),
            first=place == 0,
            ranked=alone and is_thresholded(name),
        )
        for group in found
        for place, (name, metric) in enumerate(loaded.items())
    ]


def _table(group: Group, name: str, metric: Metric, bold: str, apart: list[str]) -> Table:
    lower = lower_is_better(name, metric)
    grid = [
        [_table_cell(group, row, count, name, metric) for count in group.counts]
        for row in group.rows
    ]
    bold_notes = _mark_bold(grid, bold, lower)
    grid, common = _split_common_notes(grid)
    lines = tuple(
        TableRow(row.recipe, row_title(row, group.rows), tuple(entries))
        for row, entries in zip(group.rows, grid, strict=True)
    )
    return Table(
        group=group,
        metric=name,
        title=f"{group.title}: {metric_title(name, len(group.test_counts))}",
        protocol=protocol_line(group),
        counts=tuple(group.counts),
        lines=lines,
        trivial=trivial_score(metric, group.test_counts, lower),
        floors=_floors(group, name, metric),
        notes=(
            *interval_notes(grid, group.seeds, lower, score_range(name, metric)),
            *class_notes(group, name),
            *([PRIORS] if name in CALIBRATION else []),
            *cost_notes(name),
            *bold_notes,
            *apart,
            *common,
            *provenance_notes(group),
        ),
    )


def _table_cell(group: Group, row: MethodKey, count: int, name: str, metric: Metric) -> TableCell:
    slot = group.slots.get((row, count), {})
    edited = [seed for seed in slot if (row, count, seed) in group.edited]
    return make_table_cell(slot, group.seeds, name, metric, edited)


def _floors(group: Group, name: str, metric: Metric) -> tuple[TableRow, ...]:
    """Return a row for each floor, over the seeds that it has."""
    rows = []
    for recipe in dict.fromkeys(recipe for recipe, _ in group.floors):
        slots = [group.floors.get((recipe, count), {}) for count in group.counts]
        entries = (make_table_cell(slot, sorted(slot), name, metric) for slot in slots)
        rows.append(TableRow(recipe, method_title(recipe), tuple(entries)))
    return tuple(rows)


def _mark_bold(grid: list[list[TableCell]], rule: str, lower: bool) -> list[str]:
    """Mark bold entries in place; return the notes that explain them."""
    notes: set[str] = set()
    for column in range(len(grid[0])):
        chosen, column_notes = choose_bold(
            [line[column].scores for line in grid], rule=rule, lower=lower
        )
        notes.update(column_notes)
        for index in chosen:
            grid[index][column] = replace(grid[index][column], bold=True)
    return sorted(notes)


def _split_common_notes(grid: list[list[TableCell]]) -> tuple[list[list[TableCell]], list[str]]:
    """Move footnotes of every scored cell to notes of the table."""
    scored = [set(entry.notes) for line in grid for entry in line if entry.scores]
    common = set.intersection(*scored) if len(scored) > 1 else set()
    kept = [
        [
            replace(entry, notes=tuple(note for note in entry.notes if note not in common))
            for entry in line
        ]
        for line in grid
    ]
    return kept, [f"every cell with a score: {note}" for note in sorted(common)]


def row_title(row: MethodKey, rows: list[MethodKey]) -> str:
    """Return the name of a method, with its versions where a table has several of them."""
    title = method_title(row.recipe)
    if sum(other.recipe == row.recipe for other in rows) > 1:
        title += f" [{', '.join(f'{name} v{number}' for name, number in row.versions)}]"
    return title
