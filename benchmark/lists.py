"""Lists as the command line, grid files and Python give them: of texts, of whole numbers."""

from __future__ import annotations

import re
from typing import Any

from imbench.errors import UsageError
from imbench.spec import shown, split_list

__all__ = ["parse_integers", "parse_texts"]

_RANGE = re.compile(r"\s*(\d{1,18})\s*(?:-\s*(\d{1,18})\s*)?", re.ASCII)
_LONGEST = 100_000
_HIGHEST = 2**53 - 1
"""JavaScript, which draws the page, knows no larger whole number exactly."""


def parse_texts(given: Any, what: str) -> tuple[str, ...]:
    """Return the items of ``"a,b"`` or of a list of such, each once, in the order given.

    Raises
    ------
    UsageError
        If there is no item, or something that is no text or not UTF-8.
    """
    lists = given if isinstance(given, list | tuple) else [given]
    for text in lists:
        # Bytes of a shell that are not UTF-8 come as surrogates, which no record could hold.
        if not isinstance(text, str) or any("\ud800" <= sign <= "\udfff" for sign in text):
            raise UsageError(f"{what}: {shown(repr(text))} is not a text in UTF-8")
    items = tuple(dict.fromkeys(item for text in lists for item in split_list(text)))
    if not items:
        raise UsageError(f"the list of {what} is empty")
    return items


def parse_integers(given: Any, what: str) -> tuple[int, ...]:
    """Return the whole numbers of ``5``, ``"0-4,7"`` or a list of such, each once, in order.

    Raises
    ------
    UsageError
        If there is none, or something else.
    """
    items = given if isinstance(given, list | tuple) else [given]
    numbers = tuple(dict.fromkeys(number for item in items for number in _numbers(item, what)))
    if not numbers:
        raise UsageError(f"the list of {what} is empty")
    return numbers


def _numbers(item: Any, what: str) -> list[int]:
    if isinstance(item, int) and not isinstance(item, bool):
        item = str(item) if abs(item) <= _HIGHEST else "a number of more than 16 digits"
    if not isinstance(item, str):
        raise UsageError(f"{what}: {shown(repr(item))} is not a whole number or a range like 0-4")
    numbers: list[int] = []
    for piece in filter(None, map(str.strip, item.split(","))):
        match = _RANGE.fullmatch(piece)
        if match is None:
            raise UsageError(f"{what}: {shown(piece)!r} is not a whole number or a range like 0-4")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last < first + _LONGEST:
            raise UsageError(f"{what}: the range {piece!r} is backwards or too long")
        if last > _HIGHEST:
            raise UsageError(f"{what}: {piece!r} is too large; numbers go up to {_HIGHEST}")
        numbers += range(first, last + 1)
    return numbers
