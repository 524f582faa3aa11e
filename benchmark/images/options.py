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
    """The ``key=value`` pairs of one data set, read and checked as its ``__init__`` asks for them.

    Parameters
    ----------
    owner : str
        Name of the data set, for messages.
    given : mapping
        The pairs: text as it was written, other types too from Python.
    known : sequence of str
        Keys that exist.

    Raises
    ------
    UsageError
        If another key is given; its text names the nearest.

    Examples
    --------
    >>> from imbench import DatasetOptions
    >>> given = DatasetOptions("dots", {"size": "32"}, ("size", "share"))
    >>> given.integer("size", 16, low=8, high=64), given.share("share", 0.2)
    (32, 0.2)
    >>> given.integer("size", 16, low=8, high=24)
    Traceback (most recent call last):
    ...
    imbench.errors.UsageError: dots: size=32 must be a whole number from 8 to 24
    """

    def __init__(self, owner: str, given: Mapping[str, Value], known: Sequence[str]) -> None:
        self.owner = owner
        self.given = given
        for key in given:
            if key not in known:
                raise unknown_name(f"option of {owner}", key, known)

    def text(self, key: str, default: str | None = None) -> str | None:
        """Return a value as the text that was written, also ``none``, ``true`` and ``007``.

        Parameters
        ----------
        key : str
            Its key.
        default : str, optional
            What is returned where it is not given.
        """
        return written(self.given[key]) if key in self.given else default

    def policies(
        self, *, geometry: str, copies: str | float = LIMIT, ranged: bool = False
    ) -> dict[str, str]:
        """Return the policies that the options choose, for the ``policies`` of a `Listing`.

        Parameters
        ----------
        geometry : str
            The data set's default of the option ``geometry``: ``stretch``, ``pad`` or ``crop``.
        copies : float or str, default 0.4
            Its default of ``copies``: the distance up to which a training image counts as a copy
            of a test image, 0 for the same picture, 1 for nothing in common; ``exact`` for equal
            images only.
        ranged : bool, default False
            Whether it has an option ``range`` too, for files of more than 8 bits a value.
        """
        chosen = self.given.get("geometry", geometry)
        policies = {"geometry": choice(*GEOMETRIES).read(self.owner, "geometry", chosen)}
        policies |= copy_policy(self.given.get("copies", copies), self.owner)
        if ranged:
            given = str(self.text("range", AUTO))
            policies["range"] = str(parse_range(given, self.owner) or AUTO)
        return policies

    def integer(self, key: str, default: int, *, low: int, high: int) -> int:
        """Return a whole number.

        Parameters
        ----------
        key : str
            Its key.
        default : int
            What is returned where it is not given.
        low : int
            Smallest number.
        high : int
            Largest number.

        Raises
        ------
        UsageError
            If the value is no such number.
        """
        found: int = whole(low, high).read(self.owner, key, self.given.get(key, default))
        return found

    def number(self, key: str, default: float, *, low: float, high: float) -> float:
        """Return a number.

        Parameters
        ----------
        key : str
            Its key.
        default : float
            What is returned where it is not given.
        low : float
            Smallest number.
        high : float
            Largest number.

        Raises
        ------
        UsageError
            If the value is no such number.
        """
        return float(number(low, high).read(self.owner, key, self.given.get(key, default)))

    def share(self, key: str, default: float) -> float:
        """Return a number in [0, 1), such as a share of the images: of 1 none would be left.

        Parameters
        ----------
        key : str
            Its key.
        default : float
            What is returned where it is not given.

        Raises
        ------
        UsageError
            If the value is no such number.
        """
        constraint = number(0, 1, open_high=True)
        return float(constraint.read(self.owner, key, self.given.get(key, default)))
