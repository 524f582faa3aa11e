"""What commands print: text in the encoding and the width of the terminal."""

from __future__ import annotations

import shlex
import shutil
import sys

import click

__all__ = ["command_line", "echo", "terminal_width"]


def echo(text: str) -> None:
    """Print text as it is, or with escapes for characters that the encoding of stdout lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    click.echo(text, nl=not text.endswith("\n"))


def terminal_width() -> int:
    """Return the columns of the terminal, 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def command_line() -> str:
    """Return the command that is running, quoted for a shell."""
    return shlex.join(["bench", *sys.argv[1:]])
