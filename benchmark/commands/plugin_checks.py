"""Find disabled plug-ins and the reasons: failed imports, name clashes, wrong interfaces."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

from imbench.errors import UsageError
from imbench.registry import Plugin, list_plugins, load_plugin

__all__ = ["checked_plugins", "interface_fault"]


def checked_plugins() -> list[Plugin]:
    """Import every plug-in and return it, with its fault if it has one."""
    checked = []
    for plugin in list_plugins(check=True):
        fault = plugin.fault
        if fault is None:
            try:
                fault = interface_fault(plugin.kind, load_plugin(plugin.kind, plugin.name))
            except UsageError as error:
                fault = str(error)
        checked.append(replace(plugin, fault=fault))
    return checked


def interface_fault(kind: str, plugin: Any) -> str | None:
    """Return why an object cannot be a plug-in of a kind; None if its interface is right."""
    if kind == "methods":
        from imbench.training.part import Part

        if not (inspect.isclass(plugin) and issubclass(plugin, Part)):
            return "it is not a subclass of imbench.Part"
    elif kind == "datasets":
        from imbench.images.dataset import class_fault

        return class_fault(plugin)
    elif not callable(plugin):
        return "it cannot be called"
    return None
