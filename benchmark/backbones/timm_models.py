"""The networks of timm, with weights that were downloaded before."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from imbench.backbones.named import LibraryNetwork, timm_for
from imbench.backbones.weights_on_disk import hub_file, read_tensors, snapshot_file
from imbench.errors import DataError
from imbench.spec import unknown_name

if TYPE_CHECKING:
    import torch

__all__ = ["Timm"]


class Timm(LibraryNetwork):
    """Any network of timm, such as timm:resnet18.a1_in1k, with weights that were downloaded before.

    Parameters
    ----------
    name : str
        A model of timm, with the tag of its weights or without.
    weights : str, optional
        Path of other weights of this network, ``.safetensors`` or of torch; a last layer in them is
        left out.

    Notes
    -----
    Nothing is downloaded: where the weights are not in the cache of the Hugging Face hub or of
    torch, the message says what to type. Mean and deviation are those of timm's weights, for other
    weights too; of a network without any they are ImageNet's.
    """

    title: ClassVar[str] = "timm"

    def _count_features(self) -> int:
        import torch

        net: Any = self._timm.create_model(self.name, pretrained=False, num_classes=0)
        return int(net(torch.zeros(2, 3, self.size, self.size)).flatten(1).shape[1])

    def network(self) -> torch.nn.Module:
        """Return the network without its last layer."""
        from imbench.backbones.normalised import Prepared

        config = self._config
        net: torch.nn.Module = self._timm.create_model(self.name, pretrained=False, num_classes=0)
        try:
            missing, _ = net.load_state_dict(read_tensors(self._file), strict=False)
        except RuntimeError as error:
            raise DataError(f"{self._file} does not fit {self.name} of this timm") from error
        if missing:
            raise DataError(
                f"{self._file} lacks {len(missing)} tensors of {self.name}, {missing[0]} first: "
                "weights that timm converts as it loads them cannot be used here"
            )
        return Prepared(net, config.mean, config.std)

    @cached_property
    def _timm(self) -> Any:
        return timm_for("timm:NAME")

    @cached_property
    def _config(self) -> Any:
        if self.weights and not self._timm.is_model(self.name):
            raise unknown_name("network of timm", self.name, self._timm.list_models())
        found = self._timm.get_pretrained_cfg(self.name, allow_unregistered=True)
        if self.weights:
            return found or self._timm.models.PretrainedCfg()
        if found is None or not (found.url or found.hf_hub_id):
            raise unknown_name(
                "pretrained network of timm", self.name, self._timm.list_pretrained()
            )
        return found

    @property
    def _downloaded(self) -> Path:
        places = []
        if self._config.hf_hub_id:
            places.append(snapshot_file(self._config.hf_hub_id))
        if self._config.url:
            places.append(hub_file(PurePosixPath(urlsplit(self._config.url).path).name))
        found = next((place for place in places if place is not None and place.is_file()), None)
        if found is None:
            raise self._missing(f"import timm; timm.create_model({self.name!r}, pretrained=True)")
        return found
