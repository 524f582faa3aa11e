"""The classifiers of torchvision, with weights that were downloaded before."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from imbench.backbones.named import LibraryNetwork
from imbench.backbones.weights_on_disk import hub_file, read_tensors
from imbench.errors import DataError
from imbench.spec import unknown_name

if TYPE_CHECKING:
    import torch

__all__ = ["Torchvision"]


class Torchvision(LibraryNetwork):
    """A classifier of torchvision, such as torchvision:resnet18, with weights downloaded before.

    Parameters
    ----------
    name : str
        The classifier; its weights are those that torchvision calls ``DEFAULT``.
    weights : str, optional
        Path of other weights of this network, of torch or ``.safetensors``.

    Notes
    -----
    Nothing is downloaded: where the weights are not in torch's cache, the message says what to
    type. Mean and deviation are those of torchvision's weights; the last linear layer is left out.
    """

    title: ClassVar[str] = "torchvision"

    def _count_features(self) -> int:
        from imbench.backbones.normalised import without_head

        return without_head(self._bare())

    def network(self) -> torch.nn.Module:
        """Return the network without its last layer."""
        from imbench.backbones.normalised import Prepared, without_head

        weights = self._weights
        net = self._bare()
        try:
            net.load_state_dict(read_tensors(self._file))
        except RuntimeError as error:
            raise DataError(f"{self._file} does not fit {self.name} of this torchvision") from error
        without_head(net)
        steps = weights.transforms()
        return Prepared(net, steps.mean, steps.std)

    def _bare(self) -> torch.nn.Module:
        from torchvision import models

        options = {"init_weights": False} if self.name in ("googlenet", "inception_v3") else {}
        net: torch.nn.Module = models.get_model(self.name, weights=None, **options)
        return net

    @cached_property
    def _weights(self) -> Any:
        from torchvision import models

        if self.name not in models.list_models(module=models):
            raise unknown_name("torchvision model", self.name, models.list_models(module=models))
        return models.get_model_weights(self.name).DEFAULT

    @property
    def _downloaded(self) -> Path:
        found = hub_file(PurePosixPath(urlsplit(self._weights.url).path).name)
        if not found.is_file():
            raise self._missing(
                f"from torchvision.models import get_model; get_model({self.name!r}, "
                "weights='DEFAULT')"
            )
        return found
