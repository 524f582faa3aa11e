"""The table of arXiv 2008.05524 as printed, and our scores beside it.

The paper's full text was not available. That its table shows the F1 of the minority is inferred
[I]; its majority counts, splits, image size, batch and training length are unknown [U], its network
and class pairs remembered [M]. So a difference shows only that two protocols differ.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from imbench.records.groups import MethodKey, method_order
from imbench.report.means import TableCell
from imbench.report.printed_table import PrintedCell, PrintedTable, printed_table
from imbench.report.tables import Table
from imbench.spec import parse_spec
from imbench.stats.paired import ENOUGH

__all__ = [
    "DATASETS",
    "Published",
    "Versus",
    "paper_dataset",
    "printed_versus",
    "published",
    "verdict",
    "versus",
]

SEVERITY = {"high": "!!!", "medium": "!!", "low": "!"}

DATASETS = {"celeba": "CelebA", "cub": "CUB-200-2011", "horse2zebra": "Horse2Zebra"}
"""Our names of the data sets to the paper's."""

CAVEATS = (
    "published: arXiv 2008.05524, values as printed. Their metric is inferred [I] to be the F1 of "
    "the minority; their spread is not printed, and which runs they average is known in part only",
    "the paper's majority count, split, image size, batch and training length are unknown [U], its "
    "network and class pairs remembered [M]: a difference is one of protocols, not of skill",
    "the published rows seem to come from two pipelines [I], Vanilla, TS, ALT and AUG from one, "
    "the ten others from another: CBL 0.9 has almost equal weights and yet lies far above Vanilla",
    "difference = ours - published; they agree where our interval holds the published value",
)


@dataclass(frozen=True)
class Published:
    """A published value, marked if it is doubtful."""

    dataset: str
    recipe: str
    title: str
    minority: int
    value: float
    severity: str = ""
    """``high``, ``medium``, ``low``, or empty."""
    reason: str = ""


@dataclass(frozen=True)
class Versus:
    """Our score beside the published value; either may be missing."""

    recipe: str
    title: str
    minority: int
    ours: TableCell | None
    published: Published | None
    verdict: str

    @property
    def difference(self) -> float | None:
        """Ours minus the published value."""
        if self.ours is None or self.ours.mean is None or self.published is None:
            return None
        return self.ours.mean - self.published.value


@cache
def published() -> Mapping[tuple[str, str, int], Published]:
    """Return every printed value by the paper's data set, our recipe, and minority count."""
    flags = {_key(line): line for line in _read_csv("published_flags.csv")}
    cells = {}
    for line in _read_csv("published.csv"):
        dataset, recipe, minority = _key(line)
        flag = flags.pop((dataset, recipe, minority), {})
        cells[dataset, recipe, minority] = Published(
            dataset,
            recipe,
            f"{line['method']} {line['beta']}".strip(),
            minority,
            float(line["value"]),
            flag.get("severity", ""),
            flag.get("reason", ""),
        )
    if flags:
        raise ValueError(
            f"published_flags.csv marks cells that published.csv lacks: {sorted(flags)}"
        )
    return cells


def paper_dataset(specs: Iterable[str]) -> str:
    """Return the paper's name of the data that were run under `specs`, or an empty text."""
    names = (DATASETS.get(parse_spec(spec).name) for spec in specs)
    return next(filter(None, names), "")


def versus(table: Table) -> list[Versus]:
    """Pair each cell of an F1 table with its published value, by count and then by method.

    Methods of the paper that were not run are included at the counts that were run; the list is
    empty if the paper does not have the data set.
    """
    dataset = paper_dataset(table.group.names)
    printed = {key[1:]: cell for key, cell in published().items() if key[0] == dataset}
    if not printed:
        return []
    ours = {line.recipe for line in table.lines}
    missing = {recipe for recipe, _ in printed if recipe not in ours}
    rows = [*((line.recipe, line) for line in table.lines), *((recipe, None) for recipe in missing)]
    rows.sort(key=lambda row: method_order(MethodKey(row[0], ())))
    found = []
    for column, count in enumerate(table.counts):
        for recipe, line in rows:
            cell = printed.get((recipe, count))
            entry = line.entries[column] if line else None
            title = line.title if line else cell.title if cell else ""
            if entry is not None or cell is not None:
                found.append(Versus(recipe, title, count, entry, cell, verdict(entry, cell)))
    return found


def verdict(ours: TableCell | None, cell: Published | None) -> str:
    """Compare the published value with the interval of our mean over seeds, in words."""
    if ours is None or not (ours.mean is not None or ours.notes):
        return "not run"
    if ours.mean is None:
        return "no score"
    if cell is None:
        return "not in the paper"
    if ours.ends is None:
        return "not established: 1 seed"
    low, high = ours.ends
    if low <= cell.value <= high:
        return "agrees within interval"
    return "above" if low > cell.value else "below"


def printed_versus(table: Table) -> PrintedTable | None:
    """Lay out the comparison of one F1 table; None if the paper lacks the data set."""
    found = versus(table)
    if not found:
        return None
    base = printed_table(table)
    counts = [line.minority for line in found]
    rules = frozenset(i for i in range(1, len(found)) if counts[i] != counts[i - 1])
    dataset = paper_dataset(table.group.names)
    left_out = sorted({key[2] for key in published() if key[0] == dataset} - set(table.counts))
    notes = [note for note in table.notes if "bold" not in note]
    if len(table.group.seeds) < ENOUGH:
        notes.append(
            f"with fewer than {ENOUGH} seeds, above and below mean only that the published value "
            "lies outside the interval of our mean"
        )
    cells = [line.published for line in found if line.published]
    if table.trivial is not None:
        below = sum(cell.value < table.trivial for cell in cells)
        notes.append(
            f"{below} of {len(cells)} published values are below the trivial F1 of our test split"
        )
    if left_out:
        notes.append(f"published counts not run: {', '.join(map(str, left_out))}")
    return PrintedTable(
        title=f"{table.title}, beside the published {dataset}",
        slug=f"{base.slug}-vs-paper",
        above=(table.protocol,),
        span="",
        head=("method", "count", "ours", "published", "difference", "verdict"),
        align="lrrrrl",
        rows=tuple(_printed_row(line) for line in found),
        rules=rules,
        cuts=rules,
        below=(*notes, *CAVEATS),
        comments=base.comments,
    )


def _printed_row(line: Versus) -> tuple[PrintedCell, ...]:
    ours, cell = line.ours, line.published
    ours_shown = PrintedCell(text="--")
    if ours is not None:
        ours_shown = PrintedCell(ours.mean, ours.ends, ours.mark, ours.notes)
    cell_shown = PrintedCell(text="--")
    if cell is not None:
        mark = SEVERITY.get(cell.severity, "")
        notes = (f"{mark} marked {cell.severity}: {cell.reason}",) if mark else ()
        cell_shown = PrintedCell(cell.value, text=mark, notes=notes, digits=4)
    gap = PrintedCell(text="--")
    if line.difference is not None:
        gap = PrintedCell(line.difference, signed=True)
    count = PrintedCell(text=str(line.minority))
    return (
        PrintedCell(text=line.title),
        count,
        ours_shown,
        cell_shown,
        gap,
        PrintedCell(text=line.verdict),
    )


def _read_csv(name: str) -> list[dict[str, str]]:
    text = files("imbench.published").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _key(line: Mapping[str, str]) -> tuple[str, str, int]:
    recipe = line["method"].lower()
    if line["beta"]:
        recipe += f":beta={line['beta']}"
    return line["dataset"], recipe, int(line["minority"])
