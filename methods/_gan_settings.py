"""How a pair of generators is trained, as plain data: planning reads it and imports no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from imbench.errors import UsageError

__all__ = ["ADVERSARIAL", "GanSettings", "Sizes", "default_sizes", "is_number", "lr_factor"]

ADVERSARIAL = ("lsgan", "bce")


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


@dataclass(frozen=True)
class GanSettings:
    """How a pair of generators is trained; the defaults are the reference code's.

    Sizes of 0 are chosen from the image size (`default_sizes`).

    Raises
    ------
    UsageError
        If a value cannot be meant.
    """

    steps: int = 2000
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
    da: bool = False
    """DiffAugment in the discriminators."""
    ema: float = 0.0
    """Decay of a running mean of the generators' weights, which then translates; 0 for none."""

    def __post_init__(self) -> None:
        if self.gan not in ADVERSARIAL:
            raise UsageError(f"gan={self.gan!r}; write {' or '.join(ADVERSARIAL)}")
        _whole("steps", self.steps, 1)
        _whole("batch", self.batch, 1)
        for name in ("pool", "width", "blocks", "layers", "patch_width"):
            _whole(name, getattr(self, name), 0)
        if not is_number(self.lr) or self.lr <= 0:
            raise UsageError(f"lr={self.lr!r}; a learning rate is a number above 0")
        for name in ("cycle", "identity"):
            value = getattr(self, name)
            if not is_number(value) or value < 0:
                raise UsageError(f"{name}={value!r}; a weight is a number from 0 on")
        if not is_number(self.ema) or not 0 <= self.ema < 1:
            raise UsageError(f"ema={self.ema!r}; a decay lies in [0, 1)")
        if not isinstance(self.da, bool):
            raise UsageError(f"da={self.da!r}; write true or false")

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


def is_number(value: object) -> bool:
    """Whether a parameter, which a recipe gives as any kind of value, is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(name: str, value: object, low: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise UsageError(f"{name}={value!r}; write a whole number from {low} on")
