"""Trainings of a fit that was cut off: kept in the cache until the model is written.

A fit of five members and five folds trains thirty networks. What was done is taken up again by a
call that would do exactly the same: the folder's name is a hash of all that moves a training.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from pathlib import Path
from typing import Any

from imbench.errors import EnvironmentFault
from imbench.files.atomic import write_atomic
from imbench.files.reading import LARGE, read_bytes
from imbench.images.cache import cache_folder

__all__ = ["Unfinished"]

_LOG = logging.getLogger(__name__)


class Unfinished:
    """The finished trainings of a fit, by name.

    Each is a file that is written whole and begins with the SHA-256 of the rest; one that is not
    as it was written counts as not there.

    Parameters
    ----------
    moves : mapping
        All that a training depends on, as JSON-ready data.
    """

    def __init__(self, moves: dict[str, Any]) -> None:
        text = json.dumps(moves, sort_keys=True)
        self.folder = cache_folder() / "fits" / hashlib.sha256(text.encode()).hexdigest()[:32]

    def __len__(self) -> int:
        """Return how many trainings there are."""
        return sum(1 for path in self.folder.glob("*.done"))

    def get(self, name: str) -> bytes | None:
        """Return what a training left; None if it is not done."""
        try:
            raw = read_bytes(self._path(name), LARGE)
        except OSError:
            return None
        content = raw[32:]
        return content if hashlib.sha256(content).digest() == raw[:32] else None

    def put(self, name: str, content: bytes) -> None:
        """Keep what a training left; a fit that cannot goes on, and could not be taken up."""
        try:
            write_atomic(self._path(name), hashlib.sha256(content).digest() + content)
        except EnvironmentFault as error:
            _LOG.warning("a training is not kept, for the case that the fit is cut off: %s", error)

    def remove(self) -> None:
        """Remove all of them: the model is written, or cannot be."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.done"
