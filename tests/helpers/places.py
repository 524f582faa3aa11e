"""Where processes that a test starts look for modules."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["before_others"]


def before_others(folder: Path) -> str:
    """Return a ``PYTHONPATH`` that begins with a folder and keeps what it holds.

    It may be what leads to the imbench under test: without it another one is found, or none.
    """
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
