"""The classifiers of torchvision, with weights that were downloaded before."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from imbench.backbones.backbone import Backbone
from imbench.backbones.weights_on_disk import file_digest, hub_file, read_tensors
from imbench.errors import DataError
from imbench.spec import unknown_name

if TYPE_CHECKING:
    import torch

__all__ = ["Torchvision"]


class Torchvision(Backbone):
    """A classifier of torchvision, such as torchvision:resnet18, with weights downloaded before.

    Parameters
    ----------
    name : str
        The classifier; its weights are those that torchvision calls ``DEFAULT``.

    Notes
    -----
    Nothing is downloaded: where the weights are not in torch's cache, the message says what to
    type. Mean and deviation are those of the weights; the last linear layer is left out.
    """

    title: ClassVar[str] = "torchvision"
    size: ClassVar[int] = 224
    pretrained_on: ClassVar[tuple[str, ...]] = ("ImageNet",)

    def __init__(self, name: str) -> None:
        self.name = name

    def digest(self) -> str:
        """Return the hash of the file of weights, and of the name."""
        return hashlib.sha256(f"{self.name} {file_digest(self._file)}".encode()).hexdigest()

    @property
    def width(self) -> int:
        """Number of features of an image."""
        return self._width

    @cached_property
    def _width(self) -> int:
        import torch

        from imbench.backbones.normalised import without_head

        with torch.device("meta"):
            return without_head(self._bare())

    def network(self) -> torch.nn.Module:
        """Return the network without its last layer."""
        from imbench.backbones.normalised import Prepared, without_head

        net = self._bare()
        try:
            net.load_state_dict(read_tensors(self._file))
        except RuntimeError as error:
            raise DataError(f"{self._file} does not fit {self.name} of this torchvision") from error
        without_head(net)
        steps = self._weights.transforms()
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
    def _file(self) -> Path:
        found = hub_file(PurePosixPath(urlsplit(self._weights.url).path).name)
        if not found.is_file():
            call = (
                f"from torchvision.models import get_model; get_model({self.name!r}, "
                "weights='DEFAULT')"
            )
            raise DataError(
                f"the weights of torchvision:{self.name} are not on this machine, and nothing is "
                f'downloaded unasked: `python -c "{call}"` does it'
            )
        return found
