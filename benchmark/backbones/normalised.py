"""A network with what has to come before it: three channels, mean and deviation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["Prepared", "without_head"]


class Prepared(nn.Module):
    """A network on images in [0, 1] of one or three channels, which gives rows of features."""

    mean: Tensor
    std: Tensor

    def __init__(self, body: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.body = body
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return features (m, d) of images (m, 1 or 3, height, width)."""
        features: Tensor = self.body((x.expand(-1, 3, -1, -1) - self.mean) / self.std)
        return features.flatten(1)


def without_head(net: nn.Module) -> int:
    """Replace the last linear layer of a network by nothing; return how many features it took."""
    layers = [(name, layer) for name, layer in net.named_modules() if isinstance(layer, nn.Linear)]
    name, last = layers[-1]
    parent, _, attribute = name.rpartition(".")
    setattr(net.get_submodule(parent), attribute, nn.Identity())
    return int(last.in_features)
