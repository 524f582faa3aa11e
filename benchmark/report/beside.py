"""Several metrics of one data set side by side: a column for each count and metric."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from imbench.report.sheet import Sheet, Shown, table_sheet
from imbench.report.tables import Table

__all__ = ["side_by_side"]

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
        shown = [Shown(e.mean, e.half, e.mark, e.notes, e.bold) for e in entries]
        rows.append((Shown(text=line.title), *shown))
    trivial = [Shown(t.trivial) if t.trivial is not None else Shown(text="--") for t, _ in columns]
    rows.append((Shown(text="trivial"), *trivial))
    notes = dict.fromkeys(note for table in tables for note in table.notes)
    continued = " (continued)" if start else ""
    return Sheet(
        title=f"{first.group.name}: {', '.join(table.metric for table in tables)}{continued}",
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
