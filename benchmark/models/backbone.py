"""The frozen backbone of a model: named in its folder, found here, and checked to be the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imbench.backbones.frozen import Frozen, backbone_of, frozen_backbone, named_backbone
from imbench.errors import UsageError
from imbench.models.core import Core, Pretrained
from imbench.registry import kind_word, registered_names
from imbench.spec import parse_spec
from imbench.training.pretrained import embed_images

__all__ = ["embedded", "found_backbone", "pretrained_of", "refuse_code", "refuse_unregistered"]


def refuse_code(network: str) -> None:
    """Raise UsageError if a network stands on a backbone without a registered name."""
    found = backbone_of_registered(network)
    if found is not None and found.backbone.by_name:
        raise UsageError(
            f"features of {found.spec} belong to the names of images, so a model of them could say "
            "nothing of others: choose a backbone that sees images"
        )


def backbone_of_registered(network: str) -> Frozen | None:
    """Return the backbone of a network; no file is imported for it.

    Raises
    ------
    UsageError
        If its name is not registered here: a model holds no code, and runs none of a file.
    """
    spec = named_backbone(network)
    if spec is None:
        return None
    refuse_unregistered("backbones", spec)
    return backbone_of(network)


def refuse_unregistered(kind: str, spec: str) -> None:
    """Raise UsageError if a network or backbone is not one of a registered name.

    Code in a file, which ``FILE.py:FUNCTION`` names, is not part of a model and is never run by
    loading one.
    """
    name = parse_spec(spec).name
    if name not in registered_names(kind):
        raise UsageError(
            f"{kind_word(kind)} {name!r} has no registered name here, and a model holds no code: "
            "install the package that registers it"
        )


def pretrained_of(network: str) -> Pretrained | None:
    """Return what a model keeps of the frozen backbone of its network, if it has one."""
    frozen = frozen_backbone(network)
    if frozen is None:
        return None
    return Pretrained(name=frozen.spec, digest=frozen.digest, width=frozen.backbone.width)


def found_backbone(core: Core) -> Frozen | None:
    """Return the backbone of a model, None if it has none.

    Raises
    ------
    DataError
        If its weights are not on this machine.
    UsageError
        If it is not installed here, or has other weights than in training.
    """
    backbone_of_registered(core.settings.network)
    frozen = frozen_backbone(core.settings.network)
    known = core.backbone
    if (frozen is None) != (known is None):
        raise UsageError("the model does not say which backbone it stands on: fit it again")
    if frozen is not None and known is not None and frozen.digest != known.digest:
        raise UsageError(
            f"the model was fitted on features of {known.name} with the weights "
            f"{known.digest[:8]}, here are {frozen.digest[:8]}: install those, or fit it again"
        )
    return frozen


def embedded(frozen: Frozen | None, pixels: NDArray[np.uint8], device: str) -> NDArray[np.generic]:
    """Return what the networks of a model are shown of images: their features, or the images."""
    return pixels if frozen is None else embed_images(frozen, pixels, device=device)
