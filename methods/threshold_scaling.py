"""Threshold scaling (TS): Buda et al. 2018, arXiv 1710.05381; Richard and Lippmann 1991."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from imbench.training.part import Part

__all__ = ["ThresholdScaling"]


class ThresholdScaling(Part):
    """Divide the predicted probabilities by the training priors.

    Notes
    -----
    With probabilities p_c and priors pi_c = n_c / n of the classes it predicts by

        p'_c = (p_c / pi_c) / sum_k (p_k / pi_k)

    For two classes this predicts the minority where its probability exceeds its prior. The
    training is that of the recipe without it, and shared with it. The priors are the sampler's:
    after full resampling they are equal and it does nothing. It helps little where a network is
    over-confident: at counts (10000, 50) a probability of 0.0001 becomes 0.0196 only.

    References
    ----------
    Buda, Maki and Mazurowski 2018, "A systematic study of the class imbalance problem in
    convolutional neural networks", Neural Networks 106, section 2, arXiv 1710.05381.

    Richard and Lippmann 1991, "Neural network classifiers estimate Bayesian a posteriori
    probabilities", Neural Computation 3(4), doi 10.1162/neco.1991.3.4.461.

    Examples
    --------
    A minority of one in 200, at three predicted probabilities:

    >>> import numpy as np
    >>> from imbench.training.forward import probabilities
    >>> minority = np.array([0.0001, 0.005, 0.1])
    >>> logits = np.log(np.stack([1 - minority, minority], axis=1))
    >>> scaled = probabilities([ThresholdScaling()], logits, np.array([0.995, 0.005]))
    >>> scaled[:, 1].round(3).tolist()
    [0.02, 0.5, 0.957]
    """

    title: ClassVar[str] = "TS"

    @property
    def corrects(self) -> Literal["", "rest", "all"]:
        """The imbalance that the sampler leaves."""
        return "rest"

    def adjust(
        self, logits: NDArray[np.float64], priors: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return logits minus log priors: softmax of them is p / prior, normalised."""
        return np.asarray(logits - np.log(priors))
