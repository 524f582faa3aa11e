"""Scores as pure functions of labels (n,) and probabilities (n, K); label 0 is the majority.

The prediction is the likeliest class, a tie going to the smaller label and so to the majority.
With two classes every score is the textbook's, label 1 being the positive class. With more,
a score of "the minority" (F1, recall, precision, AUROC, AUPRC, ece_pos) is the plain mean over the
minority classes, each against the rest; ACSA and the G-mean are means over all classes, MCC is
Gorodkin's R_K, and the Brier score is halved so that K = 2 gives the binary one.

No score is NaN, and a class that is never predicted costs a zero and no warning. Where a score has
no meaning (recall and ranking without an image of the class) a ValueError says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.stats import confusions
from imbench.stats.configured import evaluate

__all__ = [
    "METRICS",
    "Metric",
    "accuracy",
    "acsa",
    "auprc",
    "auroc",
    "binned",
    "brier",
    "checked",
    "confusion",
    "counts_at_thresholds",
    "ece_conf",
    "ece_pos",
    "f1",
    "f1_balanced",
    "g_mean",
    "log_loss",
    "macro_f1",
    "mcc",
    "precision",
    "predict",
    "recall",
    "score_all",
    "trivial",
]

Labels = NDArray[np.int64]
Proba = NDArray[Any]
Metric = Callable[[Labels, Proba], float]

BINS = 15
"""Equal-width bins of both calibration errors."""
FLOOR = 1e-15
"""Smallest probability whose logarithm is taken, so that one sure mistake costs 34.5 nats."""


def predict(proba: Proba) -> Labels:
    """Return the likeliest class of each row, shape (n,); ties go to the smaller label."""
    said: Labels = np.argmax(proba, axis=1).astype(np.int64)
    return said


def confusion(labels: Labels, proba: Proba) -> Labels:
    """Return counts, shape (K, K): row = true class, column = predicted class.

    Parameters
    ----------
    labels : int array (n,)
        True classes, 0..K-1.
    proba : float array (n, K)
        Probability of each class; the largest is predicted, of equal ones the first.

    Returns
    -------
    int array (K, K)
        Images of each pair of classes.

    Raises
    ------
    ValueError
        If the shapes do not fit, there is no image, a label has no column, or a probability is
        not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench import confusion
    >>> confusion(np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]))
    array([[1, 1],
           [0, 1]])
    """
    labels, proba = checked(labels, proba)
    classes = proba.shape[1]
    flat = np.bincount(labels * classes + predict(proba), minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def f1(labels: Labels, proba: Proba) -> float:
    """F1 of the minority, 2 TP / (2 TP + FP + FN); 0 where TP is 0. Depends on the prevalence."""
    return float(confusions.f1(_counts(labels, proba)))


def macro_f1(labels: Labels, proba: Proba) -> float:
    """Mean F1 of all classes, each against the rest, the majority's too."""
    return float(confusions.macro_f1(_counts(labels, proba)))


macro_f1.score_range = (0.0, 1.0)  # type: ignore[attr-defined]


def f1_balanced(labels: Labels, proba: Proba) -> float:
    """F1 the classifier would have if half the test images were of the minority class.

    From recall and false positive rate: 2 TPR / (TPR + 1 + FPR).
    """
    return float(confusions.f1_balanced(_counts(labels, proba)))


def acsa(labels: Labels, proba: Proba) -> float:
    """Average class-specific accuracy: the mean recall over all classes (balanced accuracy)."""
    return float(confusions.acsa(_counts(labels, proba)))


def g_mean(labels: Labels, proba: Proba) -> float:
    """Geometric mean of the recalls of all classes; 0 if one class is never recognised."""
    return float(confusions.g_mean(_counts(labels, proba)))


def mcc(labels: Labels, proba: Proba) -> float:
    """Matthews correlation of true and predicted class, in [-1, 1]; 0 if either is constant."""
    return float(confusions.mcc(_counts(labels, proba)))


def auroc(labels: Labels, proba: Proba) -> float:
    """Area under the ROC curve of the minority's probability; tied images count half."""

    def area(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
        tp, fp = counts_at_thresholds(positive, score)
        tp, fp = np.append(0, tp), np.append(0, fp)
        if fp[-1] == 0:
            raise ValueError("AUROC needs a test image outside the class")
        return float(np.sum(np.diff(fp) * (tp[1:] + tp[:-1])) / (2 * tp[-1] * fp[-1]))

    return _mean_over_minorities(labels, proba, area)


def auprc(labels: Labels, proba: Proba) -> float:
    """Average precision of the minority's probability: the step sum, not the trapezoid."""

    def area(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
        tp, fp = counts_at_thresholds(positive, score)
        return float(np.sum(np.diff(tp, prepend=0) * tp / (tp + fp)) / tp[-1])

    return _mean_over_minorities(labels, proba, area)


def brier(labels: Labels, proba: Proba) -> float:
    """Half the mean squared distance of the probabilities from the truth; lower is better."""
    labels, proba = checked(labels, proba)
    truth = np.eye(proba.shape[1])[labels]
    return float(np.mean(np.sum((proba - truth) ** 2, axis=1)) / 2)


def log_loss(labels: Labels, proba: Proba) -> float:
    """Mean of -log(probability of the true class), in nats, floored at 1e-15; lower is better."""
    labels, proba = checked(labels, proba)
    return float(np.mean(-np.log(np.maximum(proba[np.arange(len(labels)), labels], FLOOR))))


def ece_conf(labels: Labels, proba: Proba, bins: int = BINS) -> float:
    """Calibration error of the predicted class's probability against its share of hits."""
    labels, proba = checked(labels, proba)
    return _binned_gap(np.max(proba, axis=1), predict(proba) == labels, bins)


def ece_pos(labels: Labels, proba: Proba, bins: int = BINS) -> float:
    """Calibration error of the minority's probability against its frequency."""
    labels, proba = checked(labels, proba)
    gaps = [_binned_gap(proba[:, c], labels == c, bins) for c in range(1, proba.shape[1])]
    return float(np.mean(gaps))


def accuracy(labels: Labels, proba: Proba) -> float:
    """Share of images whose predicted class is right."""
    return float(confusions.accuracy(_counts(labels, proba)))


def recall(labels: Labels, proba: Proba) -> float:
    """Share of the minority's images that are recognised (sensitivity, TPR)."""
    return float(confusions.recall(_counts(labels, proba)))


def precision(labels: Labels, proba: Proba) -> float:
    """Share of images called minority that are; 0 if none is called so."""
    return float(confusions.precision(_counts(labels, proba)))


METRICS: dict[str, Metric] = {
    "f1": f1,
    "f1_balanced": f1_balanced,
    "acsa": acsa,
    "g_mean": g_mean,
    "mcc": mcc,
    "auroc": auroc,
    "auprc": auprc,
    "brier": brier,
    "log_loss": log_loss,
    "ece_conf": ece_conf,
    "ece_pos": ece_pos,
    "accuracy": accuracy,
    "recall": recall,
    "precision": precision,
}
"""Those of our metrics that every record holds, by the names they are registered under."""


def score_all(labels: Labels, proba: Proba) -> dict[str, float]:
    """Return the scores that need nothing but labels and probabilities, by name.

    ``bench list metrics`` names all; those with costs or a tuned threshold are not among these.

    Parameters
    ----------
    labels : int array (n,)
        True classes, 0..K-1; 0 is the majority.
    proba : float array (n, K)
        Probability of each class.

    Returns
    -------
    dict
        Name to score: ``f1`` of the minority, ``auroc``, ``brier``, ...

    Raises
    ------
    ValueError
        As `confusion` does.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench import score_all
    >>> proba = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    >>> scores = score_all(np.array([0, 0, 1]), proba)
    >>> round(scores["f1"], 3), scores["auroc"]
    (0.667, 1.0)
    """
    return {name: metric(labels, proba) for name, metric in METRICS.items()}


def trivial(metric: Metric, test_counts: list[int], *, lower: bool = False) -> float:
    """Return the best score that needs no image: what a trained classifier has to beat.

    It is the best of K + 1 constant classifiers: always class c for each c, and for every image
    the class shares of the test set. `test_counts` are its images of each class, shape (K,).
    """
    counts = np.asarray(test_counts)
    labels = np.repeat(np.arange(len(counts)), counts)
    rows = [*np.eye(len(counts)), counts / counts.sum()]
    scores = [evaluate(metric, labels, np.tile(row, (len(labels), 1))) for row in rows]
    return min(scores) if lower else max(scores)


def checked(labels: Labels, proba: Proba) -> tuple[Labels, NDArray[np.float64]]:
    """Return labels (n,) and probabilities (n, K) as arrays; raise ValueError if unusable."""
    labels, proba = np.asarray(labels), np.asarray(proba, dtype=np.float64)
    if proba.ndim != 2 or proba.shape[1] < 2 or labels.shape != proba.shape[:1]:
        raise ValueError(
            f"labels (n,) and probabilities (n, K) expected, not {labels.shape} and {proba.shape}"
        )
    if len(labels) == 0:
        raise ValueError("there is no test image to score")
    if labels.min() < 0 or labels.max() >= proba.shape[1]:
        raise ValueError(f"labels lie outside 0..{proba.shape[1] - 1}")
    if not np.isfinite(proba).all():
        raise ValueError("some probabilities are not finite")
    return labels, proba


def _counts(labels: Labels, proba: Proba) -> confusions.Counts:
    return confusions.Counts.of(confusion(labels, proba))


def _mean_over_minorities(
    labels: Labels,
    proba: Proba,
    area: Callable[[NDArray[np.bool_], NDArray[np.float64]], float],
) -> float:
    labels, proba = checked(labels, proba)
    confusions.recalls(_counts(labels, proba))  # refuses a class without an image
    return float(np.mean([area(labels == c, proba[:, c]) for c in range(1, proba.shape[1])]))


def counts_at_thresholds(
    positive: NDArray[np.bool_], score: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return true and false positives at each distinct threshold, the highest first."""
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    tp = np.cumsum(positive[order], dtype=np.int64)[last]
    return tp, last + 1 - tp


def binned(
    score: NDArray[np.float64], hit: NDArray[np.bool_], bins: int = BINS
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return images, sum of scores and hits of each of equally wide bins of a score in [0, 1].

    Bins are closed on the left, and the last one on both sides.
    """
    index = np.clip((score * bins).astype(np.int64), 0, bins - 1)
    total, hits = (
        np.bincount(index, weights=weights, minlength=bins).astype(np.float64)
        for weights in (score, hit.astype(np.float64))
    )
    return np.bincount(index, minlength=bins).astype(np.int64), total, hits


def _binned_gap(score: NDArray[np.float64], hit: NDArray[np.bool_], bins: int) -> float:
    _, total, hits = binned(score, hit, bins)
    return float(np.abs(total - hits).sum() / len(score))
