"""A table of text as rows of cells: its encoding, the sign between its cells, its quotes."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from imbench.errors import DataError, UsageError
from imbench.files.reading import LARGE, read_bytes
from imbench.images.notes import DataNote

__all__ = ["Table", "read_table", "separator_of"]

_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
_GUESSED = (",", ";", "\t", "|")
_SAMPLE = 200
"""Rows that are looked at to find the separator."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHERS = (
    (rb"PK\x03\x04", "a zip archive or an Excel workbook", "save its sheet as CSV"),
    (rb"\x1f\x8b", "compressed with gzip", "unpack it"),
    (rb"PAR1", "Parquet", "save it as CSV"),
    (rb"\s*<", "a web page or XML", "download the table itself, or save it as CSV"),
    (rb"\s*(\{|\[\s*[\[{\"])", "JSON", ""),
)
_OWN = "write a table with the path and the label of each image, or a data set of your own"
_EXCEL = re.compile(r"\s*sep=(.)[ \t]*(\r\n|\r|\n)")
"""First line in which Excel is told the separator."""


@dataclass(frozen=True)
class Table:
    """Cells without the blanks around them, in rows as wide as the header.

    Attributes
    ----------
    lines : list of int
        Line of the file at which each row ends, for messages.
    notes : tuple of DataNote
        What was guessed to read it.
    """

    path: Path
    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    notes: tuple[DataNote, ...] = ()

    def column(self, name: str) -> list[str]:
        """Return the cells of a column; raise DataError if two columns have its name."""
        if self.header.count(name) > 1:
            raise DataError(f"{self.path} has {self.header.count(name)} columns named {name!r}")
        place = self.header.index(name)
        return [row[place] for row in self.rows]

    def keep(self, rows: Iterable[int]) -> Table:
        """Return the table with some rows only."""
        places = list(rows)
        kept, lines = [self.rows[row] for row in places], [self.lines[row] for row in places]
        return Table(self.path, self.header, kept, lines, self.notes)


def separator_of(text: str) -> str:
    r"""Return the separator that ``sep=`` names: a sign, or one of the words for it.

    >>> [separator_of(text) for text in (";", "tab", "bar")]
    [';', '\t', '|']
    """
    signs = {name: sign for sign, name in _NAMES.items()} | {r"\t": "\t"}
    sign = signs.get(text, text)
    if len(sign) != 1 or sign.isalnum() or sign in "\"'\r\n":
        words = ", ".join(_NAMES.values())
        raise UsageError(f"sep={text} is no separator; write {words} or a sign")
    return sign


def read_table(
    path: Path, *, sep: str | None = None, encoding: str | None = None, expected: Sequence[str] = ()
) -> Table:
    """Read a table whose first row names its columns.

    Parameters
    ----------
    sep : str, optional
        The sign between cells; without it the one of comma, semicolon, tab and bar that fits.
    encoding : str, optional
        Without it UTF-8, UTF-16 by its mark or its zeros, else Windows-1252.
    expected : sequence of str
        Columns by which the header is recognised, in any case.

    Raises
    ------
    DataError
        If it is no such table, naming the line.
    """
    text, notes = _text(path, encoding)
    text, skipped = text.removeprefix("\ufeff"), 0
    if not text.strip():
        raise DataError(f"{path} is empty")
    if told := _EXCEL.match(text):
        sep, text, skipped = sep or told[1], text[told.end() :], 1
    chosen = sep or _find_separator(text, expected)
    if chosen is None:
        start = text.strip().partition("\n")[0].strip()[:60]
        raise DataError(
            f"{path} is no table: neither comma, semicolon, tab nor bar divides its first line "
            f"{start!r}; name the sign with sep=, or {_OWN} (docs/adding.md)"
        )
    table = _parse(path, text, chosen, skipped)
    if sep is None and chosen != ",":
        words = f"the cells of {len(table.rows)} rows are divided by {_NAMES[chosen]}"
        notes = [*notes, DataNote("guessed", words, len(table.rows), "sep=")]
    return Table(path, table.header, table.rows, table.lines, tuple(notes))


def _text(path: Path, encoding: str | None) -> tuple[str, list[DataNote]]:
    try:
        raw = read_bytes(path, LARGE)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    for pattern, what, remedy in _OTHERS:
        if re.match(pattern, raw.removeprefix(codecs.BOM_UTF8)):
            todo = remedy or f"{_OWN} (docs/adding.md)"
            raise DataError(f"{path} is {what}, not a table of text: {todo}")
    named = encoding or next((name for mark, name in _MARKS if raw.startswith(mark)), None)
    if named is None and b"\0" in raw[:400]:
        # In UTF-16 every second byte of Latin text is 0.
        named = "utf-16-be" if raw[:400:2].count(0) > raw[1:400:2].count(0) else "utf-16-le"
    try:
        text = raw.decode(named or "utf-8")
    except LookupError:
        raise UsageError(
            f"encoding={encoding} is unknown to Python; write utf-8, cp1252, ..."
        ) from None
    except UnicodeDecodeError as error:
        if named is None:
            return _windows_text(path, raw)
        raise DataError(f"{path} is no text in {named}: {error.reason}") from error
    if "\0" in text:
        raise DataError(f"{path} is no text: it holds bytes of value 0")
    return text, []


def _windows_text(path: Path, raw: bytes) -> tuple[str, list[DataNote]]:
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is text neither in UTF-8 nor in Windows-1252; name its encoding with encoding="
        ) from error
    lines = sum(not line.isascii() for line in text.splitlines())
    words = f"{lines} lines are no UTF-8 and are read as Windows-1252"
    return text, [DataNote("guessed", words, lines, "encoding=, or save the table in UTF-8")]


def _find_separator(text: str, expected: Sequence[str]) -> str | None:
    """Return the sign that divides the header into the most expected columns, and rows alike."""
    names = {name.casefold() for name in expected}
    fits: dict[str, tuple[int, float, int]] = {}
    for sign in _GUESSED:
        sample = _sample(text, sign)
        if sample and len(sample[0]) > 1:
            header, rows = sample[0], sample[1:]
            alike = sum(len(row) == len(header) for row in rows) / max(len(rows), 1)
            known = len(names & {name.casefold() for name in header})
            fits[sign] = (known, alike, len(header))
    return max(fits, key=lambda sign: fits[sign]) if fits else None


def _sample(text: str, sign: str) -> list[list[str]]:
    rows = []
    try:
        for _, row in islice(_cells(text, sign), _SAMPLE):
            rows.append(row)  # those before an error count
    except csv.Error:
        pass
    return rows


def _cells(text: str, sign: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each row that is not blank, and the line at which it ends."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=sign, strict=True, skipinitialspace=True
    )
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise csv.Error(reader.line_num, str(error)) from error


def _parse(path: Path, text: str, sign: str, skipped: int) -> Table:
    try:
        found = list(_cells(text, sign))
    except csv.Error as error:
        line, why = error.args
        raise DataError(
            f"{path}, line {line + skipped}: the quotes do not match ({why}); a cell with a quote "
            'stands between quotes and has the quote twice, "5"" tube"'
        ) from error
    if len(found) < 2:
        raise DataError(f"{path} has no rows below its header")
    header = found[0][1]
    rows, lines = [], []
    for line, cells in found[1:]:
        while len(cells) > len(header) and not cells[-1]:
            cells.pop()
        if len(cells) != len(header):
            raise DataError(
                f"{path}, line {line + skipped}: not as many cells as the header has "
                f"({len(cells)}, {len(header)}); a cell with a {_NAMES.get(sign, sign)} in it "
                "needs quotes around it"
            )
        rows.append(cells)
        lines.append(line + skipped)
    return Table(path, header, rows, lines)
