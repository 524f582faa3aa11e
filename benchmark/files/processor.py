"""The processor of this machine: its name and its instructions, as Linux tells them."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

from imbench.files.reading import SMALL, read_bytes

__all__ = ["instructions", "processor"]

_CPUINFO = Path("/proc/cpuinfo")


@cache
def processor() -> str:
    """Return the name of the processor's model, or ``unknown``."""
    return next(iter(_told("model name")), platform.processor() or "unknown")


@cache
def instructions() -> frozenset[str]:
    """Return what the processor can do beyond the least, by the names of Linux; elsewhere none."""
    return frozenset(word for words in _told("flags", "Features") for word in words.split())


def _told(*names: str) -> list[str]:
    """Return what stands under these names, which differ from one kind of processor to another."""
    try:
        lines = read_bytes(_CPUINFO, SMALL).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    named = (line.partition(":") for line in lines)
    return [value.strip() for name, _, value in named if name.strip() in names]
