"""Networks that stand on a backbone: a head on features of a frozen one, or all of it trained."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from torch import nn

from imbench.backbones.embedding import rows_of
from imbench.backbones.frozen import DEFAULT, TRAINED, Frozen, backbone_of, make_backbone
from imbench.backbones.views import PLAIN, Embedder
from imbench.constraints import NONE, Constraint, whole
from imbench.errors import UsageError
from imbench.spec import parse_spec
from imbench.training.networks import RepeatChannels, Scale

__all__ = ["embed_images", "features", "finetune", "scales_itself"]

GAIN = 3.0
"""What the length of normalised features is brought to: see `features`."""


def _known(value: object) -> object:
    make_backbone(str(value))
    return str(parse_spec(str(value)))


_OPTIONS = {"backbone": Constraint("a backbone", _known), "size": whole(8, 1024) | NONE}


def features(
    shape: tuple[int, ...],
    classes: int,
    backbone: str = DEFAULT,
    size: int | None = None,
    hidden: int = 0,
) -> nn.Module:
    """Return a linear head on the features of a frozen backbone, which embeds each image once.

    Parameters
    ----------
    shape : (int,)
        Number of features.
    backbone : str
        See `bench list backbones`.
    size : int, optional
        Side in pixels of the images that the backbone is shown; its own if not given.
    hidden : int
        Width of a layer before the last one; 0 is none.

    Notes
    -----
    Features come standardised, each by the training images; together they have the length
    sqrt(d). They are brought to a length of about 3, so that the curvature of the loss, and with it
    the learning rate that suits it, does not depend on how many features a backbone has.
    """
    if len(shape) != 1:
        raise UsageError(
            f"the head of {backbone} takes rows of features, not images of shape {shape}"
        )
    del size  # of the images, which are embedded by now
    (width,) = shape
    layers: list[nn.Module] = [Scale(GAIN / width**0.5)]
    if hidden:
        layers += [nn.Linear(width, hidden), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(hidden or width, classes))


def finetune(
    shape: tuple[int, ...], classes: int, backbone: str = DEFAULT, size: int | None = None
) -> nn.Module:
    """Return a backbone with a new last layer, all of it trained from the weights it has.

    Parameters
    ----------
    backbone : str
        See `bench list backbones`.
    size : int, optional
        Side in pixels of the images; the backbone's own if not given.
    """
    del size  # of the images
    if len(shape) != 3:
        raise UsageError(f"finetune:{backbone} takes images, not rows of features")
    found = make_backbone(backbone)
    return nn.Sequential(RepeatChannels(), found.network(), nn.Linear(found.width, classes))


features.constraints = {**_OPTIONS, "hidden": whole(0, 65536)}  # type: ignore[attr-defined]
finetune.constraints = _OPTIONS  # type: ignore[attr-defined]


def scales_itself(network: object) -> bool:
    """Whether a network wants images in [0, 1], since it has a mean and deviation of its own."""
    return backbone_of(network, TRAINED) is not None


def embed_images(
    frozen: Frozen,
    pixels: NDArray[np.uint8],
    views: Sequence[str] = (PLAIN,),
    *,
    device: str = "cpu",
) -> NDArray[np.float32]:
    """Return features of images, which are not kept: (n, d), or of several views (n, views, d).

    Raises
    ------
    UsageError
        If the backbone goes by the names of images, or cannot take these.
    DataError
        If its weights are missing.
    """
    if frozen.backbone.by_name:
        raise UsageError(
            f"features of {frozen.spec} belong to the names of images: it has none of other images"
        )
    embed, names = _embedder(frozen, device), [""] * len(pixels)
    found = []
    for view in views:
        rows = [np.empty((0, frozen.backbone.width), np.float32)]
        rows += rows_of(embed, pixels, names, view, what=frozen.spec)
        found.append(np.concatenate(rows))
    return np.stack(found, axis=1) if len(found) > 1 else found[0]


@lru_cache(maxsize=2)
def _embedder(frozen: Frozen, device: str) -> Embedder:
    """Return what embeds images; loading a backbone takes longer than embedding a few."""
    return frozen.backbone.embedder(device)
