"""Text of others in what is printed or written: it is shown, and does nothing.

Names, messages and records may hold codes that move a terminal's cursor, marks that turn the
direction of writing, line breaks that forge a line, and cells that a spreadsheet would run.
"""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["CELL", "LONGEST", "csv_cell", "csv_text", "json_document", "json_text", "visible"]

LONGEST = 5000
"""Characters of a text that are shown."""
CELL = 200
"""Characters of one that are shown in a table, all rows of which are as wide as the widest."""
_OTHER = re.compile(r"[^ -~]+")
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Characters that Unicode counts as letters or marks, and fonts show as nothing."""
_EMOJI = "\u2190-\u2bff\U0001f000-\U0001faff"
_EMOJI_JOINER = re.compile(f"(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])")
_START = "[\\s']*[=+\\-@\uff1d\uff0b\uff0d\uff20]"
_FORMULA, _KEPT = re.compile(f"(^|;)({_START})"), re.compile(f"(^|;)'({_START})")
_NUMBER_OR_DASHES = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|-+", re.IGNORECASE)


def visible(text: str, most: int | None = LONGEST) -> str:
    r"""Return a text on one line, with escapes for what cannot be seen.

    Escaped are control codes, line breaks, marks of direction, characters without width, blanks
    other than the space, and half characters. Letters of all scripts, accents and emoji stay. Of
    more than `most` characters the first are kept.

    >>> visible("Größe\x1b[31m\nnext line")
    'Größe\\x1b[31m\\nnext line'
    """
    if most is not None and len(text) > most:
        text = f"{text[:most]}... ({len(text)} characters)"
    if text.isascii() and text.isprintable():
        return text
    return "\u200d".join(_OTHER.sub(_escaped, part) for part in _EMOJI_JOINER.split(text))


def csv_cell(value: Any) -> Any:
    """Return a value for a cell of CSV: a text that a spreadsheet would run begins with ``'``.

    Programs of languages with a comma in numbers split lines at ``;`` too. Numbers stay numbers.

    >>> csv_cell("=cmd()"), csv_cell("-0.5"), csv_cell(-0.5)
    ("'=cmd()", '-0.5', -0.5)
    """
    if not isinstance(value, str):
        return value
    text = visible(value, None)
    if _NUMBER_OR_DASHES.fullmatch(text):
        return text
    return _FORMULA.sub(r"\1'\2", text)


def csv_text(cell: str) -> str:
    """Return the text of a cell that `csv_cell` returned, without its ``'``."""
    return _KEPT.sub(r"\1\2", cell) if "'" in cell else cell


def json_document(body: Any) -> str:
    """Return data as JSON of several lines; raise ValueError for NaN or infinity."""
    return json_text(json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False)) + "\n"


def json_text(text: str) -> str:
    """Return JSON with JSON's own escapes for what `visible` escapes: it means the same."""
    return _OTHER.sub(lambda found: "".join(map(_in_json, found[0])), text)


def _escaped(found: re.Match[str]) -> str:
    return "".join(c if _seen(c) else c.encode("unicode_escape").decode("ascii") for c in found[0])


def _seen(character: str) -> bool:
    return character.isprintable() and character not in _BLANK


def _in_json(character: str) -> str:
    if character == "\n" or _seen(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
