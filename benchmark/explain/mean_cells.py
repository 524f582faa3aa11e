"""Cells of printed tables: the mean over seeds of what an explanation measured."""

from __future__ import annotations

import math
from collections.abc import Iterable

from imbench.report.printed_table import PrintedCell
from imbench.stats.intervals import mean_interval

__all__ = ["DASH", "cell_of", "share_cell"]

DASH = PrintedCell(text="--")


def cell_of(values: Iterable[float], bounds: tuple[float, float] = (0.0, 1.0)) -> PrintedCell:
    """Return the mean of the numbers there are, with its interval; a dash where there is none."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return DASH
    found = mean_interval(known, bounds=bounds)
    return PrintedCell(found.mean, found.ends, digits=2)


def share_cell(shares: Iterable[float]) -> PrintedCell:
    """Return the mean of the shares there are, without an interval; a dash where there is none."""
    known = [share for share in shares if math.isfinite(share)]
    return PrintedCell(math.fsum(known) / len(known), digits=2) if known else DASH
