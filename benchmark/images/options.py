"""Options of a data set's spec, validated by type and range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imbench.errors import UsageError
from imbench.images.geometry import GEOMETRIES
from imbench.spec import Value, format_value, unknown_name

__all__ = ["DatasetOptions"]


class DatasetOptions:
    """The ``key=value`` pairs of one data set.

    Parameters
    ----------
    owner : str
        Name of the data set, for messages.
    given : mapping
        The pairs as `imbench.spec.parse_spec` read them.
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
        """Return a value as the text that was written, also ``none`` and ``true``."""
        return format_value(self.given[key]) if key in self.given else default

    def policies(self, *, geometry: str) -> dict[str, str]:
        """Return the policies of decoding that the options choose, for `Listing.policies`.

        Parameters
        ----------
        geometry : {"stretch", "pad", "crop"}
            The default of the data set.
        """
        chosen = str(self.text("geometry", geometry))
        if chosen not in GEOMETRIES:
            known = ", ".join(GEOMETRIES)
            raise UsageError(f"{self.owner}: geometry={chosen} is none of {known}")
        return {"geometry": chosen}

    def integer(self, key: str, default: int, *, low: int, high: int) -> int:
        """Return a whole number in [low, high]."""
        value = self.given.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise UsageError(f"{self.owner}: {key}={value} must be a whole number {low} to {high}")
        return value

    def number(self, key: str, default: float, *, low: float, high: float) -> float:
        """Return a number in [low, high]."""
        value = self.given.get(key, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise UsageError(f"{self.owner}: {key}={value} must be a number {low} to {high}")
        return float(value)

    def share(self, key: str, default: float) -> float:
        """Return a number in [0, 1)."""
        value = self.number(key, default, low=0, high=1)
        if value == 1:
            raise UsageError(f"{self.owner}: {key}=1 leaves no image for training")
        return value
