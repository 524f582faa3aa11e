"""imbench: which remedy for class imbalance works on which images, and how sure one can be."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imbench.records.export import load_results
    from imbench.training.method import Method
    from imbench.training.part import Part

__all__ = ["Method", "Part", "__version__", "load_results"]

__version__ = version("imbench")

_LAZY = {
    "Method": "imbench.training.method",
    "Part": "imbench.training.part",
    "load_results": "imbench.records.export",
}


def __getattr__(name: str) -> Any:
    # Lazy, so that `bench --help` does not pay for scikit-learn (1.1 s) and torch (1.5 s).
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
