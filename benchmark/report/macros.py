r"""A LaTeX macro for each cell, so that prose cites a number instead of copying it.

``\imbench{horse2zebra/f1/us+cs/25}`` prints the mean of that cell, ``\imbenchlow`` and
``\imbenchhigh`` the ends of its interval, ``\imbenchseeds`` how many seeds it rests on. A key that
is not there stops LaTeX.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from imbench.report.latex import escape, signs
from imbench.report.means import TableCell
from imbench.report.sheet import Shown
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
    shown = Shown(entry.mean, entry.ends)
    mean = escape(entry.mark) if entry.mean is None else signs(shown.number())
    ends = shown.interval()
    low, high = map(signs, ends) if ends else [escape("--")] * 2
    arguments = (key, mean, low, high, str(len(entry.scores)))
    return "\\imbenchcell" + "".join(f"{{{text}}}" for text in arguments)


def keys(tables: Sequence[Table]) -> Iterator[tuple[str, TableCell]]:
    """Yield each cell's key, which no other cell has, and its entry."""
    seen: set[str] = set()
    names = {table.group.code: table.group.name for table in tables}
    shared = Counter(map(_plain, names.values()))
    for table in tables:
        name = _plain(table.group.name)
        if shared[name] > 1:
            name += f"-{table.group.code}"
        for line in table.lines:
            start = _new(f"{name}/{_plain(table.metric)}/{_plain(line.title)}", seen)
            for count, entry in zip(table.counts, line.entries, strict=True):
                yield f"{start}/{count}", entry


def _plain(text: str) -> str:
    """Return a key's piece: no letter that LaTeX or one of its languages could make active."""
    return re.sub(r"[^a-z0-9.+-]+", "-", text.lower()).strip("-") or "-"


def _new(start: str, seen: set[str]) -> str:
    found, number = start, 1
    while found in seen:
        number += 1
        found = f"{start}-{number}"
    seen.add(found)
    return found
