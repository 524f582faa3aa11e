"""What imbalanced-DL (github.com/ntucllab/imbalanced-DL, caa43d9) needs to run without a card.

It is not on PyPI: put a checkout on PYTHONPATH, and install tensorboardX and torchmetrics. Nothing
in its files is changed; this stands in for what it expects around it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

__all__ = ["Paired", "without_a_card"]


class Paired(nn.Module):
    """A network that returns outputs and features, as those of imbalanced-DL do."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Return the outputs, and nothing for the features, which its plain training ignores."""
        return self.net(x), None


@contextmanager
def without_a_card() -> Iterator[None]:
    """Make its imports and its plain training work with two classes, on a CPU, without a terminal.

    - Its import asks `stty` for the width of the terminal, and torchmetrics for a function that its
      validation calls and that left torchmetrics in 2022.
    - Its loss and batches are moved to a card, whatever the settings say.
    - It counts hits among the five likeliest classes, of which there are two.
    """

    def here(self: Any, *_args: object, **_kwargs: object) -> Any:
        return self

    import torchmetrics.functional as metrics

    with (
        mock.patch.object(metrics, "precision_recall", None, create=True),
        mock.patch.object(os, "popen", return_value=io.StringIO("24 80")),
        mock.patch.object(torch.Tensor, "cuda", here),
        mock.patch.object(nn.Module, "cuda", here),
    ):
        from imbalanceddl.strategy import _erm

        counted = _erm.accuracy
        with mock.patch.object(
            _erm, "accuracy", lambda out, y, topk: counted(out, y, topk=(topk[0], out.shape[1]))
        ):
            yield
