"""Designs of generators and discriminators by image size, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Design", "Padding", "design_for"]

Padding = Literal["reflect", "zeros"]


@dataclass(frozen=True)
class Design:
    """What a pair of generators is where nothing else is given."""

    name: str
    width: int
    """Channels of the generator's first layer (ngf)."""
    blocks: int
    """Residual blocks of the generator."""
    down: int
    """Strided layers of the generator: each halves the side and doubles the channels."""
    norm: str
    """Norm in the generator: ``instance`` or ``none``."""
    kernel: int
    """Side of the kernels of the generator's first and last layer."""
    up: int
    """Side of the kernels of its transposed layers, 3 or 4."""
    padding: Padding
    """Of the generator's layers: ``reflect`` or ``zeros``."""
    init: str
    """Initial weights of the generator: ``normal``, ``he`` or ``scaled``."""
    layers: int
    """Strided layers of the discriminator (n_layers)."""
    patch_width: int
    """Channels of the discriminator's first layer (ndf)."""
    lr: float
    cycle: float
    identity: float


def design_for(name: str, side: int) -> Design:
    """Return the design of a name for images of a side in pixels; ``auto`` is ``small``.

    ``small`` was found by leaving one thing out at a time: docs/generators.md has what was tried.
    ``paper`` is the reference code's, for 256 px from 200 px on, scaled down below. It is the
    default at no side: at none that was tried can it copy an image within some hundred steps.
    """
    return _paper(side) if name == "paper" else _small(side)


def _small(side: int) -> Design:
    """Return a design whose generator can copy an image within some hundred steps.

    From 96 px on the discriminator's patches grow with the image, to 34 and 70 px: the paper's are
    a quarter of its side.
    """
    width, blocks = (16, 2) if side < 16 else (16, 3)
    layers = 1 if side < 96 else 2 if side < 200 else 3
    return Design(
        "small",
        width=width,
        blocks=blocks,
        down=1,
        norm="none",
        kernel=3,
        up=4,
        padding="zeros",
        init="scaled",
        layers=layers,
        patch_width=32,
        lr=5e-4,
        cycle=5.0,
        identity=1.0,
    )


def _paper(side: int) -> Design:
    """Return the reference code's design with networks that an image of the side has room for.

    The discriminator's receptive field is 16, 34 or 70 px for 1, 2 or 3 layers: below 16 px two
    layers leave no output, and at 32 px three layers look at nearly the whole image.
    """
    sizes = {16: (16, 2, 1, 32), 48: (16, 3, 2, 32), 96: (32, 4, 2, 32), 200: (32, 6, 3, 64)}
    below = (size for limit, size in sizes.items() if side < limit)
    width, blocks, layers, patch_width = next(below, (64, 9, 3, 64))
    return Design(
        "paper",
        width=width,
        blocks=blocks,
        down=2,
        norm="instance",
        kernel=7,
        up=3,
        padding="reflect",
        init="normal",
        layers=layers,
        patch_width=patch_width,
        lr=2e-4,
        cycle=10.0,
        identity=5.0,
    )
