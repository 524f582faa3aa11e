"""The equal budget of all methods, and the defaults of every training."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULTS", "NETWORK", "THREADS", "Budget"]

NETWORK = "resnet20"
THREADS = 1
"""torch threads: more than one changes the order in which floats are summed."""


@dataclass(frozen=True)
class Budget:
    """What every method gets: steps, images a step, optimiser, schedule, augmentation.

    docs/protocol.md says which of the defaults the paper fixes.
    """

    steps: int = 1000
    batch_size: int = 64
    lr: float = 0.05
    """Highest learning rate of SGD."""
    momentum: float = 0.9
    weight_decay: float = 2e-4
    warmup: float = 0.05
    """Share of the steps over which the learning rate rises linearly; then it falls as a cosine."""
    augment: str = "flip+crop"
    """``flip``, ``crop``, ``flip+crop`` or ``none``."""


DEFAULTS = Budget()
