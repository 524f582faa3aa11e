"""Average ranks of methods over cells, with Friedman's test and Nemenyi's critical difference.

A cell is a data set at a minority count. This is a description: cells of one data set share test
images, and nested subsets training images, so blocks are not independent and the p value is too
small.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from imbench.errors import NotComparable
from imbench.records.metric_specs import load_metric
from imbench.report.printed_table import PrintedCell, PrintedTable
from imbench.report.tables import Table
from imbench.stats.about_metrics import lower_is_better, title_over
from imbench.stats.paired import ALPHA
from imbench.stats.standings import ranks_of

__all__ = [
    "Ranks",
    "critical_difference",
    "friedman",
    "make_ranks",
    "printed_ranks",
    "rank_by",
]

Floats = NDArray[np.float64]

CAUTION = (
    "description, not a test: cells of a data set share images and are not independent, so the p "
    "value is too small"
)


@dataclass(frozen=True)
class Ranks:
    """Average ranks by one metric, the best method first.

    Attributes
    ----------
    metric : str
        Registered name.
    title : str
        Its name as it is printed, which is true of all the data sets.
    recipes, titles : tuple of str
        The methods, by average rank.
    means : tuple of float
        Average ranks; 1 is best.
    wins : tuple of int
        Cells in which a method is best, shared first places included.
    cells : tuple of str
        Data set and count of each cell.
    chi2, p : float
        Friedman's statistic, corrected for ties, and its p value.
    critical : float
        Average ranks further apart than this differ by Nemenyi's test at 5 %.
    left_out : tuple of str
        Methods and cells without a score for each other.
    uneven : tuple of str
        Cells in which the means of methods are over different seeds.
    """

    metric: str
    title: str
    recipes: tuple[str, ...]
    titles: tuple[str, ...]
    means: tuple[float, ...]
    wins: tuple[int, ...]
    cells: tuple[str, ...]
    chi2: float
    p: float
    critical: float
    left_out: tuple[str, ...] = ()
    uneven: tuple[str, ...] = ()

    @property
    def cliques(self) -> list[tuple[int, int]]:
        """First and last rank of each maximal run of methods that are not separated."""
        found: list[tuple[int, int]] = []
        for first, mean in enumerate(self.means):
            last = max(i for i, other in enumerate(self.means) if other - mean <= self.critical)
            if last > first and (not found or last > found[-1][1]):
                found.append((first, last))
        return found


def make_ranks(tables: Sequence[Table], lower: bool = False) -> Ranks:
    """Rank the methods of tables of one metric; every count of a table is a cell.

    Methods and cells without all scores are left out, those lacking most first.

    Raises
    ------
    NotComparable
        If fewer than three methods or two cells are left.
    """
    scores, seeds, recipes, cells = _mean_matrix(tables)
    rows, columns = _complete_part(scores)
    if len(rows) < 2 or len(columns) < 3:
        raise NotComparable(
            "ranks need three methods with scores in two cells, data sets at a count, and here are "
            f"{len(columns)} in {len(rows)}: run more methods or counts"
        )
    titles = _titles(tables)
    kept = scores[np.ix_(rows, columns)]
    ranked = ranks_of(kept if lower else -kept)
    order = np.argsort(ranked.mean(axis=0), kind="stable")
    chosen = [recipes[columns[i]] for i in order]
    chi2, p = friedman(ranked)
    left = [titles[recipes[i]] for i in range(len(recipes)) if i not in columns]
    left += [cells[i] for i in range(len(cells)) if i not in rows]
    best = ranked == ranked.min(axis=1, keepdims=True)
    return Ranks(
        tables[0].metric,
        title_over(tables[0].metric, {len(table.group.test_counts) for table in tables}),
        tuple(chosen),
        tuple(titles[recipe] for recipe in chosen),
        tuple(float(mean) for mean in ranked.mean(axis=0)[order]),
        tuple(int(count) for count in best.sum(axis=0)[order]),
        tuple(cells[i] for i in rows),
        chi2,
        p,
        critical_difference(len(chosen), len(rows)),
        tuple(left),
        tuple(cells[i] for i in rows if len({seeds[i][column] for column in columns}) > 1),
    )


def rank_by(tables: Iterable[Table], metric: str) -> Ranks:
    """Rank the methods of those tables that are of one metric, better scores first.

    Raises
    ------
    NotComparable
        As `make_ranks`.
    """
    own = [table for table in tables if table.metric == metric]
    return make_ranks(own, lower_is_better(metric, load_metric(metric)))


def friedman(ranked: Floats) -> tuple[float, float]:
    """Return Friedman's statistic, corrected for ties, and its p value; ranks (cells, methods)."""
    from scipy.stats import friedmanchisquare

    if np.all(ranked == ranked[0, 0]):  # scipy divides by zero where all methods tie
        return 0.0, 1.0
    result = friedmanchisquare(*ranked.T)
    return float(result.statistic), float(result.pvalue)


@cache
def critical_difference(methods: int, cells: int, alpha: float = ALPHA) -> float:
    """Return Nemenyi's critical difference of average ranks: 4.960 for 14 methods in 16 cells."""
    from scipy.stats import studentized_range

    quantile = float(studentized_range.ppf(1 - alpha, methods, np.inf)) / math.sqrt(2)
    return quantile * math.sqrt(methods * (methods + 1) / (6 * cells))


def printed_ranks(ranks: Ranks) -> PrintedTable:
    """Lay out average ranks as a table."""
    rows = [
        (
            PrintedCell(text=title),
            PrintedCell(mean, digits=2),
            PrintedCell(text=str(wins)),
            PrintedCell(text=_last_not_separated(ranks, index)),
        )
        for index, (title, mean, wins) in enumerate(
            zip(ranks.titles, ranks.means, ranks.wins, strict=True)
        )
    ]
    below = [
        f"1 is best; cells: {', '.join(ranks.cells)}",
        f"Friedman chi-square {ranks.chi2:.2f}, {len(rows) - 1} degrees of freedom, "
        f"p {ranks.p:.2g}; critical difference (Nemenyi, {ALPHA}) {ranks.critical:.2f}",
        CAUTION,
    ]
    if ranks.left_out:
        below.append(f"left out, since scores are missing: {', '.join(ranks.left_out)}")
    if ranks.uneven:
        below.append(f"means of methods are over different seeds at {', '.join(ranks.uneven)}")
    return PrintedTable(
        title=f"average ranks over {len(ranks.cells)} cells by {ranks.title}",
        slug=f"ranks-{''.join(c if c.isalnum() else '-' for c in ranks.metric.lower())}",
        above=(),
        span="",
        head=("method", "rank", "best in", "not separated down to"),
        align="lrrl",
        rows=tuple(rows),
        rules=frozenset(),
        below=tuple(below),
        comments=(),
    )


def _last_not_separated(ranks: Ranks, index: int) -> str:
    """Return the title of the last method not separated from that at an index."""
    reach = [i for i, mean in enumerate(ranks.means) if mean - ranks.means[index] <= ranks.critical]
    return ranks.titles[reach[-1]] if reach[-1] > index else "--"


def _mean_matrix(
    tables: Sequence[Table],
) -> tuple[Floats, list[list[frozenset[int]]], list[str], list[str]]:
    """Return means as (cells, methods), NaN where there is none, and the seeds behind each.

    After them the recipes and the names of the cells.
    """
    recipes = list(dict.fromkeys(line.recipe for table in tables for line in table.lines))
    names = [table.group.title for table in tables]
    cells, rows, seeds = [], [], []
    for table in tables:
        code = f" ({table.group.code})" if names.count(table.group.title) > 1 else ""
        # Of several versions of a recipe's parts the newest, which stands last, counts.
        lines = {line.recipe: line for line in table.lines}
        for column, count in enumerate(table.counts):
            found = [lines[name].entries[column] if name in lines else None for name in recipes]
            cells.append(f"{table.group.title} {count}{code}")
            rows.append(
                [math.nan if one is None or one.mean is None else one.mean for one in found]
            )
            seeds.append([frozenset(() if one is None else one.scores) for one in found])
    means = np.array(rows, dtype=np.float64).reshape(len(cells), len(recipes))
    return means, seeds, recipes, cells


def _titles(tables: Sequence[Table]) -> dict[str, str]:
    from imbench.records.groups import method_title

    return {line.recipe: method_title(line.recipe) for table in tables for line in table.lines}


def _complete_part(scores: Floats) -> tuple[list[int], list[int]]:
    """Return rows and columns without NaN, after dropping those with most NaN first."""
    rows, columns = list(range(scores.shape[0])), list(range(scores.shape[1]))
    while rows and columns:
        holes = np.isnan(scores[np.ix_(rows, columns)])
        if not holes.any():
            break
        by_row, by_column = holes.mean(axis=1), holes.mean(axis=0)
        if by_column.max() >= by_row.max():
            del columns[int(by_column.argmax())]
        else:
            del rows[int(by_row.argmax())]
    return rows, columns
