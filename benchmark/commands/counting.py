"""How far a command is that does one thing many times: a moving bar, or a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from imbench.commands.terminal import echo

__all__ = ["EVERY", "counted_on_stderr"]

EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


@contextmanager
def counted_on_stderr(total: int, what: str, *, done: int = 0) -> Iterator[Callable[[int], None]]:
    """Yield a function that counts things done, of `total` in all.

    Parameters
    ----------
    total : int
        How many there are.
    what : str
        Their name: ``images``.
    done : int
        How many were done before; no time is counted for them.
    """
    from rich import progress
    from rich.console import Console

    console = Console(file=sys.stderr, highlight=False)
    if console.is_terminal:
        columns = [
            progress.BarColumn(bar_width=24),
            progress.MofNCompleteColumn(),
            progress.TextColumn(what),
            progress.TimeElapsedColumn(),
            progress.TimeRemainingColumn(),
        ]
        with progress.Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=total, completed=done)
            yield lambda more: bar.advance(task, more)
        return
    last = time.monotonic()
    count = done
    first: tuple[float, int] | None = None

    def tell(more: int) -> None:
        nonlocal count, last, first
        count += more
        now = time.monotonic()
        # The first has the start with it, such as images that are decoded for all: no measure.
        begun, before = first = first or (now, count)
        if now - last >= EVERY and count < total:
            last = now
            left = (now - begun) / (count - before) * (total - count) if count > before else None
            togo = "" if left is None else f", about {_clock(left)} to go"
            echo(f"{count} of {total} {what}{togo}", err=True)

    yield tell


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{int(seconds):02d}"
