"""Find plug-ins by name, through entry points; a plug-in is imported when it is first used."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from imbench.code_files import imported, load_file, names_file
from imbench.contained import Fault
from imbench.errors import UnknownName, UsageError
from imbench.spec import unknown_name

__all__ = [
    "KINDS",
    "Plugin",
    "check_registered",
    "clear_cache",
    "is_ours",
    "kind_word",
    "list_plugins",
    "load_plugin",
    "registered_names",
]

KINDS = ("methods", "datasets", "networks", "backbones", "metrics", "maps")
"""Entry-point groups, each ``imbench.<kind>``."""


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
    _described.cache_clear()


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


def check_registered(kind: str, name: str) -> None:
    """Raise UsageError unless one package registers a name, or it names something in a file."""
    points = _points(kind).get(name, [])
    if names_file(name) or len(points) == 1:
        return
    if points:
        raise UsageError(_clash(kind, name))
    word = kind_word(kind)
    if os.path.isfile(f"{name}.py"):  # noqa: PTH113 - false for what is no path
        raise UnknownName(f"unknown {word} {name!r}: write {name}.py:NAME for one of a file")
    raise unknown_name(word, name, registered_names(kind))


def load_plugin(kind: str, name: str) -> Any:
    """Import and return the plug-in `name` of `kind`.

    ``path/to/file.py:Class`` loads a class from a file that is not installed.

    Raises
    ------
    UsageError
        If the name is unknown, registered twice, or its import fails.
    """
    if names_file(name):
        return load_file(name)
    check_registered(kind, name)
    (point,) = _points(kind)[name]
    if _is_there(point):
        return point.load()
    what = _described(kind, name)
    try:
        with imported(what):
            return point.load()
    except Fault as fault:
        raise UsageError(f"{what} is disabled: {fault}") from fault


def kind_word(kind: str) -> str:
    """Return what messages call a plug-in of a kind."""
    return "data set" if kind == "datasets" else kind.removesuffix("s")


@cache
def _described(kind: str, name: str) -> str:
    """Return what messages call a plug-in; to read the name of its package takes 2 ms."""
    return f"{kind_word(kind)} {name!r} of package {_package(_points(kind)[name][0])}"


def _is_there(point: EntryPoint) -> bool:
    """Whether loading runs no code: the guard of an import takes 5 ms, four times in each cell."""
    try:
        module = sys.modules.get(point.module)
    except AttributeError:  # a value that names no module
        return False
    begun = getattr(getattr(module, "__spec__", None), "_initializing", False)
    return module is not None and not begun and point.attr in vars(module)


def _package(point: EntryPoint) -> str:
    try:
        return (point.dist.name if point.dist else None) or "unknown"
    except Exception:  # a package without metadata raises what its reader happens to raise
        return "unknown"


def _clash(kind: str, name: str) -> str:
    owners = sorted(_package(point) for point in _points(kind)[name])
    return (
        f"{kind_word(kind)} name {name!r} is registered by {' and '.join(owners)}; "
        "uninstall one of them"
    )
