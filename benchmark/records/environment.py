"""What a score depends on besides its cell: versions, device, threads. No host, no user."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["PACKAGES", "commit", "cores", "describe_environment", "processor", "versions"]

PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "pillow", "joblib", "imbench")
"""Distributions whose versions a record keeps."""


def versions() -> dict[str, str]:
    """Return the versions of Python and `PACKAGES`; imports none of them."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def describe_environment(device: str, threads: int) -> dict[str, str]:
    """Return the environment of a record; `device` as torch prints it, e.g. ``cuda:0``.

    ``numerics`` is in it only where torch is loaded, as it is wherever something was trained.
    """
    return {
        **versions(),
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": str(cores()),
        "device": _device_name(device),
        "threads": str(threads),
        **_numerics(),
    }


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the name of the processor's model, as far as it is known."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or "unknown")


def commit() -> str:
    """Return the commit of imbench's source, ``-changed`` if it was edited, or the version.

    The package counts as a checkout only if git tracks its files: an environment may well lie
    inside a repository of something else.
    """
    here = Path(__file__).resolve()
    if _git(here.parent, "ls-files", "--error-unmatch", here.name) is None:
        return f"imbench {version('imbench')}"
    head = _git(here.parent, "rev-parse", "HEAD")
    if head is None:
        return f"imbench {version('imbench')}"
    changed = _git(here.parent, "status", "--porcelain", "--untracked-files=no")
    return f"{head}-changed" if changed else head


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, no shell
            command, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _numerics() -> dict[str, str]:
    if "torch" not in sys.modules:
        return {}
    from imbench.records.numerics import numerics

    return {"numerics": numerics()}


def _device_name(device: str) -> str:
    if not device.startswith("cuda"):
        return device
    import torch

    try:
        return f"{device} ({torch.cuda.get_device_name(device)})"
    except (AssertionError, RuntimeError):  # no such device, or one that an error has spoilt
        return device
