"""The commands and files of a page of the documentation, as a reader would type them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

__all__ = ["commands_of", "write_files_of"]

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands_of(page: str) -> list[list[str]]:
    """Return the words of each line of the blocks marked ``sh``."""
    lines = [
        line for kind, text in BLOCK.findall(page) if kind == "sh" for line in text.split("\n")
    ]
    return [shlex.split(line, comments=True) for line in lines if line.strip()]


def write_files_of(page: str, folder: Path) -> None:
    """Write each block of Python whose first line is a comment with a file's name."""
    for kind, text in BLOCK.findall(page):
        head, _, body = text.partition("\n")
        if kind == "python" and head.startswith("# ") and head.endswith(".py"):
            path = folder / head.removeprefix("# ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body, "utf-8")
