"""What is said of metrics: their names in tables, how far they reach, which way is better."""

from __future__ import annotations

import math
from collections.abc import Collection

from imbench.stats import confusions
from imbench.stats.configured import declared_range, split_up
from imbench.stats.metrics import METRICS, Metric

__all__ = [
    "TITLES",
    "is_of_minorities",
    "is_thresholded",
    "lower_is_better",
    "metric_title",
    "score_range",
    "title_over",
]

TITLES = {
    "f1": "F1 of the minority",
    "f1_balanced": "F1 at prevalence 0.5",
    "macro_f1": "macro-F1 of all classes",
    "acsa": "ACSA (balanced accuracy)",
    "g_mean": "G-mean",
    "mcc": "MCC",
    "auroc": "AUROC",
    "auprc": "AUPRC (average precision)",
    "brier": "Brier score",
    "log_loss": "log-loss",
    "ece_conf": "ECE of the predicted class",
    "ece_pos": "ECE of the minority's probability",
    "accuracy": "accuracy",
    "recall": "recall of the minority",
    "precision": "precision of the minority",
    "f1_tuned": "F1 of the minority, threshold tuned on half of the test images",
    "cost": "cost an image",
    "cost_bayes": "cost an image at the prior-corrected Bayes threshold",
    "cost_tuned": "cost an image, threshold tuned on half of the test images",
}
"""Names as a table prints them."""
_OF_MINORITIES = {
    "f1": "mean F1 of {} minorities",
    "f1_balanced": "mean F1 of {} minorities at prevalence 0.5",
    "auroc": "mean AUROC of {} minorities",
    "auprc": "mean AUPRC of {} minorities (average precision)",
    "ece_pos": "mean ECE of the probabilities of {} minorities",
    "recall": "mean recall of {} minorities",
    "precision": "mean precision of {} minorities",
    "f1_tuned": "mean F1 of {} minorities, thresholds tuned on half of the test images",
}
"""Names of those that are means over the minorities where there are several."""
_RANGES = {"mcc": (-1.0, 1.0), "log_loss": (0.0, math.inf)}
_THRESHOLDED = frozenset({*confusions.SCORES, "cost", "cost_bayes"})
_LOWER = frozenset({"brier", "log_loss", "ece_conf", "ece_pos"})


def metric_title(name: str, classes: int = 2) -> str:
    """Return a metric's name as a table prints it: ``cost an image (ratio=10)``.

    With more than two classes a score of the minority is the mean over all of them.

    >>> metric_title("f1", classes=6)
    'mean F1 of 5 minorities'
    """
    base, _, options = name.partition(":")
    if base not in TITLES:
        return name
    title = TITLES[base]
    if classes > 2 and base in _OF_MINORITIES:
        title = _OF_MINORITIES[base].format(classes - 1)
    return f"{title} ({options})" if options else title


def title_over(name: str, classes: Collection[int]) -> str:
    """Return a metric's name that is true of data sets with several numbers of classes.

    >>> title_over("f1", {2, 6})
    'F1 of the minority (of several minorities the mean)'
    """
    titles = {metric_title(name, count) for count in classes} or {metric_title(name)}
    if len(titles) == 1:
        return titles.pop()
    return f"{metric_title(name)} (of several minorities the mean)"


def is_of_minorities(name: str) -> bool:
    """Whether a metric of ours leaves the majority out, and is a mean over several minorities."""
    return _base(name) in _OF_MINORITIES


def is_thresholded(name: str) -> bool:
    """Whether a metric of ours judges decisions, so that moving a threshold changes it."""
    return _base(name) in _THRESHOLDED


def lower_is_better(name: str, metric: Metric | None = None) -> bool:
    """Whether a smaller score is a better one.

    A metric of another package says so by an attribute ``lower_is_better = True``.
    """
    function = metric if metric is None else split_up(metric)[0]
    return _base(name) in _LOWER or bool(getattr(function, "lower_is_better", False))


def score_range(name: str, metric: Metric | None = None) -> tuple[float, float]:
    """Return the least and the largest score there can be.

    A metric of another package says so by an attribute such as ``score_range = (0.0, 1.0)``; if it
    does not, both are infinite.
    """
    if _base(name) in METRICS:
        return _RANGES.get(_base(name), (0.0, 1.0))
    return declared_range(metric)


def _base(name: str) -> str:
    """Return the registered name of ``ece_conf:bins=10``."""
    return name.partition(":")[0]
