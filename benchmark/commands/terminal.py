"""Where every command prints: text of others is shown and does nothing, a broken output is told.

No command prints beside these functions; a test of the sources holds that.
"""

from __future__ import annotations

import os
import re
import select
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from imbench.errors import EnvironmentFault
from imbench.safe_text import visible

__all__ = [
    "command_line",
    "echo",
    "echo_bytes",
    "echo_document",
    "echo_workflow_command",
    "fill_missing_streams",
    "flush_output",
    "nobody_reads",
    "steps_on_stderr",
    "terminal_width",
]

PATIENCE = 5.0
"""Seconds after which a command says what it does where it cannot draw a moving line."""


def echo(*lines: str, err: bool = False) -> None:
    """Print each text as one line, to standard output or error.

    Raises
    ------
    EnvironmentFault
        If standard output cannot be written. One that nobody reads any more is no fault.
    """
    _print([visible(line) for line in lines], err=err)


def echo_document(text: str) -> None:
    """Print a text of many lines, whose form has kept names and messages on their lines."""
    _print([visible(line, None) for line in text.removesuffix("\n").split("\n")])


def echo_bytes(content: bytes) -> None:
    """Print bytes, whatever the encoding of the terminal is."""
    _write(sys.stdout, content)


def echo_workflow_command(line: str) -> None:
    """Print a line that GitHub Actions is to obey."""
    _write(sys.stdout, f"{visible(line)}\n")


def flush_output() -> None:
    """Write what libraries printed; raise as `echo` does."""
    _write(sys.stdout, "")


def fill_missing_streams() -> bool:
    """Put the null device where a standard stream is closed; return whether output was.

    A file that is opened later would take the free number, and get what goes to the stream. Input
    is closed to all: code of others that waits for an answer finds the end at once.
    """
    closed = {number for number in (0, 1, 2) if not _is_open(number)}
    null = os.open(os.devnull, os.O_RDWR)
    for number in closed | {0}:
        os.dup2(null, number)
        os.set_inheritable(number, True)
    if null > 2:
        os.close(null)
    if sys.stdout is None:
        sys.stdout = _null_stream()
    if sys.stderr is None:
        sys.stderr = _null_stream()
    return 1 in closed


def nobody_reads() -> bool:
    """Whether the reader of the output, such as `head`, has gone."""
    if getattr(sys.stdout, "name", "") == os.devnull:
        return True
    pipe = select.poll()
    with suppress(OSError, ValueError):
        pipe.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in pipe.poll(0))


@contextmanager
def steps_on_stderr() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows what is done next.

    On a terminal that is a line that moves; elsewhere a line for each step that begins after five
    seconds, so that short work says nothing.
    """
    from rich.console import Console
    from rich.markup import escape

    console, begun = Console(stderr=True), time.monotonic()

    def print_late(text: str) -> None:
        if time.monotonic() - begun > PATIENCE:
            echo(f"{text} ...", err=True)

    if console.is_terminal:
        with console.status("") as status:
            yield lambda text: status.update(escape(visible(text)))
    else:
        yield print_late


def terminal_width() -> int:
    """Return the columns of the terminal, 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def command_line() -> str:
    """Return the command that is running, quoted for a shell."""
    return shlex.join(["bench", *sys.argv[1:]])


def _print(lines: list[str], *, err: bool = False) -> None:
    if os.environ.get("GITHUB_ACTIONS") == "true":
        lines = [_disarmed(line) for line in lines]
    _write(sys.stderr if err else sys.stdout, "".join(f"{line}\n" for line in lines))


def _disarmed(line: str) -> str:
    """Return a line that GitHub Actions takes for no command, in a log of it."""
    return re.sub(r"^(\s*)::", r"\1\\::", line).replace("##[", "##\\[")


def _write(stream: TextIO, content: str | bytes) -> None:
    try:
        if isinstance(content, str):
            encoding = stream.encoding or "utf-8"
            stream.write(content.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        else:
            stream.flush()
            stream.buffer.write(content)
            stream.buffer.flush()
    except OSError as error:
        told = stream is sys.stdout and not isinstance(error, BrokenPipeError)
        _discard(stream)
        if not told:
            return
        raise EnvironmentFault(
            f"standard output cannot be written: {error.strerror}; send it elsewhere"
        ) from error


def _discard(stream: TextIO) -> None:
    """Send what a broken stream still holds, and what follows, to the null device.

    Python would write the rest again when it ends, and report that.
    """
    null = _null_stream()
    with suppress(OSError, ValueError):
        os.dup2(null.fileno(), stream.fileno())
    if stream is sys.stderr:
        sys.stderr = null
    else:
        sys.stdout = null


def _null_stream() -> Any:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - open until the end


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
