"""Augmentation of yours: a function or class on one image, under the loop's random stream."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.code_files import load_file
from imbench.contained import usable
from imbench.errors import UsageError
from imbench.spec import shown

__all__ = ["Transform", "loaded_transform", "try_transform"]


@dataclass(frozen=True)
class Transform:
    """A function on an image, applied to those of a batch one after the other.

    Attributes
    ----------
    name : str
        What it is called in messages.
    function : callable
        From an image, a uint8 tensor (channels, height, width), to one of the same shape: uint8, or
        float in 0..255. It may draw from torch's, numpy's or Python's global random streams, which
        are seeded for each batch from the loop's and come back as they were.
    """

    name: str
    function: Callable[[Any], Any]

    def __call__(self, x: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        """Return the images (m, height, width, channels) changed; float if the function says so.

        Raises
        ------
        UsageError
            If what comes back are no images of the same shape.
        """
        import torch

        whole = x if x.dtype == np.uint8 else np.rint(x).clip(0, 255).astype(np.uint8)
        images = torch.from_numpy(np.ascontiguousarray(whole.transpose(0, 3, 1, 2)))
        with _seeded(int(rng.integers(2**63))):
            changed = [self._checked(image, self.function(image)) for image in images.clone()]
        exact = all(image.dtype == torch.uint8 for image in changed)
        made = torch.stack([image if exact else image.float() for image in changed])
        return np.ascontiguousarray(made.numpy().transpose(0, 2, 3, 1))

    def _checked(self, image: Any, changed: Any) -> Any:
        import torch

        if not isinstance(changed, torch.Tensor):
            raise UsageError(
                f"augment {shown(self.name)!r} gives {type(changed).__name__}, not a tensor"
            )
        if changed.shape != image.shape:
            raise UsageError(
                f"augment {shown(self.name)!r} gives shape {tuple(changed.shape)} for an image "
                f"{tuple(image.shape)}"
            )
        if changed.dtype != torch.uint8 and not changed.is_floating_point():
            raise UsageError(
                f"augment {shown(self.name)!r} gives {changed.dtype}, not uint8 or float"
            )
        return changed.detach()


def loaded_transform(given: str | Callable[..., Any]) -> Transform:
    """Return the step that ``FILE.py:NAME`` or a callable stands for; a class is made first.

    Raises
    ------
    UsageError
        If it cannot be loaded, or is nothing that an image can be given to.
    """
    made: Any = load_file(given) if isinstance(given, str) else given
    name = given if isinstance(given, str) else getattr(made, "__qualname__", type(made).__name__)
    with usable(f"augment {shown(name)!r} cannot be used"):
        made = made() if isinstance(made, type) else made
        if not callable(made):
            raise UsageError(f"augment {shown(name)!r} is {type(made).__name__}, not a function")
    return Transform(name, made)


def try_transform(step: Transform, shape: tuple[int, int, int]) -> None:
    """Refuse a step that cannot take images of (height, width, channels), or is not reproducible.

    Raises
    ------
    UsageError
        Saying what went wrong.
    """
    name = shown(step.name)
    noise = np.random.default_rng(0).integers(0, 256, (3, *shape)).astype(np.uint8)
    with usable(f"augment {name!r} cannot change images of shape {shape}"):
        first, second = (step(noise, np.random.default_rng(1)) for _ in range(2))
    if not np.isfinite(first).all() or first.min() < 0 or first.max() > 255:
        raise UsageError(f"augment {name!r} gives values outside 0..255")
    if first.dtype != np.uint8 and first.max() <= 1:
        raise UsageError(
            f"augment {name!r} gives values of {first.max():.3g} at most: images are 0..255"
        )
    if not np.array_equal(first, second):
        raise UsageError(
            f"augment {name!r} changes an image differently under one random state: let it draw "
            "from the global streams of torch, numpy or random, and keep nothing between images"
        )


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the global streams of torch, numpy and Python in the block, and restore them."""
    import torch

    python, state = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)
            random.seed(seed)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(state)
