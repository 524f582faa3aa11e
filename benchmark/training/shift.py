"""A last layer that adds a number to the outputs of each class."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["Shift", "set_shift", "shifted"]


class Shift(nn.Module):
    """Add a number to the logits of each class; it is not trained, and kept with the weights."""

    by: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("by", torch.zeros(classes))

    def forward(self, logits: Tensor) -> Tensor:
        """Return the logits (m, classes), moved."""
        return logits + self.by


def shifted(net: nn.Module, classes: int) -> nn.Module:
    """Return a network with a `Shift` behind it that does nothing yet."""
    return nn.Sequential(net, Shift(classes))


def set_shift(net: nn.Module, by: NDArray[np.float64]) -> None:
    """Set what the network's `Shift` adds to the logits, shape (classes,).

    Of several networks whose logits are averaged each has one, and all get the same.
    """
    for module in net.modules():
        if isinstance(module, Shift):
            module.by.copy_(torch.from_numpy(by))
