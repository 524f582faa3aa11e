"""Networks to the bytes of a safetensors file and back: tensors and plain data, never code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from imbench.errors import DataError, ImbenchError, UsageError
from imbench.models.backbone import found_backbone, refuse_unregistered
from imbench.models.core import Core
from imbench.training.building import build_network
from imbench.training.members import as_one, members_of
from imbench.training.networks import Normalise
from imbench.training.part import Context, Part, begin_fit, overrides
from imbench.training.recipe import parse_recorded

__all__ = ["pack", "parts_of", "unpack"]

_CORE = "imbench"
"""Key of the plain data in the head of the file."""


def pack(core: Core, networks: Sequence[nn.Module], extra: Mapping[str, Tensor]) -> bytes:
    """Return the bytes of a safetensors file with the networks of all members.

    Parameters
    ----------
    core : Core
        What is needed to build them again; it goes into the head of the file.
    networks : sequence of Module
        `Method.network_` of each member.
    extra : mapping
        Other tensors to keep.
    """
    tensors = dict(extra)
    for number, net in enumerate(networks):
        for name, tensor in net.state_dict().items():
            # Neither views of each other nor channels_last, which the format refuses.
            tensors[f"{number}.{name}"] = tensor.detach().cpu().contiguous().clone()
    return save(tensors, {_CORE: core.model_dump_json()})


def unpack(data: bytes, what: str) -> tuple[Core, list[nn.Module], dict[str, Tensor]]:
    """Build the networks that `pack` wrote; return core, networks and the other tensors.

    Parameters
    ----------
    data : bytes
        Content of the file.
    what : str
        Its name in messages.

    Raises
    ------
    DataError
        If it is damaged, or its tensors do not fit the network that it names.
    UsageError
        If a part or the network is not installed here, or a part has another version.
    """
    try:
        tensors = load(data)
        core = Core.model_validate_json(_head(data)[_CORE])
    except (SafetensorError, ValidationError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{what} is not a file of weights that imbench wrote") from error
    except (OSError, RuntimeError, RecursionError, OverflowError) as error:
        raise DataError(f"{what} is damaged") from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise DataError(f"{what} is damaged: tensor {name[:200]!r} is not finite")
    networks = []
    for number in range(len(core.members)):
        prefix = f"{number}."
        own = {key.removeprefix(prefix): tensors[key] for key in tensors if key.startswith(prefix)}
        net = _built(core, number)
        try:
            net.load_state_dict(own, strict=True)
        except (RuntimeError, KeyError, TypeError) as error:
            raise DataError(
                f"{what} does not fit the network {core.settings.network} that it names"
            ) from error
        networks.append(net.eval().to(memory_format=torch.channels_last))
    others = {key: held for key, held in tensors.items() if not key.partition(".")[0].isdecimal()}
    return core, networks, others


def parts_of(core: Core) -> list[Part]:
    """Return the parts that act at prediction and in building, as they were in training.

    Raises
    ------
    UsageError
        If one is not installed here, or predicts otherwise in the version that is.
    """
    recipe = parse_recorded(core.recipe)
    parts = list(recipe.parts)
    for name, part in zip(recipe.names, parts, strict=True):
        begin_fit(part, Context())
        predicts = any(overrides(part, hook) for hook in ("adjust", "build", "join"))
        if predicts and part.stamp != core.versions.get(name):
            raise UsageError(
                f"the model was made with version {core.versions.get(name)} of {name}, here is "
                f"version {part.stamp}: fit it again"
            )
    return parts


def _head(data: bytes) -> dict[str, str]:
    """Return the plain data in the head of a file, whose format `load` has checked."""
    length = int.from_bytes(data[:8], "little")
    found = json.loads(data[8 : 8 + length]).get("__metadata__")
    return dict(found or {})


def _built(core: Core, number: int) -> nn.Module:
    """Build the network of a member, with weights that mean nothing."""
    refuse_unregistered("networks", core.settings.network)
    found_backbone(core)
    counts = np.asarray(core.members[number].counts, np.float64)
    try:
        with torch.random.fork_rng(devices=[]):
            parts = parts_of(core)
            nets = [_one(core, parts, counts) for _ in range(members_of(parts))]
            return as_one(parts, nets)
    except ImbenchError:
        raise
    except Exception as error:
        raise UsageError(f"the network of the model cannot be built: {error}") from error


def _one(core: Core, parts: list[Part], counts: NDArray[np.float64]) -> nn.Module:
    view = core.view
    shape: tuple[int, ...] = (view.channels, view.size, view.size)
    if core.backbone is not None:
        shape = (core.backbone.width,)
    net = build_network(core.settings.network, shape, len(core.classes))
    for part in parts:
        net = part.build(net, counts)
    return nn.Sequential(Normalise(torch.zeros(shape[0]), torch.ones(shape[0])), net)
