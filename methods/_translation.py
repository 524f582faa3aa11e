"""How M2m turns an image of one class into one of another: steps against two networks."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from imbench.seeds import stream
from imbench.training.loop import new_optimiser, train
from imbench.training.state import TrainState

__all__ = ["Translator", "plainly_trained"]

NOISE = 0.5
"""Largest length of the random step at the beginning."""


def plainly_trained(state: TrainState) -> nn.Module:
    """Return a copy of a network that stands at its start, trained by plain training."""
    net = deepcopy(state.net)
    training = TrainState(
        net=net,
        optimiser=new_optimiser(net, state.budget),
        examples=state.examples,
        labels=state.labels,
        counts=state.counts,
        budget=state.budget,
        device=state.device,
        # Of its own: both networks would see the same batches, and err on the same images.
        seed=int(stream(state.seed, "m2m earlier").integers(2**31)),
    )
    train(training, (), None, None)
    return net.eval()


@dataclass(frozen=True)
class Translator:
    """Moves images until an earlier network sees another class, and a present one not the old.

    Attributes
    ----------
    earlier, present
        Networks from images (m, channels, height, width) in [0, 1] to logits (m, K).
    lam : float
        Weight of the present network's logit.
    step : float
        Length of a step.
    iterations : int
        Number of steps.
    """

    earlier: nn.Module
    present: nn.Module
    lam: float
    step: float
    iterations: int

    def translate(
        self, x: Tensor, old: Tensor, new: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return translations and the earlier network's probabilities (m,) of the new classes.

        The present network is left in training mode; its running means do not move.
        """
        self.present.eval()
        moved = (x + _noise(x, rng)).clamp(0, 1)
        for _ in range(self.iterations):
            moved = moved.detach().requires_grad_()
            away = self.present(moved).gather(1, old[:, None]).sum()
            loss = functional.cross_entropy(self.earlier(moved), new, reduction="sum")
            (gradient,) = torch.autograd.grad(loss + self.lam * away, [moved])
            length = gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
            moved = (moved - self.step * gradient / (length + 1e-10)).clamp(0, 1)
        moved = moved.detach()
        self.present.train()
        with torch.no_grad():
            sure = self.earlier(moved).softmax(dim=1).gather(1, new[:, None])[:, 0]
        return moved, sure


def _noise(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Return uniform noise, cut to the largest length for each image."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        noise = torch.rand(x.shape).to(x) - 0.5
    length = noise.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    cut: Tensor = noise * (NOISE / length).clamp(max=1)
    return cut
