"""The name under which a record keeps the generator of a minority."""

from __future__ import annotations

import re

__all__ = ["generator_name", "minority_of"]

_NAME = re.compile(r"generator-(\d+)")


def generator_name(label: int) -> str:
    """Return the name of the generator that makes images of a label."""
    return f"generator-{label}"


def minority_of(name: str) -> int | None:
    """Return the label of which a kept file makes images; None if it holds no generator."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else None
