"""`bench status`: how far the runs on a results folder are; safe while they work."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imbench.commands.arguments import RESULTS

if TYPE_CHECKING:
    from imbench.records.cell import Cell
    from imbench.records.store import RecordSummary
    from imbench.runs.training_leases import TrainingLease

__all__ = ["State", "state_of", "status"]

STATES = ("done", "failed", "running", "missing")
ERRORS = 5
"""Failures that are shown in full."""
WORKERS = 10
"""Trainings under way that are shown."""
EVERY = 5.0
"""Seconds between two looks of ``--watch``."""


@dataclass(frozen=True)
class State:
    """Counts of the cells of each data set and recipe, and what is known of the rest."""

    rows: dict[tuple[str, str], Counter[str]]
    failed: list[RecordSummary]
    seconds_left: float | None
    """Of the missing and running cells, by the mean time of the done; None if not known."""

    @property
    def total(self) -> Counter[str]:
        """Counts over all rows."""
        return sum(self.rows.values(), Counter())


def state_of(
    cells: Sequence[Cell], known: dict[str, RecordSummary], held: Iterable[TrainingLease]
) -> State:
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
@RESULTS
@click.option("--watch", is_flag=True, help="Look again every 5 s, until every cell has ended.")
def status(results: Path, watch: bool) -> None:
    """Count what is done, failed, running and missing in RESULTS (default: results).

    Reads only, also while runs on this or other machines work.
    """
    state = _shown(results)
    while watch and (state.total["running"] or state.total["missing"]):
        try:
            time.sleep(EVERY)
        except KeyboardInterrupt:
            return
        click.clear()  # nothing where there is no terminal
        state = _shown(results)


def _shown(results: Path) -> State:
    """Print the state of a folder, and return it."""
    from imbench.errors import NotComparable
    from imbench.records.planned import read_planned
    from imbench.records.store import Store
    from imbench.runs.training_leases import held_leases

    if not results.is_dir():
        raise NotComparable(f"there is no results folder {str(results)!r}: `bench run` makes one")
    plan = read_planned(results)
    held = held_leases(results)  # before the records: what ends in between is done, not missing
    known = Store(results).index()
    cells = () if plan is None else plan.cells
    if not cells and not known:
        raise NotComparable(f"{str(results)!r} holds neither a grid nor a record")
    state = state_of(cells, known, held)
    click.echo(_table(state))
    click.echo(_summary(state))
    if plan is not None and plan.missing:
        click.echo(f"not available: {', '.join(plan.missing)} (no such part)")
    for line in _running(cells, known, held):
        click.echo(line)
    for entry in sorted(state.failed, key=lambda one: one.path.stat().st_mtime)[-ERRORS:]:
        click.echo(_error(entry, results))
    return state


def _running(
    cells: Sequence[Cell], known: dict[str, RecordSummary], held: Sequence[TrainingLease]
) -> Iterator[str]:
    """Say of each training under way for how long; of another machine that cannot be known."""
    from imbench.runs.progress import spoken

    named = {cell.key: cell for cell in cells}
    for claim in held[:WORKERS]:
        todo = [key for key in claim.cells if key in named and not _done(known, key)]
        for cell in [named[key] for key in todo[:1]]:
            where = f"for {spoken(time.monotonic() - claim.since)}" if claim.here else "elsewhere"
            more = f" and {len(todo) - 1} more" if len(todo) > 1 else ""
            yield (
                f" RUNNING  {cell.dataset}-{cell.minority}  {cell.recipe}{more}  "
                f"seed {cell.seed}  {where}"
            )


def _done(known: dict[str, RecordSummary], key: str) -> bool:
    return key in known and known[key].done


def _left(
    rows: dict[tuple[str, str], Counter[str]],
    known: dict[str, RecordSummary],
    held: Sequence[TrainingLease],
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

    from imbench.runs.plantext import in_order

    lines = [
        [dataset, recipe, *(counts[name] or "" for name in STATES)]
        for (dataset, recipe), counts in in_order(state.rows)
    ]
    return tabulate(lines, headers=["data set", "method", *STATES], disable_numparse=True)


def _summary(state: State) -> str:
    from imbench.runs.progress import spoken

    counts = ", ".join(f"{state.total[name]} {name}" for name in STATES)
    if not state.total["missing"] and not state.total["running"]:
        return f"\n{counts}"
    left = "time unknown" if state.seconds_left is None else f"{spoken(state.seconds_left)} to go"
    return f"\n{counts}; {left}"


def _error(entry: RecordSummary, results: Path) -> str:
    from imbench.runs.job import Outcome
    from imbench.runs.plantext import failure_line

    outcome = Outcome(entry.cell, entry.status, entry.reason, entry.log)
    return failure_line(outcome, str(results))
