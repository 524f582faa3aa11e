"""What a run says while it works: one line of progress, each failure at once."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from imbench.errors import EnvironmentFault
from imbench.runs.job import Outcome

if TYPE_CHECKING:
    from rich.live import Live

__all__ = ["Events", "Progress", "Tally", "clock", "progress_line", "spoken"]

EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


@dataclass
class Tally:
    """How far a run is, in cells."""

    total: int
    status: dict[str, int] = field(default_factory=dict)
    running: int = 0
    begun: float = field(default_factory=time.monotonic)

    def add(self, status: str) -> None:
        """Count one cell more."""
        self.status[status] = self.status.get(status, 0) + 1

    @property
    def finished(self) -> int:
        """Cells that ended, well or not."""
        return sum(self.status.values())

    @property
    def bad(self) -> int:
        """Cells that ended without a score."""
        return self.finished - self.status.get("ok", 0)

    @property
    def left(self) -> float | None:
        """Seconds to go, if the rest takes as long as what was done; None before the first."""
        if not self.finished:
            return None
        return (time.monotonic() - self.begun) / self.finished * (self.total - self.finished)


class Progress:
    """Shows a tally on a stream.

    Parameters
    ----------
    tally : Tally
        Read whenever it is shown.
    stream : file
        A terminal gets one line that changes, anything else a plain line now and then.
    quiet : bool
        Show failures alone.
    """

    def __init__(self, tally: Tally, stream: TextIO, *, quiet: bool = False) -> None:
        self.tally = tally
        self.stream = stream
        self.quiet = quiet
        self._live: Live | None = None
        self._shown = time.monotonic()
        self._last = ""

    def __enter__(self) -> Progress:
        if not self.quiet and self.stream.isatty() and os.environ.get("TERM") != "dumb":
            from rich.console import Console
            from rich.live import Live
            from rich.text import Text

            console = Console(file=self.stream, highlight=False, markup=False, emoji=False)
            self._live = Live(
                get_renderable=lambda: Text(self._line(console.width), no_wrap=True),
                console=console,
                refresh_per_second=4,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        return self

    def __exit__(self, *error: Any) -> None:
        if self._live is not None:
            self._live.stop()
        if not self.quiet and self._line() != self._last:
            self._write(self._line())

    def update(self) -> None:
        """Show the tally, if it is time to."""
        if self._live is not None or self.quiet:
            return
        if time.monotonic() - self._shown >= EVERY:
            self._shown = time.monotonic()
            self._last = self._line()
            self._write(self._last)

    def say(self, text: str) -> None:
        """Print a line above the progress."""
        if self._live is not None:
            from rich.text import Text

            self._live.console.print(Text(text), soft_wrap=True)
        else:
            self._write(text)

    def _line(self, width: int = 80) -> str:
        return progress_line(self.tally, width)

    def _write(self, text: str) -> None:
        encoding = self.stream.encoding or "utf-8"
        safe = text.encode(encoding, "backslashreplace").decode(encoding)
        self.stream.write(f"{safe}\n")
        self.stream.flush()


def progress_line(tally: Tally, width: int = 80) -> str:
    """Return `` [####----]  131/165  ok 128  failed 3  running 2  0:31  ETA 0:09``."""
    filled = 8 * tally.finished // tally.total if tally.total else 8
    pieces = [
        f" [{'#' * filled}{'-' * (8 - filled)}]",
        f"{tally.finished}/{tally.total}",
        f"ok {tally.status.get('ok', 0)}",
        f"failed {tally.bad}",
        f"running {tally.running}",
        clock(time.monotonic() - tally.begun),
    ]
    if tally.left is not None:
        pieces.append(f"ETA {clock(tally.left)}")
    while len("  ".join(pieces)) >= width and len(pieces) > 2:
        del pieces[-2 if len(pieces) > 3 else -1]
    return "  ".join(pieces)


def clock(seconds: float) -> str:
    """Return ``0:31`` (minutes and seconds) or ``2:05:00``."""
    whole = round(max(0.0, seconds))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def spoken(seconds: float) -> str:
    """Return ``about 41 min`` and the like."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"


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
