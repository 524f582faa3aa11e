"""Progress of a run: one line of progress, each failure at once, and a log for programs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO

from imbench.errors import EnvironmentFault
from imbench.runs.estimate import UNKNOWN
from imbench.runs.job import Outcome
from imbench.safe_text import json_text, visible

__all__ = ["Events", "Progress"]

EVERY = 10.0
"""Seconds between two lines where there is no terminal."""
COUNTS = (
    "{task.completed}/{task.total}  ok {task.fields[ok]}  failed {task.fields[failed]}  "
    "running {task.fields[running]}"
)
ETA = "ETA {task.fields[left]}"
WIDE = 72
"""Columns of a terminal from which on it has room for the bar and the times too."""


class Progress:
    """Shows on a stream how many cells have ended.

    Parameters
    ----------
    total : int
        Cells.
    stream : file
        A terminal gets one line that changes, anything else a plain line now and then. A notebook
        with ipywidgets shows the line below the cell, without them plain lines.
    quiet : bool
        Show failures alone.
    now : callable
        The time in seconds.
    """

    def __init__(
        self,
        total: int,
        stream: TextIO,
        *,
        quiet: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total = total
        self.stream = stream
        self.quiet = quiet
        self._now = now
        self._live = False
        self._counts: dict[str, Any] = {"ok": 0, "failed": 0, "running": 0, "left": UNKNOWN}

    def __enter__(self) -> Progress:
        from rich import progress
        from rich.console import Console
        from rich.table import Column

        widgets = None if find_spec("ipywidgets") else False
        console = Console(file=self.stream, highlight=False, force_jupyter=widgets)
        columns: list[progress.ProgressColumn] = [progress.TextColumn(COUNTS)]
        if console.width >= WIDE:
            columns.insert(0, progress.BarColumn(bar_width=12))
            columns.append(progress.TimeElapsedColumn(Column(no_wrap=True)))
            columns.append(progress.TextColumn(ETA, table_column=Column(no_wrap=True)))
        self._bar = progress.Progress(
            *columns,
            console=console,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            get_time=self._now,
        )
        self._task = self._bar.add_task("", total=self.total, **self._counts)
        self._printed, self._printed_at = 0.0, self._now()
        terminal = self.stream.isatty() and console.is_interactive
        self._live = (terminal or console.is_jupyter) and not self.quiet
        if self._live:
            self._bar.start()
        return self

    def __exit__(self, *error: Any) -> None:
        if self._live:
            self._bar.stop()
        if self._live or self._bar.tasks[0].completed != self._printed:
            self._print()

    def advance(self, status: str, *, running: int, left: str = UNKNOWN) -> None:
        """Count a cell that ended; say how many run and, as `Estimate.clock` does, what is left."""
        self._counts["ok" if status == "ok" else "failed"] += 1
        self._counts["running"] = running
        self._counts["left"] = left
        self._bar.update(self._task, advance=1, **self._counts)
        if not self._live and self._now() - self._printed_at >= EVERY:
            self._print()

    def say(self, text: str) -> None:
        """Print a line above the progress."""
        encoding = self.stream.encoding or "utf-8"
        safe = visible(text).encode(encoding, "backslashreplace").decode(encoding)
        if self._live:
            self._bar.console.print(safe, markup=False, emoji=False, soft_wrap=True)
        else:
            print(safe, file=self.stream, flush=True)

    def _print(self) -> None:
        """Print the progress as a line that stays."""
        if not self.quiet:
            self._printed, self._printed_at = self._bar.tasks[0].completed, self._now()
            self._bar.console.print(self._bar)


class Events:
    """Appends events to a file; without one it does nothing."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def write(self, event: str, **what: Any) -> None:
        """Append one event with the time in UTC."""
        if self.path is None:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json_text(json.dumps({"event": event, "time": now, **what}))
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
