"""Augment batches: the same random flips and crops for every method."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from imbench.errors import UsageError
from imbench.spec import shown

__all__ = ["STEPS", "WORDS", "augment", "parse_augment"]

STEPS = ("flip", "crop", "trivial")
WORDS = "flip, crop, trivial, a sum of them such as flip+crop, or none"
"""What may be asked for."""


def parse_augment(text: str) -> tuple[str, ...]:
    """Parse ``flip+crop``, ``flip+crop+trivial``, ``flip``, ``none`` and the like into steps."""
    steps = () if text in ("", "none") else tuple(text.split("+"))
    if not set(steps) <= set(STEPS) or len(set(steps)) < len(steps):
        raise UsageError(f"augment={shown(text)!r}; write {WORDS}")
    return steps


def augment(x: NDArray[Any], steps: tuple[str, ...], rng: np.random.Generator) -> NDArray[Any]:
    """Flip each image with probability 1/2; pad it by 1/8 of its side and crop at random.

    ``trivial`` is TrivialAugment (Mueller and Hutter 2021, arXiv 2103.10158), the wide form of
    torchvision: one of 14 changes of colour or shape for each image, of a random strength. The
    random numbers depend on the batch size alone, so they are the same for every method.

    Parameters
    ----------
    x : array (m, height, width, channels)
        uint8 or float; not changed.
    steps : tuple of str
        From `parse_augment`.
    rng : Generator
        The augmentation stream.

    Returns
    -------
    array (m, height, width, channels)
        Contiguous, of the same dtype.
    """
    x = _crop(x, rng) if "crop" in steps else np.array(x)
    if "flip" in steps:
        flipped = rng.random(len(x)) < 0.5
        x[flipped] = x[flipped, :, ::-1]
    return _trivial(x, rng) if "trivial" in steps else x


def _trivial(x: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    import torch
    from torchvision.transforms import TrivialAugmentWide

    change = TrivialAugmentWide()
    whole = x if x.dtype == np.uint8 else np.rint(x).clip(0, 255).astype(np.uint8)
    images = torch.from_numpy(whole.transpose(0, 3, 1, 2))
    with torch.random.fork_rng(devices=[]):  # torchvision draws from torch's own stream
        torch.manual_seed(int(rng.integers(2**63)))
        changed = torch.stack([change(image.contiguous()) for image in images])
    return np.ascontiguousarray(changed.numpy().transpose(0, 2, 3, 1).astype(x.dtype))


def _crop(x: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    height, width = x.shape[1:3]
    border = max(1, height // 8)
    # Reflected, not black: no test image has black edges.
    padded = np.pad(x, ((0, 0), (border, border), (border, border), (0, 0)), "reflect")
    windows = sliding_window_view(padded, (height, width), axis=(1, 2))
    down, right = rng.integers(0, 2 * border + 1, size=(2, len(x)))
    cropped = windows[np.arange(len(x)), down, right]
    return np.ascontiguousarray(cropped.transpose(0, 2, 3, 1))
