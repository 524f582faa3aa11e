"""Find disabled plug-ins and the reasons: failed imports, name clashes, wrong interfaces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from imbench.contained import Fault, usable
from imbench.errors import UsageError
from imbench.registry import Plugin, list_plugins, load_plugin

__all__ = ["checked_plugins", "interface_fault"]


def checked_plugins() -> list[Plugin]:
    """Import every plug-in and return it, with its fault if it has one."""
    checked = []
    for plugin in list_plugins(check=True):
        checked.append(replace(plugin, fault=plugin.fault or _fault(plugin)))
    return checked


def interface_fault(kind: str, plugin: Any) -> str | None:
    """Return why an object cannot be a plug-in of a kind; None if its interface is right."""
    if kind == "methods":
        from imbench.training import part

        return part.class_fault(plugin)
    if kind == "datasets":
        from imbench.images import dataset

        return dataset.class_fault(plugin)
    if kind == "maps":
        from imbench.explain import saliency

        return saliency.class_fault(plugin)
    if kind == "backbones":
        from imbench.backbones import backbone

        return backbone.class_fault(plugin)
    return None if callable(plugin) else "it cannot be called"


def _fault(plugin: Plugin) -> str | None:
    """Return what is wrong with a plug-in, as far as it can be made without options."""
    try:
        with usable("it cannot be used"):
            if fault := interface_fault(plugin.kind, load_plugin(plugin.kind, plugin.name)):
                return fault
            if plugin.kind == "methods":
                from imbench.training.recipe import parse_recipe

                recipe = parse_recipe(plugin.name)
                _ = recipe.versions, recipe.title
            if plugin.kind == "datasets":
                from imbench.images.cache import make_dataset

                make_dataset(plugin.name, Path())
    except UsageError as error:
        # Not that it lacks an option: an own plug-in may well need one.
        return str(error) if isinstance(error.__cause__, Fault) else None
    return None
