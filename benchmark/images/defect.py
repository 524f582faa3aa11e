"""A defect of a data set, as `bench data verify` prints it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Defect"]


@dataclass(frozen=True, order=True)
class Defect:
    """A defect; `grave` if it makes scores on the data wrong or impossible.

    `names` are the images of a group whose line names only the first few.
    """

    kind: str
    text: str
    grave: bool
    names: tuple[str, ...] = ()
