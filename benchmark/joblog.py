"""The log beside a record: what its training said, warned of, and crashed with."""

from __future__ import annotations

import faulthandler
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imbench.errors import EnvironmentFault

__all__ = ["logged_to"]


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]
    """Gives up in silence where there is no space: the record, next, says so in a sentence."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        del record


@contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Send log messages and warnings to a file, and a crash's stack; no file if there are none.

    Raises
    ------
    EnvironmentFault
        If the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise EnvironmentFault(f"{path} cannot be written: {error.strerror}") from error
    handler = _Handler(file)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
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
        with suppress(OSError):
            if path.stat().st_size == 0:
                path.unlink()
