"""Scores with a tuned threshold: chosen on one half of the test images, scored on the other.

Each half is scored with the threshold that is best on the other one, and the confusions of both are
added. F1 is no mean over images: that of a half with few minority images is 0 as soon as none is
found, so a mean of two halves' F1 lies below that of their sum. The F1 of summed counts has next to
no such bias (Forman and Scholz 2010, "Apples-to-apples in cross-validation studies", SIGKDD
Explorations 12(1)). A cost is a mean over images, so its sum is the mean as well.

Images are ordered by the log-odds of the minority, so what only shifts them (threshold scaling)
does not change a tuned score. The threshold lies midway between the last image that is called
minority and the next; of equally good ones the highest is taken, which calls the fewest.

With more than two classes each minority has a threshold of its own, against all others, as AUROC
is a mean over minorities against all others: macro-F1 at thresholds by class (Lipton, Elkan and
Naryanaswamy 2014, "Optimal thresholding of classifiers to maximize F1 measure", ECML PKDD). An
image may then be called several classes, or none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imbench.stats.configured import HALVES, declares
from imbench.stats.halves import halves_of
from imbench.stats.metrics import checked

__all__ = [
    "Score",
    "TunedScorer",
    "f1_of",
    "f1_tuned",
    "f1_tuned_scorer",
    "log_odds",
    "tuned_scorer",
    "two_classes",
]

TINY = 1e-300
"""Smallest probability that is told from 0, so that no log-odds are infinite."""

Labels = NDArray[np.int64]
Floats = NDArray[np.float64]
Score = Callable[[Floats, Floats, Floats, Floats], Floats]
"""Hits, called, truly minority and images, each (...), to scores (...): higher is better."""
TunedScorer = Callable[[Floats], Floats]
"""Weights (resamples, n) of test images to scores (resamples,)."""


@declares(score_range=(0.0, 1.0), wants=(HALVES,))
def f1_tuned(labels: Labels, proba: NDArray[Any], halves: Labels | None = None) -> float:
    """F1 of the minority at a threshold chosen on one half of the test images, scored on the other.

    It says what a method ranks right, not what it decides: see `imbench.stats.tuned`. With more
    than two classes the mean over the minorities, each against the rest.

    Parameters
    ----------
    labels, proba : array
        True classes (n,) and probabilities (n, K).
    halves : int array (n,), optional
        The half that each image is in; `halves_of` the labels if not given.

    Raises
    ------
    ValueError
        If a class has a single test image.
    """
    given = halves_of(np.asarray(labels)) if halves is None else halves
    return float(f1_tuned_scorer(labels, proba, given)(np.ones((1, len(given))))[0])


def f1_of(hit: Floats, called: Floats, true: Floats, images: Floats) -> Floats:
    """Return 2 hit / (called + true), 0 where nothing is hit."""
    del images
    return np.asarray(2 * hit / np.maximum(called + true, 1))


def two_classes(labels: Labels, proba: NDArray[Any], name: str) -> tuple[Labels, Floats]:
    """Return checked labels and probabilities; raise ValueError where there are not two classes."""
    labels, proba = checked(labels, proba)
    if proba.shape[1] != 2:
        raise ValueError(
            f"{name} is about one threshold between two classes, and there are {proba.shape[1]}: "
            "report f1_tuned, or run two of the classes (majority=, minority=)"
        )
    return labels, proba


def log_odds(proba: Floats, label: int = 1) -> Floats:
    """Return log(p / (1 - p)) of a class, shape (n,), of probabilities (n, K)."""
    # Of the other columns: near 1 a column has steps of 6e-8, and near 0 of its own size.
    rest = np.delete(proba, label, axis=1).sum(axis=1)
    own = proba[:, label]
    return np.asarray(np.log(np.maximum(own, TINY)) - np.log(np.maximum(rest, TINY)))


def f1_tuned_scorer(labels: Labels, proba: NDArray[Any], halves: Labels) -> TunedScorer:
    """Prepare a classifier's outputs for `f1_tuned` in any number of resamples.

    Raises
    ------
    ValueError
        If the arrays do not fit.
    """
    labels, proba = checked(labels, proba)
    scorers = [
        _one_against_rest(f1_of, labels, proba, halves, label) for label in range(1, proba.shape[1])
    ]
    return lambda weights: np.mean([score(weights) for score in scorers], axis=0)


def tuned_scorer(
    score: Score, labels: Labels, proba: NDArray[Any], halves: Labels, name: str
) -> TunedScorer:
    """Prepare a classifier's outputs for any number of resamples, each tuned by itself.

    Parameters
    ----------
    score : callable
        What is tuned: counts to scores, of which higher are better.
    labels, proba, halves : array
        True classes (n,), probabilities (n, 2) and halves (n,).
    name : str
        The metric's name, for messages.

    Raises
    ------
    ValueError
        If the arrays do not fit, or there are not two classes.
    """
    return _one_against_rest(score, *two_classes(labels, proba, name), halves, 1)


def _one_against_rest(
    score: Score, labels: Labels, proba: Floats, halves: Labels, label: int
) -> TunedScorer:
    if np.shape(halves) != labels.shape:
        raise ValueError(f"halves {labels.shape} expected, not {np.shape(halves)}")
    odds = log_odds(proba, label)
    rows = [np.flatnonzero(np.asarray(halves) == half) for half in (0, 1)]
    sides = [_Half(odds[of], labels[of] == label, of) for of in rows]

    def scored(weights: Floats) -> Floats:
        drawn = [half.draw(weights) for half in sides]
        thresholds = [half.threshold(own, score) for half, own in zip(sides, drawn, strict=True)]
        # Each half is scored with the threshold of the other.
        parts = [
            half.counts(own, threshold)
            for half, own, threshold in zip(sides, drawn, reversed(thresholds), strict=True)
        ]
        hit, called, true, images = (a + b for a, b in zip(*parts, strict=True))
        return score(hit, called, true, images)

    return scored


class _Drawn(NamedTuple):
    """A half in resamples: weights (r, n), and its first 0, 1, ..., n images summed, (r, n + 1)."""

    weights: Floats
    hit: Floats
    """Minority images among them."""
    called: Floats
    """All of them."""


class _Half:
    """The images of a half, the likeliest minority first."""

    def __init__(self, odds: Floats, minority: NDArray[np.bool_], rows: Labels) -> None:
        order = np.argsort(-odds, kind="stable")
        self.odds, self.minority, self.rows = odds[order], minority[order], rows[order]
        # Images of equal odds cannot be told apart: cuts lie behind the last of them.
        self.last = np.flatnonzero(np.append(np.diff(self.odds) != 0, True)[: len(odds)])

    def draw(self, weights: Floats) -> _Drawn:
        """Return this half in resamples with weights (r, n) of all test images."""
        drawn = weights[:, self.rows]
        sums = np.zeros((2, len(drawn), drawn.shape[1] + 1))
        np.cumsum(drawn * self.minority, axis=1, out=sums[0, :, 1:])
        np.cumsum(drawn, axis=1, out=sums[1, :, 1:])
        return _Drawn(drawn, sums[0], sums[1])

    def counts(self, drawn: _Drawn, threshold: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return hits, called, minority and all images (r,) above a threshold (r,) each."""
        _, hit, called = drawn
        above = np.searchsorted(-self.odds, -threshold, "left")[:, None]
        hits, calls = (np.take_along_axis(sums, above, axis=1)[:, 0] for sums in (hit, called))
        return hits, calls, hit[:, -1], called[:, -1]

    def threshold(self, drawn: _Drawn, score: Score) -> Floats:
        """Return the log-odds (r,) above which the score of this half is best.

        0, the likeliest class, where a resample has but one class to choose by.
        """
        weights, hit, called = drawn
        true, images = hit[:, -1:], called[:, -1:]
        cuts = np.append(0, self.last + 1)
        best = np.argmax(score(hit[:, cuts], called[:, cuts], true, images), axis=1)
        chosen = self._between(weights, best)
        one_class = (true == 0) | (true == images)
        return np.where(one_class[:, 0], 0.0, chosen)

    def _between(self, weights: Floats, cut: NDArray[np.intp]) -> Floats:
        """Return the thresholds (r,) midway between a cut's last level and the next one drawn."""
        if not len(self.last):
            return np.zeros(len(weights))
        starts = np.append(0, self.last[:-1] + 1)
        drawn = np.add.reduceat(weights, starts, axis=1) > 0  # (r, levels)
        levels = self.odds[self.last]
        behind = drawn & (np.arange(len(levels)) >= cut[:, None])
        above = np.append(np.inf, levels)[cut]
        below = np.where(behind.any(axis=1), levels[behind.argmax(axis=1)], -np.inf)
        with np.errstate(invalid="ignore"):
            middle = np.minimum(below + (above - below) / 2, np.nextafter(above, -np.inf))
        return np.where(np.isinf(above), np.inf, np.where(np.isinf(below), -np.inf, middle))
