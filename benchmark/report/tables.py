"""Records to tables: per data set and metric, methods as rows and minority counts as columns."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from imbench.images.pixel_notes import PIXEL_KINDS
from imbench.records.cell import Cell
from imbench.records.groups import (
    Group,
    MethodKey,
    format_ranges,
    group_differences,
    group_records,
    method_title,
)
from imbench.records.metric_specs import load_metric
from imbench.records.record import Record
from imbench.report.diagnosis import BY_METRIC, KINDS, Diagnosis, diagnose
from imbench.report.floors import trivial_score
from imbench.report.means import NOT_RUN, TableCell, make_table_cell
from imbench.spec import parse_spec
from imbench.stats.intervals import Ends, holm
from imbench.stats.metrics import (
    METRICS,
    Metric,
    is_thresholded,
    lower_is_better,
    metric_title,
    score_range,
)
from imbench.stats.paired import ALPHA, seeds_needed, sign_flip

__all__ = [
    "RANKINGS",
    "RULES",
    "Table",
    "TableRow",
    "choose_bold",
    "make_tables",
    "metric_title",
    "protocol_line",
    "row_title",
]


RANKINGS = ("auroc", "auprc")
"""Metrics that no threshold enters: without one of them AUROC stands beside a thresholded one."""
THRESHOLDS = {
    "cost": "an image is called the likelier class",
    "cost_bayes": "called minority where that costs less by probabilities corrected to the test "
    "set's class shares",
    "cost_tuned": "the threshold is chosen on one half of the test images and scored on the other",
}
CALIBRATION = frozenset({"brier", "log_loss", "ece_conf", "ece_pos"})
PRIORS = (
    "outputs are not recalibrated: methods that resample or reweight assume another prior than "
    "that of the test set"
)


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
            _table(group, name, metric, bold, _other_table_notes(alike[group.name])),
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
            *_interval_notes(grid, group.seeds, lower, score_range(name, metric)),
            *_class_notes(group),
            *([PRIORS] if name in CALIBRATION else []),
            *_cost_notes(name),
            *bold_notes,
            *apart,
            *common,
            *_provenance_notes(group),
        ),
    )


def _cost_notes(name: str) -> list[str]:
    """Say what a cost is, and at which threshold."""
    spec = parse_spec(name) if name.startswith("cost") else None
    if spec is None or spec.name not in THRESHOLDS:
        return []
    ratio = spec.argument or spec.options.get("ratio", "")
    return [
        f"costs: {ratio} for a missed minority image, 1 for a false alarm; trivial is the best of "
        "calling everything majority and calling everything minority",
        f"{spec.name}: {THRESHOLDS[spec.name]}",
    ]


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


def protocol_line(group: Group) -> str:
    """Return the protocol of a group of records in one line."""
    settings, tests = group.basis.settings, group.test_counts
    majority = "all" if group.majority is None else group.majority
    pieces = [f"majority {majority}"]
    if group.basis.by_class is not None:
        pieces.append(f"minorities {'+'.join(map(str, group.basis.by_class))}")
    if tests and sum(tests):
        share = 1 - tests[0] / sum(tests)
        best = {name: trivial_score(METRICS[name], tests, False) for name in ("f1", "acsa")}
        whose = "minority" if len(tests) == 2 else "minorities'"
        pieces.append(f"test {'+'.join(map(str, tests))} ({whose} share {share:.3f})")
        pieces.append(
            "trivial "
            + ", ".join(
                f"{label} {best[name]:.3f}"
                for name, label in (("f1", "F1"), ("acsa", "ACSA"))
                if best[name] is not None
            )
        )
    pieces.append(f"{settings.network}, {settings.size} px{_made_of_pixels(group)}")
    pieces.append(f"{settings.steps} steps of {settings.batch_size} images")
    seeds = group.seeds
    pieces.append(f"seed{'s' if len(seeds) > 1 else ''} {format_ranges(seeds)}")
    spec = "" if group.title == group.name else f"{group.name} "
    pieces.append(f"data {spec}{group.basis.fingerprint[:12]}")
    return "; ".join(pieces)


def _made_of_pixels(group: Group) -> str:
    """Say what was done to all images: `` (stretched, rescaled)``."""
    kinds = [
        kind for kind in PIXEL_KINDS for note in group.data_notes if note.startswith(f"{kind}:")
    ]
    return f" ({', '.join(kinds)})" if kinds else ""


def _interval_notes(
    grid: list[list[TableCell]], seeds: list[int], lower: bool, bounds: Ends
) -> list[str]:
    """Explain the numbers in the cells."""
    better = "; lower is better" if lower else ""
    if len(seeds) > 1:
        notes = [f"mean over seeds [its 95 % t interval{_format_range(bounds)}]{better}"]
    else:
        notes = [f"one seed: no interval{better}"]
    if any(entry.mark == NOT_RUN for line in grid for entry in line):
        notes.append(f"{NOT_RUN} not run")
    return notes


def _class_notes(group: Group) -> list[str]:
    """Say where the classes of a mean over several minorities are to be seen."""
    if len(group.test_counts) < 3:
        return []
    return [
        "scores of the minorities are means that leave the majority out; --metric macro_f1 is the "
        "mean F1 of all classes",
        "recall and F1 of each class, and confusion: `bench report --per-class`",
    ]


def _format_range(bounds: Ends) -> str:
    low, high = bounds
    if math.isfinite(low) and math.isfinite(high):
        return f" within {low:g}..{high:g}"
    if math.isfinite(low):
        return f" from {low:g} up"
    return f" up to {high:g}" if math.isfinite(high) else ""


def _provenance_notes(group: Group) -> list[str]:
    notes = []
    if len(group.names) > 1:
        notes.append(f"the same data were also run as {', '.join(group.names[1:])}")
    # A cell without a score may have ended before a device was chosen, and no number is from it.
    scored = [record for record in group.records if record.done]
    commits = sorted({record.commit[:12] for record in scored if record.commit})
    if len(commits) > 1:
        notes.append(f"records of {len(commits)} commits: {', '.join(commits)}")
    devices = sorted({record.environment.get("device", "") for record in scored} - {""})
    if len(devices) > 1:
        notes.append(f"records of {len(devices)} devices: {', '.join(devices)}")
    edited = sorted(group.slots[row, count][seed].key for row, count, seed in group.edited)
    if edited:
        shown = ", ".join(edited[:5]) + (", ..." if len(edited) > 5 else "")
        notes.append(
            f"WARNING: {len(edited)} record{'s' if len(edited) > 1 else ''} with a wrong checksum,"
            f" edited by hand or damaged: {shown}"
        )
    return notes


def _other_table_notes(alike: list[Group]) -> list[str]:
    if len(alike) < 2:
        return []
    what = "; ".join(
        f"{key} {' / '.join(values)}" for key, values in group_differences(alike).items()
    )
    return [f"one of {len(alike)} tables of this data set, which are not comparable: {what}"]


def row_title(row: MethodKey, rows: list[MethodKey]) -> str:
    """Return the name of a method, with its versions where a table has several of them."""
    title = method_title(row.recipe)
    if sum(other.recipe == row.recipe for other in rows) > 1:
        title += f" [{', '.join(f'{name} v{number}' for name, number in row.versions)}]"
    return title


RULES = ("best", "not-worse")


def choose_bold(
    column: Sequence[Mapping[int, float]], *, rule: str = "best", lower: bool = False
) -> tuple[list[int], list[str]]:
    """Return which of a column's methods are bold, and notes that explain it.

    Parameters
    ----------
    column : sequence of mapping
        Seed to score, one mapping a method; empty where a method has no score.
    rule : {"best", "not-worse"}
        ``not-worse`` adds every method that is not significantly worse than the best one.
    lower : bool
        Whether a lower score is better.
    """
    most = max((len(scores) for scores in column), default=0)
    # A mean over fewer seeds than others have may be high because hard seeds failed.
    full = [index for index, scores in enumerate(column) if scores and len(scores) == most]
    if sum(bool(scores) for scores in column) < 2:
        return [], ["no bold in a column with one method only"] if most else []
    if most < 2:
        return [], ["no bold in a column with one seed only"]
    sign = -1 if lower else 1
    means = {index: sign * math.fsum(column[index].values()) / most for index in full}
    top = max(means.values())
    best = [index for index in full if math.isclose(means[index], top, rel_tol=0, abs_tol=1e-12)]
    whole = all(len(scores) in (0, most) for scores in column)
    notes = [] if whole else ["only methods with the most seeds of their column can be bold"]
    if rule == "best":
        return best, ["bold: best mean of a column", *notes]
    rivals = len(full) - len(best)
    needed = seeds_needed(max(rivals, 1))
    if most < needed:
        return best, [
            f"bold: best mean of a column; with fewer than {needed} seeds no other method can be "
            f"called worse (Holm over {rivals})",
            *notes,
        ]
    return _not_worse(column, full, best), [
        "bold: best mean of a column, and all not significantly worse than it (sign-flip test over "
        f"seeds, Holm over the column, {ALPHA})",
        *notes,
    ]


def _not_worse(
    column: Sequence[Mapping[int, float]], full: Sequence[int], best: Sequence[int]
) -> list[int]:
    lead = column[best[0]]
    rivals = [index for index in full if index not in best]
    p_values = []
    for index in rivals:
        shared = sorted(lead.keys() & column[index].keys())
        gaps = [lead[seed] - column[index][seed] for seed in shared]
        p_values.append(sign_flip(gaps) if gaps else 1.0)
    kept = [index for index, p in zip(rivals, holm(p_values), strict=True) if p >= ALPHA]
    return sorted([*best, *kept])
