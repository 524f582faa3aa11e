"""States of the cells of a results folder: done, failed, running or missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from imbench.records.cell import Cell
from imbench.records.summary import RecordSummary
from imbench.runs.estimate import Costs, Estimate, kinds, trainings_left
from imbench.runs.runner import job_count
from imbench.runs.training_leases import TrainingLease

__all__ = ["STATES", "CellStates", "cell_states"]

STATES = ("done", "failed", "running", "missing")


@dataclass(frozen=True)
class CellStates:
    """Numbers of cells in each state, failed records, and the time left."""

    counts: dict[tuple[str, str], Counter[str]]
    """Data set and recipe to the number of cells in each state."""
    failed: list[RecordSummary]
    left: Estimate
    """Time of the trainings that missing and running cells need."""
    workers: int
    """How many work on them, or would if the run were started again."""

    @property
    def total(self) -> Counter[str]:
        """Number of cells in each state."""
        return sum(self.counts.values(), Counter())


def cell_states(
    cells: Sequence[Cell], known: Mapping[str, RecordSummary], leases: Iterable[TrainingLease]
) -> CellStates:
    """Return the states of the cells of a plan, and of records beyond the plan.

    Parameters
    ----------
    cells : sequence of Cell
        Cells that runs were asked for.
    known : mapping
        Key of a cell to the summary of its record.
    leases : iterable of TrainingLease
        Leases held; their cells are running unless they are done.
    """
    leases = list(leases)
    running = {key for lease in leases for key in lease.cells}
    all_cells = {key: record.cell for key, record in known.items()}
    all_cells |= {cell.key: cell for cell in cells}
    counts: dict[tuple[str, str], Counter[str]] = {}
    cells_left = []
    for key, cell in all_cells.items():
        if key in known and known[key].done:
            state = "done"
        elif key in running:
            state = "running"
        else:
            state = "failed" if key in known else "missing"
        counts.setdefault((cell.dataset, cell.recipe), Counter())[state] += 1
        if state in ("running", "missing"):
            cells_left.append(cell)
    failed = [record for key, record in known.items() if not record.done and key not in running]
    todo = trainings_left(cells_left, known)
    left = Costs(known.values()).estimate(kinds(todo))
    threads = max((cell.settings.threads for cell in todo), default=1)
    workers = len(leases) or job_count("auto", threads, len(todo))
    return CellStates(counts, failed, left, workers)
