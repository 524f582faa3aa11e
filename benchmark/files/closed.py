"""Whether others can put something into the place of a folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["closed_to_others"]


def closed_to_others(folder: Path) -> bool:
    """Whether only this user and root can replace a folder, or any that it lies in.

    Who may write to a folder can rename what lies in it, however closed that is, unless the folder
    is sticky, as /tmp is.
    """
    resolved = folder.resolve()
    return all(map(_closed, (resolved, *resolved.parents)))


def _closed(folder: Path) -> bool:
    seen = folder.stat()
    written = seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not seen.st_mode & stat.S_ISVTX
    return seen.st_uid in (0, os.geteuid()) and not written
