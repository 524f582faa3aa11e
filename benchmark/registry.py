"""Find plug-ins by name, through entry points; a plug-in is imported when it is first used."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from imbench.contained import Fault, contained
from imbench.errors import UsageError
from imbench.spec import unknown_name

__all__ = [
    "KINDS",
    "Plugin",
    "clear_cache",
    "is_ours",
    "list_plugins",
    "load_plugin",
    "registered_names",
]

_LOG = logging.getLogger(__name__)
KINDS = ("methods", "datasets", "networks", "metrics")
"""Entry-point groups, each ``imbench.<kind>``."""

LONGEST_FILE = 1 << 26
"""Bytes of a file of code."""
PATIENCE = 30.0
"""Seconds of an import before it is said who is waited for; a cold torch takes 15."""


@dataclass(frozen=True)
class Plugin:
    """One registered name, where it comes from, and why it is disabled if it is."""

    kind: str
    name: str
    target: str
    package: str
    fault: str | None = None


@cache
def _points(kind: str) -> dict[str, list[EntryPoint]]:
    if kind not in KINDS:
        raise ValueError(f"no plug-in kind {kind!r}; there are {', '.join(KINDS)}")
    points: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=f"imbench.{kind}"):
        same = points.setdefault(point.name, [])
        # A package seen twice (installed, and its source folder on sys.path) is not a clash.
        if all((point.value, _package(point)) != (other.value, _package(other)) for other in same):
            same.append(point)
    return points


def clear_cache() -> None:
    """Search again at the next call, for packages that were installed meanwhile."""
    _points.cache_clear()


def registered_names(kind: str) -> list[str]:
    """Return the usable names of a kind, sorted; imports none of them."""
    return sorted(name for name, points in _points(kind).items() if len(points) == 1)


def is_ours(kind: str, name: str) -> bool:
    """Whether a name is registered by imbench itself, and by no other package."""
    return {_package(point) for point in _points(kind).get(name, [])} == {"imbench"}


def list_plugins(*, check: bool = False) -> list[Plugin]:
    """Return every registered plug-in; with `check`, import each and note why one fails."""
    listed = []
    for kind in KINDS:
        for name, points in sorted(_points(kind).items()):
            for point in points:
                fault = _clash(kind, name) if len(points) > 1 else None
                if check and fault is None:
                    try:
                        load_plugin(kind, name)
                    except UsageError as error:
                        fault = str(error)
                listed.append(Plugin(kind, name, point.value, _package(point), fault))
    return listed


def load_plugin(kind: str, name: str) -> Any:
    """Import and return the plug-in `name` of `kind`.

    ``path/to/file.py:Class`` loads a class from a file that is not installed.

    Raises
    ------
    UsageError
        If the name is unknown, registered twice, or its import fails.
    """
    if ".py:" in name:
        return _load_file(name)
    points = _points(kind).get(name)
    if not points:
        raise unknown_name(kind.removesuffix("s"), name, registered_names(kind))
    if len(points) > 1:
        raise UsageError(_clash(kind, name))
    try:
        with _imported(f"{kind.removesuffix('s')} {name!r} of package {_package(points[0])}"):
            return points[0].load()
    except Fault as fault:
        raise UsageError(
            f"{kind.removesuffix('s')} {name!r} of package {_package(points[0])} is disabled: "
            f"{fault}"
        ) from fault


def _load_file(name: str) -> Any:
    path_text, _, attribute = name.rpartition(":")
    try:
        path = Path(path_text).resolve()
        size = path.stat().st_size if path.is_file() else -1
    except (OSError, ValueError, RuntimeError) as error:  # the last of a link to itself
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"{path_text!r}, which {name!r} names, cannot be read: {why}") from error
    if size < 0:
        raise UsageError(f"no file {path_text!r}, which {name!r} names")
    if size > LONGEST_FILE:
        raise UsageError(f"{path_text!r} has {size} bytes: no file of Python code is so long")
    # One module per file, under one name in every process: hash() of a text differs between them.
    digest = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    module_name = f"imbench_file_{path.stem}_{digest}"
    module = sys.modules.get(module_name)
    if module is None:
        description = importlib.util.spec_from_file_location(module_name, path)
        if description is None or description.loader is None:
            raise UsageError(f"{path_text!r} is not a Python file")
        module = importlib.util.module_from_spec(description)
        sys.modules[module_name] = module
        try:
            with _imported(repr(path_text)):
                description.loader.exec_module(module)
        except BaseException as error:
            del sys.modules[module_name]
            if not isinstance(error, Fault):
                raise
            raise UsageError(f"{path_text!r} cannot be imported: {error}") from error
    if not hasattr(module, attribute):
        raise UsageError(f"{path_text!r} defines no {attribute!r}")
    return getattr(module, attribute)


@contextmanager
def _imported(whose: str) -> Iterator[None]:
    """Import code of others: what it prints is no result, and nobody answers its questions.

    An import that never ends is not ended here, since some take minutes: it is named.
    """
    before, sys.stdin = sys.stdin, io.StringIO()
    late = threading.Timer(
        PATIENCE, _LOG.warning, ("the import of %s goes on; Ctrl-C ends this command", whose)
    )
    late.daemon = True
    with suppress(RuntimeError):  # no more threads here: others will say so
        late.start()
    try:
        with contained(), redirect_stdout(sys.stderr):
            yield
    finally:
        late.cancel()
        sys.stdin = before


def _package(point: EntryPoint) -> str:
    try:
        return (point.dist.name if point.dist else None) or "unknown"
    except Exception:  # a package without metadata raises what its reader happens to raise
        return "unknown"


def _clash(kind: str, name: str) -> str:
    owners = sorted(_package(point) for point in _points(kind)[name])
    return (
        f"{kind.removesuffix('s')} name {name!r} is registered by {' and '.join(owners)}; "
        "uninstall one of them"
    )
