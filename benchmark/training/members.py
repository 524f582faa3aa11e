"""The networks of a method, nearly always one: each is built and trained by the one loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imbench.seeds import stream, torch_seed
from imbench.training.budget import Budget
from imbench.training.device import own_torch_rng
from imbench.training.examples import Examples
from imbench.training.forward import forward_all
from imbench.training.loop import new_optimiser, train
from imbench.training.part import Part, overrides
from imbench.training.state import TrainState

__all__ = ["Joined", "Members", "as_one", "members_of", "train_members"]

CHUNK = 1024
"""Examples computed at a time where a part asks for the outputs on its training set."""


class Joined(nn.Module):
    """Several networks as one: a part joins their logits."""

    def __init__(self, nets: Sequence[nn.Module], join: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)
        self.join = join

    def forward(self, x: Tensor) -> Tensor:
        """Return the joined logits (m, K)."""
        return self.join(torch.stack([net(x) for net in self.nets]))


@dataclass(frozen=True)
class Members:
    """What a fit trained.

    Attributes
    ----------
    network : Module
        The network, or all of them as one.
    states : list of TrainState
        The training of each.
    class_weights : float array (K,) or None
        Weight of each class in the loss, of the last.
    prepare, fit : float
        Seconds before the first steps, and from there on.
    """

    network: nn.Module
    states: list[TrainState]
    class_weights: NDArray[np.float64] | None
    prepare: float
    fit: float

    @property
    def counts(self) -> NDArray[np.float64]:
        """Images of each class, as the sampler yields them; the mean over the networks."""
        return np.asarray(np.mean([state.counts for state in self.states], axis=0))

    @property
    def cost(self) -> dict[str, float]:
        """What all took together, and their mean losses."""
        steps = sum(state.steps for state in self.states)
        return {
            "prepare": self.prepare,
            "fit": self.fit,
            "steps": float(steps),
            "images": float(steps * self.states[0].budget.batch_size),
            "first_loss": float(np.mean([state.first_loss for state in self.states])),
            "train_loss": float(np.mean([state.train_loss for state in self.states])),
            "zero_loss_steps": float(min(state.zero_loss_steps for state in self.states)),
        }


def train_members(
    build: Callable[[NDArray[np.float64]], nn.Module],
    examples: Examples,
    labels: NDArray[np.int64],
    original: NDArray[np.float64],
    parts: Sequence[Part],
    budget: Budget,
    device: torch.device,
    seed: int,
) -> Members:
    """Train the networks that the parts ask for, one after the other.

    The first has the replicate's own seed, so that an ensemble of one is the method without it.

    Parameters
    ----------
    build : callable
        From the counts that the sampler yields to a new network.
    examples, labels
        The training set after every `resample`.
    original : float array (K,)
        Counts before it.
    parts : sequence of Part
        At most one of them overrides `member_sets`.
    budget : Budget
        Of all networks together, unless the part that asks for several says otherwise.
    """
    ensemble = _ensemble(parts)
    states: list[TrainState] = []

    def score(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        pieces = (rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK))
        net = states[-1].net
        return np.concatenate([forward_all(net, examples.take(piece), device) for piece in pieces])

    prepare = fit = 0.0
    weights: NDArray[np.float64] | None = None
    sets = ensemble.member_sets(labels, score, stream(seed, "members"))
    for number, steps in enumerate(ensemble.member_steps(budget.steps)):
        begun, rows = time.perf_counter(), next(sets)
        own = seed if number == 0 else int(stream(seed, f"member {number}").integers(2**31))
        fresh = own_torch_rng(torch_seed(own, "initial weights"), device)
        x, y = (examples, labels) if rows is None else (examples[rows], labels[rows])
        with nullcontext() if number == 0 else fresh:
            chances, counts = _draw(parts, y, len(original))
            # x 1.2 in ResNet-20 training on CPU against the default format.
            net = build(counts).to(device).to(memory_format=torch.channels_last)
            share = replace(budget, steps=steps)
            state = TrainState(net, new_optimiser(net, budget), x, y, counts, share, device, own)
            prepared = time.perf_counter()
            weights = _class_weights(parts, counts, original)
            train(state, parts, chances, weights)
        states.append(state)
        prepare += prepared - begun
        fit += time.perf_counter() - prepared
    return Members(as_one(parts, [s.net for s in states]), states, weights, prepare, fit)


def as_one(parts: Sequence[Part], nets: Sequence[nn.Module]) -> nn.Module:
    """Return the networks of a method as one."""
    ensemble = _ensemble(parts)
    return Joined(nets, ensemble.join) if overrides(ensemble, "member_sets") else nets[0]


def members_of(parts: Sequence[Part]) -> int:
    """Return how many networks the parts ask for."""
    return _ensemble(parts).networks


def _ensemble(parts: Sequence[Part]) -> Part:
    return next((part for part in parts if overrides(part, "member_sets")), Part())


def _draw(
    parts: Sequence[Part], labels: NDArray[np.int64], classes: int
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
    """Return the chances of the examples, and the counts (K,) that they come to."""
    draws = (part.draw(labels) for part in parts)
    chances = next((chances for chances in draws if chances is not None), None)
    counts = np.bincount(labels, weights=chances, minlength=classes).astype(np.float64)
    return chances, counts if chances is None else counts / chances.max()


def _class_weights(
    parts: Sequence[Part], counts: NDArray[np.float64], original: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    product = None
    for part in parts:
        weights = part.class_weights(counts, original)
        if weights is not None:
            product = weights if product is None else product * weights
    return product
