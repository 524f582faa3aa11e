"""The score of a record by any metric: recorded, or computed from its outputs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.contained import Fault, contained
from imbench.errors import ImbenchError, NotComparable
from imbench.records.assumed_prior import to_test_prior
from imbench.records.record import Record
from imbench.stats.configured import TEST_PRIOR, evaluate, wants
from imbench.stats.metrics import Metric

__all__ = ["outputs", "score"]


def score(record: Record, name: str, metric: Metric) -> tuple[float | None, str]:
    """Return the score, or None and the reason why there is none."""
    value = record.metrics.get(name)
    if value is None:
        if record.scores is None:
            return None, "the record has no outputs to compute it from"
        try:
            # Neither a plug-in nor damaged outputs may end the report.
            with contained(ImbenchError):
                value = float(evaluate(metric, *outputs(record, metric)))
        except (ImbenchError, Fault) as error:
            return None, str(error)
    if not math.isfinite(value):
        return None, f"the score is {value}"
    return value, ""


def outputs(record: Record, metric: Metric) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return labels (n,) and the probabilities (n, K) that a metric wants of a record.

    Raises
    ------
    NotComparable
        If there are none, or they cannot be corrected to the prior that the metric asks for.
    ValueError
        If they are damaged.
    """
    if record.scores is None:
        raise NotComparable("outputs are not kept")
    labels, _, proba = record.scores.arrays()
    if wants(metric, TEST_PRIOR):
        return labels, to_test_prior(record, labels, proba)
    return labels, proba
