"""Stochastic gradient descent of every training."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.sgd import sgd

__all__ = ["Descent"]


class Descent(torch.optim.SGD):
    """torch's SGD, bit for bit, without the compiler that a step of torch's asks for.

    The first optimiser of a process imports ``torch._dynamo``, 900 modules, 1.7 s and 167 MB, to
    tell it that nothing is compiled; and each step asks again, and opens an entry for a profiler:
    46 microseconds for a head on features, 20 without.
    """

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with settings of their own."""
        inspect.unwrap(torch.optim.SGD.add_param_group)(self, param_group)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move all parameters that have a gradient; `closure` is not taken."""
        if closure is not None:
            raise TypeError("a step of training computes its gradients once")
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            if not moved:
                continue
            states = [self.state[p] for p in moved]
            speeds: list[Tensor | None] = [state.get("momentum_buffer") for state in states]
            sgd(
                moved,
                [p.grad for p in moved],
                speeds,
                fused=True,
                has_sparse_grad=False,
                weight_decay=group["weight_decay"],
                momentum=group["momentum"],
                lr=group["lr"],
                dampening=group["dampening"],
                nesterov=group["nesterov"],
                maximize=group["maximize"],
            )
            if group["momentum"] != 0:
                for state, speed in zip(states, speeds, strict=True):
                    state["momentum_buffer"] = speed

    step.hooked = True  # type: ignore[attr-defined]
    """Says that it needs no entry of a profiler around it."""
