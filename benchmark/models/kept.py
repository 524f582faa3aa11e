"""The network of a cell, as `bench run --keep models` leaves it beside the cell's record."""

from __future__ import annotations

from imbench.models.core import View
from imbench.models.saving import core_of, packed
from imbench.training.method import Method

__all__ = ["MODEL", "kept_model"]

MODEL = "model.safetensors"
"""Name of the file in a record, and the end of its name on disk."""


def kept_model(method: Method, classes: tuple[str, ...], view: View) -> bytes:
    """Return a fitted method as a file that `imbench.load_model` opens.

    Weights are tensors; recipe, network, view, class counts and settings lie in the file's head.

    Raises
    ------
    UsageError
        If it holds what no file of data can: code without a registered name.
    """
    return packed(core_of([method], classes, view), [method], {})
