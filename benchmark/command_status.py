"""`bench status`: how far the runs on a results folder are; safe while they work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from imbench.claims import Claim
    from imbench.grid import Cell
    from imbench.store import Entry

__all__ = ["State", "state_of", "status"]

STATES = ("done", "failed", "running", "missing")
ERRORS = 5
"""Failures that are shown in full."""


@dataclass(frozen=True)
class State:
    """Counts of the cells of each data set and recipe, and what is known of the rest."""

    rows: dict[tuple[str, str], Counter[str]]
    failed: list[Entry]
    seconds_left: float | None
    """Of the missing and running cells, by the mean time of the done; None if not known."""

    @property
    def total(self) -> Counter[str]:
        """Counts over all rows."""
        return sum(self.rows.values(), Counter())


def state_of(cells: Sequence[Cell], known: dict[str, Entry], held: Iterable[Claim]) -> State:
    """Sort the cells of a plan by state; records beyond the plan count too."""
    held = list(held)
    running = {key for claim in held for key in claim.cells}
    everything = {cell.key: cell for cell in cells}
    everything |= {key: entry.cell for key, entry in known.items() if key not in everything}
    rows: dict[tuple[str, str], Counter[str]] = {}
    for key, cell in everything.items():
        entry = known.get(key)
        if entry is not None and entry.done:
            state = "done"
        elif key in running:
            state = "running"
        else:
            state = "missing" if entry is None else "failed"
        rows.setdefault((cell.dataset, cell.recipe), Counter())[state] += 1
    failed = [entry for entry in known.values() if not entry.done and entry.cell.key not in running]
    return State(rows, failed, _left(rows, known, held))


@click.command()
@click.argument("results", default="results", type=click.Path(path_type=Path))
def status(results: Path) -> None:
    """Count what is done, failed, running and missing in RESULTS (default: results)."""
    from imbench.claims import claims
    from imbench.errors import NotComparable
    from imbench.planned import planned
    from imbench.store import Store

    if not results.is_dir():
        raise NotComparable(f"there is no results folder {str(results)!r}: `bench run` makes one")
    plan = planned(results)
    known = Store(results).index()
    cells = () if plan is None else plan.cells
    if not cells and not known:
        raise NotComparable(f"{str(results)!r} holds neither a grid nor a record")
    state = state_of(cells, known, claims(results))
    click.echo(_table(state))
    click.echo(_summary(state))
    if plan is not None and plan.missing:
        click.echo(f"not available: {', '.join(plan.missing)} (no such part)")
    for entry in sorted(state.failed, key=lambda one: one.path.stat().st_mtime)[-ERRORS:]:
        click.echo(_error(entry, results))


def _left(
    rows: dict[tuple[str, str], Counter[str]], known: dict[str, Entry], held: Sequence[Claim]
) -> float | None:
    todo = sum(counts["missing"] + counts["running"] for counts in rows.values())
    spent = [entry.seconds for entry in known.values() if entry.done]
    if todo == 0:
        return 0.0
    if not any(spent):
        return None
    # Cells that share a training cost nothing, here as there: so the mean is over all of them.
    return sum(spent) / len(spent) * todo / max(1, len(held))


def _table(state: State) -> str:
    from tabulate import tabulate

    from imbench.plantext import in_order

    lines = [
        [dataset, recipe, *(counts[name] or "" for name in STATES)]
        for (dataset, recipe), counts in in_order(state.rows)
    ]
    return tabulate(lines, headers=["data set", "method", *STATES], disable_numparse=True)


def _summary(state: State) -> str:
    from imbench.progress import spoken

    counts = ", ".join(f"{state.total[name]} {name}" for name in STATES)
    if not state.total["missing"] and not state.total["running"]:
        return f"\n{counts}"
    left = "time unknown" if state.seconds_left is None else f"{spoken(state.seconds_left)} to go"
    return f"\n{counts}; {left}"


def _error(entry: Entry, results: Path) -> str:
    from imbench.job import Outcome
    from imbench.plantext import failure_line

    outcome = Outcome(entry.cell, entry.status, entry.reason, entry.log)
    return failure_line(outcome, str(results))
