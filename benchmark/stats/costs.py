"""What decisions cost: missing a minority image costs `ratio`, a false alarm 1, the rest nothing.

Costs are means over the test images as they are, so they depend on the minority's share among them:
calling everything majority costs ratio x share, calling everything minority 1 - share.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.stats.configured import HALVES, TEST_PRIOR, declares
from imbench.stats.halves import halves_of
from imbench.stats.metrics import predict
from imbench.stats.tuned import Score, tuned_scorer, two_classes

__all__ = ["cost", "cost_bayes", "cost_tuned", "image_costs", "image_costs_bayes", "saving"]

Labels = NDArray[np.int64]
Floats = NDArray[np.float64]


def _range(ratio: float) -> tuple[float, float]:
    return 0.0, max(ratio, 1.0)


@declares(lower_is_better=True, score_range=_range)
def cost(labels: Labels, proba: NDArray[Any], ratio: float) -> float:
    """Mean cost an image of calling it the likeliest class; lower is better.

    Parameters
    ----------
    labels, proba : array
        True classes (n,) and probabilities (n, 2).
    ratio : float
        Cost of missing a minority image; a false alarm costs 1.

    Raises
    ------
    ValueError
        If there are more than two classes.
    """
    return float(image_costs(labels, proba, ratio).mean())


@declares(lower_is_better=True, score_range=_range, wants=(TEST_PRIOR,))
def cost_bayes(labels: Labels, proba: NDArray[Any], ratio: float) -> float:
    """Mean cost an image at the Bayes threshold of probabilities corrected to the test set's prior.

    An image is called minority where ratio x p_B exceeds p_A (Elkan 2001, theorem 1): at the cost
    ratio 10 from 1/11 on. That is right for probabilities about the class shares of the test set,
    and a report corrects them to these: see `imbench.records.assumed_prior`.
    """
    return float(image_costs_bayes(labels, proba, ratio).mean())


@declares(lower_is_better=True, score_range=_range, wants=(HALVES,))
def cost_tuned(
    labels: Labels, proba: NDArray[Any], halves: Labels | None = None, *, ratio: float
) -> float:
    """Mean cost an image at a threshold chosen on one half of the test images, scored on the other.

    `halves` (n,) are those of `halves_of` if not given. See `imbench.stats.tuned`.

    Raises
    ------
    ValueError
        If there are more than two classes, or a class has a single test image.
    """
    given = halves_of(np.asarray(labels)) if halves is None else halves
    scored = tuned_scorer(saving(ratio), labels, proba, given, "cost_tuned")
    return -float(scored(np.ones((1, len(given))))[0])


def image_costs(labels: Labels, proba: NDArray[Any], ratio: float) -> Floats:
    """Return what calling each image the likeliest class costs, shape (n,)."""
    labels, proba = two_classes(labels, proba, "cost")
    return _costs(labels, predict(proba), ratio)


def image_costs_bayes(labels: Labels, proba: NDArray[Any], ratio: float) -> Floats:
    """Return what calling each image the class of the least expected cost costs, shape (n,)."""
    labels, proba = two_classes(labels, proba, "cost_bayes")
    return _costs(labels, (ratio * proba[:, 1] > proba[:, 0]).astype(np.int64), ratio)


def saving(ratio: float) -> Score:
    """Return the score that a threshold for a cost ratio is tuned by: minus the mean cost."""
    return partial(_saving, ratio)


def _saving(ratio: float, hit: Floats, called: Floats, true: Floats, images: Floats) -> Floats:
    return np.asarray(-(ratio * (true - hit) + (called - hit)) / np.maximum(images, 1))


def _costs(labels: Labels, said: Labels, ratio: float) -> Floats:
    missed, alarm = (labels == 1) & (said == 0), (labels == 0) & (said == 1)
    return np.asarray(ratio * missed + alarm, np.float64)
