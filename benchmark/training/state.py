"""What changes while a classifier trains: the state that the hooks of parts see."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imbench.seeds import stream
from imbench.training.budget import Budget
from imbench.training.examples import Examples

__all__ = ["TrainState"]

TAIL = 0.1
"""Share of the last steps whose mean loss is reported as the training loss."""
HEAD = 0.01
"""Share of the first steps whose mean loss is reported as the first: still within the warm-up."""
ZERO = 1e-3
"""Loss below which a training set counts as memorised: the true class at 99.9 % on average."""


@dataclass
class TrainState:
    """All that changes during training; hooks read it and may change the network.

    Attributes
    ----------
    net : Module
        The classifier.
    optimiser : Optimizer
        What changes its weights.
    examples : Examples
        The training set after every `Part.resample`.
    labels : int array (n,)
        Their classes, 0..K-1.
    counts : float array (K,)
        Images of each class, as the sampler yields them.
    budget : Budget
        How it is trained: ``steps``, ``batch_size``, ``lr`` and the other settings of `Method`.
    device : torch.device
        Where it is trained.
    seed : int
        The replicate's seed, for `imbench.stream`.
    step : int
        Current step, from 0.
    losses : list of Tensor
        Loss of each step so far.
    streams : dict
        Random streams that `rng` has made, by purpose.
    """

    net: nn.Module
    optimiser: torch.optim.Optimizer
    examples: Examples
    labels: NDArray[np.int64]
    counts: NDArray[np.float64]
    budget: Budget
    device: torch.device
    seed: int
    step: int = 0
    losses: list[Tensor] = field(default_factory=list)
    streams: dict[str, np.random.Generator] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Number of optimiser steps."""
        return self.budget.steps

    def rng(self, purpose: str) -> np.random.Generator:
        """Return the random stream of a purpose, the same object at each call."""
        if purpose not in self.streams:
            self.streams[purpose] = stream(self.seed, purpose)
        return self.streams[purpose]

    @property
    def train_loss(self) -> float:
        """Mean loss over the last tenth of the steps."""
        tail = self.losses[-max(1, round(TAIL * len(self.losses))) :]
        return float(torch.stack(tail).mean())

    @property
    def first_loss(self) -> float:
        """Mean loss over the first hundredth of the steps."""
        head = self.losses[: max(1, round(HEAD * len(self.losses)))]
        return float(torch.stack(head).mean())

    @property
    def zero_loss_steps(self) -> int:
        """Most steps at the end whose mean loss is below .001: the training set is memorised."""
        backwards = torch.stack(self.losses).double().cpu().flip(0)
        means = backwards.cumsum(0) / torch.arange(1, len(backwards) + 1)
        below = (means < ZERO).nonzero()
        return int(below[-1]) + 1 if len(below) else 0
