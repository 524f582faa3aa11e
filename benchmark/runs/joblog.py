"""The log beside a record: why there is no score, then what its training said and crashed with."""

from __future__ import annotations

import faulthandler
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from imbench.errors import EnvironmentFault
from imbench.files.atomic import write_atomic
from imbench.safe_text import visible

__all__ = ["REASON", "logged_to", "put_first"]

REASON = "imbench_reason"
"""Attribute of a message that says why a cell has no score: it becomes the first line."""


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]
    """Gives up in silence where there is no space: the record, next, says so in a sentence."""

    def __init__(self, file: TextIO) -> None:
        super().__init__(file)
        self.reasons: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, REASON, False):
            self.reasons.append(record.getMessage())
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        del record


class _Formatter(logging.Formatter):
    """Indents what follows the first line of a message, so that no message forges another."""

    def format(self, record: logging.LogRecord) -> str:
        first, *others = super().format(record).split("\n")
        return "\n".join([visible(first), *(f"  {visible(line)}" for line in others)])


@contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Send log messages and warnings to a file, and a crash's stack; no file if there are none.

    Messages with the attribute `REASON` are repeated at its top.

    Raises
    ------
    EnvironmentFault
        If the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Made anew: a link that others put there would lead to a file of the user's.
        path.unlink(missing_ok=True)
        file = path.open("x", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise EnvironmentFault(f"{path} cannot be written: {error.strerror}") from error
    handler = _Handler(file)
    handler.setFormatter(_Formatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    logging.getLogger("imbench").setLevel(logging.INFO)
    logging.captureWarnings(True)
    faulthandler.enable(file)
    try:
        yield
    finally:
        faulthandler.disable()
        logging.captureWarnings(False)
        root.removeHandler(handler)
        with suppress(OSError):
            file.close()
        put_first(path, handler.reasons)


def put_first(path: Path, reasons: Sequence[str]) -> None:
    """Write lines above a log that ends without them; a log of nothing is removed."""
    with suppress(OSError, EnvironmentFault):
        with open(path, "rb", opener=_not_elsewhere) as file:
            said = file.read()
        if not said:
            path.unlink()
        elif reasons:
            # A line each: a reader, and `head -n 1`, need not look for them below the rest.
            lines = "".join(f"{visible(' '.join(reason.split()))}\n" for reason in reasons)
            write_atomic(path, lines.encode() + b"\n" + said)


def _not_elsewhere(name: str, flags: int) -> int:
    # What others put in the place of a log meanwhile may lead to a file of the user's.
    return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
