"""Threshold scaling (TS): Buda et al. 2018, arXiv 1710.05381; Richard and Lippmann 1991."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.training.part import Part

__all__ = ["ThresholdScaling"]


class ThresholdScaling(Part):
    """Divide the predicted probabilities by the training priors.

    The priors are the sampler's, so after full resampling nothing changes. For two classes this
    predicts the minority where its probability exceeds its prior.
    """

    title: ClassVar[str] = "TS"

    def adjust(
        self, logits: NDArray[np.float64], priors: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return logits minus log priors: softmax of them is p / prior, normalised."""
        return np.asarray(logits - np.log(priors))
