"""Every error imbench raises on purpose, and the exit code each one ends the command with."""

from __future__ import annotations

__all__ = [
    "BUG",
    "CellsFailed",
    "DataError",
    "Diverged",
    "EnvironmentFault",
    "ImbenchError",
    "Interrupted",
    "NotComparable",
    "OutOfTime",
    "Regression",
    "UnknownName",
    "UsageError",
]


BUG = 70
"""Exit code of an error that nobody foresaw: no other outcome has it, least of all a check's."""


class ImbenchError(Exception):
    """Base of all errors raised on purpose; its text is one sentence that says what to do.

    Examples
    --------
    >>> from imbench import ImbenchError, parse_recipe
    >>> try:
    ...     parse_recipe("us+smoke")
    ... except ImbenchError as error:
    ...     print(error.exit_code, error)
    2 unknown method 'smoke': did you mean smote or bsmote?
    """

    exit_code = BUG
    """What `bench` ends with where the error stops it."""


class CellsFailed(ImbenchError):
    """A run ended with cells that have no score."""

    exit_code = 1


class Regression(ImbenchError):
    """A score got worse than its baseline, or a cell that had one has none."""

    exit_code = 1


class Interrupted(ImbenchError):
    """Stopped by the user; the text says how to go on."""

    exit_code = 130


class UsageError(ImbenchError):
    """An option, a recipe, a grid or a count that cannot be meant."""

    exit_code = 2


class UnknownName(UsageError):
    """A name that is not registered; the text holds the nearest ones."""


class NotComparable(ImbenchError):
    """Records that cannot be compared, or too few of them."""

    exit_code = 3


class EnvironmentFault(ImbenchError):
    """The machine is at fault: no folder, no space, no device."""

    exit_code = 4


class DataError(EnvironmentFault):
    """Images that are missing, damaged or not what they claim to be."""


class Diverged(ImbenchError):
    """A loss or score became NaN or infinite.

    Parameters
    ----------
    step : int
        Optimiser step, counted from 0, at which it was first seen.
    what : str, default "loss"
        The quantity that is no longer finite.
    """

    exit_code = 1

    def __init__(self, step: int, what: str = "loss") -> None:
        super().__init__(step, what)
        self.step = step
        self.what = what

    def __str__(self) -> str:
        return f"{self.what} is not finite at step {self.step}"


class OutOfTime(BaseException):
    """The time limit of a cell was reached.

    Not an Exception, so that no ``except Exception`` in a method swallows it.
    """
