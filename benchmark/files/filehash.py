"""Content hashes of files, cached for as long as their size and times stay the same."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from imbench.errors import EnvironmentFault
from imbench.files.atomic import write_atomic
from imbench.files.download import file_hash
from imbench.files.reading import LARGE, read_text, unfit, unread

__all__ = ["UNREADABLE", "file_digests"]

UNREADABLE = "!"
"""Prefix of the reason that stands for the digest of an unreadable file."""
_SCHEMA = 1
_SETTLED_NS = 2_000_000_000

Signature = tuple[int, int, int]


def file_digests(paths: Sequence[Path], cache: Path) -> list[str]:
    """Return the SHA-256 of each file's content.

    Parameters
    ----------
    paths : sequence of Path
        The files.
    cache : Path
        A JSON file of hashes by size, mtime and ctime, created or replaced if unreadable. A hash is
        cached only if the file has not changed for two seconds: otherwise a second change within
        one tick of the clock would go unnoticed.

    Returns
    -------
    list of str
        Hexadecimal digests; for a file that cannot be read ``!`` and the reason.
    """
    known = _read_cache(cache)
    names = [os.fspath(path) for path in paths]
    digests: dict[str, str] = {}
    missing: dict[str, Signature] = {}
    for name in names:
        signature = _signature(name)
        if isinstance(signature, str):
            digests[name] = signature
        elif name in known and tuple(known[name][:3]) == signature:
            digests[name] = str(known[name][3])
        else:
            missing[name] = signature
    if missing:
        now = time.time_ns()
        with ThreadPoolExecutor(2) as pool:
            digests |= zip(missing, pool.map(_digest, missing), strict=True)
        for name, signature in missing.items():
            if now - max(signature[1:]) > _SETTLED_NS:
                known[name] = [*signature, digests[name]]
        _write_cache(cache, {name: known[name] for name in names if name in known})
    return [digests[name] for name in names]


def _signature(name: str) -> Signature | str:
    try:
        stat = os.stat(name)  # noqa: PTH116 - a third faster than Path.stat on 100,000 files
    except OSError as error:
        return UNREADABLE + unread(error)
    if fault := unfit(stat, LARGE):
        return f"{UNREADABLE}the file cannot be read: {fault}"
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _digest(name: str) -> str:
    try:
        return file_hash(Path(name), "sha256")
    except OSError as error:
        return UNREADABLE + unread(error)


def _read_cache(cache: Path) -> dict[str, list[int | str]]:
    try:
        stored = json.loads(read_text(cache, LARGE))
        files = stored["files"] if stored["schema"] == _SCHEMA else {}
        return {name: values for name, values in files.items() if _is_entry(values)}
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return {}


def _is_entry(values: Any) -> bool:
    """Whether these are the signature and the digest of a file."""
    return isinstance(values, list) and [type(value) for value in values] == [int, int, int, str]


def _write_cache(cache: Path, files: dict[str, list[int | str]]) -> None:
    # Only time is lost: a full or read-only cache may still hold the decoded images.
    with suppress(EnvironmentFault):
        write_atomic(cache, json.dumps({"schema": _SCHEMA, "files": files}))
