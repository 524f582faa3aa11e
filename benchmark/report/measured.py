"""Differences of methods that records do not hold: measured beside them, handed to the claims."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from imbench.records.groups import Group
from imbench.report.panel import Panel, RecipeCount, Terms
from imbench.stats.effect import Effect
from imbench.stats.intervals import sum_bounds
from imbench.stats.metrics import METRICS

__all__ = ["FLIPS", "LIFT", "ORACLE", "Differences", "Measured", "MeasuredPanel", "pair_name"]

LIFT, FLIPS, ORACLE = "lift", "flips", "oracle accuracy"
"""Energy of Grad-CAM on the object beyond its area; predictions that change with the background;
share of translations to the minority that an oracle takes for it."""
Differences = Mapping[RecipeCount, Mapping[int, float]]
"""Pair of methods (`pair_name`) and count to seed to a difference between -1 and 1."""
Measured = Mapping[str, Mapping[str, Differences]]
"""Code of a group to the name of a measure to its differences."""


def pair_name(first: str, second: str) -> str:
    """Return the name of a difference.

    >>> pair_name("aug", "vanilla")
    'aug - vanilla'
    """
    return f"{first} - {second}"


class MeasuredPanel(Panel):
    """Sums of differences by seed, each known as one number: there is nothing to resample.

    Parameters
    ----------
    group : Group
        The records that were measured.
    given : Differences
        Of one measure.
    """

    def __init__(self, group: Group, given: Differences) -> None:
        super().__init__(group, "f1", METRICS["f1"])
        self._given = given

    def counts(self, recipes: Sequence[str], seeds: int = 1) -> list[int]:
        """Return the counts at which at least `seeds` seeds have all of some pairs."""
        counts = sorted({count for _, count in self._given})
        keys = {count: [(recipe, count) for recipe in recipes] for count in counts}
        return [count for count in counts if len(self.seeds(keys[count])) >= seeds]

    def quick_effect(self, terms: Terms, constant: float = 0.0) -> Effect:
        """Return the sum of the terms and a constant in each seed that has all of them."""
        values = {
            seed: math.fsum(
                [constant, *(factor * self.scores(key)[seed] for key, factor in terms.items())]
            )
            for seed in self.seeds(list(terms))
        }
        return Effect(values, sum_bounds(terms.values(), (-1.0, 1.0), constant))

    def _effect(self, terms: Terms, constant: float) -> Effect:
        return self.quick_effect(terms, constant)

    def _read(self, key: RecipeCount) -> None:
        self._scores[key], self._faults[key] = dict(self._given.get(key, {})), {}
