"""Which values a parameter may take: declared beside its owner, in words and as a check of one.

What is written stays text until a constraint takes it: a number wants a number, a name wants its
letters. Values of Python and TOML, which have types of their own, go the same way.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from imbench.errors import UsageError
from imbench.spec import shown

__all__ = [
    "AS_TYPED",
    "FLAG",
    "LOOSE",
    "NONE",
    "TEXT",
    "Constraint",
    "choice",
    "number",
    "whole",
    "written",
]


@dataclass(frozen=True)
class Constraint:
    """What a value must be, in words, and the function that takes it.

    Attributes
    ----------
    words : str
        What the value must be.
    take : callable
        Returns the value of a text, or of a number, flag or None; raises ValueError if it may not
        be this, or UsageError with a sentence of its own.

    Examples
    --------
    >>> share = number(0, 1) | NONE
    >>> share.words, share.take("0.50"), share.take("1.0"), share.take("none")
    ('a number in [0, 1] or none', 0.5, 1, None)
    """

    words: str
    take: Callable[[object], Any]

    def __or__(self, other: Constraint) -> Constraint:
        """Return the constraint to what either takes; the first that does decides."""

        def take(value: object) -> Any:
            try:
                return self.take(value)
            except ValueError:
                return other.take(value)

        return Constraint(f"{self.words} or {other.words}", take)

    def read(self, owner: str, name: str, value: object) -> Any:
        """Return what a value stands for.

        Raises
        ------
        UsageError
            If it may not be this, naming owner and parameter, and saying what it must be.
        """
        try:
            return self.take(value)
        except ValueError:
            given = value if isinstance(value, str) else written(value)
            raise UsageError(f"{owner}: {name}={shown(given)} must be {self.words}") from None


def _none(value: object) -> None:
    if value is not None and not (isinstance(value, str) and value.lower() == "none"):
        raise ValueError


def _flag(value: object) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, bool):
        return value
    raise ValueError


def _text(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise ValueError


def _loose(value: object) -> Any:
    for take in (_none, _flag, _number):
        try:
            return take(value)
        except ValueError:
            continue
    return value


def _number(value: object) -> int | float:
    """Return a finite number; a whole one as int, so that ``1``, ``1.0`` and ``1e0`` are one."""
    if type(value) is int and abs(value) < 2**53:
        return value
    if callable(item := getattr(value, "item", None)):  # a numpy scalar
        value = item()
    if isinstance(value, str):
        if not value.isascii():
            raise ValueError
        try:
            value = int(value)
        except ValueError:
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    if not abs(value) <= sys.float_info.max:  # infinite, too large for a float, or NaN
        raise ValueError
    return int(value) if value == value // 1 and abs(value) < 2**53 else value


FLAG = Constraint("true or false", _flag)
"""Constraint to ``true`` or ``false``, read as a bool."""
NONE = Constraint("none", _none)
"""Constraint to ``none``, read as None; mostly beside another: ``whole(1) | NONE``."""
TEXT = Constraint("a text", _text)
"""Constraint to a text of at least one character that is no space."""
AS_TYPED = Constraint("a text", lambda value: value)
"""For an option of a data set that declares nothing: it may name a class or a column."""
LOOSE = Constraint("a value", _loose)
"""For a parameter that declares nothing: a number, ``true``, ``false``, ``none``, else a text."""


def number(
    low: float | None = None,
    high: float | None = None,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> Constraint:
    """Return the constraint to finite numbers from `low` to `high`.

    Parameters
    ----------
    low : float, optional
        Smallest number; without it there is no lower end.
    high : float, optional
        Largest number; without it there is no upper end.
    open_low : bool, default False
        Whether `low` itself is left out.
    open_high : bool, default False
        Whether `high` itself is left out.

    Returns
    -------
    Constraint
        To stand in the ``constraints`` of a plug-in. ``a | b`` is the constraint to what either
        takes.

    Examples
    --------
    A part whose parameter is a share, or none at all:

    >>> from imbench import NONE, Part, number
    >>> class Mine(Part):
    ...     constraints = {"share": number(0, 1, open_high=True) | NONE}
    >>> Mine.constraints["share"].words
    'a number in [0, 1) or none'
    """

    def take(value: object) -> int | float:
        found = _number(value)
        below = low is not None and (found < low or (open_low and found == low))
        above = high is not None and (found > high or (open_high and found == high))
        if below or above:
            raise ValueError
        return found

    return Constraint(_number_words(low, high, open_low=open_low, open_high=open_high), take)


def whole(low: int, high: int = 2**53 - 1) -> Constraint:
    """Return the constraint to whole numbers from `low` to `high`.

    Parameters
    ----------
    low : int
        Smallest number.
    high : int, default 9007199254740991
        Largest number; by default the largest up to which a float has every whole number.

    Returns
    -------
    Constraint
        To stand in the ``constraints`` of a plug-in; see `imbench.number`.

    Examples
    --------
    >>> whole(1).words, whole(1, 8).words
    ('a whole number of at least 1', 'a whole number from 1 to 8')
    """

    def take(value: object) -> int:
        found = _number(value)
        if not isinstance(found, int) or not low <= found <= high:
            raise ValueError
        return found

    ends = f"of at least {low}" if high == 2**53 - 1 else f"from {low} to {high}"
    return Constraint(f"a whole number {ends}", take)


def choice(*texts: str) -> Constraint:
    """Return the constraint to one of some texts.

    Parameters
    ----------
    *texts : str
        What the value may be, letter for letter.

    Returns
    -------
    Constraint
        To stand in the ``constraints`` of a plug-in; see `imbench.number`.

    Examples
    --------
    >>> choice("mean", "sum").words
    'mean or sum'
    """

    def take(value: object) -> str:
        if isinstance(value, str) and value in texts:
            return value
        raise ValueError

    *others, last = texts
    return Constraint(f"{', '.join(others)} or {last}" if others else last, take)


def written(value: object) -> str:
    """Return a value as it is written in a spec.

    >>> written(1.0), written(2e-4), written(True), written(None)
    ('1', '0.0002', 'true', 'none')
    """
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    try:
        return str(value)
    except ValueError:  # Python prints no whole number of more than 4,300 digits
        return "a number of thousands of digits"


def _number_words(low: float | None, high: float | None, *, open_low: bool, open_high: bool) -> str:
    if low is None or high is None:
        if low is None:
            return "a finite number" if high is None else f"a number of at most {written(high)}"
        return f"a number {'above' if open_low else 'of at least'} {written(low)}"
    ends = "(" if open_low else "[", ")" if open_high else "]"
    return f"a number in {ends[0]}{written(low)}, {written(high)}{ends[1]}"
