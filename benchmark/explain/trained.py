"""A trained network as maps see it: outputs of images whose pixels may be changed at will."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imbench.training.forward import BATCH, batch_of, probabilities, to_tensor
from imbench.training.part import Part

__all__ = ["TrainedNetwork"]


@dataclass(frozen=True)
class TrainedNetwork:
    """The network of a cell, and how its recipe makes probabilities of its outputs.

    Attributes
    ----------
    net : Module
        Takes images (m, channels, height, width) in [0, 1], gives logits (m, K); in evaluation
        mode.
    parts : sequence of Part
        Parts of the cell's recipe, which adjust logits.
    priors : float array (K,) or None
        Shares of the classes as the training sampler yielded them.
    """

    net: nn.Module
    parts: Sequence[Part] = ()
    priors: NDArray[np.float64] | None = None

    @property
    def device(self) -> torch.device:
        """Where the network lies."""
        return next(self.net.parameters()).device

    def tensor(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return images uint8 (m, height, width, channels) as the network takes them."""
        return to_tensor(np.ascontiguousarray(pixels), self.device)

    def probabilities(self, x: Tensor) -> NDArray[np.float64]:
        """Return the probabilities (m, K) that the recipe gives images (m, channels, ...)."""
        some = batch_of(x.shape[-1] ** 2, x.device.type)
        with torch.inference_mode():
            pieces = [self.net(x[i : i + some]).double().cpu() for i in range(0, len(x), some)]
        return self.adjusted(torch.cat(pieces).numpy())

    def adjusted(self, logits: NDArray[Any]) -> NDArray[np.float64]:
        """Return the probabilities (m, K) that the recipe makes of logits."""
        priors = np.ones(logits.shape[1]) if self.priors is None else self.priors
        return probabilities(self.parts, logits, priors)

    def of_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the probabilities (m, K) of images uint8 (m, height, width, channels)."""
        pieces = [
            self.probabilities(self.tensor(pixels[i : i + BATCH]))
            for i in range(0, len(pixels), BATCH)
        ]
        return np.concatenate(pieces)
