"""Waiting for other processes, and a method whose trainings wait until a test lets them go on."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["GATE", "until"]

GATE = '''
import os, time
from pathlib import Path
from imbench import Part

HERE = Path(__file__).parent
(HERE / "begun").mkdir(exist_ok=True)


class Gate(Part):
    """Leaves `begun/SEED-PROCESS-PARENT` in its first step, then waits for a file `open`."""

    def before_step(self, state):
        if state.step == 0:
            (HERE / "begun" / f"{state.seed}-{os.getpid()}-{os.getppid()}").touch()
            while not (HERE / "open").exists():
                time.sleep(0.02)
'''
"""Source of a file of parts: `parts.py:Gate` is the method that waits."""


def until(true: Callable[[], object], seconds: float = 180) -> None:
    """Wait for something that other processes do, at most so long."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
