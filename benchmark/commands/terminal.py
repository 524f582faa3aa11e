"""What commands print: text in the encoding and the width of the terminal."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

__all__ = ["command_line", "echo", "steps_on_stderr", "terminal_width"]

PATIENCE = 5.0
"""Seconds after which a command says what it does where it cannot draw a moving line."""


def echo(text: str) -> None:
    """Print text as it is, or with escapes for characters that the encoding of stdout lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    click.echo(text, nl=not text.endswith("\n"))


@contextmanager
def steps_on_stderr() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows what is done next.

    On a terminal that is a line that moves; elsewhere a line for each step that begins after five
    seconds, so that short work says nothing.
    """
    from rich.console import Console

    console, begun = Console(stderr=True), time.monotonic()
    if console.is_terminal:
        with console.status("") as status:
            yield lambda text: status.update(text)
    else:
        yield (
            lambda text: (
                click.echo(f"{text} ...", err=True) if time.monotonic() - begun > PATIENCE else None
            )
        )


def terminal_width() -> int:
    """Return the columns of the terminal, 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def command_line() -> str:
    """Return the command that is running, quoted for a shell."""
    return shlex.join(["bench", *sys.argv[1:]])
