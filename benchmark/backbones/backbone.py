"""The base class of backbones: pretrained networks without their last layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from imbench.backbones.views import FLIP, PLAIN, Embedder
from imbench.contained import subclass_fault

if TYPE_CHECKING:
    import torch

__all__ = ["Backbone", "class_fault"]


class Backbone:
    """Base of a backbone plug-in: what ``features:NAME`` and ``finetune:NAME`` stand on.

    ``__init__`` stores its options, loads nothing and imports no torch: plans make backbones. A
    subclass overrides `digest`, `width` and `network`; one that is no network of torch overrides
    `embedder` instead of the last.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench import Backbone
    >>> class Tiny(Backbone):
    ...     title = "Means of colours"
    ...     width = 3
    ...
    ...     def digest(self):
    ...         return "means"
    ...
    ...     def network(self):
    ...         from torch import nn
    ...
    ...         return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> embed = Tiny().embedder("cpu")
    >>> embed(np.zeros((2, 8, 8, 3), np.uint8), ("a.jpg", "b.jpg")).shape
    (2, 3)
    """

    title: ClassVar[str] = ""
    """Name as a table prints it."""
    version: ClassVar[int] = 1
    """Raise it when the same weights would give other features."""
    size: ClassVar[int] = 96
    """Side of the images in pixels where nobody says another."""
    pretrained_on: ClassVar[tuple[str, ...]] = ()
    """Collections it has seen, in the words of `Dataset.overlaps`: a plan warns where they meet."""
    views: ClassVar[tuple[str, ...]] = (PLAIN, FLIP)
    """Views of an image that it can embed: as it is, and mirrored."""
    by_name: ClassVar[bool] = False
    """Whether features belong to the names of images, not to their pixels."""

    def seen(self) -> tuple[str, ...] | None:
        """Return `pretrained_on`; None where nobody knows what it has seen, which a plan says."""
        return self.pretrained_on

    def digest(self) -> str:
        """Return a hash of all that decides on features: weights, preprocessing.

        Raises
        ------
        DataError
            If the weights are not on this machine, saying what to type to get them. Nothing is
            downloaded.
        """
        raise NotImplementedError

    @property
    def width(self) -> int:
        """Number of features of an image."""
        raise NotImplementedError

    def network(self) -> torch.nn.Module:
        """Return the network with its weights: from images (m, 3, h, w) in [0, 1] to (m, d).

        What it was trained with, as a mean and a deviation, it applies itself.

        Raises
        ------
        UsageError
            If it is none of torch, so that it cannot be trained on.
        """
        raise NotImplementedError

    def embedder(self, device: str) -> Embedder:
        """Return what embeds images, in batches of any size.

        Parameters
        ----------
        device : str
            Where it computes, as torch names it.

        Returns
        -------
        callable
            Takes pixels uint8 (m, height, width, channels) and the names of the images, returns
            float32 (m, d).
        """
        from imbench.backbones.embedding import of_network

        return of_network(self.network(), device)


def class_fault(plugin: Any) -> str | None:
    """Return why an object cannot be a backbone plug-in; None if it can."""
    return subclass_fault(plugin, Backbone, "digest")
