"""What a file of others may hold: a pickle that runs code, or bytes that end too soon."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import torch

__all__ = ["Trap", "malicious", "malicious_pickle", "truncated"]


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def malicious(path: Path, marker: Path) -> None:
    torch.save({"key": Trap(marker)}, path)


def malicious_pickle(path: Path, marker: Path) -> None:
    path.write_bytes(pickle.dumps(Trap(marker)))


def truncated(path: Path, _: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])
