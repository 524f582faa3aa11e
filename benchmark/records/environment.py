"""What a score depends on besides its cell: versions, device, threads; no names of host or user."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from imbench.files.processor import processor
from imbench.version import imbench_version

__all__ = ["PACKAGES", "commit", "cores", "describe_environment", "versions"]

PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "pillow", "joblib", "imbench")
"""Distributions whose versions a record keeps."""


def versions() -> dict[str, str]:
    """Return the versions of Python and `PACKAGES`; imports none of them."""
    return {"python": platform.python_version(), **{name: _installed(name) for name in PACKAGES}}


@cache
def _installed(package: str) -> str:
    # Read once: 7 ms of each cell for all packages. Those that are loaded stay what they are.
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def describe_environment(device: str, threads: int) -> dict[str, str]:
    """Return the environment of a record; `device` as torch prints it, e.g. ``cuda:0``.

    ``numerics`` is included only if torch is loaded, as it is after every training.
    """
    environment = {
        **versions(),
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": str(cores()),
        "device": _device_name(device),
        "threads": str(threads),
    }
    if "torch" in sys.modules:
        from imbench.training.numerics import numerics

        environment["numerics"] = numerics()
    return environment


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def commit() -> str:
    """Return the commit of imbench's source, ``-changed`` if it was edited, or the version.

    The package counts as a checkout only if git tracks its files: an environment may be inside
    another repository.
    """
    file = Path(__file__).resolve()
    tracked = _git(file.parent, "ls-files", "--error-unmatch", file.name) is not None
    head = _git(file.parent, "rev-parse", "HEAD") if tracked else None
    if head is None:
        return f"imbench {imbench_version()}"
    changed = _git(file.parent, "status", "--porcelain", "--untracked-files=no")
    return f"{head}-changed" if changed else head


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        result = subprocess.run(  # noqa: S603 - constant arguments, no shell
            command, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def _device_name(device: str) -> str:
    if not device.startswith("cuda"):
        return device
    import torch

    try:
        return f"{device} ({torch.cuda.get_device_name(device)})"
    except (AssertionError, RuntimeError):  # no such device, or unusable after an error
        return device
