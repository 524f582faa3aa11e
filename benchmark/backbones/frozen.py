"""From the text of a network to the backbone in it: ``features:NAME`` and ``finetune:NAME``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from imbench.backbones.backbone import Backbone, class_fault
from imbench.backbones.views import PLAIN
from imbench.contained import usable
from imbench.errors import UsageError
from imbench.given import read_options
from imbench.registry import load_plugin
from imbench.spec import Spec, parse_spec, shown

__all__ = [
    "DEFAULT",
    "FROZEN",
    "NETWORKS",
    "TRAINED",
    "Frozen",
    "backbone_of",
    "frozen_backbone",
    "make_backbone",
    "named_backbone",
    "network_stamp",
    "settle_size",
]

FROZEN, TRAINED = "features", "finetune"
NETWORKS = (FROZEN, TRAINED)
"""Networks that stand on a backbone: it stays as it is, or trains on."""
DEFAULT = "lite0"
"""Backbone where none is named."""
DIGITS = 10**9
"""Stamps, which are whole numbers in cells, stay below it."""

_SIDE = re.compile(r"[0-9]{1,9}")
"""Another text is refused where the options of the network are read."""


@dataclass(frozen=True)
class Frozen:
    """A backbone that stays as it is, by the text that names it."""

    spec: str
    backbone: Backbone
    size: int | None = None
    """Side of the images in pixels, where the network's text says it."""

    @property
    def digest(self) -> str:
        """Hash of its weights and its version; raises DataError where they are missing."""
        text = f"{self.backbone.version} {self.backbone.digest()}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def check_size(self, side: int) -> None:
        """Raise UsageError for images of another size than the network's text says."""
        if self.size not in (None, side):
            raise UsageError(
                f"{self.spec} is to see images of {self.size} px, and these have {side}"
            )

    def views_of(self, augment: Sequence[object]) -> tuple[str, ...]:
        """Return the views that an augmentation asks for, as far as the backbone has them."""
        return tuple(view for view in self.backbone.views if view == PLAIN or view in augment)


@cache
def make_backbone(spec: str) -> Backbone:
    """Return the backbone that a spec such as ``lite0`` or ``timm:resnet18`` names.

    Raises
    ------
    UsageError
        If the name or an option is unknown, or the plug-in is not a backbone.
    """
    parsed = parse_spec(spec)
    plugin = load_plugin("backbones", parsed.name)
    with usable(f"backbone {shown(spec)!r} cannot be made"):
        if fault := class_fault(plugin):
            raise UsageError(f"backbone {parsed.name!r} cannot be used: {fault}")
        options = read_options(
            f"backbone {parsed.name}", plugin, parsed.options, argument=parsed.argument
        )
        made: Backbone = plugin(**options)
        return made


def named_backbone(network: str, *kinds: str) -> str | None:
    """Return the spec of the backbone that a network names; None for every other network.

    `kinds` are those of `NETWORKS` that are asked for; all if none is given. Nothing is loaded.
    """
    parsed = parse_spec(network)
    if parsed.name not in (kinds or NETWORKS):
        return None
    return parsed.options.get("backbone", parsed.argument or DEFAULT)


def backbone_of(network: object, *kinds: str) -> Frozen | None:
    """Return the backbone that a network stands on; None for every other network.

    `kinds` are those of `NETWORKS` that are asked for; all if none is given.

    Raises
    ------
    UsageError
        If the text is no network, or names no backbone that there is.
    """
    if not isinstance(network, str):
        return None
    try:
        spec = named_backbone(network, *kinds)
        if spec is None:
            return None
        made = str(parse_spec(spec)), make_backbone(spec)
    except UsageError as error:
        raise type(error)(f"network={shown(network)}: {error}") from error
    size = parse_spec(network).options.get("size", "")
    return Frozen(*made, int(size) if _SIDE.fullmatch(size) else None)


def frozen_backbone(network: object) -> Frozen | None:
    """Return the backbone whose features a network is the head of; None for every other one."""
    return backbone_of(network, FROZEN)


def settle_size(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings in which the size of the images is what a network's backbone is to see.

    ``network=features:lite0,size=96`` is another way to write a size of 96; where none is given it
    is the backbone's own.

    Raises
    ------
    UsageError
        If both are given and differ.
    """
    network = settings.get("network")
    found = backbone_of(network)
    if found is None:
        return dict(settings)
    parsed = parse_spec(str(network))
    options = {key: value for key, value in parsed.options.items() if key != "backbone"}
    own = options.pop("size", "none")
    if own != "none" and "size" in settings and str(settings["size"]).strip() != own.strip():
        raise UsageError(
            f"the size of images is given twice: {settings['size']}, and {own} in "
            f"{shown(str(network))}"
        )
    size = settings.get("size", found.backbone.size) if own == "none" else own
    return {**settings, "network": str(Spec(parsed.name, found.spec, options)), "size": size}


def network_stamp(network: str) -> dict[str, int]:
    """Return what must be equal in older records besides the network's text: its weights.

    Raises
    ------
    DataError
        If they are not on this machine.
    """
    found = backbone_of(network)
    if found is None:
        return {}
    return {found.spec: int(found.digest, 16) % DIGITS}
