"""How a pair of generators is trained, as plain data: planning reads it and imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from imbench.constraints import FLAG, NONE, Constraint, choice, number, whole
from imbench.errors import UsageError
from imbench.methods._gan_design import Design, design_for

__all__ = ["GAN_CONSTRAINTS", "GanParameters", "GanSettings", "lr_factor"]


@dataclass(eq=False, repr=False)
class GanParameters:
    """The parameters of a part that say how its generators are trained.

    `imbench.methods.aug.Augmented` describes them. What is 0, ``auto`` or None is what the design
    says; `batch`, `gan` and `pool` are the reference code's but for the batch.
    """

    steps: int = 0
    batch: int = 4
    lr: float | None = None
    cycle: float | None = None
    identity: float | None = None
    gan: str = "lsgan"
    pool: int = 50
    width: int = 0
    blocks: int = 0
    layers: int = 0
    patch_width: int = 0
    da: bool | None = None
    ema: float = 0.0
    design: str = "auto"
    down: int = 0
    norm: str = "auto"
    init: str = "auto"


GAN_CONSTRAINTS: Mapping[str, Constraint] = {
    "steps": whole(0, 100_000_000),
    "batch": whole(1, 10_000),
    "lr": number(0, 100, open_low=True) | NONE,
    **dict.fromkeys(("cycle", "identity"), number(0, 1e6) | NONE),
    "gan": choice("lsgan", "bce"),
    "pool": whole(0, 100_000),
    **dict.fromkeys(("width", "patch_width"), whole(0, 1024)),
    "blocks": whole(0, 100),
    "layers": whole(0, 10),
    "da": FLAG | NONE,
    "ema": number(0, 1, open_high=True),
    "design": choice("auto", "small", "paper"),
    "down": whole(0, 4),
    "norm": choice("auto", "none", "instance"),
    "init": choice("auto", "scaled", "he", "normal"),
}


@dataclass
class GanSettings(GanParameters):
    """The same for one pair: nothing is left open but what the design chooses for the images."""

    steps: int = 2000
    da: bool | None = False

    def chosen(self, side: int) -> Design:
        """Return the design for images of a side in pixels, with what was given in its place.

        Raises
        ------
        UsageError
            If the discriminator would have nothing left to look at.
        """
        design = design_for(self.design, side)
        given = {name: getattr(self, name) for name in DESIGNED}
        found = replace(design, **{name: v for name, v in given.items() if v != OPEN[name]})
        # The last normalised layer must keep more than one position, and has one less.
        if side >> found.layers < 3:
            raise UsageError(
                f"images of {side} px are too small for a discriminator of {found.layers} "
                f"strided layers; it needs {3 << found.layers}"
            )
        return found

    def plain(self, side: int) -> dict[str, Any]:
        """Return all that training depends on, as JSON-ready data."""
        return asdict(self) | asdict(self.chosen(side)) | {"design": ""}


OPEN = {field.name: field.default for field in fields(GanParameters)}
"""What leaves a parameter open."""
DESIGNED = tuple(field.name for field in fields(Design) if field.name in OPEN)
"""Parameters that a design chooses where they are left open."""


def lr_factor(step: int, steps: int) -> float:
    """Return what the learning rate is multiplied by: 1, then linearly towards 0.

    The reference code's rule, 1 - max(0, e + 1 - N) / (N_decay + 1), with steps for epochs and
    N the first half.
    """
    constant = steps - steps // 2
    return 1.0 - max(0, step + 1 - constant) / (steps // 2 + 1)
