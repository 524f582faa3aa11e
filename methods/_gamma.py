"""Learning gamma, which divides the majority's loss, on a few held-out training images.

The training loss cannot teach it: its derivative in 1/gamma is the majority's loss, which is
positive, so that 1/gamma would go to 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call

from imbench.training.budget import Budget
from imbench.training.drawing import cumulated, draw_rows
from imbench.training.forward import forward_all, to_tensor
from imbench.training.loop import train
from imbench.training.part import Part
from imbench.training.state import TrainState

__all__ = [
    "Gamma",
    "balanced_accuracy",
    "class_factors",
    "meta_gradient",
    "search_gamma",
]


def class_factors(
    gamma: float, counts: NDArray[np.float64], majority: int = 0
) -> NDArray[np.float64]:
    """Return loss weights (K,): 1/gamma before the majority, the mean over the counts being 1."""
    raw = np.ones(len(counts))
    raw[majority] = 1 / gamma
    return np.asarray(raw * counts.sum() / (counts @ raw))


def balanced_accuracy(logits: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """Return the mean over classes of the share that is recognised (ACSA)."""
    right = logits.argmax(axis=1) == y
    return float(np.mean([right[y == c].mean() for c in np.unique(y)]))


class _Candidate(Part):
    """Trains as the joint part does, at one gamma."""

    def __init__(self, maker: Callable[..., NDArray[Any]], gamma: float, majority: int) -> None:
        self.maker = maker
        self.gamma = gamma
        self.majority = majority

    def compose(self, state: TrainState, x: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
        return self.maker(state, x, rows)

    def weigh(
        self, state: TrainState, x: Tensor, y: Tensor, rows: NDArray[np.int64]
    ) -> Tensor | None:
        factors = class_factors(self.gamma, state.counts, self.majority)
        return torch.from_numpy(factors).float().to(y.device)[y]


def search_gamma(
    state: TrainState,
    chances: NDArray[np.float64],
    maker: Callable[..., NDArray[Any]],
    ratio: float,
    held: tuple[NDArray[np.uint8], NDArray[np.int64]],
    majority: int = 0,
) -> float:
    """Return the gamma whose short training is most accurate on held-out images.

    Five values from ratio**-0.5 to ratio**0.5 are tried with a quarter of the steps each; of
    equal ones the nearest to 1 wins.

    Parameters
    ----------
    state : TrainState
        The run before its first step; not changed.
    chances : float array (n,)
        Of each example to be drawn.
    maker : callable
        `Part.compose` of the joint part.
    ratio : float
        Largest class over smallest.
    held : (images, labels)
        What is judged on.
    majority : int
        Label of the largest class.
    """
    found = []
    for power in (0.0, 0.25, -0.25, 0.5, -0.5):
        gamma = ratio**power
        budget: Budget = replace(state.budget, steps=max(1, state.steps // 4))
        net = deepcopy(state.net)
        first = state.optimiser.param_groups[0]
        optimiser = torch.optim.SGD(
            net.parameters(),
            lr=first["lr"],
            momentum=first["momentum"],
            weight_decay=first["weight_decay"],
        )
        trial = replace(
            state, net=net, optimiser=optimiser, budget=budget, step=0, losses=[], streams={}
        )
        train(trial, [_Candidate(maker, gamma, majority)], chances, None)
        score = balanced_accuracy(forward_all(net, held[0], state.device), held[1])
        found.append((score, -abs(power), gamma))
    best: tuple[float, float, float] = max(found)
    return best[2]


def meta_gradient(
    state: TrainState,
    log_gamma: float,
    batch: tuple[Tensor, Tensor],
    held: tuple[Tensor, Tensor],
    lr: float,
    majority: int = 0,
) -> float:
    """Return the derivative in log gamma of the held-out loss after one step of SGD.

    Ren et al. 2018, arXiv 1803.09050: theta' = theta - lr grad L(gamma), with L the mean over
    the batch of w_y times the loss, w_0 = 1/gamma and 1 for others. Its derivative in log gamma
    is -w_0 L_0, 0 being the majority, so that of the held-out loss is
    lr w_0 <grad L_0, grad L_held(theta')>.
    """
    net = state.net
    parameters: dict[str, Tensor] = dict(net.named_parameters())
    buffers = dict(net.named_buffers())

    def losses(weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        logits = functional_call(net, (weights, buffers), (x,))
        out: Tensor = torch.nn.functional.cross_entropy(logits, y, reduction="none")
        return out

    was_training = net.training
    net.eval()
    x, y = batch
    each = losses(parameters, x, y)
    factor = math.exp(-log_gamma)
    of_class = (each * (y == majority)).mean()
    of_majority = torch.autograd.grad(of_class, list(parameters.values()), retain_graph=True)
    of_others = torch.autograd.grad((each * (y != majority)).mean(), list(parameters.values()))
    moved = {
        name: p - lr * (factor * a + b)
        for (name, p), a, b in zip(parameters.items(), of_majority, of_others, strict=True)
    }
    after = losses(moved, *held).mean()
    of_held = torch.autograd.grad(after, list(moved.values()))
    net.train(was_training)
    inner = sum(float((a * h).sum()) for a, h in zip(of_majority, of_held, strict=True))
    return float(lr * factor * inner)


class Gamma:
    """The present gamma of a run, searched for once or moved along the way.

    Parameters
    ----------
    images, labels : arrays (n, height, width, channels), (n,)
        Held-out training images, as many of each class.
    meta : bool
        Follow the gradient of the held-out loss, rather than search before the first step.
    majority : int
        Label of the largest class, whose loss gamma divides.
    """

    EVERY = 10
    """Steps between two moves; a move costs as much as two steps of training."""
    RATE = 0.05
    """Size of a move in log gamma, whatever the gradient's size."""

    def __init__(
        self, images: NDArray[Any], labels: NDArray[np.int64], *, meta: bool, majority: int = 0
    ) -> None:
        self.majority = majority
        self.held = (images, labels)
        self.meta = meta
        self.value = 1.0

    @property
    def note(self) -> str:
        """What was learned, in words."""
        how = "followed" if self.meta else "chosen"
        n = len(self.held[1])
        return f"gamma {self.value:.3g}, {how} on {n} training images that were held out"

    def factors(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the loss weights (K,)."""
        return class_factors(self.value, counts, self.majority)

    def before_step(self, state: TrainState, part: Any) -> None:
        """Search at the first step, or move at every tenth."""
        if not self.meta:
            if state.step == 0:
                ratio = _ratio(state.labels[~part.fake_])
                chances = part.draw(state.labels)
                self.value = search_gamma(
                    state, chances, part.compose, ratio, self.held, self.majority
                )
            return
        if state.step % self.EVERY == 0:
            self._move(state, part)

    def _move(self, state: TrainState, part: Any) -> None:
        chances = part.draw(state.labels)
        rng = state.rng("batches for gamma")
        rows = draw_rows(cumulated(chances / chances.sum()), state.budget.batch_size, rng)
        x = part.compose(state, state.examples.take(rows), rows)
        batch = to_tensor(x, state.device), torch.from_numpy(state.labels[rows]).to(state.device)
        lr = state.optimiser.param_groups[0]["lr"]
        log_gamma = math.log(self.value)
        held = held_tensors(self.held, state.device)
        slope = meta_gradient(state, log_gamma, batch, held, lr, self.majority)
        self.value = math.exp(log_gamma - self.RATE * float(np.sign(slope)))


def _ratio(labels: NDArray[np.int64]) -> float:
    counts = np.bincount(labels)
    return float(counts.max() / counts.min())


def held_tensors(
    held: tuple[NDArray[np.uint8], NDArray[np.int64]], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return held-out images (n, channels, height, width) in [0, 1] and labels as tensors."""
    return to_tensor(held[0], device), torch.from_numpy(held[1]).to(device)
