"""A table laid out for printing in any form: cells, notes and footnotes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from imbench.report.means import TableCell
from imbench.report.tables import Table
from imbench.stats.intervals import Ends

__all__ = [
    "NARROW",
    "PrintedCell",
    "PrintedTable",
    "footnotes",
    "letter",
    "no_zero",
    "printed_table",
    "side_by_side",
]


AUROC = "AUROC: mean over seeds; no threshold enters it"
BESIDE = 2
"""Counts up to which AUROC has columns of its own beside the scores; else rows below them."""
NARROW = 0.02
"""Width of an interval below which two decimals are too few."""


@dataclass(frozen=True)
class PrintedCell:
    """A cell of a printed table: a number, a text, or both.

    Attributes
    ----------
    value : float or None
        A number.
    ends : (float, float) or None
        Ends of its interval.
    text : str
        Printed after the number, or instead of it.
    notes : tuple of str
        Footnotes; `footnotes` assigns their letters.
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
class PrintedTable:
    """A table laid out for printing in any form."""

    title: str
    slug: str
    """Unique within a report, of a-z, 0-9 and hyphens."""
    above: tuple[str, ...]
    span: str
    """Title above all columns but the first; empty for none."""
    head: tuple[str, ...]
    align: str
    """``l`` or ``r`` for each column."""
    rows: tuple[tuple[PrintedCell, ...], ...]
    rules: frozenset[int] = frozenset()
    """Rows with a line above."""
    cuts: frozenset[int] = frozenset()
    """Rules at which a form with pages may split the table."""
    below: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    """What is wrong and what to do: below the notes, a comment where a table is to be printed."""
    comments: tuple[str, ...] = ()
    """Comments, for forms that have them."""
    over: tuple[str, ...] = ()
    """Of each column the title of those that it belongs to; empty for none, or where none has one.

    In a terminal it stands above them, in every block; other forms print it before each head.
    """

    @property
    def full_head(self) -> tuple[str, ...]:
        """Return the heads, each with the title of the columns that it belongs to."""
        if not self.over:
            return self.head
        pairs = zip(self.over, self.head, strict=True)
        return tuple(f"{over}: {text}" if over else text for over, text in pairs)

    def parts(self, most: int) -> Iterator[PrintedTable]:
        """Split into tables of at most `most` rows, as far as `cuts` allow."""
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
                part = replace(part, title=title, slug=slug, below=below, advice=())
            yield part
            start = edge


def printed_table(table: Table) -> PrintedTable:
    """Lay out a table: methods in rows, minority counts in columns, the trivial score last."""
    rows = [(PrintedCell(text=row.title), *map(_printed_entry, row.entries)) for row in table.lines]
    methods = len(rows)
    rows.append((PrintedCell(text="trivial"), *[_printed_trivial(table)] * len(table.counts)))
    rows += [
        (PrintedCell(text=row.title), *map(_printed_entry, row.entries)) for row in table.floors
    ]
    basis = table.group.basis
    beside = len(table.counts) <= BESIDE and bool(table.aurocs)
    if beside:
        rows = [(*row, *_aurocs(table, row[0].text)) for row in rows]
    under = [] if beside else _auroc_rows(table)
    rules = {methods, *([len(rows)] if under else [])}
    return PrintedTable(
        title=table.title,
        slug=_slug(f"{table.group.title}-{table.metric}-{table.group.code}"),
        above=(table.protocol,),
        span="minority training images",
        head=(
            "method",
            *map(table.group.label, table.counts),
            *(_auroc_heads(table) if beside else ()),
        ),
        align="l" + "r" * len(table.counts) * (2 if beside else 1),
        rows=(*rows, *under),
        rules=frozenset(rules),
        below=(*table.notes, *([AUROC] if table.aurocs else [])),
        advice=table.advice,
        comments=(
            f"data {table.group.name}: fingerprint {basis.fingerprint}",
            f"seeds: {len(table.group.seeds)} ({table.protocol})",
            f"settings {basis.settings.model_dump_json()}, protocol version {basis.protocol}",
        ),
    )


def _auroc_heads(table: Table) -> list[str]:
    if len(table.counts) == 1:
        return ["AUROC"]
    return [f"AUROC {table.group.label(count)}" for count in table.counts]


def _aurocs(table: Table, title: str) -> list[PrintedCell]:
    """Return the mean AUROC of a row at each count; empty where it has none, as trivial has."""
    return [PrintedCell(table.aurocs.get((title, count))) for count in table.counts]


def _auroc_rows(table: Table) -> list[tuple[PrintedCell, ...]]:
    """Return the mean AUROCs as rows below the scores, for a table of many columns."""
    titles = dict.fromkeys(title for title, _ in table.aurocs)
    return [(PrintedCell(text=f"{one}: AUROC"), *_aurocs(table, one)) for one in titles]


def _printed_entry(entry: TableCell) -> PrintedCell:
    return PrintedCell(entry.mean, entry.ends, entry.mark, entry.notes, entry.bold)


def _printed_trivial(table: Table) -> PrintedCell:
    return PrintedCell(text="--") if table.trivial is None else PrintedCell(table.trivial)


def footnotes(rows: Iterable[Iterable[PrintedCell]]) -> dict[str, str]:
    """Return each footnote with its letter, in reading order."""
    texts = dict.fromkeys(note for row in rows for cell in row for note in cell.notes)
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


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


WIDEST = 6
"""Columns of numbers that fit a page of LaTeX's article class."""


def side_by_side(tables: Sequence[Table]) -> Iterator[PrintedTable]:
    """Yield printed tables of each data set that group all metrics by count."""
    codes = dict.fromkeys(table.group.code for table in tables)
    for code in codes:
        same = [table for table in tables if table.group.code == code]
        counts = same[0].counts
        most = max(1, WIDEST // len(same))
        for start in range(0, len(counts), most):
            yield _grouped_by_count(same, range(start, min(start + most, len(counts))), start)


def _column_names(metrics: Sequence[str]) -> dict[str, str]:
    """Return metrics without their options, which the title has, where that tells them apart."""
    short = {name: name.partition(":")[0] for name in metrics}
    return short if len(set(short.values())) == len(short) else {name: name for name in metrics}


def _count_heads(columns: Sequence[tuple[Table, int]], names: Mapping[str, str]) -> Iterator[str]:
    for table, index in columns:
        yield f"{table.group.label(table.counts[index])} {names[table.metric]}"


def _grouped_by_count(tables: Sequence[Table], indices: Sequence[int], start: int) -> PrintedTable:
    base, first = printed_table(tables[0]), tables[0]
    columns = [(table, index) for index in indices for table in tables]
    rows = [
        (
            PrintedCell(text=row.title),
            *(_printed_entry(table.lines[i].entries[index]) for table, index in columns),
        )
        for i, row in enumerate(first.lines)
    ]
    methods = len(rows)
    rows.append((PrintedCell(text="trivial"), *(_printed_trivial(table) for table, _ in columns)))
    rows += [
        (
            PrintedCell(text=row.title),
            *(_printed_entry(table.floors[i].entries[index]) for table, index in columns),
        )
        for i, row in enumerate(first.floors)
    ]
    names = _column_names([table.metric for table in tables])
    notes = dict.fromkeys(note for table in tables for note in table.notes)
    advice = dict.fromkeys(line for table in tables for line in table.advice)
    continued = " (continued)" if start else ""
    return PrintedTable(
        title=f"{first.group.title}: {', '.join(table.metric for table in tables)}{continued}",
        slug=f"{base.slug}-beside{f'-{start}' if start else ''}",
        above=(first.protocol,),
        span="minority training images and metric",
        head=("method", *_count_heads(columns, names)),
        align="l" + "r" * len(columns),
        rows=tuple(rows),
        rules=frozenset({methods}),
        below=("notes as in the first part",) if start else tuple(notes),
        advice=() if start else tuple(advice),
        comments=base.comments,
    )
