"""What is no file to be read, under the name of one."""

from __future__ import annotations

import os
import socket
from pathlib import Path

__all__ = ["made"]

HUGE = 3 << 30


def made(kind: str, path: Path) -> Path:
    """Make something that is no file to be read, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "socket":
        here = Path.cwd()
        os.chdir(path.parent)  # the path of a socket is short
        try:
            with socket.socket(socket.AF_UNIX) as made_socket:
                made_socket.bind(path.name)
        finally:
            os.chdir(here)
    elif kind == "folder":
        path.mkdir()
    elif kind == "huge":
        with path.open("wb") as file:
            file.truncate(HUGE)  # sparse: takes no space
    return path
