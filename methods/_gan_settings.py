"""How a pair of generators is trained, as plain data: planning reads it and imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from imbench.constraints import FLAG, NONE, Constraint, choice, number, whole
from imbench.errors import UsageError

__all__ = [
    "GAN_CONSTRAINTS",
    "GanParameters",
    "GanSettings",
    "Sizes",
    "default_sizes",
    "lr_factor",
]


@dataclass(frozen=True)
class Sizes:
    """How large the networks of a pair are."""

    width: int
    """Channels of the generator's first layer (ngf)."""
    blocks: int
    """Residual blocks of the generator."""
    layers: int
    """Strided layers of the discriminator (n_layers)."""
    patch_width: int
    """Channels of the discriminator's first layer (ndf)."""


def default_sizes(side: int) -> Sizes:
    """Return sizes for images of a side in pixels; from 200 on the paper's (for 256 px).

    The discriminator's receptive field is 16, 34 or 70 px for 1, 2 or 3 layers: below 16 px two
    layers leave no output, and at 32 px three layers look at nearly the whole image.
    """
    if side < 16:
        return Sizes(width=16, blocks=2, layers=1, patch_width=32)
    if side < 48:
        return Sizes(width=16, blocks=3, layers=2, patch_width=32)
    if side < 96:
        return Sizes(width=32, blocks=4, layers=2, patch_width=32)
    if side < 200:
        return Sizes(width=32, blocks=6, layers=3, patch_width=64)
    return Sizes(width=64, blocks=9, layers=3, patch_width=64)


@dataclass(eq=False, repr=False)
class GanParameters:
    """The parameters of a part that say how its generators are trained.

    `imbench.methods.aug.Augmented` describes them. But for `steps` and `batch` the defaults are
    the reference code's.
    """

    steps: int = 0
    batch: int = 4
    lr: float = 2e-4
    cycle: float = 10.0
    identity: float = 5.0
    gan: str = "lsgan"
    pool: int = 50
    width: int = 0
    blocks: int = 0
    layers: int = 0
    patch_width: int = 0
    da: bool | None = None
    ema: float = 0.0


GAN_CONSTRAINTS: Mapping[str, Constraint] = {
    "steps": whole(0, 100_000_000),
    "batch": whole(1, 10_000),
    "lr": number(0, 100, open_low=True),
    **dict.fromkeys(("cycle", "identity"), number(0, 1e6)),
    "gan": choice("lsgan", "bce"),
    "pool": whole(0, 100_000),
    **dict.fromkeys(("width", "patch_width"), whole(0, 1024)),
    "blocks": whole(0, 100),
    "layers": whole(0, 10),
    "da": FLAG | NONE,
    "ema": number(0, 1, open_high=True),
}


@dataclass
class GanSettings(GanParameters):
    """The same with nothing left open but sizes of 0, which `sizes` chooses for the images."""

    steps: int = 2000
    da: bool | None = False

    def sizes(self, side: int) -> Sizes:
        """Return the sizes of the networks for images of a side.

        Raises
        ------
        UsageError
            If the discriminator would have nothing left to look at.
        """
        chosen = asdict(default_sizes(side))
        sizes = Sizes(**{key: getattr(self, key) or value for key, value in chosen.items()})
        # The last normalised layer must keep more than one position, and has one less.
        if side >> sizes.layers < 3:
            raise UsageError(
                f"images of {side} px are too small for a discriminator of {sizes.layers} "
                f"strided layers; it needs {3 << sizes.layers}"
            )
        return sizes


def lr_factor(step: int, steps: int) -> float:
    """Return what the learning rate is multiplied by: 1, then linearly towards 0.

    The reference code's rule, 1 - max(0, e + 1 - N) / (N_decay + 1), with steps for epochs and
    N the first half.
    """
    constant = steps - steps // 2
    return 1.0 - max(0, step + 1 - constant) / (steps // 2 + 1)
