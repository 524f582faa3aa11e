"""Code of others in files that are not installed: ``path/to/file.py:Name``."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import io
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any

from imbench.contained import Fault, contained
from imbench.errors import UsageError
from imbench.near_path import or_near
from imbench.spec import Spec, did_you_mean

__all__ = ["file_hash", "imported", "load_file", "names_file", "spec_of"]

_LOG = logging.getLogger(__name__)
LONGEST_FILE = 1 << 26
"""Bytes of a file of code."""
PATIENCE = 30.0
"""Seconds of an import before it is said who is waited for; a cold torch takes 15."""


def names_file(name: str) -> bool:
    """Whether a name is that of something in a file."""
    return ".py:" in name


def load_file(name: str) -> Any:
    """Import a file, once, and return what it has of a name.

    Raises
    ------
    UsageError
        If the file cannot be read, its code cannot be imported, or the name is not in it.
    """
    path_text, attribute, path = _split(name)
    # One module for each content of a file, under one name in every process: classes are found
    # again by it where they are pickled, and a file that was changed is imported anew.
    digest = hashlib.sha256(str(path).encode("utf-8", "surrogateescape"))
    digest.update(_content(name))
    module_name = f"imbench_file_{path.stem}_{digest.hexdigest()[:16]}"
    module = sys.modules.get(module_name)
    if module is None:
        description = importlib.util.spec_from_file_location(module_name, path)
        if description is None or description.loader is None:
            raise UsageError(f"{path_text!r} is not a Python file")
        module = importlib.util.module_from_spec(description)
        sys.modules[module_name] = module
        try:
            with imported(repr(path_text)):
                description.loader.exec_module(module)
        except BaseException as error:
            del sys.modules[module_name]
            if not isinstance(error, Fault):
                raise
            raise UsageError(f"{path_text!r} cannot be imported: {error}") from error
    if not hasattr(module, attribute):
        own = [key for key, value in vars(module).items() if _is_of(value, module_name)]
        fault = f"defines no {attribute!r}" if attribute else f"is a file; write {path_text}:NAME"
        raise UsageError(f"{path_text!r} {fault}: {did_you_mean(attribute, own)}")
    return getattr(module, attribute)


def _is_of(value: object, module: str) -> bool:
    """Whether a module defines a function or class."""
    return callable(value) and getattr(value, "__module__", None) == module


def file_hash(name: str) -> str:
    """Return the hash of the file that a name is in, 16 hexadecimal digits.

    Raises
    ------
    UsageError
        If the file cannot be read.
    """
    return hashlib.sha256(_content(name)).hexdigest()[:16]


def spec_of(thing: Any, what: str) -> str:
    """Return the spec ``path/to/file.py:Name`` of a function or class of a file.

    Parameters
    ----------
    thing : callable
        A function or class.
    what : str
        What it is to be, for messages.

    Raises
    ------
    UsageError
        If workers could not find it: it has no file, or is no name of its file.
    """
    name = getattr(thing, "__qualname__", "")
    try:
        file = inspect.getsourcefile(thing)
    except TypeError:
        file = None
    if file is None or not name.isidentifier() or not Path(file).is_file():
        raise UsageError(
            f"{what}: workers load it from a file, so it has to be a function or class at the top "
            f"of one, and {name or type(thing).__name__} is none"
        )
    path = Path(file).resolve()
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return str(Spec(f"{shown.as_posix()}:{name}")).replace("+", "\\+")


@contextmanager
def imported(whose: str) -> Iterator[None]:
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


def _split(name: str) -> tuple[str, str, Path]:
    path_text, _, attribute = name.rpartition(":")
    try:
        return path_text, attribute, Path(path_text).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # the last of a link to itself
        raise _unreadable(name, path_text, error) from error


def _content(name: str) -> bytes:
    path_text, _, path = _split(name)
    try:
        size = path.stat().st_size if path.is_file() else -1
        if size < 0:
            near = or_near(Path(path_text), os.path.isfile)
            raise UsageError(f"no file {path_text!r}, which {name!r} names{near}")
        if size > LONGEST_FILE:
            raise UsageError(f"{path_text!r} has {size} bytes: no file of Python code is so long")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise _unreadable(name, path_text, error) from error


def _unreadable(name: str, path_text: str, error: Exception) -> UsageError:
    why = getattr(error, "strerror", None) or error
    return UsageError(f"{path_text!r}, which {name!r} names, cannot be read: {why}")
