"""Where methods stand over all data sets: places with intervals, tie groups, who beats whom."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import NotComparable
from imbench.records.groups import method_title
from imbench.records.metric_specs import load_metric
from imbench.report.printed_table import PrintedCell, PrintedTable
from imbench.report.tables import Table, metric_title
from imbench.stats.metrics import lower_is_better
from imbench.stats.paired import ENOUGH, MARGIN
from imbench.stats.standings import Pairwise, Standings, pairwise, standings

__all__ = ["Board", "board_row", "make_board", "printed_board"]

Floats = NDArray[np.float64]
VANILLA = "vanilla"


@dataclass(frozen=True)
class Board:
    """Standings of methods by one metric.

    Attributes
    ----------
    metric : str
        Registered name.
    recipes : tuple of str
        The methods, in the order of the arrays.
    places : tuple of str
        Data set, counts and replicates of each block.
    standings, pairs : Standings, Pairwise
        See `imbench.stats.standings`.
    gaps : float array (methods,)
        Mean over cells of how far a method's mean is from the best of the cell: what choosing
        another method could improve.
    left_out : tuple of str
        Methods and data sets that lack scores for each other.
    """

    metric: str
    recipes: tuple[str, ...]
    places: tuple[str, ...]
    standings: Standings
    pairs: Pairwise
    gaps: Floats
    left_out: tuple[str, ...]

    @property
    def order(self) -> list[int]:
        """The methods by average rank, the best first."""
        return [int(index) for index in np.argsort(self.standings.mean_ranks, kind="stable")]


def make_board(tables: Iterable[Table], metric: str) -> Board:
    """Return the standings by a metric, over the methods that all data sets have.

    Raises
    ------
    NotComparable
        If fewer than two methods have two replicates in common on a data set.
    """
    own = [table for table in tables if table.metric == metric]
    recipes = _shared_recipes(own)
    names = [table.group.title for table in own]
    blocks, places, left_out = [], [], _missing(own, recipes)
    for table in own:
        code = f" ({table.group.code})" if names.count(table.group.title) > 1 else ""
        place = f"{table.group.title}{code}"
        counts, seeds, block = _block(table, recipes)
        if len(seeds) < 2 or not counts:
            left_out.append(f"{place}: fewer than two replicates that all methods have")
            continue
        blocks.append(block)
        at = ", ".join(map(str, counts))
        places.append(f"{place} at {at} ({len(seeds)} seeds)")
    if len(recipes) < 2 or not blocks:
        raise NotComparable(
            "standings need two methods with two replicates in common on a data set: "
            f"{'; '.join(left_out) or 'there is one method'}"
        )
    sign = -1.0 if lower_is_better(metric, load_metric(metric)) else 1.0
    signed = [sign * block for block in blocks]
    means = np.concatenate([block.mean(axis=2) for block in signed])
    return Board(
        metric,
        tuple(recipes),
        tuple(places),
        standings(signed),
        pairwise(signed, MARGIN),
        (means.max(axis=1, keepdims=True) - means).mean(axis=0),
        tuple(left_out),
    )


def printed_board(board: Board) -> PrintedTable:
    """Lay the standings out as a table, the best method first."""
    rows, groups = [], []
    for index in board.order:
        found = board.standings
        low, high = found.low[index], found.high[index]
        groups.append(int(found.groups[index]))
        rows.append(
            (
                PrintedCell(text=str(groups[-1])),
                PrintedCell(text=method_title(board.recipes[index])),
                PrintedCell(text=f"{found.positions[index]:g} [{low},{high}]"),
                PrintedCell(found.mean_ranks[index], digits=2),
                PrintedCell(found.best[index], digits=2),
                PrintedCell(board.gaps[index], digits=3),
                *_against(board, index),
            )
        )
    head = ("tied", "method", "place", "rank", "first", "gap")
    against = ("wins-ties-losses", "better/same/worse") if VANILLA in board.recipes else ()
    return PrintedTable(
        title=f"standings over {len(board.places)} data sets by {metric_title(board.metric)}",
        slug=f"board-{''.join(c if c.isalnum() else '-' for c in board.metric.lower())}",
        above=(),
        span="",
        head=(*head, *against),
        align=f"rlrrrr{'rr' if against else ''}",
        rows=tuple(rows),
        rules=frozenset(i for i in range(1, len(groups)) if groups[i] != groups[i - 1]),
        below=tuple(_below(board)),
        comments=(),
    )


def board_row(board: Board) -> dict[str, Any]:
    """Return the standings, and every pair of methods, as plain data."""
    found, pairs = board.standings, board.pairs
    return {
        "metric": board.metric,
        "datasets": list(board.places),
        "left_out": list(board.left_out),
        "halves": None if math.isnan(found.halves) else found.halves,
        "margin": MARGIN,
        "methods": [
            {
                "recipe": board.recipes[index],
                "group": int(found.groups[index]),
                "place": float(found.positions[index]),
                "low": int(found.low[index]),
                "high": int(found.high[index]),
                "mean_rank": float(found.mean_ranks[index]),
                "first": float(found.best[index]),
                "gap": float(board.gaps[index]),
            }
            for index in board.order
        ],
        "pairs": [
            {
                "first": board.recipes[a],
                "second": board.recipes[b],
                "difference": float(pairs.difference[a, b]),
                "wins": int(pairs.wins[a, b]),
                "ties": int(pairs.ties[a, b]),
                "losses": int(pairs.wins[b, a]),
                "better": float(pairs.better[a, b]),
                "equivalent": float(pairs.equivalent[a, b]),
                "worse": float(pairs.better[b, a]),
            }
            for place, a in enumerate(board.order)
            for b in board.order[place + 1 :]
        ],
    }


def _shared_recipes(tables: Sequence[Table]) -> list[str]:
    """Return the recipes that every table has, in the order of the first."""
    lines = [{line.recipe for line in table.lines} for table in tables]
    every = dict.fromkeys(line.recipe for table in tables for line in table.lines)
    return [recipe for recipe in every if all(recipe in found for found in lines)]


def _missing(tables: Sequence[Table], recipes: Sequence[str]) -> list[str]:
    every = dict.fromkeys(line.recipe for table in tables for line in table.lines)
    return [f"{method_title(r)}: not on every data set" for r in every if r not in recipes]


def _block(table: Table, recipes: Sequence[str]) -> tuple[list[int], list[int], Floats]:
    """Return counts, seeds and scores (counts, methods, seeds), of what all methods have."""
    # Of several versions of a recipe's parts the newest, which stands last, counts.
    lines = {line.recipe: line.entries for line in table.lines}
    scores = {
        count: [lines[recipe][column].scores for recipe in recipes]
        for column, count in enumerate(table.counts)
        if all(lines[recipe][column].scores for recipe in recipes)
    }
    found = [set(one) for row in scores.values() for one in row]
    seeds = sorted(set.intersection(*found)) if found else []
    block = [[[one[seed] for seed in seeds] for one in row] for row in scores.values()]
    return list(scores), seeds, np.array(block, np.float64)


def _against(board: Board, index: int) -> list[PrintedCell]:
    """Return what a method does against Vanilla, over cells and in the resamples."""
    if VANILLA not in board.recipes:
        return []
    other = board.recipes.index(VANILLA)
    if index == other:
        return [PrintedCell(text="--"), PrintedCell(text="--")]
    pairs = board.pairs
    wins, ties, losses = (
        pairs.wins[index, other],
        pairs.ties[index, other],
        pairs.wins[other, index],
    )
    shares = pairs.better[index, other], pairs.equivalent[index, other], pairs.better[other, index]
    return [
        PrintedCell(text=f"{wins}-{ties}-{losses}"),
        PrintedCell(text="/".join(f"{share:.2f}" for share in shares)),
    ]


def _below(board: Board) -> Iterable[str]:
    yield f"data sets: {'; '.join(board.places)}"
    yield (
        "tied: 1 for all that are not separated from the best (95 %, all at once), 2 for those not "
        "separated from the best of the rest; place: by average rank, with its 95 % interval; "
        "first: how often it is first when data sets and seeds are drawn anew; gap: mean distance "
        "to the best of a cell"
    )
    if VANILLA in board.recipes:
        yield (
            f"last columns, against Vanilla: cells in which the mean is higher, within {MARGIN} or "
            f"lower; and how often its mean over data sets, drawn anew, is so"
        )
    if len(board.places) == 1:
        yield "one data set: only seeds are drawn anew, and nothing is said of other data sets"
    elif len(board.places) < ENOUGH:
        yield (
            f"{len(board.places)} data sets: this describes them and is no test; methods are "
            f"called separated from {ENOUGH} data sets on"
        )
    if not math.isnan(board.standings.halves):
        yield (
            "two halves of the data sets order the methods alike to a rank correlation of "
            f"{board.standings.halves:.2f}"
        )
    if board.left_out:
        yield f"left out: {'; '.join(board.left_out)}"
