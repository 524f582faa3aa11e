"""What to do about cells without a score: try again what may pass, change what would fail again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from imbench.records.record import Status
from imbench.runs.finished import FinishedRun

__all__ = ["advice"]

MAY_PASS: dict[Status, str] = {
    "crashed": "",
    "timeout": "a longer timeout",
    "memory": "fewer jobs at a time",
}
"""Status of cells that may have a score when they are tried again, and what helps."""
LONGEST = 200
"""Characters of a reason that are repeated."""


def advice(finished: FinishedRun, again: str) -> str:
    """Return what to do about the cells of a run that have no score.

    Parameters
    ----------
    finished : FinishedRun
        A run with such cells.
    again : str
        What tries them again, such as a command.
    """
    ends: list[tuple[Status, str]] = [
        *((one.status, one.reason) for one in finished.result.bad),
        *((one.status, one.reason) for one in finished.plan.failed),
    ]
    lasting: list[tuple[Status, str]] = [end for end in ends if end[0] not in MAY_PASS]
    passing: list[Status] = [end[0] for end in ends if end[0] in MAY_PASS]
    said = [_change(lasting)] if lasting else []
    if passing:
        helps = sorted({MAY_PASS[status] for status in passing if MAY_PASS[status]})
        what = "the others" if lasting else "them"
        with_help = f" (better with {' and '.join(helps)})" if helps else ""
        said.append(f"run {what} again{with_help} with: {again}")
    elif finished.not_begun:
        said.append("the same command begins the rest")
    return "; ".join(said)


def _change(lasting: Sequence[tuple[Status, str]]) -> str:
    """Say what the cells have that would fail again, and what has to change."""
    counts = Counter(lasting)
    # Of equally many the first by name: cells end in any order, and the advice is to be the same.
    status, reason = min(counts, key=lambda end: (-counts[end], end))
    reasons = len(set(lasting))
    more = f" (and {reasons - 1} more)" if reasons > 1 else ""
    who = f"{len(lasting)} would fail again" if len(lasting) > 1 else "it would fail again"
    what = "lower the rate, lr" if status == "diverged" else "change what it names"
    return f"{who}: {reason[:LONGEST]}{more}: {what}, then retry what failed"
