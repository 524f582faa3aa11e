"""What a metric may ask for besides labels and probabilities, and metrics whose options are set."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from imbench.stats.halves import halves_of

__all__ = [
    "HALVES",
    "TEST_PRIOR",
    "Configured",
    "declared_range",
    "declares",
    "evaluate",
    "split_up",
    "wants",
]

HALVES = "halves"
"""The metric gets a third argument (n,): the half, 0 or 1, that each test image is in."""
TEST_PRIOR = "test_prior"
"""The metric gets probabilities that are corrected to the class shares of the test set."""

_Function = TypeVar("_Function", bound=Callable[..., float])


@dataclass(frozen=True)
class Configured:
    """A metric with its options set: what ``cost:ratio=10`` names. It is called as any other.

    Attributes
    ----------
    function : callable
        The metric as it is registered.
    options : mapping
        Its options by name.
    """

    function: Callable[..., float]
    options: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, labels: NDArray[np.int64], proba: NDArray[Any], *more: Any) -> float:
        """Return the score; `more` is what the function asks for."""
        return self.function(labels, proba, *more, **self.options)


def declares(**attributes: object) -> Callable[[_Function], _Function]:
    """Return a decorator that sets attributes of a metric, such as ``lower_is_better=True``."""

    def declare(function: _Function) -> _Function:
        for name, value in attributes.items():
            setattr(function, name, value)
        return function

    return declare


def split_up(metric: Callable[..., float]) -> tuple[Callable[..., float], Mapping[str, Any]]:
    """Return a metric's function and its options."""
    if isinstance(metric, Configured):
        return metric.function, metric.options
    return metric, {}


def wants(metric: Callable[..., float] | None, what: str) -> bool:
    """Whether a metric asks for something: its attribute ``wants`` names it."""
    function = metric.function if isinstance(metric, Configured) else metric
    return what in getattr(function, "wants", ())


def evaluate(
    metric: Callable[..., float],
    labels: NDArray[np.int64],
    proba: NDArray[Any],
    halves: NDArray[np.int64] | None = None,
) -> float:
    """Return what a metric says of probabilities (n, K), giving it what it asks for.

    `halves` are those of a resample, in which copies of an image stay in the half of the image;
    left out they are those of a test set.
    """
    if wants(metric, HALVES):
        return metric(labels, proba, halves_of(labels) if halves is None else halves)
    return metric(labels, proba)


def declared_range(metric: Callable[..., float] | None) -> tuple[float, float]:
    """Return the attribute ``score_range`` of a metric; both ends are infinite if there is none.

    Where it depends on the metric's options it is a function of them.
    """
    if metric is None:
        return -math.inf, math.inf
    function, options = split_up(metric)
    found: Any = getattr(function, "score_range", (-math.inf, math.inf))
    if callable(found):
        found = found(**options)
    return float(found[0]), float(found[1])
