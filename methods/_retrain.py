"""Train a few parameters of a finished network again, on batches of equally many of each class."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from imbench.methods.class_aware import class_aware_batches
from imbench.training.augment import augmented, steps_for
from imbench.training.forward import to_tensor
from imbench.training.loop import learning_rate

if TYPE_CHECKING:
    from imbench.training.state import TrainState

__all__ = ["retrain"]


def retrain(
    state: TrainState,
    parameters: Sequence[nn.Parameter],
    logits: Callable[[Tensor], Tensor],
    steps: int,
) -> dict[str, float]:
    """Descend the plain cross-entropy in some parameters; return what it cost.

    The rest of the network stays as it is, in evaluation mode: neither its weights nor the running
    means of its batch norm move. Optimiser, size of the batches, augmentation and the shape of the
    schedule are those of the training.

    Parameters
    ----------
    state : TrainState
        The training, after its last step.
    parameters : sequence of Parameter
        What is trained.
    logits : callable
        From images (m, ...) to logits (m, K), as functions of the parameters.
    steps : int
        Optimiser steps.
    """
    begun, budget = time.perf_counter(), replace(state.budget, steps=steps)
    changes = steps_for(state.examples.pixels, budget.augment)
    optimiser = torch.optim.SGD(
        parameters, budget.lr, momentum=budget.momentum, weight_decay=budget.weight_decay
    )
    batches = class_aware_batches(state.labels, budget.batch_size, state.rng("head batches"))
    state.net.eval()
    frozen = [p for p in state.net.parameters() if p.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(False)
    for parameter in parameters:
        parameter.requires_grad_()
    for step in range(steps):
        rows = next(batches)
        raw = augmented(state.examples, rows, changes, state.rng("head augmentation"))
        y = torch.from_numpy(state.labels[rows]).to(state.device)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, budget)
        loss = nn.functional.cross_entropy(logits(to_tensor(raw, state.device)), y)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    for parameter in frozen:
        parameter.requires_grad_()
    return {"head_steps": float(steps), "head_seconds": time.perf_counter() - begun}
