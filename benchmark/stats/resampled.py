"""One classifier's score in thousands of resamples of its test images at once.

A resample is a row of weights: how often each image was drawn. So no array is copied, and most
scores are a matrix product. For every metric of `metrics` the result is, to rounding, that
of scoring the drawn images one resample after the other; metrics of other packages are scored so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.stats import confusions
from imbench.stats.configured import HALVES, evaluate, split_up, wants
from imbench.stats.costs import cost, cost_bayes, cost_tuned, image_costs, image_costs_bayes, saving
from imbench.stats.halves import halves_of
from imbench.stats.metrics import BINS, FLOOR, METRICS, Metric, checked, predict
from imbench.stats.tuned import f1_tuned, f1_tuned_scorer, tuned_scorer

__all__ = ["JointScorer", "Scorer", "Weights", "joint_scorer", "scorer"]

FEW = 16
"""Classes up to which a matrix product counts faster than numpy's bincount."""
Labels = NDArray[np.int64]
Floats = NDArray[np.float64]
Weights = NDArray[np.floating[Any]]
Scorer = Callable[[Floats], Floats]
"""Weights (resamples, n) to scores (resamples,); every class must have been drawn."""
JointScorer = Callable[[Weights], Floats]
"""Weights (resamples, n) of any precision, for they are whole, to (resamples, classifiers)."""


def scorer(name: str, metric: Metric, labels: Labels, proba: NDArray[Any]) -> Scorer:
    """Prepare a classifier's outputs for any number of resamples.

    Parameters
    ----------
    name : str
        What the metric is registered as.
    metric : callable
        The metric itself.
    labels, proba : array
        True classes (n,) and probabilities (n, K).

    Raises
    ------
    ValueError
        If they do not fit each other, or a probability is not finite. The scorer raises it where
        a metric of another package fails, or gives no finite score.
    """
    labels, proba = checked(labels, proba)
    function, options = split_up(metric)
    if function in _PREPARED:
        return _PREPARED[function](labels, proba, **options)
    if METRICS.get(name) is not metric:
        return _one_by_one(metric, labels, proba)
    if name in confusions.SCORES:
        return _counted(confusions.SCORES[name], labels, proba)
    return _OTHERS[name](labels, proba)


def joint_scorer(
    name: str, metric: Metric, labels: Labels, probas: Sequence[NDArray[Any]]
) -> JointScorer:
    """Prepare several classifiers at once: weights (resamples, n) to (resamples, classifiers).

    Counts of all confusions come from one matrix product, which makes a page of 10,000 records
    three times as fast. Raises what `scorer` does.
    """
    if METRICS.get(name) is metric and name in confusions.SCORES:
        pairs = [checked(labels, proba) for proba in probas]
        if pairs[0][1].shape[1] <= FEW:
            said = np.stack([predict(proba) for _, proba in pairs], axis=1)
            return _counted_together(
                confusions.SCORES[name], pairs[0][0], said, pairs[0][1].shape[1]
            )
    scorers = [scorer(name, metric, labels, proba) for proba in probas]

    def score_each(weights: Weights) -> Floats:
        exact = weights.astype(np.float64)
        return np.stack([score(exact) for score in scorers], axis=1)

    return score_each


def _counted_together(
    formula: Callable[[confusions.Counts], Floats], labels: Labels, said: Labels, classes: int
) -> JointScorer:
    """Score predictions `said` (n, classifiers).

    Weights of four bytes count exactly up to 16 million images, in half the time of eight. Of two
    classes the minority's counts give the majority's, in half the time again.
    """
    one = np.eye(classes, dtype=np.float32)
    right = one[said] * (said == labels[:, None])[..., None]
    counted = slice(1, None) if classes == 2 else slice(None)
    members = np.concatenate([right[..., counted], one[said][..., counted]], axis=1)
    columns = members.reshape(len(labels), -1)

    def score(weights: Weights) -> Floats:
        weights = weights.astype(np.float32, copy=False)
        drawn = (weights @ columns).astype(np.float64).reshape(len(weights), -1, members.shape[2])
        hit, called = np.split(drawn, 2, axis=1)
        true = (weights @ one[labels]).astype(np.float64)[:, None]
        if classes == 2:
            hit = np.concatenate([true[..., :1] - (called - hit), hit], axis=2)
            called = np.concatenate([true.sum(axis=2, keepdims=True) - called, called], axis=2)
        return formula(confusions.Counts(hit, called, np.broadcast_to(true, hit.shape)))

    return score


def _one_by_one(metric: Metric, labels: Labels, proba: Floats) -> Scorer:
    halves = halves_of(labels) if wants(metric, HALVES) else None

    def score_drawn(index: Labels) -> float:
        try:
            # Copies of an image stay in its half: what is tuned on one is not scored on the other.
            own = None if halves is None else halves[index]
            value = float(evaluate(metric, labels[index], proba[index], own))
        except (Exception, SystemExit) as error:  # a plug-in's code may raise anything
            raise ValueError(f"{type(error).__name__}: {error}") from error
        if not math.isfinite(value):
            raise ValueError(f"the score is {value}")
        return value

    def score(weights: Floats) -> Floats:
        drawn = (np.repeat(np.arange(len(labels)), row) for row in weights.astype(np.int64))
        return np.array([score_drawn(index) for index in drawn])

    return score


def _counted(
    formula: Callable[[confusions.Counts], Floats], labels: Labels, proba: Floats
) -> Scorer:
    # Not the whole confusion: of 256 classes it would be 65,536 numbers a resample.
    classes, said = proba.shape[1], predict(proba)
    right = np.flatnonzero(said == labels)

    def count(weights: Floats, of: Labels) -> Floats:
        rows = classes * np.arange(len(weights))[:, None]
        flat = np.bincount((rows + of).ravel(), weights.ravel(), minlength=len(weights) * classes)
        return np.asarray(flat.reshape(-1, classes), dtype=np.float64)

    def score(weights: Floats) -> Floats:
        hit = count(weights[:, right], labels[right])
        return formula(confusions.Counts(hit, count(weights, said), count(weights, labels)))

    if classes > FEW:
        return score
    together = _counted_together(formula, labels, said[:, None], classes)
    return lambda weights: together(weights)[:, 0]


def _brier(labels: Labels, proba: Floats) -> Scorer:
    return _mean(np.sum((proba - np.eye(proba.shape[1])[labels]) ** 2, axis=1) / 2)


def _log_loss(labels: Labels, proba: Floats) -> Scorer:
    return _mean(-np.log(np.maximum(proba[np.arange(len(labels)), labels], FLOOR)))


def _ece_conf(labels: Labels, proba: Floats) -> Scorer:
    return _binned_gap(np.max(proba, axis=1), predict(proba) == labels)


def _ece_pos(labels: Labels, proba: Floats) -> Scorer:
    return _over_minorities(_binned_gap, labels, proba)


def _auroc(labels: Labels, proba: Floats) -> Scorer:
    return _over_minorities(_area_under_roc, labels, proba)


def _auprc(labels: Labels, proba: Floats) -> Scorer:
    return _over_minorities(_average_precision, labels, proba)


_OTHERS: dict[str, Callable[[Labels, Floats], Scorer]] = {
    "auroc": _auroc,
    "auprc": _auprc,
    "brier": _brier,
    "log_loss": _log_loss,
    "ece_conf": _ece_conf,
    "ece_pos": _ece_pos,
}


def _f1_tuned(labels: Labels, proba: Floats) -> Scorer:
    return f1_tuned_scorer(labels, proba, halves_of(labels))


def _cost(labels: Labels, proba: Floats, ratio: float) -> Scorer:
    return _mean(image_costs(labels, proba, ratio))


def _cost_bayes(labels: Labels, proba: Floats, ratio: float) -> Scorer:
    return _mean(image_costs_bayes(labels, proba, ratio))


def _cost_tuned(labels: Labels, proba: Floats, ratio: float) -> Scorer:
    score = tuned_scorer(saving(ratio), labels, proba, halves_of(labels), "cost_tuned")
    return lambda weights: -score(weights)


_PREPARED: dict[Callable[..., float], Callable[..., Scorer]] = {
    f1_tuned: _f1_tuned,
    cost: _cost,
    cost_bayes: _cost_bayes,
    cost_tuned: _cost_tuned,
}
"""Metrics of ours that records do not hold, by their functions."""


def _mean(values: Floats) -> Scorer:
    return lambda weights: np.asarray(weights @ values / weights.sum(axis=1))


def _over_minorities(
    prepare: Callable[[Floats, NDArray[np.bool_]], Scorer], labels: Labels, proba: Floats
) -> Scorer:
    scorers = [prepare(proba[:, c], labels == c) for c in range(1, proba.shape[1])]
    return lambda weights: np.mean([score(weights) for score in scorers], axis=0)


def _area_under_roc(score: Floats, positive: NDArray[np.bool_]) -> Scorer:
    # Each positive image counts the negatives below it, and half of those level with it.
    falling = np.sort(score[~positive])
    below = np.searchsorted(falling, score[positive], "left")
    level = np.searchsorted(falling, score[positive], "right")
    rank = np.argsort(score[~positive], kind="stable")

    def area(weights: Floats) -> Floats:
        drawn = np.ascontiguousarray(weights.T)  # rows of images: picking them is five times faster
        ours, others = drawn[positive], drawn[~positive][rank]
        under = np.zeros((len(others) + 1, len(weights)))
        np.cumsum(others, axis=0, out=under[1:])
        won = np.einsum("ij,ij->j", ours, under[below] + under[level]) / 2
        return np.asarray(won / (ours.sum(axis=0) * under[-1]))

    return area


def _average_precision(score: Floats, positive: NDArray[np.bool_]) -> Scorer:
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))

    def area(weights: Floats) -> Floats:
        drawn = weights[:, order]
        tp = np.cumsum(drawn * positive[order], axis=1)[:, last]
        called = np.cumsum(drawn, axis=1)[:, last]
        steps = np.diff(tp, axis=1, prepend=0.0)
        # Nothing drawn down to a threshold: no step there, so any divisor will do.
        return np.asarray(np.sum(steps * tp / np.maximum(called, 1), axis=1) / tp[:, -1])

    return area


def _binned_gap(score: Floats, hit: NDArray[np.bool_]) -> Scorer:
    index = np.clip((score * BINS).astype(np.int64), 0, BINS - 1)
    gap, bins = score - hit, [np.flatnonzero(index == place) for place in np.unique(index)]

    def mean_gap(weights: Floats) -> Floats:
        total = np.sum([np.abs(weights[:, rows] @ gap[rows]) for rows in bins], axis=0)
        return np.asarray(total / weights.sum(axis=1))

    return mean_gap
