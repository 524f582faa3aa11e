"""The base class of backbones: pretrained networks without their last layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from imbench.backbones.views import FLIP, PLAIN, Embedder

if TYPE_CHECKING:
    import torch

__all__ = ["Backbone", "class_fault"]


class Backbone:
    """Base of a backbone plug-in: what ``features:NAME`` and ``finetune:NAME`` stand on.

    ``__init__`` stores its options, loads nothing and imports no torch: plans make backbones. A
    subclass overrides `digest`, `width` and `network`; one that is no network of torch overrides
    `embedder` instead of the last.
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
    """Views that it can embed."""
    by_name: ClassVar[bool] = False
    """Whether features belong to the names of images, not to their pixels."""

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
        """Return what embeds images on a device, in batches of any size."""
        from imbench.backbones.embedding import of_network

        return of_network(self.network(), device)


def class_fault(plugin: Any) -> str | None:
    """Return why an object cannot be a backbone plug-in; None if it can."""
    if not (isinstance(plugin, type) and issubclass(plugin, Backbone)):
        return "it is not a subclass of imbench.Backbone"
    return "it has no method digest()" if plugin.digest is Backbone.digest else None
