"""Which plug-ins are disabled and why: failed imports, clashes, wrong interfaces."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

from imbench.errors import UsageError
from imbench.registry import Plugin, list_plugins, load_plugin

__all__ = ["checked_plugins", "interface_fault"]


def checked_plugins() -> list[Plugin]:
    """Return every plug-in after importing it, with its fault if it has one."""
    listed = []
    for plugin in list_plugins(check=True):
        fault = plugin.fault
        if fault is None:
            try:
                fault = interface_fault(plugin.kind, load_plugin(plugin.kind, plugin.name))
            except UsageError as error:
                fault = str(error)
        listed.append(replace(plugin, fault=fault))
    return listed


def interface_fault(kind: str, found: Any) -> str | None:
    """Return why an object cannot be a plug-in of a kind; None if it can, at a first look."""
    if kind == "methods":
        from imbench.training.part import Part

        if not (inspect.isclass(found) and issubclass(found, Part)):
            return "it is not a subclass of imbench.Part"
    elif kind == "datasets":
        if not (inspect.isclass(found) and callable(getattr(found, "read", None))):
            return "it is not a class with a method read(); see imbench.images.dataset.Dataset"
    elif not callable(found):
        return "it cannot be called"
    return None
