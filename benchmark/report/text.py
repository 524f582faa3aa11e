"""Tables for a terminal of any width, and in Markdown."""

from __future__ import annotations

import html
import re
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence

from tabulate import tabulate

from imbench.report.sheet import Sheet, Shown, footnotes, no_zero, visible

__all__ = ["escape_markdown", "markdown", "terminal", "wrapped"]

NARROWEST = 40


def terminal(sheets: Sequence[Sheet], width: int = 80) -> str:
    """Return tables of at most `width` columns; a wider table is cut into blocks.

    Bold is a star before the number, since output may go to a file.
    """
    return "\n\n".join(_terminal(sheet, max(width, NARROWEST)) for sheet in sheets) + "\n"


def markdown(sheets: Sequence[Sheet]) -> str:
    """Return tables in GitHub's Markdown."""
    return "\n\n".join(_markdown(sheet) for sheet in sheets) + "\n"


def escape_markdown(text: str) -> str:
    """Return text that Markdown prints as it is, on one line."""
    return re.sub(r"([\\`*_{}\[\]#|~$])", r"\\\1", html.escape(visible(text), quote=False))


def _terminal(sheet: Sheet, width: int) -> str:
    letters = footnotes(sheet.rows)
    cells = [[_terminal_cell(shown, letters) for shown in row] for row in sheet.rows]
    head = [visible(text) for text in sheet.head]
    sizes = [max(map(_width, column)) for column in zip(head, *cells, strict=True)]
    blocks, gap = _blocks(sizes, width)
    drawn = []
    for block in blocks:
        columns = [0, *block]
        lines = [
            gap.join(_pad(row[c], sizes[c], sheet.align[c]) for c in columns).rstrip()
            for row in [head, *cells]
        ]
        dashes = gap.join("-" * sizes[c] for c in columns)
        for rule in sorted(sheet.rules, reverse=True):
            lines.insert(rule + 1, dashes)
        lines.insert(1, dashes)
        drawn.append("\n".join(lines))
    span = f" ({sheet.span} in columns)" if sheet.span else ""
    above = [wrapped(text, width) for text in (f"{sheet.title}{span}", *sheet.above)]
    notes = [wrapped(f"[{mark}] {text}", width, 4) for text, mark in letters.items()]
    below = [wrapped(text, width) for text in _starred(sheet.below)]
    return "\n".join([*above, "", "\n\n".join(drawn), "", *notes, *below])


def _blocks(sizes: Sequence[int], width: int) -> tuple[list[list[int]], str]:
    """Return columns of each block and the gap between them: two spaces where these fit."""
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


def _terminal_cell(shown: Shown, letters: Mapping[str, str]) -> str:
    star = "*" if shown.bold else ""
    ends = shown.interval()
    interval = "" if ends is None else f"[{','.join(map(no_zero, ends))}]"
    marks = "".join(f"[{letters[note]}]" for note in shown.notes)
    pieces = (star + no_zero(shown.number()), interval, visible(shown.text))
    return " ".join(filter(None, pieces)) + marks


def _starred(notes: Sequence[str]) -> list[str]:
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


def _markdown(sheet: Sheet) -> str:
    letters = footnotes(sheet.rows)
    head = [escape_markdown(text) for text in sheet.head]
    span = f" ({sheet.span} in columns)" if sheet.span else ""
    lines = [f"### {escape_markdown(sheet.title + span)}", ""]
    lines += [f"{escape_markdown(text)}\n" for text in sheet.above]
    cells = [[_markdown_cell(shown, letters) for shown in row] for row in sheet.rows]
    sides = ["right" if side == "r" else "left" for side in sheet.align]
    lines.append(tabulate(cells, head, "pipe", colalign=sides, disable_numparse=True))
    lines.append("")
    lines += [f"- <sup>{mark}</sup> {escape_markdown(text)}" for text, mark in letters.items()]
    lines += [f"- {escape_markdown(text)}" for text in sheet.below]
    return "\n".join(lines)


def _markdown_cell(shown: Shown, letters: Mapping[str, str]) -> str:
    number, ends = shown.number(), shown.interval()
    interval = "" if ends is None else f"[{', '.join(ends)}]"
    bold = f"**{number}**" if shown.bold and number else number
    marks = ",".join(letters[note] for note in shown.notes)
    text = " ".join(filter(None, (bold, interval, escape_markdown(shown.text))))
    return f"{text}<sup>{marks}</sup>" if marks else text
