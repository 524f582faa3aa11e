"""The version of imbench that is installed."""

from __future__ import annotations

from functools import cache

__all__ = ["imbench_version"]


@cache
def imbench_version() -> str:
    """Return the version of imbench, looked up once: its metadata may lie where reads end later."""
    from importlib.metadata import version  # 50 ms, as much as all that `bench --help` imports

    return version("imbench")
