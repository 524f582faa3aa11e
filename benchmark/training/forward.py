"""From images to class probabilities: tensors, the outputs of a network, adjusted by parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imbench.training.part import Part

__all__ = ["BATCH", "adjust_logits", "batch_of", "forward_all", "probabilities", "to_tensor"]

BATCH = 256
"""Rows of features in a forward pass."""
IMAGES = {"cpu": (128, 128 * 1024), "cuda": (256, 1024 * 1024)}
"""Most images of a forward pass and most pixels of them, by device. A map of more than 32 MB gets
fresh memory in each pass, unless malloc is told otherwise as workers do: in a program of the user
128 images of 32 px pass 1.5 times as fast as 256, 32 of 64 px 2.1 times, 16 of 128 px 2.3 times
(small CNN). In workers the size of a batch makes no difference of more than 5 %."""
FEWEST = 8
"""Images that pass at a time however large they are: two of 224 px take 1.2 times as long each."""
PADDED = 16
"""Rows of a batch are filled up to a multiple of this."""


def batch_of(pixels: int, device: str = "cpu", multiple: int = 1) -> int:
    """Return how many images of so many pixels pass at a time on a type of device.

    A multiple of `multiple`, and not less than one such.

    >>> [batch_of(side**2) for side in (32, 64, 96, 224)]
    [128, 32, 14, 8]
    >>> [batch_of(side**2, multiple=16) for side in (32, 64, 96, 224)]
    [128, 32, 16, 16]
    """
    images, of_all = IMAGES.get(device, IMAGES["cuda"])
    fitting = max(FEWEST, min(images, of_all // pixels))
    return max(multiple, fitting // multiple * multiple)


def to_tensor(x: NDArray[Any], device: torch.device) -> Tensor:
    """Turn images (m, height, width, channels) in 0..255 into (m, channels, ...) in [0, 1].

    The memory format is channels_last, x 1.2 in ResNet-20 training on CPU. Rows of features pass
    unscaled; of several views (m, views, d) the first. A read-only array (a memory map) is copied,
    since torch has no read-only tensors.
    """
    if x.ndim == 3:
        x = np.ascontiguousarray(x[:, 0])
    tensor = torch.from_numpy(x if x.flags.writeable else x.copy()).to(device)
    if tensor.ndim == 4:
        return tensor.permute(0, 3, 1, 2).float().div_(255)
    return tensor.float()


def forward_all(
    net: nn.Module, x: NDArray[Any], device: torch.device, batch_size: int | None = None
) -> NDArray[np.float64]:
    """Return the logits (n, K) of all rows of `x`, in evaluation mode.

    `batch_size` is that of `batch_of` if not given, 256 for rows of features.

    Short batches are padded, so that the logits of an image do not depend on the size of its batch:
    on some processors a matrix product of one row sums in another order than that of many rows
    (differences of 5e-7 in logits).
    """
    net.eval()
    if batch_size is None:
        batch_size = BATCH
        if x.ndim == 4:
            batch_size = batch_of(x.shape[1] * x.shape[2], device.type, PADDED)
    with torch.inference_mode():
        pieces = [
            _forward(net, to_tensor(np.ascontiguousarray(x[i : i + batch_size]), device))
            for i in range(0, len(x), batch_size)
        ]
    return np.asarray(torch.cat(pieces).numpy(), np.float64)


def _forward(net: nn.Module, x: Tensor) -> Tensor:
    padding = -len(x) % PADDED
    if padding:
        x = torch.cat([x, x[:1].expand(padding, *x.shape[1:])])
        x = x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
    logits: Tensor = net(x).double().cpu()
    return logits[: len(logits) - padding]


def probabilities(
    parts: Sequence[Part], logits: NDArray[np.floating], priors: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return class probabilities (n, K) from raw logits, as the parts of a recipe adjust them.

    Parameters
    ----------
    parts : sequence of Part
        ``Recipe.parts``.
    logits : float array (n, K)
        From `Method.logits`, or kept in a record.
    priors : float array (K,)
        Shares of the classes as the training sampler yields them.
    """
    scores = adjust_logits(parts, np.asarray(logits, np.float64), np.asarray(priors, np.float64))
    scores = scores - scores.max(axis=1, keepdims=True)
    powers = np.exp(scores)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def adjust_logits(
    parts: Sequence[Part], logits: NDArray[np.float64], priors: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return logits (n, K) as the parts adjust them, one after the other."""
    for part in parts:
        logits = part.adjust(logits, priors)
    return logits
