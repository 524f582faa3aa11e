"""Heads on features, put back behind their backbone: networks of images, as maps want them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from imbench.backbones.embedded import Entry, entries_of, is_there
from imbench.backbones.frozen import Frozen, frozen_backbone
from imbench.backbones.views import Embedder
from imbench.errors import NotComparable, UsageError
from imbench.images.cache import cache_folder
from imbench.images.dataset import Decoded
from imbench.models.backbone import backbone_of_registered
from imbench.records.record import Record
from imbench.training.augment import steps_of
from imbench.training.networks import RepeatChannels

__all__ = ["known_features", "on_images", "shown_backbone"]


def shown_backbone(record: Record) -> Frozen | None:
    """Return the frozen backbone that stands before a record's network; None if there is none.

    Raises
    ------
    NotComparable
        If its features are rows of a file, which no change of a pixel can change.
    UsageError
        If it is not installed here: a record chooses no code to import.
    """
    network = record.cell.settings.network
    backbone_of_registered(network)
    frozen = frozen_backbone(network)
    if frozen is not None and frozen.backbone.by_name:
        raise NotComparable(
            f"its network is a head on features that {frozen.spec} holds by the names of images: "
            "what made them is not here, so it sees no pixels that a map could be of"
        )
    return frozen


def known_features(record: Record, frozen: Frozen | None, data: Decoded) -> Sequence[Entry]:
    """Return what is embedded already of the images of a record; nothing where a view lacks."""
    if frozen is None:
        return ()
    views = frozen.views_of(steps_of(record.cell.settings.augment))
    entries = entries_of(data, frozen, views, cache_folder())
    return entries if all(map(is_there, entries)) else ()


def on_images(head: nn.Module, frozen: Frozen | None, device: torch.device) -> nn.Module:
    """Return a network that shows images to a frozen backbone and its features to a head.

    All networks of an ensemble share one pass of the backbone.

    Parameters
    ----------
    head : Module
        A trained network, which is returned as it is where there is no backbone.
    """
    if frozen is None:
        return head
    try:
        body = frozen.backbone.network().requires_grad_(False)
    except (UsageError, NotImplementedError):  # none of torch: it embeds, and passes no gradient
        body = _Embedding(frozen.backbone.embedder(str(device)))
    body = body.to(device).to(memory_format=torch.channels_last)
    return nn.Sequential(RepeatChannels(), body, head).eval()


class _Embedding(nn.Module):
    """What embeds images of 8 bits, as a network of images in [0, 1]."""

    def __init__(self, embed: Embedder) -> None:
        super().__init__()
        self.embed = embed

    def forward(self, x: Tensor) -> Tensor:
        """Return features (m, d) of images (m, 3, height, width), rounded to 8 bits."""
        shades = (x.detach().permute(0, 2, 3, 1) * 255).round().clamp(0, 255)
        rows = self.embed(shades.to("cpu", torch.uint8).numpy(), [""] * len(x))
        return torch.from_numpy(np.ascontiguousarray(rows)).to(x.device)
