"""Learning curves of a board: for each data set the score of every method over the count.

Drawn as plain vectors by hand, not by a plotting library, so that the page has the same bytes
whatever version of a library is installed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imbench.records.groups import method_title
from imbench.report.tables import Table, TableRow
from imbench.safe_text import visible

__all__ = ["SHOWN", "Curve", "Panel", "curve_panels"]

SHOWN = ("vanilla", "ts", "os", "aug", "alt")
"""Methods with a colour of their own; all others are grey, and named when pointed at."""
WIDTH, HEIGHT = 300, 190
LEFT, RIGHT, TOP, BOTTOM = 34, 10, 8, 30
STEPS = (0.05, 0.1, 0.2, 0.25)
"""Distances of the lines of the scale: the smallest that leaves at most five spaces is taken."""


@dataclass(frozen=True)
class Curve:
    """A method's line.

    Attributes
    ----------
    title : str
        Its name.
    kind : str
        Class of the style sheet: the recipe where it has a colour, else ``other``.
    points : str
        Corners, as SVG writes them.
    """

    title: str
    kind: str
    points: str


@dataclass(frozen=True)
class Panel:
    """One data set.

    Attributes
    ----------
    title : str
        Name of the data set.
    across, up : tuple of (str, str)
        Places of the scales' lines, in pixels, with what stands beside them.
    curves : tuple of Curve
        Those with a colour last, above the others.
    """

    title: str
    across: tuple[tuple[str, str], ...]
    up: tuple[tuple[str, str], ...]
    curves: tuple[Curve, ...]


def curve_panels(tables: Iterable[Table], metric: str) -> list[Panel]:
    """Return a panel for each data set that has two counts or more."""
    own = [table for table in tables if table.metric == metric and len(table.counts) > 1]
    return [panel for panel in map(_panel, own) if panel.curves]


def _panel(table: Table) -> Panel:
    lines = {line.recipe: line for line in table.lines}
    drawn = [
        line for line in lines.values() if sum(one.mean is not None for one in line.entries) > 1
    ]
    means = [one.mean for line in drawn for one in line.entries if one.mean is not None]
    low, high, step = _scale(means) if means else (0.0, 1.0, 0.2)
    counts = [math.log(count) for count in table.counts]

    def across(column: int) -> float:
        share = (counts[column] - counts[0]) / (counts[-1] - counts[0])
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def up(score: float) -> float:
        return TOP + (high - score) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def corners(line: TableRow) -> str:
        return " ".join(
            f"{across(column):.1f},{up(one.mean):.1f}"
            for column, one in enumerate(line.entries)
            if one.mean is not None
        )

    ticks = [low + step * number for number in range(round((high - low) / step) + 1)]
    return Panel(
        title=visible(table.group.title),
        across=tuple((f"{across(i):.1f}", str(count)) for i, count in enumerate(table.counts)),
        up=tuple((f"{up(tick):.1f}", f"{tick:.2f}".rstrip("0").rstrip(".")) for tick in ticks),
        curves=tuple(
            Curve(visible(method_title(line.recipe)), _kind(line.recipe), corners(line))
            for line in sorted(drawn, key=lambda line: _kind(line.recipe) != "other")
        ),
    )


def _kind(recipe: str) -> str:
    return recipe if recipe in SHOWN else "other"


def _scale(means: Sequence[float]) -> tuple[float, float, float]:
    """Return the ends of a scale that holds all means, and the distance of its lines."""
    scales = [_lines(means, step) for step in STEPS]
    few = (scale for scale in scales if scale[1] - scale[0] <= 5 * scale[2] + 1e-9)
    return next(few, scales[-1])


def _lines(means: Sequence[float], step: float) -> tuple[float, float, float]:
    low = math.floor(min(means) / step) * step
    return low, max(math.ceil(max(means) / step) * step, low + step), step
