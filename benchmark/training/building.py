"""Networks by name: read, built, tried without content; each from the shape of its input."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

import torch
from torch import Tensor, nn

from imbench.contained import usable
from imbench.errors import UsageError
from imbench.given import read_options
from imbench.registry import load_plugin
from imbench.spec import parse_spec, shown
from imbench.training.networks import Shape

__all__ = [
    "Network",
    "build_network",
    "layer_outputs",
    "network_name",
    "read_network",
    "try_network",
]

Network = str | nn.Module | Callable[..., nn.Module]
"""A spec; in Python also a network, or what makes one of a shape and a number of classes."""


def build_network(network: Network, shape: Shape, classes: int) -> nn.Module:
    """Build a network such as ``resnet20``, ``linear`` or ``torchvision:resnet18``.

    A module is copied with the weights that it has; any other callable is called with the shape
    and the number of classes.

    Raises
    ------
    UsageError
        If the name or an option is unknown, or what is built is no network that takes the shape
        and gives a logit for each class.
    """
    name = network_name(network)
    maker, options = read_network(network) if isinstance(network, str) else (network, {})
    with usable(f"network {name!r} cannot be built"):
        if isinstance(maker, nn.Module):
            net: object = deepcopy(maker).cpu()
        else:
            net = maker(shape, classes, **options)
    return _checked(net, name, shape, classes)


def network_name(network: Network) -> str:
    """Return what a network is called in messages: its spec, or its class or function."""
    if isinstance(network, str):
        return shown(network)
    named = type(network) if isinstance(network, nn.Module) else network
    return str(getattr(named, "__qualname__", type(named).__qualname__))


def _checked(net: object, name: str, shape: Shape, classes: int) -> nn.Module:
    """Return the network; raise UsageError if it is none, or gives no logit for each class."""
    if not isinstance(net, nn.Module):
        raise UsageError(f"network {name!r} is {type(net).__name__}, not a torch.nn.Module")
    modes = [(module, module.training) for module in net.modules()]
    # Nothing is left behind: neither running means nor drawn random numbers.
    with usable(f"network {name!r} cannot take images of shape {shape}"):
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            logits: object = net.eval()(torch.zeros(2, *shape))
        for module, training in modes:
            module.training = training
    if not isinstance(logits, Tensor):
        given = type(logits).__name__
    elif logits.shape != (2, classes) or not logits.is_floating_point():
        given = f"{logits.dtype} {tuple(logits.shape)}"
    else:
        return net
    raise UsageError(f"network {name!r} gives {given} for 2 images, not logits (2, {classes})")


def read_network(spec: str) -> tuple[Callable[..., nn.Module], dict[str, Any]]:
    """Return the maker of a network and its options; builds nothing.

    Raises
    ------
    UsageError
        If the name or an option is unknown, or a value is not what its option wants.
    """
    parsed = parse_spec(spec)
    plugin = load_plugin("networks", parsed.name)
    if isinstance(plugin, nn.Module) or not callable(plugin):
        raise UsageError(
            f"network {shown(parsed.name)!r} is {type(plugin).__name__}: name a class, or a "
            "function of shape and classes that makes one, since each training begins anew"
        )
    maker: Callable[..., nn.Module] = cast("Any", plugin)
    owner = f"network {parsed.name}"
    return maker, read_options(owner, maker, parsed.options, argument=parsed.argument, skip=2)


def try_network(
    spec: str,
    shape: Shape,
    classes: int,
    change: Callable[[nn.Module], object] | None = None,
    device: str = "meta",
) -> None:
    """Refuse a network that cannot be built for a shape, or gives no score for each class.

    `change` is what parts do to a network; it is tried too and may raise UsageError. On the device
    "meta" the network is built of tensors without content, which takes neither memory nor time;
    where its code needs their content, on "cpu".

    Raises
    ------
    UsageError
        Saying what went wrong.
    """
    read_network(spec)
    try:
        _build_apart(spec, shape, classes, device, change)
    except UsageError:
        if device == "cpu":
            raise
        _build_apart(spec, shape, classes, "cpu", change)


def layer_outputs(spec: str, shape: Shape, classes: int) -> int:
    """Return how many numbers the layers of a network give of one input, which training holds.

    The network is built of tensors without content. At 96 px fine-tuned Lite0 has 4.63 million,
    18.5 MB; a training of 32 and of 64 images took 19 MB for each.

    Raises
    ------
    UsageError
        If it cannot be built so.
    """
    total = 0

    def count(_layer: nn.Module, _given: object, made: object) -> None:
        nonlocal total
        total += made.numel() if isinstance(made, Tensor) else 0

    def watch(net: nn.Module) -> None:
        for layer in net.modules():
            if next(layer.children(), None) is None:
                layer.register_forward_hook(count)
        with torch.no_grad():
            net.eval()(torch.zeros(1, *shape))

    _build_apart(spec, shape, classes, "meta", watch)
    return total


def _build_apart(
    spec: str,
    shape: Shape,
    classes: int,
    device: str,
    change: Callable[[nn.Module], object] | None,
) -> None:
    with torch.random.fork_rng(devices=[]), torch.device(device), warnings.catch_warnings():
        # Torch says so of each of a backbone's weights, 296 in Lite0: here their shapes count.
        warnings.filterwarnings("ignore", ".*copying from a non-meta parameter", UserWarning)
        net = build_network(spec, shape, classes)
        if change is not None:
            with usable(f"network {shown(spec)!r} cannot be changed"):
                change(net)
