"""Interleaved timing: A B A B ..., so that whatever else the machine does meets every side.

Absolute times of a shared machine mean little; only ratios taken from one run are printed as
results. This file imports nothing heavy: peak memory is measured in children of its process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

from imbench.files.processor import instructions
from imbench.records.environment import cores

__all__ = [
    "Told",
    "arguments",
    "clock",
    "interleave",
    "process",
    "processor_clock",
    "show_machine",
    "show_ratio",
    "show_times",
    "told",
]

Side = Callable[[], float]
"""Does the work once and returns what it took, by a clock of its own."""

_UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6}


def arguments(description: str | None, *, repeats: int) -> argparse.ArgumentParser:
    """Return a parser with the options that every script has."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=repeats, help="runs of each side")
    parser.add_argument(
        "--tiny", action="store_true", help="seconds only: shows that the script runs, no figures"
    )
    return parser


def clock(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def processor_clock(work: Callable[[], object]) -> float:
    """Return the processor seconds that a call takes, of processes that it awaits included.

    For work of one thread: what else a shared machine runs moves them far less than wall time.
    """

    def spent() -> float:
        usage = [
            resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ]
        return sum(one.ru_utime + one.ru_stime for one in usage)

    before = spent()
    work()
    return spent() - before


def interleave(sides: Mapping[str, Side], repeats: int) -> dict[str, list[float]]:
    """Run every side in turn, `repeats` times over, and return what each run took."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            times[name].append(side())
    return times


def show_times(times: Mapping[str, Sequence[float]], unit: Literal["s", "ms", "us"] = "s") -> None:
    """Print the median of each side and its range."""
    for name, values in times.items():
        middle, low, high = (_UNITS[unit] * f(values) for f in (median, min, max))
        print(f"  {name:<58} {middle:9.3f} {unit}  ({low:.3f}..{high:.3f})")


def show_ratio(
    what: str,
    over: Sequence[float],
    under: Sequence[float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> float:
    """Print and return median(over) / median(under), with the range over the pairs of one round."""
    ratio = median(over) / median(under)
    pairs = [a / b for a, b in zip(over, under, strict=True)]
    verdict = ""
    if at_least is not None:
        verdict = f", target >= {at_least:g}: {'met' if ratio >= at_least else 'missed'}"
    if at_most is not None:
        verdict = f", target <= {at_most:g}: {'met' if ratio <= at_most else 'missed'}"
    print(f"ratio {what}: {ratio:.3f} ({min(pairs):.3f}..{max(pairs):.3f}){verdict}")
    return ratio


def show_machine() -> None:
    """Print what a reader needs to place the figures, in generic words."""
    wide = "avx512f" in instructions()
    busy = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    print(
        f"{cores()} cores{' with AVX-512' if wide else ''}{busy}; "
        f"Python {platform.python_version()}, torch {version('torch')}"
    )


@contextmanager
def process(environment: Mapping[str, str] | None = None) -> Iterator[ProcessPoolExecutor]:
    """Keep one fresh process that was started with these environment variables set."""
    before = {name: os.environ.get(name) for name in environment or {}}
    os.environ.update(environment or {})
    try:
        pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        pool.submit(os.getpid).result()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    try:
        yield pool
    finally:
        pool.shutdown()


class Told(NamedTuple):
    """What one run of a command took."""

    seconds: float
    processor: float
    megabytes: float


_BETWEEN = """
import json, os, sys, time
null = os.open(os.devnull, os.O_WRONLY)
start = time.perf_counter()
child = os.posix_spawn(
    sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)]
)
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - start
spent = usage.ru_utime + usage.ru_stime
code = os.waitstatus_to_exitcode(status)
print(json.dumps([code, seconds, spent, usage.ru_maxrss / 1000]))
"""
"""A process starts with its parent's peak memory as its own, so a small one stands between."""


def told(command: Sequence[str], where: Path, *, fine: Collection[int] = (0,)) -> Told:
    """Run `bench` with a command's words in a folder, in a process of its own, and time it.

    The codes it may end with are `fine`.
    """
    bench = [sys.executable, "-P", "-c", "from imbench.commands.cli import main; main()", *command]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _BETWEEN, *bench],
        cwd=where,
        stdout=subprocess.PIPE,
        check=True,
    )
    code, *taken = json.loads(done.stdout)
    if code not in fine:
        raise SystemExit(f"bench {' '.join(command)} ended with {code}")
    return Told(*taken)
