"""The base class of map plug-ins: which pixels of an image speak for its class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.contained import subclass_fault, usable
from imbench.errors import UsageError
from imbench.registry import load_plugin
from imbench.spec import parse_spec

if TYPE_CHECKING:
    from imbench.explain.trained import TrainedNetwork

__all__ = ["Maps", "Saliency", "class_fault", "make_saliency"]


@dataclass(frozen=True)
class Maps:
    """Maps of images.

    Attributes
    ----------
    values : float array (n, height, width)
        At least 0; a larger value speaks more for the class, 0 does not.
    errors : float array (n,)
        Standard error of a value, mean over pixels, as a share of the largest value; NaN where
        nothing is drawn at random.
    passes : int array (n,)
        Images that the network was shown for each map.
    """

    values: NDArray[np.float32]
    errors: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    passes: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))


class Saliency:
    """Base of a map plug-in: which pixels of an image speak for its class.

    Raise `UsageError` where a network can have no such map; its sentence is printed, and other
    cells and maps go on.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench import Maps, Saliency
    >>> class Brightness(Saliency):
    ...     title = "Brightness"
    ...
    ...     def maps(self, network, pixels, labels, done=lambda count: None):
    ...         return Maps(pixels.mean(axis=3, dtype=np.float32))
    """

    title: ClassVar[str] = ""
    """Name as a table prints it."""
    version: ClassVar[int] = 1
    """Raise it when maps change: those that are kept are then made again."""

    def maps(
        self,
        network: TrainedNetwork,
        pixels: NDArray[np.uint8],
        labels: NDArray[np.int64],
        done: Callable[[int], None] = lambda _: None,
    ) -> Maps:
        """Return the map of each image for its label.

        Parameters
        ----------
        network : TrainedNetwork
            The network.
        pixels : uint8 array (n, height, width, channels)
            The images.
        labels : int array (n,)
            The class that each map is of.
        done : callable, optional
            Told after every few images how many of them.
        """
        raise NotImplementedError


def make_saliency(spec: str) -> Saliency:
    """Return the map method of a registered name.

    Raises
    ------
    UsageError
        If the name is unknown, or what it names is no map method.
    """
    name = parse_spec(spec).name
    plugin = load_plugin("maps", name)
    if fault := class_fault(plugin):
        raise UsageError(f"map {name!r} cannot be used: {fault}")
    with usable(f"map {name!r} cannot be made"):
        return plugin()  # type: ignore[no-any-return]


def class_fault(plugin: object) -> str | None:
    """Return why an object cannot be a map plug-in; None if it can."""
    return subclass_fault(plugin, Saliency, "maps")
