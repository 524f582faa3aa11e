"""The last linear layer of a network: parts that replace or retrain it find it here."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from imbench.errors import UsageError

__all__ = ["CosineHead", "OtherHead", "find_head", "replace_head"]


class CosineHead(nn.Linear):
    """A last layer without bias whose logits are cosines between features and class vectors."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's own name)
        """Return cosines (m, classes) of features (m, d)."""
        return functional.linear(functional.normalize(input), functional.normalize(self.weight))

    @classmethod
    def of(cls, head: nn.Linear) -> CosineHead:
        """Return the layer with the directions of another one, at length 1."""
        made = cls(head.in_features, head.out_features, bias=False)
        with torch.no_grad():
            made.weight.copy_(functional.normalize(head.weight))
        return made


class OtherHead(nn.Module):
    """A network with another last layer than its own, which is left out and stays as it is.

    What a network does after its last layer (a scale, a shift) is left out with it.
    """

    def __init__(self, net: nn.Module, own: nn.Linear, outputs: int) -> None:
        super().__init__()
        self.net = net
        self.other = nn.Linear(own.in_features, outputs).to(own.weight)
        self.features: Tensor | None = None
        self.hook = own.register_forward_pre_hook(self._keep)

    def _keep(self, module: nn.Module, given: tuple[Tensor, ...]) -> None:
        self.features = given[0]

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (m, outputs) of what the network's own last layer would get."""
        self.net(x)
        features, self.features = self.features, None
        logits: Tensor = self.other(features)
        return logits


def find_head(net: nn.Module, classes: int, part: str) -> nn.Linear:
    """Return the linear layer that was registered last and has an output for each class.

    Raises
    ------
    UsageError
        If there is none, naming the part that needs it.
    """
    return _named_head(net, classes, part)[1]


def replace_head(net: nn.Module, new: nn.Linear, part: str) -> nn.Module:
    """Return the network with another last layer; raises as `find_head`."""
    name, _ = _named_head(net, new.out_features, part)
    if not name:
        return new
    parent, _, attribute = name.rpartition(".")
    setattr(net.get_submodule(parent), attribute, new)
    return net


def _named_head(net: nn.Module, classes: int, part: str) -> tuple[str, nn.Linear]:
    layers = [(name, layer) for name, layer in net.named_modules() if isinstance(layer, nn.Linear)]
    if not layers or layers[-1][1].out_features != classes:
        raise UsageError(
            f"{part} needs a network that ends in a linear layer with {classes} outputs"
        )
    return layers[-1]
