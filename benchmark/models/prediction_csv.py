"""The CSV of predictions: written row by row, and continued where an earlier run stopped."""

from __future__ import annotations

import csv
import fcntl
import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, Protocol

from imbench.errors import EnvironmentFault, UsageError
from imbench.files.reading import open_regular
from imbench.models.model import Model
from imbench.models.predicting import Prediction
from imbench.safe_text import csv_cell, csv_text

__all__ = ["PredictionRows", "Row", "header_of", "open_rows"]

_FIRST, _LAST = ("path", "decision", "margin"), ("fault", "model")
_LONGEST = 1 << 20
"""Most bytes of a line of ours: a path and a number for each class."""


@dataclass(frozen=True)
class Row:
    """A row of the file: texts as its cells have them."""

    path: str
    decision: str
    margin: str
    proba: tuple[str, ...]
    fault: str
    model: str

    @classmethod
    def of(cls, model: Model, one: Prediction) -> Row:
        """Return the row of a prediction; that of a file that cannot be used has empty cells."""
        path, identity = csv_cell(str(one.path)), model.description.identity
        if one.proba is None:
            empty = ("",) * len(model.classes)
            return cls(path, "", "", empty, csv_cell(one.fault or "unknown"), identity)
        proba = tuple(f"{share:.9g}" for share in one.proba)
        said = csv_cell(model.classes[one.said])
        return cls(path, said, f"{one.margin:.6g}", proba, "", identity)

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells in the order of the columns."""
        return (self.path, self.decision, self.margin, *self.proba, self.fault, self.model)

    @property
    def file(self) -> Path:
        """The path as it was before it became a cell, where nothing in it had to be escaped."""
        return Path(csv_text(self.path))


class Sink(Protocol):
    """What rows are written to."""

    def write(self, content: bytes, /) -> Any:
        """Take bytes."""

    def flush(self) -> Any:
        """Hand them on."""


class PredictionRows:
    """Adds rows to a file.

    Parameters
    ----------
    sink : Sink
        Where they go.
    model : Model
        Whose predictions they are.
    name : str
        What the file is called in messages.
    done : Counter
        Cells of the paths that an earlier run has written, and how often.
    """

    def __init__(self, sink: Sink, model: Model, name: str, done: Counter[str]) -> None:
        self.model, self.name, self.done, self._sink = model, name, done, sink
        self.before = done.total()
        """Rows that were there."""

    def begin(self) -> None:
        """Write the names of the columns."""
        self._write([header_of(self.model)])

    def todo(self, paths: Iterable[Path]) -> Iterator[Path]:
        """Yield the files that have no row yet."""
        left = self.done.copy()
        for path in paths:
            cell = csv_cell(str(path))
            if left[cell]:
                left[cell] -= 1
            else:
                yield path

    def add(self, rows: Iterable[Row]) -> None:
        """Write rows, whole."""
        self._write([row.cells for row in rows])

    def _write(self, rows: Iterable[Sequence[str]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        try:
            self._sink.write(text.getvalue().encode("utf-8", "backslashreplace"))
            self._sink.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise EnvironmentFault(
                f"{self.name} cannot be written: {error.strerror}; make room and run the same "
                "command again to continue"
            ) from error


def header_of(model: Model) -> tuple[str, ...]:
    """Return the names of the columns."""
    return (*_FIRST, *(csv_cell(f"p({name})") for name in model.classes), *_LAST)


@contextmanager
def open_rows(
    path: Path, model: Model, look: Callable[[Row], None] = lambda _row: None
) -> Iterator[PredictionRows]:
    """Open a CSV file to add rows; what an earlier run of the same model wrote stays.

    Parameters
    ----------
    path : Path
        The file; a pipe or a device is written into.
    model : Model
        Whose predictions are written.
    look : callable
        Called with each row that is there.

    Raises
    ------
    UsageError
        If the file is no such CSV, or that of another model, or another process writes it.
    EnvironmentFault
        If it cannot be read or written.
    """
    special = path.exists() and not path.is_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise EnvironmentFault(f"{path} cannot be written: {error.strerror}") from error
    with file:
        done: Counter[str] = Counter()
        if not special:
            _take(file.fileno(), path)
            end = 0
            for row, place in _whole_rows(path, model):
                end = place
                if row is not None:
                    done[row.path] += 1
                    look(row)
            os.ftruncate(file.fileno(), end)  # the line that a killed run left half written
            rows = PredictionRows(file, model, str(path), done)
            if not end:
                rows.begin()
        else:
            rows = PredictionRows(file, model, str(path), done)
            rows.begin()
        yield rows


def _take(handle: int, path: Path) -> None:
    """Keep other processes from the file for as long as it is open."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(f"another process writes {path}; name another --csv") from error
    except OSError:  # a file system without locks
        return


def _whole_rows(path: Path, model: Model) -> Iterator[tuple[Row | None, int]]:
    """Yield the rows of a file and where each ends, None for the names of the columns."""
    expected = header_of(model)
    try:
        with open_regular(path) as file:
            for number, (cells, end) in enumerate(_lines(file)):
                if number == 0:
                    if (cells[:3], cells[-2:]) != (list(_FIRST), list(_LAST)):
                        raise UsageError(
                            f"{path} exists and holds no predictions of `bench predict`; name "
                            "another --csv"
                        )
                    _refuse_other(path, cells == list(expected))
                    yield None, end
                    continue
                whole = len(cells) == len(expected)
                _refuse_other(path, whole and cells[-1] == model.description.identity)
                path_cell, said, margin, *proba, fault, identity = cells
                row = Row(path_cell, said, margin, tuple(proba), fault, identity)
                if not row.fault:
                    float(row.margin)
                yield row, end
    except (csv.Error, ValueError) as error:
        raise UsageError(f"{path} was edited and is no CSV of ours; name another --csv") from error
    except OSError as error:
        raise EnvironmentFault(f"{path} cannot be read: {error.strerror}") from error


def _lines(file: BufferedReader) -> Iterator[tuple[list[str], int]]:
    """Yield the cells of each line that is whole, and where it ends."""
    end = 0
    while (raw := file.readline(_LONGEST)).endswith(b"\n"):
        end += len(raw)
        yield next(csv.reader([raw.decode("utf-8")]), []), end
    if not end and raw:
        yield [], 0  # a file without a line: none of ours


def _refuse_other(path: Path, same: bool) -> None:
    if not same:
        raise UsageError(f"{path} holds predictions of another model; name another --csv")
