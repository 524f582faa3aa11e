"""`bench status`: count the cells done, failed, running and missing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imbench.commands.arguments import RESULTS
from imbench.commands.terminal import echo, echo_document, nobody_reads
from imbench.safe_text import CELL, visible

if TYPE_CHECKING:
    from imbench.records.cell import Cell
    from imbench.records.planned import Plans
    from imbench.records.summary import RecordSummary
    from imbench.runs.cell_states import CellStates
    from imbench.runs.training_leases import TrainingLease

__all__ = ["status"]

MAX_ERRORS = 5
"""Failures that are shown in full."""
MAX_RUNNING = 10
"""Running trainings that are shown."""
INTERVAL = 5.0
"""Seconds between two updates of ``--watch``."""


@click.command()
@RESULTS
@click.option("--watch", is_flag=True, help="Update every 5 s, until every cell has ended.")
def status(results: Path, watch: bool) -> None:
    """Count the cells done, failed, running and missing in RESULTS (default: results).

    Only reads, also while runs on this or other machines work.
    """
    states = _print_states(results)
    while watch and (states.total["running"] or states.total["missing"]) and not nobody_reads():
        try:
            time.sleep(INTERVAL)
        except KeyboardInterrupt:
            return
        click.clear()  # does nothing without a terminal
        states = _print_states(results)


def _print_states(results: Path) -> CellStates:
    from imbench.errors import NotComparable
    from imbench.records.planned import read_plans
    from imbench.records.store import existing_store
    from imbench.runs.cell_states import cell_states
    from imbench.runs.training_leases import held_leases

    store = existing_store(results)
    plans = read_plans(results)
    leases = held_leases(results)  # before the records: what ends in between is done, not missing
    known = store.index()
    cells = plans.cells
    if not cells and not known:
        nothing = f"{str(results)!r} holds neither a plan nor a record"
        raise NotComparable("; ".join(plans.faults) or nothing)
    states = cell_states(cells, known, leases)
    echo_document(_format_counts(states))
    echo("", _format_summary(states))
    if plans.missing:
        echo(f"not available: {', '.join(plans.missing)} (no such part)")
    echo(*plans.faults, *_plan_lines(plans, known), *_running_lines(cells, known, leases))
    by_time = sorted(states.failed, key=lambda record: record.path.stat().st_mtime)
    echo(*(_format_failure(record, results) for record in by_time[-MAX_ERRORS:]))
    return states


def _plan_lines(plans: Plans, known: Mapping[str, RecordSummary]) -> Iterator[str]:
    """Yield a line for each plan with cells to go: the command that goes on, and the file."""
    for run in plans.runs:
        left = sum(cell.key not in known for cell in run.cells)
        if left:
            yield (
                f" TO GO  {left} of {len(run.cells)} cells of `{run.command or 'bench run'}`; "
                f"if nobody wants them, delete {run.path}"
            )


def _running_lines(
    cells: Sequence[Cell], known: Mapping[str, RecordSummary], leases: Sequence[TrainingLease]
) -> Iterator[str]:
    """Yield a line for each running training; its time is known on its own machine only."""
    from imbench.durations import spoken
    from imbench.short_names import short_name

    by_key = {cell.key: cell for cell in cells}
    for lease in leases[:MAX_RUNNING]:
        todo = [by_key[key] for key in lease.cells if key in by_key and not _done(known, key)]
        if todo:
            cell = todo[0]
            duration = f"for {spoken(time.monotonic() - lease.since)}"
            more = f" and {len(todo) - 1} more" if len(todo) > 1 else ""
            yield (
                f" RUNNING  {short_name(cell.dataset)}-{cell.minority}  {cell.recipe}{more}  "
                f"seed {cell.seed}  {duration if lease.here else 'elsewhere'}"
            )


def _done(known: Mapping[str, RecordSummary], key: str) -> bool:
    return key in known and known[key].done


def _format_counts(states: CellStates) -> str:
    from tabulate import tabulate

    from imbench.runs.cell_states import STATES
    from imbench.runs.plantext import in_order
    from imbench.short_names import short_names

    names = short_names(dataset for dataset, _ in states.counts)
    rows = [
        [
            visible(names[dataset], CELL),
            visible(recipe, CELL),
            *(counts[state] or "" for state in STATES),
        ]
        for (dataset, recipe), counts in in_order(states.counts)
    ]
    return tabulate(rows, headers=["data set", "method", *STATES], disable_numparse=True)


def _format_summary(states: CellStates) -> str:
    from imbench.runs.cell_states import STATES

    total = states.total
    counts = ", ".join(f"{total[state]} {state}" for state in STATES)
    left = f"; to go: {states.left.words(states.workers)}"
    return f"{counts}{left if total['missing'] or total['running'] else ''}"


def _format_failure(record: RecordSummary, results: Path) -> str:
    from imbench.runs.job import Outcome
    from imbench.runs.plantext import failure_line

    outcome = Outcome(record.cell, record.status, record.reason, record.log)
    return failure_line(outcome, str(results))
