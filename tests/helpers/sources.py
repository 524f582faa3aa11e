"""A search through the source of every module of imbench."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import imbench

__all__ = ["found_in_sources"]

T = TypeVar("T")


def found_in_sources(search: Callable[[str], T]) -> dict[str, T]:
    """Return the name of each module to what `search` finds in its source, where that is any."""
    folder = Path(imbench.__file__).parent
    files = list(folder.rglob("*.py"))
    assert len(files) > 100, "rglob enters no folder that is a link"
    return {
        f"imbench.{'.'.join(file.relative_to(folder).with_suffix('').parts)}": found
        for file in files
        if (found := search(file.read_text("utf-8")))
    }
