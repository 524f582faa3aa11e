"""Which values a parameter may take: declared beside its class, checked in one place.

scikit-learn's own checker is private, and takes ``true`` for the number 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from imbench.errors import UsageError

__all__ = ["FLAG", "NONE", "TEXT", "Constraint", "check_values", "choice", "number", "whole"]


@dataclass(frozen=True)
class Constraint:
    """A test of a value, and what the value must be, in words.

    Examples
    --------
    >>> share = number(0, 1) | NONE
    >>> share.words, share.accepts(0.5), share.accepts(2)
    ('a number in [0, 1] or none', True, False)
    """

    words: str
    accepts: Callable[[object], bool]

    def __or__(self, other: Constraint) -> Constraint:
        """Return the constraint that accepts what either accepts."""
        return Constraint(
            f"{self.words} or {other.words}",
            lambda value: self.accepts(value) or other.accepts(value),
        )


NONE = Constraint("none", lambda value: value is None)
FLAG = Constraint("true or false", lambda value: isinstance(value, bool))
TEXT = Constraint("a text", lambda value: isinstance(value, str))


def number(
    low: float, high: float = math.inf, *, open_low: bool = False, open_high: bool = False
) -> Constraint:
    """Return the constraint to numbers from `low` to `high`; open ends are left out."""
    if high == math.inf:
        words = f"a number above {low}" if open_low else f"a number of at least {low}"
    else:
        words = f"a number in {'(' if open_low else '['}{low}, {high}{')' if open_high else ']'}"

    def accepts(value: object) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        ends = (open_low and value == low) or (open_high and value == high)
        return low <= value <= high and not ends

    return Constraint(words, accepts)


def whole(low: int) -> Constraint:
    """Return the constraint to whole numbers of at least `low`."""

    def accepts(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= low

    return Constraint(f"a whole number of at least {low}", accepts)


def choice(*texts: str) -> Constraint:
    """Return the constraint to one of some texts."""
    *others, last = texts
    return Constraint(f"{', '.join(others)} or {last}", lambda value: value in texts)


def check_values(
    owner: str, values: Mapping[str, object], constraints: Mapping[str, Constraint]
) -> None:
    """Check the values of parameters.

    Parameters
    ----------
    owner : str
        What the parameters belong to, for the message.
    values : mapping
        Name to value; all that `constraints` names.
    constraints : mapping
        Name to constraint.

    Raises
    ------
    UsageError
        Naming the first parameter with a wrong value and what it must be.
    """
    for name, constraint in constraints.items():
        if not constraint.accepts(values[name]):
            raise UsageError(f"{owner}: {name}={values[name]} must be {constraint.words}")
