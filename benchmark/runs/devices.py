"""Devices: which of a list the next job goes to, and the memory of CUDA cards.

Cards are asked in a process of their own: one that has once asked CUDA holds memory on the card.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imbench.errors import UsageError

__all__ = [
    "PER_WORKER",
    "Devices",
    "as_many_as_fit",
    "card_lost",
    "devices_of",
    "free_memory",
    "peak_card_mb",
    "reset_card_peak",
]


@dataclass(frozen=True)
class Devices:
    """Devices that share the jobs of a run."""

    names: tuple[str, ...]
    share: int | None
    """Jobs that one may have at a time; None for as many as there are workers."""

    @property
    def most(self) -> int | None:
        """Jobs at a time on all of them; None for no limit."""
        return None if self.share is None else self.share * len(self.names)

    def next(self, busy: Iterable[str]) -> str:
        """Return the device with the fewest jobs, of those the first; `busy` names one a job."""
        jobs = Counter(busy)
        return min(self.names, key=lambda name: jobs[name])


def devices_of(text: str, share: int | None = None) -> Devices:
    """Read ``cuda:0,cuda:1``; a list gives each device one job at a time if nothing is said.

    Raises
    ------
    UsageError
        If it is empty, or ``auto`` is one of several.
    """
    names = tuple(dict.fromkeys(piece.strip() for piece in text.split(",") if piece.strip()))
    if not names:
        raise UsageError(f"--device {text!r} names no device")
    if len(names) > 1:
        if "auto" in names:
            raise UsageError("--device: auto is one device; name those that share the work")
        share = share or 1
    return Devices(names, share)


PER_WORKER = 2_000_000_000
"""Bytes of a card that a worker is given: about half a GB goes before its first image."""
_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
_ASK = """
import json, sys, torch
names = ["cuda" if name == "auto" else name for name in sys.argv[1:]]
print(json.dumps([torch.cuda.mem_get_info(torch.device(name))[0] for name in names]))
"""


def free_memory(names: Sequence[str]) -> dict[str, int]:
    """Return the bytes that are free on each of these devices that is a card.

    Empty where there is no card, or one cannot be asked: whoever trains on it will say why. A
    process of its own asks, so that the half a GB that a card takes from whoever looks is free
    again, and the run needs no torch.
    """
    cards = [name for name in names if name == "auto" or name.startswith("cuda")]
    if not cards or not _has_driver():
        return {}
    command = [sys.executable, "-P", "-c", _ASK, *cards]
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, fixed words, no shell
            command, capture_output=True, text=True, timeout=120, check=False
        )
        free = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
    return dict(zip(cards, free, strict=True))


def _has_driver() -> bool:
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return shutil.which("nvidia-smi") is not None or any(Path(one).exists() for one in _DRIVERS)


def as_many_as_fit(devices: Devices, jobs: str) -> Devices:
    """Let every device have as many jobs at a time as the one with the least free memory takes.

    Where no card is found they stay as they are, and a single one for which the user named a
    number of `jobs`, not ``auto``, too.
    """
    named = len(devices.names) == 1 and jobs != "auto"
    free = {} if named else free_memory(devices.names)
    if not free:
        return devices
    return Devices(devices.names, max(1, min(free.values()) // PER_WORKER))


def reset_card_peak() -> None:
    """Start `peak_card_mb` anew."""
    torch = _torch_on_a_card()
    if torch is not None:
        for index in range(torch.cuda.device_count()):
            torch.cuda.reset_peak_memory_stats(index)


def peak_card_mb() -> float | None:
    """Return the most memory of a card this process had reserved, in 10**6 bytes.

    The driver's own share, about half a GB, comes on top. None if no card was used.
    """
    torch = _torch_on_a_card()
    if torch is None:
        return None
    cards = range(torch.cuda.device_count())
    return float(max(torch.cuda.max_memory_reserved(index) for index in cards)) / 1e6


def card_lost() -> bool:
    """Whether this process can use its card no more: after some errors every further call fails."""
    torch = _torch_on_a_card()
    if torch is None:
        return False
    try:
        torch.cuda.synchronize()
    except RuntimeError as error:
        return "out of memory" not in str(error)
    return False


def _torch_on_a_card() -> Any:
    torch: Any = sys.modules.get("torch")
    return torch if torch is not None and torch.cuda.is_initialized() else None
