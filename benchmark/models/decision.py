"""From probabilities to a decision: a threshold chosen for F1 or for a ratio of costs."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from imbench.errors import UsageError
from imbench.models.core import Plain
from imbench.stats.metrics import counts_at_thresholds, predict

__all__ = ["Costs", "Decision", "best_threshold", "parse_costs"]

Price = Annotated[float, Field(gt=0, le=1e9)]
_RATIO = re.compile(r"(\d{1,9}(?:\.\d{1,9})?):(\d{1,9}(?:\.\d{1,9})?)")


class Costs(Plain):
    """What the two errors cost, as a ratio.

    >>> str(parse_costs("10:1"))
    '10:1'
    """

    missed: Price
    """A minority image that is called majority."""
    false_alarm: Price
    """A majority image that is called minority."""

    def __str__(self) -> str:
        return f"{self.missed:g}:{self.false_alarm:g}"

    def mean(self, labels: NDArray[np.int64], said: NDArray[np.int64]) -> float:
        """Return the mean cost of an image; `labels` and `said` (n,) are 0 or 1."""
        missed, alarms = np.mean((labels == 1) & (said == 0)), np.mean((labels == 0) & (said == 1))
        return float(self.missed * missed + self.false_alarm * alarms)


class Decision(Plain):
    """The rule by which a model says a class."""

    rule: Literal["threshold", "highest"]
    """Whether the minority's probability has to exceed the threshold, or the highest one wins."""
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    tuned_for: Literal["f1", "cost", "nothing"] = "nothing"
    costs: Costs | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.rule == "threshold") != (self.threshold is not None):
            raise ValueError("decision: a threshold belongs to the rule threshold, and to no other")
        if (self.tuned_for == "cost") != (self.costs is not None):
            raise ValueError("decision: costs belong to a rule that is tuned for them")
        return self

    def said(self, proba: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the class that is said of each image, shape (n,); a tie goes to the majority."""
        if self.threshold is None:
            return predict(proba)
        return (proba[:, 1] > self.threshold).astype(np.int64)

    def margins(self, proba: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far each image is from being called otherwise, in log odds, shape (n,).

        The smallest are those to look at first.
        """
        tiny = np.finfo(np.float64).tiny
        if self.threshold is None:
            top = np.sort(proba, axis=1)[:, -2:]
            return np.asarray(np.log(top[:, 1]) - np.log(np.maximum(top[:, 0], tiny)))
        odds = np.log(np.maximum(proba[:, 1], tiny)) - np.log(np.maximum(proba[:, 0], tiny))
        limit = math.log(max(self.threshold, tiny)) - math.log(max(1 - self.threshold, tiny))
        return np.asarray(np.abs(odds - limit))

    def words(self, classes: Sequence[str]) -> str:
        """Return the rule in a few words, given the names of the classes."""
        if self.threshold is None:
            return "the class of the highest probability"
        why = {"f1": " (best F1 in cross-validation)", "nothing": ""}
        what = why.get(self.tuned_for, f" (least cost at {self.costs} in cross-validation)")
        return f"{classes[1]} where its probability is above {self.threshold:.4g}{what}"


def parse_costs(text: str) -> Costs:
    """Read ``10:1``, a missed minority image against a false alarm.

    Raises
    ------
    UsageError
        If it is no ratio of two numbers above 0.
    """
    found = _RATIO.fullmatch(text.strip())
    prices = [float(number) for number in found.groups()] if found else []
    if not prices or min(prices) <= 0:
        raise UsageError(
            f"cost {text[:100]!r} is no ratio of two numbers above 0, such as 10:1: a missed "
            "minority image against a false alarm"
        )
    return Costs(missed=prices[0], false_alarm=prices[1])


def best_threshold(
    labels: NDArray[np.int64], scores: NDArray[np.float64], costs: Costs | None = None
) -> float:
    """Return the threshold of the best F1, or of the least cost where costs are given.

    Parameters
    ----------
    labels : int array (n,)
        1 is the minority.
    scores : float array (n,)
        Probabilities of the minority; called so is what lies above the threshold.

    Returns
    -------
    float
        Midway between two neighbouring probabilities, so that images to come may fall on either
        side of it; of several that are as good the middle one.

    Examples
    --------
    >>> labels, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.4, 0.9])
    >>> round(best_threshold(labels, scores), 2)
    0.3
    """
    distinct = np.unique(scores)[::-1]
    tp, fp = (np.append(0, counts) for counts in counts_at_thresholds(labels == 1, scores))
    positive, negative = int((labels == 1).sum()), int((labels == 0).sum())
    if costs is None:
        value = 2 * tp / np.maximum(positive + tp + fp, 1)
    else:
        value = -(costs.missed * (positive - tp) + costs.false_alarm * fp) / (positive + negative)
    best = np.flatnonzero(value >= value.max() - 1e-12)
    place = int(best[len(best) // 2])
    upper = 1.0 if place == 0 else float(distinct[place - 1])
    lower = 0.0 if place == len(distinct) else float(distinct[place])
    return (upper + lower) / 2
