"""The first sentence of a plug-in's docstring, read from its source file without importing it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable
from functools import cache
from itertools import accumulate
from pathlib import Path

from imbench.files.reading import SMALL, read_bytes

__all__ = ["first_sentence", "module_sentence", "sentence_of"]


def sentence_of(target: str) -> str:
    """Return what ``package.module:Name`` says it is; empty if its source says nothing.

    Imports nothing: listing methods would take the seconds that torch takes to load.
    """
    module, _, name = target.partition(":")
    return first_sentence(_docstrings(module).get(name, ""))


def module_sentence(target: str) -> str:
    """Return what the module of ``package.module:Name`` says first."""
    return first_sentence(_docstrings(target.partition(":")[0]).get("", ""))


def first_sentence(text: str) -> str:
    """Return the first sentence of a docstring, without its full stop."""
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    sentence = re.split(r"\. (?=[A-Z])", paragraph)[0]  # not after "e.g." or "et al."
    return sentence.removesuffix(".").replace("``", "")


@cache
def _docstrings(module: str) -> dict[str, str]:
    """Return the docstrings of a module's classes and functions by name, its own as ``""``."""
    source = _source(module)
    if source is None:
        return {}
    try:
        tree = ast.parse(read_bytes(source, SMALL))
    except (OSError, SyntaxError, ValueError):
        return {}
    named = [node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    found = {node.name: ast.get_docstring(node) or "" for node in named}
    return {"": ast.get_docstring(tree) or "", **found}


def _source(module: str) -> Path | None:
    """Return the file of a module; packages above it are looked through, not imported."""
    path: Iterable[str] | None = None
    origin: str | None = None
    for name in accumulate(module.split("."), "{}.{}".format):
        loaded = sys.modules.get(name)
        if loaded is not None:
            path, origin = getattr(loaded, "__path__", None), getattr(loaded, "__file__", None)
            continue
        places = None if path is None else list(path)
        finders = (getattr(finder, "find_spec", None) for finder in sys.meta_path)
        found = (find(name, places) for find in finders if find is not None)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is None:
            return None
        path, origin = spec.submodule_search_locations, spec.origin
    return Path(origin) if origin and origin.endswith(".py") else None
