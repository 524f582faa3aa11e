"""Read what a record keeps of its test images, damaged or not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imbench.contained import Fault, contained
from imbench.records.record import Record
from imbench.stats.metrics import checked

__all__ = ["read_outputs"]


def read_outputs(record: Record) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Return labels (n,) and probabilities (n, K) of a finished record; None if it has none."""
    if not record.done or record.scores is None:
        return None
    try:
        with contained():  # damaged outputs may not end the report
            labels, _, proba = record.scores.arrays()
            return checked(labels, proba)
    except Fault:
        return None
