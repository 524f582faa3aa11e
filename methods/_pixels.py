"""Images as generators take them, in [-1, 1], and back to pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imbench.training.forward import to_tensor

__all__ = ["to_pixels", "to_signed"]


def to_signed(x: NDArray[Any], device: torch.device) -> Tensor:
    """Turn images (m, height, width, channels) in 0..255 into (m, channels, ...) in [-1, 1]."""
    # A copy: torch would scale the floats of the caller in place. Contiguous, as the networks are.
    return to_tensor(np.array(x), device).contiguous().mul_(2).sub_(1)


def to_pixels(x: Tensor) -> NDArray[np.uint8]:
    """Turn images (m, channels, height, width) in [-1, 1] into uint8 (m, height, width, channels).

    Rounded for every use: a classifier must not tell fakes by their fractions.
    """
    pixels = x.add(1).mul(127.5).round_().clamp_(0, 255).byte().permute(0, 2, 3, 1)
    return np.asarray(pixels.contiguous().cpu().numpy())
