"""Where methods stand over all data sets: places with intervals, tie groups, who beats whom."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import NotComparable
from imbench.records.groups import method_title
from imbench.records.metric_specs import load_metric
from imbench.report.board_blocks import Blocks, choices, make_blocks
from imbench.report.printed_table import PrintedCell, PrintedTable
from imbench.report.tables import Table, metric_title
from imbench.stats.about_metrics import lower_is_better
from imbench.stats.paired import ENOUGH, MARGIN
from imbench.stats.standings import Pairwise, Standings, pairwise, standings

__all__ = ["Board", "board_row", "make_boards", "printed_board"]

Floats = NDArray[np.float64]
VANILLA = "vanilla"


@dataclass(frozen=True)
class Board:
    """Standings of methods by one metric.

    Attributes
    ----------
    metric : str
        Registered name.
    blocks : Blocks
        Methods, in the order of the arrays, and data sets.
    standings, pairs : Standings, Pairwise
        See `imbench.stats.standings`.
    gaps : float array (methods,)
        Mean over cells of how far a method's mean is from the best of the cell: what choosing
        another method could improve.
    """

    metric: str
    blocks: Blocks
    standings: Standings
    pairs: Pairwise
    gaps: Floats

    @property
    def recipes(self) -> tuple[str, ...]:
        """The methods, in the order of the arrays."""
        return self.blocks.recipes

    @property
    def over(self) -> str:
        """How many data sets, and of how many sources where several are of one."""
        places, sources = len(self.blocks.places), len(self.blocks.sources)
        text = f"{places} data set{'' if places == 1 else 's'}"
        if sources == places:
            return text
        return f"{text} of {sources} source{'' if sources == 1 else 's'}"

    @property
    def order(self) -> list[int]:
        """The methods by average rank, the best first."""
        return [int(index) for index in np.argsort(self.standings.mean_ranks, kind="stable")]


def make_boards(tables: Iterable[Table], metric: str) -> list[Board]:
    """Return the standings by a metric, first those over the most data sets.

    Standings need each of their methods on each of their data sets. Where some methods are not
    everywhere, as costly ones may be, one board is over all data sets and the methods that these
    share, and another over the data sets that have the others too. A single data set among
    several has one of its own where methods are there alone.

    Raises
    ------
    NotComparable
        If fewer than two methods have two replicates in common on a data set.
    """
    own = [table for table in tables if table.metric == metric]
    tried = [make_blocks(own, recipes) for recipes in choices(own)]
    found = [one for one in tried if len(one.recipes) > 1 and one.scores]
    if not found:
        lacking = "; ".join(dict.fromkeys(line for one in tried for line in one.left_out))
        raise NotComparable(
            "standings need two methods with two replicates in common on a data set: "
            f"{lacking or 'there is one method'}"
        )
    found.sort(key=lambda one: (-len(one.places), -len(one.recipes)))
    kept: list[Blocks] = []
    for one in found:
        shown = {recipe for other in kept for recipe in other.recipes}
        if not kept or len(one.places) > 1 or not shown.issuperset(one.recipes):
            kept.append(one)
    return [_make_board(one, metric) for one in kept]


def _make_board(blocks: Blocks, metric: str) -> Board:
    sign = -1.0 if lower_is_better(metric, load_metric(metric)) else 1.0
    signed = [sign * block for block in blocks.scores]
    means = np.concatenate([block.mean(axis=2) for block in signed])
    return Board(
        metric,
        blocks,
        standings(signed),
        pairwise(signed, MARGIN),
        (means.max(axis=1, keepdims=True) - means).mean(axis=0),
    )


def printed_board(board: Board, number: int = 1, kind: str = "") -> PrintedTable:
    """Lay the standings out as a table, the best method first.

    The number tells boards apart; the kind of training stands in the title if it is given.
    """
    rows, groups = [], []
    metric = "".join(c if c.isalnum() else "-" for c in board.metric.lower())
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
        title=f"{f'{kind}: ' if kind else ''}standings over {board.over} by "
        f"{metric_title(board.metric)}",
        slug=f"board-{metric}{f'-{number}' if number > 1 else ''}",
        above=(),
        span="",
        head=(*head, *against),
        align=f"rlrrrr{'rr' if against else ''}",
        rows=tuple(rows),
        rules=frozenset(i for i in range(1, len(groups)) if groups[i] != groups[i - 1]),
        below=tuple(_below(board)),
    )


def board_row(board: Board) -> dict[str, Any]:
    """Return the standings, and every pair of methods, as plain data."""
    found, pairs = board.standings, board.pairs
    return {
        "metric": board.metric,
        "datasets": list(board.blocks.places),
        "sources": list(board.blocks.sources),
        "left_out": list(board.blocks.left_out),
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
    places, sources = board.blocks.places, len(board.blocks.sources)
    yield f"data sets: {'; '.join(places)}"
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
    if sources < len(places):
        yield "data sets of one source share images, so they are drawn together and count as one"
    if sources == 1:
        yield "one source: only seeds are drawn anew, and nothing is said of other data sets"
    elif sources < ENOUGH:
        yield (
            f"{sources} sources: this describes them and is no test; methods are called separated "
            f"from {ENOUGH} sources on"
        )
    if not math.isnan(board.standings.halves):
        yield (
            "two halves of the sources order the methods alike to a rank correlation of "
            f"{board.standings.halves:.2f}"
        )
    if board.blocks.left_out:
        yield f"left out: {'; '.join(board.blocks.left_out)}"
