"""What a part needs to train its recipe again on a share of the training images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

__all__ = ["Refit"]


@dataclass(frozen=True)
class Refit:
    """A training that can be repeated on part of its images.

    Attributes
    ----------
    method : Method
        Not fitted: the recipe without the part, with the same settings and seed.
    pixels : array (n, ...)
        The training images, before any part changed them.
    labels : int array (n,)
        Their classes, 0..K-1.
    weights : float array (n,) or None
        Weight of each image in the loss.
    groups : sequence or None
        What must not be divided: of one group all images are trained on, or none is.
    """

    method: BaseEstimator
    pixels: NDArray[Any]
    labels: NDArray[np.int64]
    weights: NDArray[np.float64] | None = None
    groups: Sequence[object] | None = None
