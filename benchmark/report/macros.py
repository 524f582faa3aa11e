r"""A LaTeX macro for each cell, so that a text refers to a number instead of copying it.

``\imbench{horse2zebra/f1/us+cs/25}`` prints the mean of that cell, ``\imbenchlow`` and
``\imbenchhigh`` the ends of its interval, ``\imbenchseeds`` its number of seeds. An unknown key
stops LaTeX.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from imbench.report.latex import escape, signs
from imbench.report.means import TableCell
from imbench.report.printed_table import PrintedCell
from imbench.report.tables import Table

__all__ = ["keys", "macros"]

# \providecommand and \gdef: the lines may be read twice, in the preamble and above the tables.
DEFINITIONS = (
    r"\providecommand{\imbenchcell}[5]{\expandafter\gdef\csname imbench/#1\endcsname{#2}%",
    r"\expandafter\gdef\csname imbench/#1/low\endcsname{#3}%",
    r"\expandafter\gdef\csname imbench/#1/high\endcsname{#4}%",
    r"\expandafter\gdef\csname imbench/#1/seeds\endcsname{#5}}",
    r"\providecommand{\imbench}[1]{\ifcsname imbench/#1\endcsname\csname imbench/#1\endcsname"
    r"\else\errmessage{imbench has no number #1}\fi}",
    r"\providecommand{\imbenchlow}[1]{\imbench{#1/low}}",
    r"\providecommand{\imbenchhigh}[1]{\imbench{#1/high}}",
    r"\providecommand{\imbenchseeds}[1]{\imbench{#1/seeds}}",
)


def macros(tables: Sequence[Table]) -> list[str]:
    """Return the lines that define a macro for each cell of the tables."""
    return [*DEFINITIONS, *(_cell(key, entry) for key, entry in keys(tables))]


def _cell(key: str, entry: TableCell) -> str:
    cell = PrintedCell(entry.mean, entry.ends)
    mean = escape(entry.mark) if entry.mean is None else signs(cell.number())
    ends = cell.interval()
    low, high = map(signs, ends) if ends else [escape("--")] * 2
    arguments = (key, mean, low, high, str(len(entry.scores)))
    return "\\imbenchcell" + "".join(f"{{{text}}}" for text in arguments)


def keys(tables: Sequence[Table]) -> Iterator[tuple[str, TableCell]]:
    """Yield a unique key and the entry of each cell."""
    seen: set[str] = set()
    names = {table.group.code: table.group.name for table in tables}
    shared = Counter(map(_key_part, names.values()))
    for table in tables:
        name = _key_part(table.group.name)
        if shared[name] > 1:
            name += f"-{table.group.code}"
        for line in table.lines:
            start = _unique(f"{name}/{_key_part(table.metric)}/{_key_part(line.title)}", seen)
            for count, entry in zip(table.counts, line.entries, strict=True):
                yield f"{start}/{count}", entry


def _key_part(text: str) -> str:
    """Return a part of a key, without letters that LaTeX or babel could make active."""
    return re.sub(r"[^a-z0-9.+-]+", "-", text.lower()).strip("-") or "-"


def _unique(start: str, seen: set[str]) -> str:
    key, number = start, 1
    while key in seen:
        number += 1
        key = f"{start}-{number}"
    seen.add(key)
    return key
