"""Chance over test images: the interval of a mean change, from outputs that both sides kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imbench.check.judging import Pairs
from imbench.check.sides import Side
from imbench.registry import load
from imbench.stats import confusions
from imbench.stats.bootstrap import crossed, rescored

__all__ = ["over_images"]


def over_images(
    pairs: Pairs, baseline: Side, now: Side, level: float
) -> tuple[float, float] | None:
    """Return the two-level bootstrap interval of the mean gain.

    Images are drawn for both sides alike. None where there are fewer than two seeds, a side kept
    no outputs, or only decisions of a metric that needs probabilities.
    """
    if len(pairs.gains) < 2:
        return None
    sides = [_kept(pairs, side) for side in (baseline, now)]
    if any(kept is None for kept in sides):
        return None
    (old_labels, before), (labels, after) = (kept for kept in sides if kept is not None)
    if not np.array_equal(old_labels, labels):
        return None
    metric = load("metrics", pairs.metric)
    old, new = (rescored(pairs.metric, metric, labels, them) for them in (before, after))
    gains = (old - new) if pairs.lower else (new - old)
    return crossed(gains).interval(level)


def _kept(pairs: Pairs, side: Side) -> tuple[NDArray[np.int64], list[NDArray[np.float32]]] | None:
    """Return the labels and the probabilities of each seed."""
    outputs = [side.runs[pairs.place][seed].outputs for seed in pairs.gains]
    found = []
    for one in outputs:
        if one is None or (one.decisions_only and pairs.metric not in confusions.SCORES):
            return None
        found.append(one.arrays())
    labels = found[0][0]
    if any(not np.array_equal(labels, other) for other, _ in found):
        return None
    return labels, [proba for _, proba in found]
