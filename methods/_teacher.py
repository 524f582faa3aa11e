"""A running mean of the classifier, which judges fakes: Tarvainen & Valpola 2017, 1703.01780."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

__all__ = ["Teacher", "running_mean"]


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
        self.mean = running_mean(net, decay).eval()
        self.mean.requires_grad_(False)
        self.decay = decay

    def update(self, net: nn.Module) -> None:
        """Take the network's present weights into the mean."""
        n = int(self.mean.n_averaged)
        self.mean.multi_avg_fn = _mean_with(min(self.decay, n / (n + 9)))
        self.mean.update_parameters(net)

    @torch.no_grad()
    def chance(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the probability (m,) that it gives the labels y (m,) of images x in [0, 1]."""
        logits: Tensor = self.mean(x)
        return logits.softmax(dim=1).gather(1, y[:, None])[:, 0]


def running_mean(net: nn.Module, decay: float) -> AveragedModel:
    """Return the running mean of a network's weights, which begins at what they are now."""
    mean = AveragedModel(net, multi_avg_fn=_mean_with(decay))
    # Its first update copies. Left to the first step, the mean would forget the weights before it.
    mean.update_parameters(net)
    return mean


def _mean_with(decay: float) -> Callable[..., None]:
    average: Callable[..., None] = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return average
