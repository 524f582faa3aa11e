"""Grids that ship with the package, as TOML."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["read_shipped", "shipped"]


def shipped() -> list[str]:
    """Return the names of the grids."""
    found = (item.name for item in files(__name__).iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def read_shipped(name: str) -> str:
    """Return the text of a grid."""
    return files(__name__).joinpath(f"{name}.toml").read_text("utf-8")
