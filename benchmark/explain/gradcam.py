"""Grad-CAM (Selvaraju et al., ICCV 2017, arXiv 1610.02391)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from imbench.explain.feature_map import feature_maps
from imbench.explain.saliency import Maps, Saliency
from imbench.explain.trained import TrainedNetwork
from imbench.training.forward import batch_of

__all__ = ["GradCAM", "weighted_map"]


class GradCAM(Saliency):
    """Channels of the last feature map, weighted by the mean gradient of the true class's logit.

    One forward and one backward pass; the map has the places of the last convolution, 8 x 8 of an
    image of 32 px in ResNet-20, and is enlarged linearly. Where nothing in the map speaks for the
    class it is zero everywhere. Of an ensemble the maps of its members are added.

    Before a head on features the map is the backbone's, 3 x 3 places at 96 px in Lite0. The head is
    linear and features are means over places, so the map is the class activation map (Zhou et al.
    2016, arXiv 1512.04150): what each place adds to the logit. An ensemble of heads has the one map
    that its members share.

    References
    ----------
    Selvaraju et al. 2017, "Grad-CAM: visual explanations from deep networks via gradient-based
    localization", ICCV, section 3, arXiv 1610.02391.
    """

    title = "Grad-CAM"

    def maps(
        self,
        network: TrainedNetwork,
        pixels: NDArray[np.uint8],
        labels: NDArray[np.int64],
        done: Callable[[int], None] = lambda _: None,
    ) -> Maps:
        """Return the map of each image for its label."""
        pieces = []
        batch = batch_of(pixels.shape[1] ** 2, network.device.type)
        for start in range(0, len(pixels), batch):
            x = network.tensor(pixels[start : start + batch])
            some = torch.tensor(labels[start : start + batch], device=x.device)
            features, logits = feature_maps(network.net, x)
            score = logits.gather(1, some[:, None]).sum()
            gradients = torch.autograd.grad(score, features)
            small = weighted_map([one.detach() for one in features], gradients)
            large = F.interpolate(small[:, None], x.shape[2:], mode="bilinear")
            pieces.append(large[:, 0].cpu().numpy())
            done(len(x))
        return Maps(np.concatenate(pieces).astype(np.float32))


def weighted_map(features: Sequence[Tensor], gradients: Sequence[Tensor]) -> Tensor:
    """Return the map (m, height, width) of feature maps and gradients (m, channels, ...)."""
    total = torch.zeros(())
    for one, gradient in zip(features, gradients, strict=True):
        weights = gradient.mean(dim=(2, 3), keepdim=True)
        total = F.relu((weights * one).sum(dim=1)) + total.to(one.device)
    return total
