"""The views of an image that are embedded, and the type of what embeds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["FLIP", "PLAIN", "Embedder"]

PLAIN, FLIP = "plain", "flip"
"""An image as it is, and mirrored."""
Embedder = Callable[[NDArray[np.uint8], Sequence[str]], NDArray[np.float32]]
"""From images uint8 (m, height, width, channels) and their names to rows of features (m, d)."""
