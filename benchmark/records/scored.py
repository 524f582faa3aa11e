"""The score of a record by any metric: recorded, or computed from its outputs."""

from __future__ import annotations

import math

from imbench.contained import Fault, contained
from imbench.records.record import Record
from imbench.stats.metrics import Metric

__all__ = ["score"]


def score(record: Record, name: str, metric: Metric) -> tuple[float | None, str]:
    """Return the score, or None and the reason why there is none."""
    value = record.metrics.get(name)
    if value is None:
        if record.scores is None:
            return None, "the record has no outputs to compute it from"
        try:
            with contained():  # neither a plug-in nor damaged outputs may end the report
                labels, _, proba = record.scores.arrays()
                value = float(metric(labels, proba))
        except Fault as fault:
            return None, str(fault)
    if not math.isfinite(value):
        return None, f"the score is {value}"
    return value, ""
