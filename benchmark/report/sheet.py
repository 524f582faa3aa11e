"""What a printed table is before it takes a form: plain cells, notes and footnotes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from imbench.report.tables import Table
from imbench.stats.intervals import Ends

__all__ = [
    "NARROW",
    "Sheet",
    "Shown",
    "footnotes",
    "letter",
    "no_zero",
    "side_by_side",
    "table_sheet",
    "visible",
]


NARROW = 0.02
"""Width of an interval below which two decimals do not do."""


@dataclass(frozen=True)
class Shown:
    """One printed cell: a number, a text, or both.

    Attributes
    ----------
    value : float or None
        A number.
    ends : (float, float) or None
        Of its interval.
    text : str
        What stands after the number or in its place.
    notes : tuple of str
        Footnotes; the form gives them letters.
    digits : int
        Decimal places.
    signed : bool
        Whether a plus sign is printed.
    """

    value: float | None = None
    ends: Ends | None = None
    text: str = ""
    notes: tuple[str, ...] = ()
    bold: bool = False
    digits: int = 3
    signed: bool = False

    def number(self) -> str:
        """Return the number as text, empty if there is none."""
        return "" if self.value is None else self._text(round(self.value, self.digits), self.digits)

    def interval(self) -> tuple[str, str] | None:
        """Return the ends of the interval as text, None if there is none.

        Two decimals, or those of the number where the interval is narrower than `NARROW`. The
        ends are rounded outward, so the interval printed holds the number printed.
        """
        if self.ends is None:
            return None
        low, high = self.ends
        digits = self.digits if high - low < NARROW else min(self.digits, 2)
        scale = 10.0**digits
        # Sums of scores are off by rounding: an end that is .3 to nine digits is printed as .30.
        down, up = math.floor(round(low * scale, 9)), math.ceil(round(high * scale, 9))
        return self._text(down / scale, digits), self._text(up / scale, digits)

    def _text(self, value: float, digits: int) -> str:
        sign = "+" if self.signed else ""
        return f"{value + 0.0:{sign}.{digits}f}"  # no "-0.000"


@dataclass(frozen=True)
class Sheet:
    """A table ready to be printed in any form."""

    title: str
    slug: str
    """Unique within a report, of a-z, 0-9 and hyphens."""
    above: tuple[str, ...]
    span: str
    """What the columns after the first share; empty if nothing."""
    head: tuple[str, ...]
    align: str
    """``l`` or ``r`` for each column."""
    rows: tuple[tuple[Shown, ...], ...]
    rules: frozenset[int] = frozenset()
    """Rows before which a line is drawn."""
    cuts: frozenset[int] = frozenset()
    """Rules at which a form with pages may cut the sheet."""
    below: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    """For forms that can carry what is not printed."""

    def parts(self, most: int) -> Iterator[Sheet]:
        """Cut into sheets of at most `most` rows, as far as `cuts` allow it."""
        start = 0
        edges = [*sorted(self.cuts), len(self.rows)]
        for edge, following in pairwise([*edges, None]):
            if edge is None or (following is not None and following - start <= most):
                continue
            rules = frozenset(rule - start for rule in self.rules if start < rule < edge)
            part = replace(self, rows=self.rows[start:edge], rules=rules, cuts=frozenset())
            if start:
                title, slug = f"{self.title} (continued)", f"{self.slug}-{start}"
                below = ("notes as in the first part",) if self.below else ()
                part = replace(part, title=title, slug=slug, below=below)
            yield part
            start = edge


def table_sheet(table: Table) -> Sheet:
    """Lay out a table: methods as rows, minority counts as columns, the trivial score last."""
    rows = [
        (
            Shown(text=line.title),
            *(
                Shown(entry.mean, entry.ends, entry.mark, entry.notes, entry.bold)
                for entry in line.entries
            ),
        )
        for line in table.lines
    ]
    last = Shown(text="--") if table.trivial is None else Shown(table.trivial)
    rows.append((Shown(text="trivial"), *[last] * len(table.counts)))
    basis = table.group.basis
    return Sheet(
        title=table.title,
        slug=_slug(f"{table.group.title}-{table.metric}-{table.group.code}"),
        above=(table.protocol,),
        span="minority training images",
        head=("method", *map(str, table.counts)),
        align="l" + "r" * len(table.counts),
        rows=tuple(rows),
        rules=frozenset({len(rows) - 1}),
        below=table.notes,
        comments=(
            f"data {table.group.name}: fingerprint {basis.fingerprint}",
            f"seeds: {len(table.group.seeds)} ({table.protocol})",
            f"settings {basis.settings.model_dump_json()}, protocol version {basis.protocol}",
        ),
    )


def footnotes(rows: Iterable[Iterable[Shown]]) -> dict[str, str]:
    """Return each footnote with its letter, in reading order."""
    texts = dict.fromkeys(note for row in rows for shown in row for note in shown.notes)
    return {text: letter(index) for index, text in enumerate(texts)}


def letter(index: int) -> str:
    """Return a, b, ..., z, aa, ab, ... for 0, 1, ..."""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(ord("a") + rest) + text
    return text


def no_zero(number: str) -> str:
    """Leave out the zero before the point: four columns with intervals fit 80 that way, five 90."""
    return re.sub(r"^([+-]?)0\.", r"\1.", number)


def visible(text: str) -> str:
    """Return text whose control characters are spelt out, so that it stays on its line."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


WIDEST = 6
"""Columns of numbers that fit a page of LaTeX's article class."""


def side_by_side(tables: Sequence[Table]) -> Iterator[Sheet]:
    """Yield the tables of each data set as sheets that have all metrics at a count together."""
    codes = dict.fromkeys(table.group.code for table in tables)
    for code in codes:
        same = [table for table in tables if table.group.code == code]
        counts = same[0].counts
        most = max(1, WIDEST // len(same))
        for start in range(0, len(counts), most):
            yield _sheet(same, range(start, min(start + most, len(counts))), start)


def _sheet(tables: Sequence[Table], places: Sequence[int], start: int) -> Sheet:
    base, first = table_sheet(tables[0]), tables[0]
    columns = [(table, place) for place in places for table in tables]
    rows = []
    for index, line in enumerate(first.lines):
        entries = [table.lines[index].entries[place] for table, place in columns]
        shown = [Shown(e.mean, e.ends, e.mark, e.notes, e.bold) for e in entries]
        rows.append((Shown(text=line.title), *shown))
    trivial = [Shown(t.trivial) if t.trivial is not None else Shown(text="--") for t, _ in columns]
    rows.append((Shown(text="trivial"), *trivial))
    notes = dict.fromkeys(note for table in tables for note in table.notes)
    continued = " (continued)" if start else ""
    return Sheet(
        title=f"{first.group.title}: {', '.join(table.metric for table in tables)}{continued}",
        slug=f"{base.slug}-beside{f'-{start}' if start else ''}",
        above=(first.protocol,),
        span="minority training images and metric",
        head=("method", *(f"{first.counts[place]} {table.metric}" for table, place in columns)),
        align="l" + "r" * len(columns),
        rows=tuple(rows),
        rules=frozenset({len(rows) - 1}),
        below=("notes as in the first part",) if start else tuple(notes),
        comments=base.comments,
    )
