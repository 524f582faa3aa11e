"""A search through the source of every module of imbench."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

__all__ = ["found_in_sources"]

T = TypeVar("T")


def found_in_sources(search: Callable[[str], T]) -> dict[str, T]:
    """Return the name of each module to what `search` finds in its source, where that is any."""
    # In a checkout methods and data sets lie beside the package, in a wheel within it.
    places = (
        (name, Path(found.origin).parent)
        for name in ("imbench", "imbench.methods", "imbench.datasets")
        if (found := find_spec(name)) is not None and found.origin is not None
    )
    files = {
        ".".join((name, *file.relative_to(folder).with_suffix("").parts)): file
        for name, folder in places
        for file in folder.rglob("*.py")
    }
    assert len(files) > 100, "rglob enters no folder that is a link"
    return {
        name: found for name, file in files.items() if (found := search(file.read_text("utf-8")))
    }
