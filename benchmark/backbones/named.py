"""Bases of backbones that are named: networks by their name in a library, files by their path."""

from __future__ import annotations

import hashlib
import os
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from imbench.backbones.backbone import Backbone
from imbench.backbones.weights_on_disk import file_digest
from imbench.errors import DataError
from imbench.near_path import or_near
from imbench.spec import shown

__all__ = ["LibraryNetwork", "UserFile", "timm_for"]


class LibraryNetwork(Backbone):
    """Base of a network of a library, trained on ImageNet or with weights of the user.

    A subclass overrides `_count_features`, `_downloaded` and `network`.
    """

    size: ClassVar[int] = 224
    pretrained_on: ClassVar[tuple[str, ...]] = ("ImageNet",)

    def __init__(self, name: str, weights: str = "") -> None:
        self.name, self.weights = name, weights

    def seen(self) -> tuple[str, ...] | None:
        """Return what the library's weights have seen; None for those of the user."""
        return None if self.weights else self.pretrained_on

    def digest(self) -> str:
        """Return the hash of the file of weights, and of the name."""
        return hashlib.sha256(f"{self.name} {file_digest(self._file)}".encode()).hexdigest()

    @property
    def width(self) -> int:
        """Number of features of an image."""
        return self._width

    @cached_property
    def _width(self) -> int:
        import torch

        with torch.device("meta"):
            return self._count_features()

    def _count_features(self) -> int:
        """Return the width, from a network without content."""
        raise NotImplementedError

    @property
    def _file(self) -> Path:
        return Path(self.weights).expanduser() if self.weights else self._downloaded

    @property
    def _downloaded(self) -> Path:
        """Return the file of the library's weights; raise `_missing` where there is none."""
        raise NotImplementedError

    def _missing(self, code: str) -> DataError:
        """Return the error that says which code downloads the weights."""
        return DataError(
            f"the weights of {self.title}:{shown(self.name)} are not on this machine, and nothing "
            f'is downloaded unasked: `python -c "{code}"` does it'
        )


def timm_for(whose: str) -> Any:
    """Return the library timm, which a backbone needs."""
    try:
        import timm
    except ImportError as error:
        raise DataError(
            f"{whose} needs timm, which is not installed: `pip install 'imbench[features]'`"
        ) from error
    return timm


class UserFile(Backbone):
    """Base of a backbone that is a file of the user."""

    def __init__(self, path: str) -> None:
        self.path = path

    def seen(self) -> None:
        """Return None: a file does not say what it was trained on."""
        return

    def digest(self) -> str:
        """Return the hash of the file."""
        if not self._file.exists() and (near := or_near(self._file, os.path.isfile)):
            raise DataError(f"there is no {self.path}{near}")
        return file_digest(self._file)

    @property
    def _file(self) -> Path:
        return Path(self.path).expanduser()
