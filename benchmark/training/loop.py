"""The training loop of all classifiers; parts change it through their hooks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imbench.errors import Diverged
from imbench.training.augment import augment, augmented, steps_for
from imbench.training.budget import Budget
from imbench.training.drawing import cumulated, draw_rows, shuffled_passes
from imbench.training.forward import to_tensor
from imbench.training.optimiser import Descent
from imbench.training.part import Part, overrides
from imbench.training.state import TrainState

__all__ = ["learning_rate", "new_optimiser", "train"]


def new_optimiser(net: nn.Module, budget: Budget) -> torch.optim.Optimizer:
    """Return the optimiser of every training."""
    return Descent(
        net.parameters(),
        lr=budget.lr,
        momentum=budget.momentum,
        weight_decay=budget.weight_decay,
        fused=True,
    )


def train(
    state: TrainState,
    parts: Sequence[Part],
    chances: NDArray[np.float64] | None,
    class_weights: NDArray[np.float64] | None,
) -> None:
    """Train ``state.net`` in place for the whole budget.

    Parameters
    ----------
    state : TrainState
        The training, at step 0.
    parts : sequence of Part
        Their batch-level hooks are called in this order.
    chances : float array (n,) or None
        Chance of each example to be drawn; None for shuffled passes.
    class_weights : float array (K,) or None
        Weight of each class in the loss.

    Raises
    ------
    Diverged
        When the loss is NaN or infinite.
    """
    loop = _Loop(state, parts, class_weights)
    state.net.train()
    for part in parts:
        part.begin(state)
    for step, rows in enumerate(_batches(state, parts, chances)):
        state.step = step
        loop.step(rows)
    for part in parts:
        part.finish(state)


class _Loop:
    """One step of the loop, with all that does not change between steps."""

    def __init__(
        self,
        state: TrainState,
        parts: Sequence[Part],
        class_weights: NDArray[np.float64] | None,
    ) -> None:
        self.state = state
        self.class_weights = _to_device(class_weights, state.device)
        self.example_weights = _to_device(state.examples.weights, state.device)
        self.loss_part = next((part for part in parts if overrides(part, "losses")), None)
        self.composers = [part for part in parts if overrides(part, "compose")]
        self.mixers = [part for part in parts if overrides(part, "mix")]
        self.weighers = [part for part in parts if overrides(part, "weigh")]
        self.trainers = [part for part in parts if overrides(part, "before_step")]
        self.sharpeners = [part for part in parts if overrides(part, "gradients")]
        self.keepers = [part for part in parts if overrides(part, "after_step")]
        self.augment = steps_for(state.examples.pixels, state.budget.augment)
        self.half = state.budget.precision == "bfloat16"

    def step(self, rows: NDArray[np.int64]) -> None:
        state = self.state
        for part in self.trainers:
            part.before_step(state)
        x, y = self.batch(rows)
        for group in state.optimiser.param_groups:
            group["lr"] = learning_rate(state.step, state.budget)
        losses = self.weigh(self.losses(self.logits(x), y), y, rows)
        weights = [part.weigh(state, x, y, rows) for part in self.weighers]
        state.losses.append(self.descend(losses, weights))
        for part in self.sharpeners:
            part.gradients(state, lambda: self.again(x, y, rows, weights))
        state.optimiser.step()
        for part in self.keepers:
            part.after_step(state)
        _check_finite(state)

    def again(
        self, x: Tensor, y: Tensor, rows: NDArray[np.int64], weights: Sequence[Tensor | None]
    ) -> None:
        """Compute the gradients of a batch where the network stands now."""
        self.descend(self.weigh(self.losses(self.logits(x), y), y, rows), weights)

    def logits(self, x: Tensor) -> Tensor:
        """Return the outputs of the network, float32 in whatever format its layers computed."""
        if not self.half:
            logits: Tensor = self.state.net(x)
            return logits
        with torch.autocast(x.device.type, torch.bfloat16):
            logits = self.state.net(x)
        return logits.float()

    def descend(self, losses: Tensor, weights: Sequence[Tensor | None]) -> Tensor:
        """Set the gradients of the weighted mean of some losses, and return it."""
        for weight in weights:
            losses = losses if weight is None else losses * weight
        loss = losses.mean()
        # Not `zero_grad`, whose entry for a profiler takes 3 % of a step on features.
        for group in self.state.optimiser.param_groups:
            for parameter in group["params"]:
                parameter.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        state = self.state
        rng = state.rng("augmentation")
        if self.composers:
            raw = state.examples.take(rows)
            for part in self.composers:
                raw = part.compose(state, raw, rows)
            raw = augment(raw, self.augment, rng)
        else:
            raw = augmented(state.examples, rows, self.augment, rng)
        x = to_tensor(raw, state.device)
        y = torch.from_numpy(state.labels[rows]).to(state.device)
        for part in self.mixers:
            x, y = part.mix(state, x, y)
        return x, y

    def losses(self, logits: Tensor, y: Tensor) -> Tensor:
        if self.loss_part is None:
            return nn.functional.cross_entropy(logits, y, reduction="none")
        return self.loss_part.losses(logits, y, self.state.counts)

    def weigh(self, losses: Tensor, y: Tensor, rows: NDArray[np.int64]) -> Tensor:
        """Multiply losses by class and image weights.

        The batch loss is mean(w * loss), never torch's weighted mean, which divides by the weights
        of the batch: at a ratio of 200 and batches of 64, 73 % of the batches have no minority
        image, and in those the weights would cancel.
        """
        by_class, by_example = self.class_weights, self.example_weights
        if by_class is not None:
            soft = y.ndim == 2
            losses = losses * (y.to(losses.dtype) @ by_class if soft else by_class[y])
        if by_example is not None:
            losses = losses * by_example[torch.from_numpy(rows).to(losses.device)]
        return losses


def _to_device(values: NDArray[np.float64] | None, device: torch.device) -> Tensor | None:
    return None if values is None else torch.from_numpy(values).float().to(device)


def learning_rate(step: int, budget: Budget) -> float:
    """Return the rate at a step: a linear warm-up, then half a cosine down to 0."""
    warmup = round(budget.warmup * budget.steps)
    if step < warmup:
        return budget.lr * (step + 1) / warmup
    done = (step - warmup) / max(1, budget.steps - warmup)
    return budget.lr * 0.5 * (1 + math.cos(math.pi * done))


def _batches(
    state: TrainState, parts: Sequence[Part], chances: NDArray[np.float64] | None
) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of each step's batch."""
    own = next((rows for part in parts if (rows := part.batches(state)) is not None), None)
    if own is not None:
        yield from islice(own, state.steps)
        return
    n, m = len(state.labels), state.budget.batch_size
    rng = state.rng("batch order")
    if chances is not None:
        sums = cumulated(chances / chances.sum())
        for _ in range(state.steps):
            yield draw_rows(sums, m, rng)
        return
    yield from islice(shuffled_passes(n, m, rng), state.steps)


def _check_finite(state: TrainState) -> None:
    """Raise Diverged at the first loss that is not finite.

    On a GPU every 50 steps, since reading a loss waits for the device.
    """
    if state.device.type == "cpu":
        if not math.isfinite(float(state.losses[-1])):
            raise Diverged(state.step)
        return
    last = state.step + 1 == state.steps
    if last or state.step % 50 == 49:
        first = state.step - state.step % 50
        finite = torch.isfinite(torch.stack(state.losses[first:])).cpu()
        if not bool(finite.all()):
            raise Diverged(first + int((~finite).nonzero()[0]))
