"""The maps of a cell's images with what they measure, as arrays to keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from imbench.explain.chosen import Chosen
from imbench.explain.measures import deletion, energy, hits, insertion, near
from imbench.explain.saliency import Maps, Saliency
from imbench.explain.trained import TrainedNetwork

__all__ = ["measured"]


def measured(
    network: TrainedNetwork, saliency: Saliency, chosen: Chosen
) -> dict[str, NDArray[Any]]:
    """Return maps and measures of images, every array one entry an image.

    ``maps`` (n, height, width) have 1 as their largest value. A map that is zero everywhere, or
    holds what is no number, has NaN for all measures, and zeros are kept of it; ``empty`` and
    ``broken`` tell which. ``energy`` and ``hits`` are NaN without a mask.

    Raises
    ------
    UsageError
        If the network can have no such map.
    ValueError
        If the method returns maps of another shape than the images.
    """
    made = saliency.maps(network, chosen.pixels, chosen.labels)
    values = np.asarray(made.values, np.float64)
    if values.shape != chosen.pixels.shape[:3]:
        raise ValueError(f"maps have shape {values.shape}, not {chosen.pixels.shape[:3]}")
    broken: NDArray[np.bool_] = np.asarray(
        ~np.isfinite(values).all(axis=(1, 2)) | (values < 0).any(axis=(1, 2))
    )
    values[broken] = 0
    top = values.max(axis=(1, 2))
    proba = network.of_pixels(chosen.pixels)
    rows = np.arange(len(values))
    return {
        "rows": chosen.rows,
        "split": np.array(chosen.split),
        "labels": chosen.labels,
        "maps": (values / np.where(top > 0, top, 1)[:, None, None]).astype(np.float16),
        "z": proba[rows, chosen.labels].astype(np.float32),
        "right": proba.argmax(axis=1) == chosen.labels,
        "empty": (top <= 0) & ~broken,
        "broken": broken,
        **_on_objects(values, chosen),
        **_orders(network, values, chosen),
        **_effort(made, len(values)),
    }


def _on_objects(values: NDArray[np.float64], chosen: Chosen) -> dict[str, NDArray[Any]]:
    count = len(values)
    if chosen.masks is None:
        nothing = np.full(count, np.nan)
        return dict.fromkeys(("energy", "hits", "area", "near"), nothing)
    pairs = list(zip(values, chosen.masks, strict=True))
    return {
        "masks": chosen.masks,
        "energy": np.array([energy(*pair) for pair in pairs]),
        "hits": np.array([hits(*pair) for pair in pairs]),
        "area": chosen.masks.mean(axis=(1, 2)),
        "near": np.array([near(mask).mean() for mask in chosen.masks]),
    }


def _orders(
    network: TrainedNetwork, values: NDArray[np.float64], chosen: Chosen
) -> dict[str, NDArray[Any]]:
    """Return the insertion and deletion areas."""
    found: dict[str, list[float]] = {"insertion": [], "deletion": []}
    for image, one, label in zip(chosen.pixels, values, chosen.labels, strict=True):
        as_shares = image.astype(np.float32) / 255

        def score(images: NDArray[np.float32], label: int = int(label)) -> NDArray[np.float64]:
            x = torch.from_numpy(images).permute(0, 3, 1, 2).to(network.device)
            return network.probabilities(x)[:, label]

        for name, area in (("insertion", insertion), ("deletion", deletion)):
            found[name].append(area(as_shares, one, score) if one.max() > 0 else np.nan)
    return {name: np.array(areas) for name, areas in found.items()}


def _effort(made: Maps, count: int) -> dict[str, NDArray[Any]]:
    errors = made.errors if len(made.errors) else np.full(count, np.nan)
    passes = made.passes if len(made.passes) else np.ones(count, np.int64)
    return {"error": errors, "passes": passes}
