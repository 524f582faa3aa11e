"""The last feature map of a network, found by watching what its forward pass computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from imbench.errors import UsageError
from imbench.training.members import Joined

__all__ = ["feature_maps", "pooled_features"]


class _Watch(TorchFunctionMode):
    """Remembers the last result of a forward pass that has places: (m, channels, height, width).

    It watches calls, not modules: a hook of a module would hand out a tensor that an in-place ReLU
    behind it overwrites. What pooling returns is passed over, so that the map is that of the last
    convolution and its ReLU.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: Tensor | None = None
        self._convolved = False

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        self._convolved |= "conv" in name
        if self._convolved and "pool" not in name and _has_places(result):
            self.found = result
        return result


def feature_maps(net: nn.Module, x: Tensor) -> tuple[list[Tensor], Tensor]:
    """Return the last feature map (m, channels, height, width) and the logits (m, K).

    An ensemble has one map a member.

    Raises
    ------
    UsageError
        If the network has no such map, or gradients do not reach it.
    """
    x = x.detach().requires_grad_()  # so that frozen layers pass gradients on
    if isinstance(net, Joined):
        found = [_last_map(member, x) for member in net.nets]
        return [maps for maps, _ in found], net.join(_stacked([out for _, out in found]))
    maps, logits = _last_map(net, x)
    return [maps], logits


def pooled_features(net: nn.Module, x: Tensor) -> Tensor:
    """Return the mean over places of the last feature map, (m, channels), of all members."""
    import torch

    maps, _ = feature_maps(net, x)
    return torch.cat([one.detach().mean(dim=(2, 3)) for one in maps], dim=1)


def _last_map(net: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    if x.ndim != 4:
        raise UsageError("the network sees rows of features, so it has no feature map")
    if any(isinstance(module, nn.MultiheadAttention) for module in net.modules()):
        raise UsageError(
            "the network has no feature map behind its attention: its patches see each other"
        )
    watch = _Watch()
    with watch:
        logits: Tensor = net(x)
    if watch.found is None:
        raise UsageError(
            "the network has no feature map that gradients reach: it has no convolution, or "
            "computes its features apart; `rise` needs none"
        )
    return watch.found, logits


def _stacked(logits: list[Tensor]) -> Tensor:
    import torch

    return torch.stack(logits)


def _has_places(result: object) -> bool:
    return (
        isinstance(result, Tensor)
        and result.ndim == 4
        and result.shape[2] * result.shape[3] > 1
        and result.requires_grad
    )
