"""Which cells of a results folder need no further run."""

from __future__ import annotations

from pathlib import Path

from imbench.records.store import Store

__all__ = ["done_keys"]


def done_keys(results: Path) -> set[str]:
    """Return the keys of the cells that a plan would take as done."""
    return {key for key, summary in Store(results).index().items() if summary.done}
