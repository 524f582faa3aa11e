"""Options of a data set's spec: text, until a number of a range is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imbench.constraints import choice, number, whole, written
from imbench.images.copy_policy import LIMIT, copy_policy
from imbench.images.geometry import GEOMETRIES
from imbench.images.value_range import AUTO, parse_range
from imbench.spec import Value, unknown_name

__all__ = ["DatasetOptions"]


class DatasetOptions:
    """The ``key=value`` pairs of one data set.

    Parameters
    ----------
    owner : str
        Name of the data set, for messages.
    given : mapping
        The pairs: text as it was written, other types too from Python.
    known : sequence of str
        Keys that exist; any other raises UnknownName with suggestions.
    """

    def __init__(self, owner: str, given: Mapping[str, Value], known: Sequence[str]) -> None:
        self.owner = owner
        self.given = given
        for key in given:
            if key not in known:
                raise unknown_name(f"option of {owner}", key, known)

    def text(self, key: str, default: str | None = None) -> str | None:
        """Return a value as the text that was written, also ``none``, ``true`` and ``007``."""
        return written(self.given[key]) if key in self.given else default

    def policies(
        self, *, geometry: str, copies: str | float = LIMIT, ranged: bool = False
    ) -> dict[str, str]:
        """Return the policies that the options choose, for `Listing.policies`.

        Parameters
        ----------
        geometry : {"stretch", "pad", "crop"}
            The default of the data set.
        copies : float or "exact"
            The default of the data set: see `imbench.images.copy_policy`.
        ranged : bool
            Whether it has an option `range` too, for files of more than 8 bits a value.
        """
        chosen = self.given.get("geometry", geometry)
        policies = {"geometry": choice(*GEOMETRIES).read(self.owner, "geometry", chosen)}
        policies |= copy_policy(self.given.get("copies", copies), self.owner)
        if ranged:
            given = str(self.text("range", AUTO))
            policies["range"] = str(parse_range(given, self.owner) or AUTO)
        return policies

    def integer(self, key: str, default: int, *, low: int, high: int) -> int:
        """Return a whole number in [low, high]."""
        found: int = whole(low, high).read(self.owner, key, self.given.get(key, default))
        return found

    def number(self, key: str, default: float, *, low: float, high: float) -> float:
        """Return a number in [low, high]."""
        return float(number(low, high).read(self.owner, key, self.given.get(key, default)))

    def share(self, key: str, default: float) -> float:
        """Return a number in [0, 1): of 1 no image would be left for training."""
        constraint = number(0, 1, open_high=True)
        return float(constraint.read(self.owner, key, self.given.get(key, default)))
