"""A running mean of the classifier, which judges fakes: Tarvainen & Valpola 2017, 1703.01780."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

__all__ = ["Teacher"]


class Teacher:
    """The mean of a network's weights over its training.

    Parameters
    ----------
    net : Module
        The network at its start.
    decay : float
        Weight of the mean; smaller in the first steps, so that the start is forgotten.
    """

    def __init__(self, net: nn.Module, decay: float = 0.99) -> None:
        self.net = deepcopy(net).eval()
        self.net.requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Take the network's present weights into the mean."""
        self.updates += 1
        decay = min(self.decay, self.updates / (self.updates + 9))
        means: list[Tensor] = list(self.net.parameters())
        weights = [p.detach() for p in net.parameters()]
        torch._foreach_lerp_(means, weights, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]
        for mean, new in zip(self.net.buffers(), net.buffers(), strict=True):
            mean.copy_(new)

    @torch.no_grad()
    def chance(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the probability (m,) that it gives the labels y (m,) of images x in [0, 1]."""
        logits: Tensor = self.net(x)
        return logits.softmax(dim=1).gather(1, y[:, None])[:, 0]
