r"""Tables in LaTeX: booktabs, compiled as printed, every name escaped.

For pdfLaTeX with ``\usepackage[T1]{fontenc}`` and ``\usepackage{booktabs}``, in any class; ``cmap``
or ``lmodern`` beside them makes accented letters searchable in the PDF. Letters outside the Latin
and Greek alphabets are written as ``U+4E2D``, because its fonts have no glyphs for them.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from imbench.report.printed_table import PrintedCell, PrintedTable, footnotes, no_zero
from imbench.safe_text import visible

__all__ = ["escape", "latex", "latex_table", "signs"]

ROWS = 30
"""Rows that fit on a page with their notes."""

# Brackets and stars too: after the \\ of the row before they would be read as its argument.
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\char34}",
    "`": r"\textasciigrave{}",
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "\xb1": r"$\pm$",
    "\xd7": r"$\times$",
    "\xf7": r"$\div$",
    "\xb5": r"$\mu$",
    "\xb7": r"$\cdot$",
    "\xac": r"$\neg$",
    "\u2013": r"\textendash{}",
    "\u2014": r"\textemdash{}",
    "\u2018": r"\textquoteleft{}",
    "\u2019": r"\textquoteright{}",
    "\u201c": r"\textquotedblleft{}",
    "\u201d": r"\textquotedblright{}",
    "\u2026": r"\ldots{}",
    "\u2212": r"$-$",
    "\u2264": r"$\le$",
    "\u2265": r"$\ge$",
    "\u2192": r"$\to$",
}
# Letters of the T1 encoding; pdfLaTeX reads them from UTF-8 by itself.
_LATIN = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ¡¿«»£§"
    "ĂăĄąĆćČčĎďĐđĘęĚěĞğĹĺĽľŁłŃńŇňŐőŔŕŘřŚśŞşŠšŢţŤťŮůŰűŸŹźŻżŽž"
)
_GREEK = frozenset("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ")
_PLAIN = frozenset(string.ascii_letters + string.digits + string.punctuation + " ") | _LATIN
# Pairs that a font replaces by one character: -- is a dash, '' and ,, are quotation marks.
_JOINED = re.compile(r"(?<=-)(?=-)|(?<=')(?=')|(?<=,)(?=,)")


def latex(
    tables: Sequence[PrintedTable], comments: Sequence[str] = (), macros: Sequence[str] = ()
) -> str:
    """Return one ``table`` environment a table, below comments and macros."""
    head = [
        *comments,
        r"Preamble: \usepackage[T1]{fontenc} \usepackage{booktabs}",
    ]
    defined = [*macros, ""] if macros else []
    return "\n".join([*map(_comment, head), "", *defined, *map(latex_table, tables)])


def latex_table(table: PrintedTable) -> str:
    """Return the environments of one table: several if it is longer than a page."""
    return "\n".join(map(_environment, table.parts(ROWS)))


def escape(text: str) -> str:
    """Return LaTeX that prints any text, on one line."""
    pieces = []
    for c in _JOINED.sub("\0", visible(unicodedata.normalize("NFC", text))):
        if c == "\0":
            pieces.append("{}")
        elif c in _SPECIAL:
            pieces.append(_SPECIAL[c])
        elif c in _GREEK:
            pieces.append(_greek(c))
        else:
            pieces.append(c if c in _PLAIN else f"U+{ord(c):04X}")
    return "".join(pieces)


def _greek(letter: str) -> str:
    *_, size, _, name = unicodedata.name(letter).replace("LAMDA", "LAMBDA").split()
    return rf"$\{name.lower() if size == 'SMALL' else name.capitalize()}$"


def _comment(text: str) -> str:
    # Escapes every kind of line break, which would end the comment.
    return f"% {visible(text)}"


def _environment(table: PrintedTable) -> str:
    letters = footnotes(table.rows)
    above = [f"{text[:1].upper()}{text[1:]}" for text in table.above]
    caption = " ".join(f"{escape(text)}." for text in (table.title, *above))
    lines = [
        *map(_comment, (*table.comments, *table.advice)),
        r"\begin{table}[htbp]",
        r"\centering\footnotesize\setlength{\tabcolsep}{2pt}",
        rf"\caption{{{caption}}}",
        rf"\label{{tab:{table.slug}}}",
        rf"\begin{{tabular}}{{@{{}}{table.align}@{{}}}}",
        r"\toprule",
    ]
    if table.span:
        last = len(table.head)
        lines.append(rf" & \multicolumn{{{last - 1}}}{{c}}{{{escape(table.span)}}} \\")
        lines.append(rf"\cmidrule(l){{2-{last}}}")
    lines += [_row(map(escape, table.head)), r"\midrule"]
    for index, row in enumerate(table.rows):
        if index in table.rules:
            lines.append(r"\midrule")
        lines.append(_row(_cell(cell, letters) for cell in row))
    lines += [r"\bottomrule", r"\end{tabular}", *_notes(table, letters), r"\end{table}", ""]
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _cell(cell: PrintedCell, letters: Mapping[str, str]) -> str:
    # Without zeros before the point, and the interval small: six columns fit the article class.
    number, ends = signs(no_zero(cell.number())), cell.interval()
    if cell.bold:
        number = rf"\textbf{{{number}}}"
    if ends is not None:
        number += rf"{{\scriptsize\,[{','.join(signs(no_zero(end)) for end in ends)}]}}"
    text = escape(cell.text)
    if number and text:
        text = rf"\textsuperscript{{\,{text}}}"
    marks = ",".join(letters[note] for note in cell.notes)
    return number + text + (rf"\textsuperscript{{\,{marks}}}" if marks else "")


def signs(number: str) -> str:
    """Return a number with its sign as LaTeX sets it."""
    return number.replace("-", "$-$").replace("+", "$+$")


def _notes(table: PrintedTable, letters: Mapping[str, str]) -> list[str]:
    notes = [rf"\textsuperscript{{{mark}}}~{escape(note)}" for note, mark in letters.items()]
    notes += [escape(note) for note in table.below]
    if not notes:
        return []
    return [
        r"\par\smallskip",
        r"\begin{minipage}{\linewidth}\raggedright",
        *(rf"{note}\par" for note in notes),
        r"\end{minipage}",
    ]
