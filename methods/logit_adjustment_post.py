"""Logit adjustment after training: Menon et al. 2021, arXiv 2007.07314, equation 9."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import number
from imbench.training.part import Part

__all__ = ["PostHocLogitAdjustment"]


class PostHocLogitAdjustment(Part):
    """Subtract tau times the log prior from the logits at prediction time.

    Parameters
    ----------
    tau : float
        Strength: 0 predicts as the network does; 1, the default, is TS.

    Notes
    -----
    With logits s and the sampler's priors pi it predicts the class with the largest

        s_c - tau log pi_c

    The training is that of the recipe without it, and shared with it. At tau 1 it divides the
    probabilities by the priors, which is threshold scaling; other values are worth a try where a
    network is over-confident, and are then to be chosen before test images are seen.

    References
    ----------
    Menon, Jayasumana, Rawat, Jain, Veit and Kumar 2021, "Long-tail learning via logit adjustment",
    ICLR, equation 9, arXiv 2007.07314.

    Examples
    --------
    >>> import numpy as np
    >>> logits, priors = np.log(np.array([[0.99, 0.01]])), np.array([0.995, 0.005])
    >>> for tau in (0.0, 1.0, 2.0):
    ...     a, b = PostHocLogitAdjustment(tau).adjust(logits, priors)[0]
    ...     print(tau, round(1 / (1 + np.exp(a - b)), 3))
    0.0 0.01
    1.0 0.668
    2.0 0.998
    """

    title: ClassVar[str] = "LA post"
    constraints: ClassVar = {"tau": number(0, 100)}

    def __init__(self, tau: float = 1.0) -> None:
        self.tau = tau

    @property
    def corrects(self) -> Literal["", "rest", "all"]:
        """The imbalance that the sampler leaves."""
        return "rest" if self.tau else ""

    def adjust(
        self, logits: NDArray[np.float64], priors: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return logits minus tau log priors."""
        return np.asarray(logits - self.tau * np.log(priors))
