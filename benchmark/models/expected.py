"""What to expect of a model: scores with intervals, from cross-validation and from records.

Nothing is scored by what chose its threshold: each fold is decided by the threshold that is best on
the other folds. Resamples draw groups of images that belong together, where there are some.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from imbench.models.decision import Costs, Decision, best_threshold
from imbench.models.description import Expected
from imbench.records.record import Record
from imbench.stats.about_metrics import score_range
from imbench.stats.intervals import mean_interval
from imbench.stats.metrics import METRICS
from imbench.stats.resampled import Scorer, scorer

__all__ = ["SHOWN", "crossed_decisions", "from_cross_validation", "from_records", "on_test_images"]

SHOWN = ("f1", "recall", "precision", "acsa", "auroc")
"""Scores that a model tells, beside the cost where it was tuned for one."""
_BY_RANK = frozenset({"auroc"})
RESAMPLES, SEED = 2000, 20080
_CHUNK = 250_000

Labels = NDArray[np.int64]
Floats = NDArray[np.float64]


def crossed_decisions(
    labels: Labels, proba: Floats, folds: Labels, costs: Costs | None
) -> tuple[Labels, Floats]:
    """Decide each fold by the threshold of the other folds.

    Returns the classes said, shape (n,), and the thresholds, shape (number of folds,). Only for two
    classes.
    """
    said, thresholds = np.zeros(len(labels), np.int64), []
    for fold in np.unique(folds):
        inside = folds == fold
        thresholds.append(best_threshold(labels[~inside], proba[~inside, 1], costs))
        said[inside] = proba[inside, 1] > thresholds[-1]
    return said, np.array(thresholds)


def from_cross_validation(
    labels: Labels,
    proba: Floats,
    said: Labels,
    costs: Costs | None,
    *,
    groups: Sequence[object] | None = None,
    test: Sequence[int] = (),
) -> list[Expected]:
    """Return the scores to expect, with 95 % intervals from resamples of images.

    Parameters
    ----------
    labels, proba, said : array
        True classes (n,), outputs (n, K) and decisions (n,) of the cross-validation.
    costs : Costs or None
        Of the two errors.
    groups : sequence, optional
        Images of one group are drawn together.
    test : sequence of int
        Images of each class in a test set: where its score will lie is told too.
    """
    weights = np.concatenate(list(_weights(labels, groups)))
    own = np.bincount(labels, minlength=proba.shape[1]).astype(np.float64)
    found = []
    for name, score in _scorers(labels, proba, said, costs).items():
        value = float(score(np.ones((1, len(labels))))[0])
        low, high = np.quantile(score(weights), [0.025, 0.975])
        told = Expected(
            metric=name,
            source="cross-validation",
            value=value,
            low=min(float(low), value),
            high=max(float(high), value),
            images=len(labels),
        )
        if test:
            told = told.model_copy(update=_for_sample(score, weights, labels, own, test, name))
        found.append(told)
    return found


def on_test_images(labels: Labels, proba: Floats, decision: Decision) -> list[Expected]:
    """Return the scores of a model on test images, which had no part in it."""
    said = decision.said(proba)
    ones = np.ones((1, len(labels)))
    return [
        Expected(metric=name, source="test images", value=float(score(ones)[0]), images=len(labels))
        for name, score in _scorers(labels, proba, said, decision.costs).items()
    ]


def from_records(records: Iterable[Record]) -> list[Expected]:
    """Return the mean scores of records with Student's intervals over their seeds.

    Of records with several counts of minority images those with the most are taken.
    """
    scored = [record for record in records if record.done and record.metrics]
    if not scored:
        return []
    most = max((_counts(record) for record in scored), key=lambda counts: (sum(counts), counts))
    chosen = [record for record in scored if _counts(record) == most]
    found = []
    for name in SHOWN:
        scores = [record.metrics[name] for record in chosen if name in record.metrics]
        if not scores:
            continue
        mean, ends, n = mean_interval(scores, bounds=score_range(name, METRICS.get(name)))
        found.append(
            Expected(
                metric=name,
                source="records",
                value=mean,
                low=None if ends is None else ends[0],
                high=None if ends is None else ends[1],
                images=sum(chosen[0].test_counts),
                seeds=n,
                minority=min(most),
            )
        )
    return found


def _counts(record: Record) -> tuple[int, ...]:
    """Return the training images of each minority class."""
    shots = record.cell.shots
    return shots if isinstance(shots, tuple) else (shots,)


def _scorers(
    labels: Labels, proba: Floats, said: Labels, costs: Costs | None
) -> Mapping[str, Scorer]:
    decided = np.eye(proba.shape[1])[said]
    found: dict[str, Scorer] = {
        name: scorer(name, METRICS[name], labels, proba if name in _BY_RANK else decided)
        for name in SHOWN
    }
    if costs is not None:
        each = costs.missed * ((labels == 1) & (said == 0))
        each = each + costs.false_alarm * ((labels == 0) & (said == 1))
        found["cost"] = lambda weights: np.asarray(weights @ each / weights.sum(axis=1))
    return found


def _weights(labels: Labels, groups: Sequence[object] | None) -> Iterable[Floats]:
    """Yield how often each image is drawn, in chunks (resamples, n); every class is drawn."""
    rng = np.random.default_rng(SEED)
    names = list(range(len(labels))) if groups is None else [str(group) for group in groups]
    codes = np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)[1]
    # A group counts for the class of most of its images: each class keeps its number of groups.
    votes = np.zeros((codes.max() + 1, labels.max() + 1))
    np.add.at(votes, (codes, labels), 1)
    strata = [np.flatnonzero(votes.argmax(axis=1) == label) for label in range(votes.shape[1])]
    classes = np.eye(votes.shape[1])[labels]
    size = max(1, _CHUNK // len(labels))
    for start in range(0, RESAMPLES, size):
        drawn = np.zeros((min(size, RESAMPLES - start), len(votes)))
        for stratum in strata:
            if len(stratum):
                counts = rng.multinomial(
                    len(stratum), [1 / len(stratum)] * len(stratum), len(drawn)
                )
                drawn[:, stratum] = counts
        weights = drawn[:, codes]
        missing = ((weights @ classes) == 0).any(axis=1)
        weights[missing] = 1.0
        yield weights


def _for_sample(
    score: Scorer,
    weights: Floats,
    labels: Labels,
    own: Floats,
    test: Sequence[int],
    name: str,
) -> dict[str, float | int]:
    """Return where the score on a test set of such counts lies, in 95 of 100 of them.

    The shares of the classes are brought to those of the test set. The error of the estimate and
    that of the test set add up: deviations grow as the root of 1 + n / m, n and m being the images
    of the class that is rarest in the test set.
    """
    counts = np.asarray(test, np.float64)
    factor = (counts / own)[labels]
    rare = int(np.argmin(np.where(counts > 0, counts, np.inf)))
    centre = float(score(factor[None])[0])
    stretch = math.sqrt(1 + own[rare] / counts[rare])
    deviations = np.sort(score(weights * factor) - centre) * stretch
    low, high = centre + np.quantile(deviations, [0.025, 0.975])
    bounds = (0.0, math.inf) if name == "cost" else score_range(name, METRICS[name])
    ends = np.clip([min(low, centre), max(high, centre)], *bounds)
    return {
        "sample": int(counts.sum()),
        "sample_low": float(ends[0]),
        "sample_high": float(ends[1]),
    }
