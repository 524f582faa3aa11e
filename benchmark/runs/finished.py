"""What a run left: its plan, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imbench.records.floors import floors_beside
from imbench.records.joined import join
from imbench.records.record import Record
from imbench.runs.options import RunOptions
from imbench.runs.plan import Plan
from imbench.runs.runner import Result

__all__ = ["FinishedRun"]


@dataclass(frozen=True)
class FinishedRun:
    """A plan, and what became of it."""

    plan: Plan
    result: Result

    @property
    def without_score(self) -> int:
        """Cells that were tried, now or before, and have no score."""
        return len(self.result.bad) + len(self.plan.failed)

    @property
    def not_begun(self) -> int:
        """Cells that are still to run."""
        return len(self.plan.to_run) - len(self.result.outcomes)

    def records(self, options: RunOptions) -> list[Record]:
        """Return the records of the plan's cells, those in other results too."""
        return self._found(options)[0]

    def with_floors(self, options: RunOptions) -> list[Record]:
        """Return the records, and the floors that any of them can be held against."""
        records, floors = self._found(options)
        return [*records, *floors_beside(records, floors)]

    def _found(self, options: RunOptions) -> tuple[list[Record], Sequence[Record]]:
        wanted = {cell.key for cell in self.plan.cells}
        contents, _ = join((options.results, *options.known), empty=True)
        return [one for one in contents.records if one.key in wanted], contents.floors

    @property
    def interrupted(self) -> bool:
        """Whether the user stopped the run."""
        return self.result.stopped == "interrupted"
