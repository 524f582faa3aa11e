"""Tables for a terminal of any width, and in Markdown."""

from __future__ import annotations

import html
import re
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise

from tabulate import tabulate

from imbench.report.printed_table import PrintedCell, PrintedTable, footnotes, no_zero
from imbench.safe_text import CELL, visible

__all__ = ["escape_markdown", "markdown", "terminal", "wrapped"]

NARROWEST = 40


def terminal(tables: Sequence[PrintedTable], width: int = 80) -> str:
    """Return tables of at most `width` columns; a wider table is split into blocks.

    Bold is a star before the number, since output may go to a file.
    """
    return "\n\n".join(_terminal_table(table, max(width, NARROWEST)) for table in tables) + "\n"


def markdown(tables: Sequence[PrintedTable]) -> str:
    """Return tables in GitHub's Markdown."""
    return "\n\n".join(_markdown_table(table) for table in tables) + "\n"


def escape_markdown(text: str) -> str:
    """Return text escaped for Markdown, on one line."""
    return re.sub(r"([\\`*_{}\[\]#|~$])", r"\\\1", html.escape(visible(text), quote=False))


def _terminal_table(table: PrintedTable, width: int) -> str:
    letters = footnotes(table.rows)
    cells = [[_terminal_cell(cell, letters) for cell in row] for row in table.rows]
    head = [visible(text) for text in table.head]
    sizes = [max(map(_width, column)) for column in zip(head, *cells, strict=True)]
    sizes = [max(pair) for pair in zip(sizes, _alone(table.over, sizes), strict=True)]
    blocks, gap = _blocks(sizes, width)
    drawn = []
    for block in blocks:
        columns = [0, *block]
        lines = [
            gap.join(_pad(row[c], sizes[c], table.align[c]) for c in columns).rstrip()
            for row in [head, *cells]
        ]
        dashes = gap.join("-" * sizes[c] for c in columns)
        for rule in sorted(table.rules, reverse=True):
            lines.insert(rule + 1, dashes)
        lines.insert(1, dashes)
        if table.over:
            lines.insert(0, _over([(visible(table.over[c]), sizes[c]) for c in columns], gap))
        drawn.append("\n".join(lines))
    span = f" ({table.span} in columns)" if table.span else ""
    above = [wrapped(text, width) for text in (f"{table.title}{span}", *table.above)]
    notes = [wrapped(f"[{mark}] {text}", width, 4) for text, mark in letters.items()]
    notes_below = (*_mark_bold_notes(table.below), *table.advice)
    below = [wrapped(text, width) for text in notes_below]
    return "\n".join([*above, "", "\n\n".join(drawn), "", *notes, *below])


def _blocks(sizes: Sequence[int], width: int) -> tuple[list[list[int]], str]:
    """Return columns of each block and the gap between them: two spaces if they fit."""
    gap = "  " if sum(sizes) + 2 * (len(sizes) - 1) <= width else " "
    blocks: list[list[int]] = [[]]
    used = sizes[0]
    for column in range(1, len(sizes)):
        if blocks[-1] and used + len(gap) + sizes[column] > width:
            blocks.append([])
            used = sizes[0]
        blocks[-1].append(column)
        used += len(gap) + sizes[column]
    return blocks, gap


def _alone(over: Sequence[str], sizes: Sequence[int]) -> list[int]:
    """Return the width that each column needs for the title over it.

    Only the first and the last column of a title can be cut off from its others. None gets wider
    than the widest column is: a title is cut there.
    """
    if not over:
        return [0] * len(sizes)
    ends = [title != before for before, title in pairwise(["", *over])]
    ends = [
        end or title != after
        for end, (title, after) in zip(ends, pairwise([*over, ""]), strict=True)
    ]
    wide = max(sizes[1:], default=0)
    return [
        min(_width(visible(title)), wide) if end else 0
        for title, end in zip(over, ends, strict=True)
    ]


def _over(columns: Sequence[tuple[str, int]], gap: str) -> str:
    """Return the line above the heads: each title over the columns that it stands for."""
    pieces = []
    for title, own in groupby(columns, key=lambda column: column[0]):
        sizes = [size for _, size in own]
        wide = sum(sizes) + len(gap) * (len(sizes) - 1)
        filled = f"{title} " if title else " " * wide
        pieces.append(filled[:wide] + "-" * (wide - _width(filled)))
    return gap.join(pieces).rstrip()


def _terminal_cell(cell: PrintedCell, letters: Mapping[str, str]) -> str:
    star = "*" if cell.bold else ""
    ends = cell.interval()
    interval = "" if ends is None else f"[{','.join(map(no_zero, ends))}]"
    marks = "".join(f"[{letters[note]}]" for note in cell.notes)
    pieces = (star + no_zero(cell.number()), interval, visible(cell.text, CELL))
    return " ".join(filter(None, pieces)) + marks


def _mark_bold_notes(notes: Sequence[str]) -> list[str]:
    return [f"* {note}" if note.startswith("bold:") else note for note in notes]


def wrapped(text: str, width: int, indent: int = 2) -> str:
    """Return text as lines of at most `width` columns, all but the first indented."""
    return textwrap.fill(
        visible(text), width, subsequent_indent=" " * indent, break_on_hyphens=False
    )


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _pad(text: str, size: int, side: str) -> str:
    space = " " * (size - _width(text))
    return text + space if side == "l" else space + text


def _markdown_table(table: PrintedTable) -> str:
    letters = footnotes(table.rows)
    head = [escape_markdown(text) for text in table.full_head]
    span = f" ({table.span} in columns)" if table.span else ""
    lines = [f"### {escape_markdown(table.title + span)}", ""]
    lines += [f"{escape_markdown(text)}\n" for text in table.above]
    cells = [[_markdown_cell(cell, letters) for cell in row] for row in table.rows]
    sides = ["right" if side == "r" else "left" for side in table.align]
    lines.append(tabulate(cells, head, "pipe", colalign=sides, disable_numparse=True))
    lines.append("")
    lines += [f"- <sup>{mark}</sup> {escape_markdown(text)}" for text, mark in letters.items()]
    lines += [f"- {escape_markdown(text)}" for text in (*table.below, *table.advice)]
    return "\n".join(lines)


def _markdown_cell(cell: PrintedCell, letters: Mapping[str, str]) -> str:
    number, ends = cell.number(), cell.interval()
    interval = "" if ends is None else f"[{', '.join(ends)}]"
    bold = f"**{number}**" if cell.bold and number else number
    marks = ",".join(letters[note] for note in cell.notes)
    text = " ".join(filter(None, (bold, interval, escape_markdown(cell.text))))
    return f"{text}<sup>{marks}</sup>" if marks else text
