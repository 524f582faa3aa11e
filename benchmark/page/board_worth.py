"""The table of a board that says how many times the images each remedy is worth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from imbench.records.groups import method_title
from imbench.report.board import VANILLA
from imbench.report.printed_table import PrintedCell, PrintedTable
from imbench.report.tables import Table, TableRow, metric_title
from imbench.stats.paired import ENOUGH
from imbench.stats.worth import Worth, worth

__all__ = ["worth_table"]


def worth_table(tables: Iterable[Table], metric: str) -> PrintedTable | None:
    """Return the table, a column for each data set with two counts; None without any."""
    columns = [(table, found) for table in tables if (found := _column(table, metric))]
    recipes = dict.fromkeys(recipe for _, found in columns for recipe in found)
    if not recipes:
        return None
    heads = [f"{table.group.title} at {table.counts[0]}" for table, _ in columns]
    rows = [
        (
            PrintedCell(text=method_title(recipe)),
            *(PrintedCell(text=_words(found.get(recipe))) for _, found in columns),
        )
        for recipe in recipes
    ]
    return PrintedTable(
        title=f"times the images that Vanilla needs for the same {metric_title(metric)}",
        slug=f"worth-{metric}",
        above=(),
        span="",
        head=("method", *heads),
        align="l" + "r" * len(heads),
        rows=tuple(rows),
        below=(
            "2.0: Vanilla has the score that the method has at the smallest count with twice the "
            "minority images, read from its curve over the counts; >4: not with the most that were "
            f"tried; <1: with fewer than the fewest; in brackets 95 % over the seeds, from {ENOUGH}"
            " seeds on",
        ),
    )


def _column(table: Table, metric: str) -> dict[str, Worth | None]:
    """Return what each method is worth; empty where the table has no curve of Vanilla."""
    lines = {line.recipe: line for line in table.lines}
    plain = lines.get(VANILLA)
    if table.metric != metric or len(table.counts) < 2 or plain is None:
        return {}
    found = {
        recipe: _worth(table.counts, plain, line)
        for recipe, line in lines.items()
        if recipe != VANILLA
    }
    return found if any(found.values()) else {}


def _worth(counts: Sequence[int], plain: TableRow, line: TableRow) -> Worth | None:
    curve: list[Mapping[int, float]] = [one.scores for one in plain.entries]
    other = line.entries[0].scores
    seeds = sorted(set(other).intersection(*curve))
    if len(seeds) < 2:
        return None
    scores = np.array([[one[seed] for seed in seeds] for one in curve])
    made = worth(counts, scores, np.array([other[seed] for seed in seeds]))
    return made if len(seeds) >= ENOUGH else Worth(made.times, math.nan, math.nan, made.most)


def _words(one: Worth | None) -> str:
    if one is None:
        return "--"
    times = _number(one.times, one.most)
    if math.isnan(one.low):
        return times
    return f"{times} [{_number(one.low, one.most)},{_number(one.high, one.most)}]"


def _number(times: float, most: float) -> str:
    if math.isinf(times):
        return f">{most:.2g}"
    return "<1" if times < 1 else f"{times:.1f}"
