"""The log of a run for programs: one JSON object a line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imbench.errors import EnvironmentFault
from imbench.run.job import Outcome

__all__ = ["Events"]


class Events:
    """Appends events to a file; without one it does nothing."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def write(self, event: str, **what: Any) -> None:
        """Append one event with the time in UTC."""
        if self.path is None:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"event": event, "time": now, **what})
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        except OSError as error:
            raise EnvironmentFault(f"--json-log {self.path}: {error.strerror}") from error

    def cell(self, outcome: Outcome) -> None:
        """Append how a cell ended."""
        cell = outcome.cell
        self.write(
            "cell",
            key=cell.key,
            dataset=cell.dataset,
            minority=cell.minority,
            recipe=cell.recipe,
            seed=cell.seed,
            status=outcome.status,
            reason=outcome.reason,
            log=outcome.log,
            seconds=round(outcome.seconds, 3),
            elsewhere=outcome.elsewhere,
        )
