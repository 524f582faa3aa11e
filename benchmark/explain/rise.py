"""RISE (Petsiuk, Das and Saenko, BMVC 2018, arXiv 1806.07421)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from imbench.explain.folded import folded
from imbench.explain.saliency import Maps, Saliency
from imbench.explain.trained import TrainedNetwork

__all__ = ["RISE", "Estimate", "estimate", "masks_of"]

MASKS = 1000
KEPT = 0.5
"""Chance of a cell of the grid to be kept."""
FEWEST, CHUNK = 250, 125
"""Masks before the first look at the standard error, and between two looks."""
ENOUGH = 0.1
"""Standard error, as a share of the map's largest value, at which no more masks are drawn."""


class Estimate(NamedTuple):
    """A map of scores under masks, flat (pixels,), and the standard error of each value."""

    values: NDArray[np.float64]
    errors: NDArray[np.float64]


class RISE(Saliency):
    """Mean probability of the true class under random masks that show a pixel.

    Black covers what a mask hides. The masks, grids of 4 x 4 cells (7 x 7 from 64 px on) that are
    enlarged and shifted, are drawn once: all images, methods and seeds see the same. A map takes at
    most 1,000 of them, and fewer once its standard error is a tenth of its largest value; the
    error is printed. Its constant part, the mean probability under all masks, is no part of the
    map: the smallest value is subtracted.

    Notes
    -----
    The mean of f(I M) M / p over masks is f's mean times that of M / p, plus the covariance of
    f and M over p. The first would print the chance pattern of the masks' own mean on every map;
    its expectation is f's mean everywhere, and that is taken instead.

    References
    ----------
    Petsiuk, Das and Saenko 2018, "RISE: randomized input sampling for explanation of black-box
    models", BMVC, section 3, arXiv 1806.07421.
    """

    title = "RISE"

    def maps(
        self,
        network: TrainedNetwork,
        pixels: NDArray[np.uint8],
        labels: NDArray[np.int64],
        done: Callable[[int], None] = lambda _: None,
    ) -> Maps:
        """Return the map of each image for its label."""
        masks = masks_of(pixels.shape[1]).to(network.device)
        quick = replace(network, net=folded(network.net, network.tensor(pixels[:2])))
        values = np.empty(pixels.shape[:3], np.float32)
        errors, passes = np.empty(len(pixels)), np.empty(len(pixels), np.int64)
        for row, label in enumerate(labels):
            found, used = _one(quick, network.tensor(pixels[row : row + 1]), int(label), masks)
            shown = found.values - found.values.min()
            values[row] = shown.reshape(pixels.shape[1:3])
            errors[row], passes[row] = _relative(found), used
            done(1)
        return Maps(values, errors, passes)


@lru_cache(maxsize=2)
def masks_of(side: int) -> Tensor:
    """Return `MASKS` masks (m, 1, side, side) of values in 0..1, the same at every call."""
    cells = 4 if side < 64 else 7
    rng = np.random.default_rng(0)
    grid = (rng.random((MASKS, 1, cells, cells)) < KEPT).astype(np.float32)
    step = -(-side // cells)
    shifts = rng.integers(0, step, (MASKS, 2))
    large = F.interpolate(torch.from_numpy(grid), (cells + 1) * step, mode="bilinear").clamp(0, 1)
    return torch.stack(
        [one[:, y : y + side, x : x + side] for one, (y, x) in zip(large, shifts, strict=True)]
    ).contiguous()


def estimate(scores: NDArray[np.float64], masks: NDArray[np.float32]) -> Estimate:
    """Return the map of scores (n,) under masks (n, pixels), each pixel kept with chance 1/2.

    >>> grids = np.array([[(i >> place) & 1 for place in range(4)] for i in range(16)], np.float32)
    >>> estimate(grids[:, 0].astype(float), grids).values.tolist()
    [1.0, 0.5, 0.5, 0.5]
    """
    mean = scores.mean()
    apart = (scores - mean).astype(np.float32)
    centred = masks - masks.mean(axis=0)
    covariance = apart @ centred / len(scores)
    squares = (apart**2) @ (centred**2) / len(scores)
    spread = np.sqrt(np.maximum(squares - covariance**2, 0) / len(scores))
    return Estimate(mean + covariance.astype(np.float64) / KEPT, spread.astype(np.float64) / KEPT)


def _one(network: TrainedNetwork, image: Tensor, label: int, masks: Tensor) -> tuple[Estimate, int]:
    """Return the map of an image (1, channels, side, side), and how many masks it took."""
    flat = masks.flatten(1).cpu().numpy()
    scores = np.empty(0)
    found = Estimate(scores, scores)
    for stop in range(FEWEST, len(masks) + 1, CHUNK):
        shown = (image * masks[len(scores) : stop]).contiguous(memory_format=torch.channels_last)
        scores = np.append(scores, network.probabilities(shown)[:, label])
        found = estimate(scores, flat[:stop])
        if _relative(found) <= ENOUGH:
            break
    return found, len(scores)


def _relative(found: Estimate) -> float:
    span = float(np.ptp(found.values))
    return float(found.errors.mean()) / span if span > 0 else 0.0
