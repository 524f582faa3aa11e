"""What a method has to be above before it has learned anything: scores that need no training."""

from __future__ import annotations

import math

from imbench.contained import Fault, contained
from imbench.stats.metrics import Metric, trivial

__all__ = ["trivial_score"]


def trivial_score(metric: Metric, test_counts: list[int], lower: bool = False) -> float | None:
    """Return the best score of a classifier that looks at no image; None if it has none.

    Parameters
    ----------
    metric : callable
        One of another package may not accept constant outputs, and has none then.
    test_counts : list of int
        Test images of each class.
    lower : bool
        Whether a lower score is better.
    """
    if len(test_counts) < 2:
        return None
    try:
        with contained():
            score = float(trivial(metric, test_counts, lower=lower))
    except Fault:
        return None
    return score if math.isfinite(score) else None
