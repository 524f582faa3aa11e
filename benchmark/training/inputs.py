"""What `Method` may be fitted on: images, or rows of features of one view or several."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from imbench.training.examples import Examples
from imbench.training.forward import to_tensor
from imbench.training.networks import Normalise

__all__ = ["as_images", "has_views", "is_images", "normalisation", "normalised"]


def has_views(array: Any) -> bool:
    """Whether an array holds features of an image and of its mirror image, float (n, 2, d)."""
    return bool(array.ndim == 3 and array.shape[1] == 2 and array.dtype.kind == "f")


def is_images(X: ArrayLike) -> bool:
    """Whether an array holds images, uint8 (n, height, width[, channels])."""
    array: Any = X if hasattr(X, "ndim") else np.asarray(X)
    return bool(array.ndim in (3, 4) and array.dtype == np.uint8)


def as_images(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return images with their channels, uint8 (n, height, width, channels)."""
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4):
        raise ValueError(
            "images must be uint8 of shape (n, height, width[, channels]), "
            f"not {pixels.dtype} {pixels.shape}"
        )
    return pixels[..., None] if pixels.ndim == 3 else pixels


def normalisation(pixels: NDArray[Any], chunk: int = 1024) -> Normalise:
    """Return the normalisation by mean and deviation per channel or feature, computed in chunks."""
    if has_views(pixels):
        pixels = pixels[:, 0]
    axes = tuple(range(pixels.ndim - 1))
    total, squares = np.zeros((2, pixels.shape[-1]))
    for i in range(0, len(pixels), chunk):
        x = to_tensor(np.ascontiguousarray(pixels[i : i + chunk]), torch.device("cpu")).double()
        x = x.movedim(1, -1)
        total += x.sum(dim=axes).numpy()
        squares += (x * x).sum(dim=axes).numpy()
    n = pixels.size / pixels.shape[-1]
    mean = total / n
    std = np.sqrt(np.maximum(squares / n - mean**2, 0))
    return Normalise(torch.from_numpy(mean).float(), torch.from_numpy(std).float())


def normalised(examples: Examples, normalise: Normalise) -> Examples:
    """Return examples of features, normalised once for all steps of a training."""
    mean, scale = normalise.mean.numpy(), normalise.scale.numpy()
    rows = (np.asarray(examples.pixels, np.float32) - mean) * scale
    return Examples(rows, examples.first, examples.second, examples.share, examples.row_weights)
