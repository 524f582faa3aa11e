"""The command in a process of its own, and a method that fails in every cell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

__all__ = ["RAISES", "started"]

BENCH = Path(sys.executable).with_name("bench")
RAISES = """
from imbench import Part


class Raises(Part):
    def resample(self, x, y, rng):
        raise ValueError("broken")
"""
"""Source of a file of parts: `parts.py:Raises` is the method that fails."""


def started(folder: Path, *words: object) -> subprocess.Popen[str]:
    """Start a command in a folder, which hears Ctrl-C though a shell had it ignored."""
    return subprocess.Popen(
        [str(word) for word in (BENCH, *words)],
        cwd=folder,
        env={**os.environ, "IMBENCH_CACHE": str(folder.parent / "imbench-cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
