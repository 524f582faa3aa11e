"""The equal budget of all methods, and the defaults of every training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imbench.constraints import TEXT, Constraint, choice, number, whole
from imbench.training.augment import WORDS, Augment, steps_of

__all__ = ["AUGMENT", "DEFAULTS", "NETWORK", "SETTINGS", "THREADS", "Budget"]

NETWORK = "resnet20"
AUGMENT = "flip+crop"
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
    augment: Augment = AUGMENT
    """``flip``, ``crop``, ``trivial``, ``FILE.py:NAME``, a sum of them, or ``none``."""
    precision: str = "float32"
    """``float32``, ``bfloat16``, or ``auto`` for the faster of both."""


DEFAULTS = Budget()


def _augment(value: object) -> object:
    steps_of(value if callable(value) or isinstance(value, list | tuple) else TEXT.take(value))
    return value


SETTINGS: Mapping[str, Constraint] = {
    "network": Constraint("the name of a network, FILE.py:FUNCTION for one of yours", TEXT.take),
    "size": whole(8, 1024),
    "steps": whole(1, 100_000_000),
    "batch_size": whole(2, 100_000),
    "lr": number(0, 1e6, open_low=True),
    "momentum": number(0, 1, open_high=True),
    "weight_decay": number(0, 1e6),
    "warmup": number(0, 1, open_high=True),
    "augment": Constraint(WORDS, _augment),
    "threads": whole(1, 1024),
    "precision": choice("float32", "bfloat16", "auto"),
}
"""Which values the settings of every training may take."""
