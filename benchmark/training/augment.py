"""Augment batches: the same random flips and crops for every method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from imbench.code_files import names_file
from imbench.errors import UsageError
from imbench.spec import pieces_of, plain_text, shown
from imbench.training.examples import Examples
from imbench.training.transform import Transform, loaded_transform

__all__ = [
    "STEPS",
    "WORDS",
    "Augment",
    "augment",
    "augmented",
    "built_in_steps",
    "parse_augment",
    "steps_for",
    "steps_of",
]

STEPS = ("flip", "crop", "trivial")
WORDS = (
    "flip, crop, trivial, FILE.py:NAME of a function of yours, a sum of them such as flip+crop, "
    "or none"
)
"""What may be asked for."""
Augment = str | Callable[..., Any] | Sequence[str | Callable[..., Any]]
"""Text such as ``flip+crop``; in Python also a function on an image, or a list of such steps."""


def steps_of(given: Augment) -> tuple[str | Callable[..., Any], ...]:
    """Return the steps that are asked for; loads no code.

    Raises
    ------
    UsageError
        If a step is unknown, or one is given twice.
    """
    return _text_steps(given) if isinstance(given, str) else _known_steps(given)


@lru_cache(maxsize=256)
def _text_steps(given: str) -> tuple[str | Callable[..., Any], ...]:
    """Return the steps of a text; each of 10,000 records that are read has one, mostly the same."""
    texts = [] if given in ("", "none") else pieces_of(given, r"\+")
    return _known_steps([plain_text(text.strip()) for text in texts])


def _known_steps(
    given: Callable[..., Any] | Sequence[str | Callable[..., Any]],
) -> tuple[str | Callable[..., Any], ...]:
    steps = (given,) if callable(given) else tuple(given)
    names = [step for step in steps if isinstance(step, str)]
    known = all(name in STEPS or names_file(name) for name in names)
    fine = known and all(isinstance(step, str) or callable(step) for step in steps)
    if not fine or len(set(names)) < len(names):
        raise UsageError(f"augment={shown('+'.join(map(str, steps)))!r}; write {WORDS}")
    return steps


def built_in_steps(given: Augment) -> str:
    """Return the text of an augmentation without the steps of yours."""
    steps = steps_of(given)
    named = [step for step in steps if isinstance(step, str) and step in STEPS]
    return given if isinstance(given, str) and len(named) == len(steps) else "+".join(named)


def parse_augment(given: Augment) -> tuple[str | Transform, ...]:
    """Return the steps of ``flip+crop``, ``flip+mine.py:jitter``, ``none`` and the like.

    Raises
    ------
    UsageError
        If a step is unknown, one is given twice, or one in a file cannot be loaded.
    """
    return tuple(
        step if isinstance(step, str) and step in STEPS else loaded_transform(step)
        for step in steps_of(given)
    )


def steps_for(x: NDArray[Any], given: Augment) -> tuple[str | Transform, ...]:
    """Return the steps of an augmentation that images, or rows of features, can take.

    Features of two views, (n, 2, d), are those of an image and of its mirror image: they can be
    flipped. Other steps change pixels, which are embedded once.
    """
    if x.ndim == 4:
        return parse_augment(given)
    return ("flip",) if x.ndim == 3 and "flip" in steps_of(given) else ()


def augmented(
    examples: Examples,
    rows: NDArray[np.int64],
    steps: Sequence[str | Transform],
    rng: np.random.Generator,
) -> NDArray[Any]:
    """Return some examples as a batch, augmented; of features of two views one is read."""
    if examples.pixels.ndim == 3:
        return examples.take_views(rows, rng.random(len(rows)) < 0.5 if "flip" in steps else None)
    return augment(examples.take(rows), steps, rng)


def augment(
    x: NDArray[Any], steps: Sequence[str | Transform], rng: np.random.Generator
) -> NDArray[Any]:
    """Flip each image with probability 1/2; pad it by 1/8 of its side and crop at random.

    ``trivial`` is TrivialAugment (Mueller and Hutter 2021, arXiv 2103.10158), the wide form of
    torchvision: one of 14 changes of colour or shape for each image, of a random strength. Steps
    of yours come last, in their order. The random numbers depend on the batch size alone, so they
    are the same for every method.

    Parameters
    ----------
    x : array (m, height, width, channels)
        uint8 or float; not changed.
    steps : sequence
        From `parse_augment`, or `steps_for`.
    rng : Generator
        The augmentation stream.

    Returns
    -------
    array (m, height, width, channels)
        Contiguous, of the same dtype; float where a step of yours makes it so.
    """
    x = _crop(x, rng) if "crop" in steps else np.array(x)
    if "flip" in steps:
        flipped = rng.random(len(x)) < 0.5
        x[flipped] = x[flipped, :, ::-1]
    x = _trivial(x, rng) if "trivial" in steps else x
    for step in steps:
        if isinstance(step, Transform):
            x = step(x, rng)
    return x


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
