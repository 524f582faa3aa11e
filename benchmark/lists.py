"""Lists on the command line and in grid files: ``a,b``, ranges ``0-9``, repetition."""

from __future__ import annotations

import re
from typing import Any

from imbench.errors import UsageError
from imbench.spec import split_list

__all__ = ["integers", "texts"]

_RANGE = re.compile(r"\s*(\d{1,18})\s*(?:-\s*(\d{1,18})\s*)?")
_LONGEST = 100_000


def texts(given: Any, what: str) -> tuple[str, ...]:
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
            raise UsageError(f"{what}: {text!r} is not a text in UTF-8")
    items = tuple(dict.fromkeys(item for text in lists for item in split_list(text)))
    if not items:
        raise UsageError(f"the list of {what} is empty")
    return items


def integers(given: Any, what: str) -> tuple[int, ...]:
    """Return the whole numbers of ``5``, ``"0-4,7"`` or a list of such, each once, in order.

    Raises
    ------
    UsageError
        If there is none, or something else.
    """
    items = given if isinstance(given, list | tuple) else [given]
    numbers: dict[int, None] = {}
    for item in items:
        numbers.update(dict.fromkeys(_numbers(item, what)))
    if not numbers:
        raise UsageError(f"the list of {what} is empty")
    return tuple(numbers)


def _numbers(item: Any, what: str) -> list[int]:
    if isinstance(item, int) and not isinstance(item, bool) and item >= 0:
        return [item]
    if not isinstance(item, str):
        raise UsageError(f"{what}: {item!r} is not a whole number or a range such as 0-4")
    found: list[int] = []
    for piece in item.split(","):
        if not piece.strip():
            continue
        match = _RANGE.fullmatch(piece)
        if match is None:
            raise UsageError(f"{what}: {piece.strip()!r} is not a whole number or a range like 0-4")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last < first + _LONGEST:
            raise UsageError(f"{what}: the range {piece.strip()!r} is backwards or too long")
        found += range(first, last + 1)
    return found
