"""Shell completion: the names that Tab offers."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from imbench.safe_text import visible

__all__ = ["complete_datasets", "complete_grids", "complete_methods", "complete_names"]


def complete_methods(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer names of methods for the last item of a list, or the last part of a recipe."""
    from imbench.training.groups import GROUPS

    known = sorted({"vanilla", *GROUPS, *_names("methods")})
    return _complete_last(incomplete, ",+", known)


def complete_datasets(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer names of data sets for the last item of a list."""
    return _complete_last(incomplete, ",", _names("datasets"))


def complete_grids(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the shipped grids, then files."""
    from imbench.runs.grids import shipped

    grids = [CompletionItem(name) for name in shipped() if name.startswith(incomplete)]
    return [*grids, CompletionItem(incomplete, type="file")]


def complete_names(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer every registered name."""
    from imbench.registry import KINDS

    return _complete_last(incomplete, "", sorted({name for kind in KINDS for name in _names(kind)}))


def _names(kind: str) -> list[str]:
    from imbench.registry import registered_names

    return registered_names(kind)


def _complete_last(incomplete: str, separators: str, known: list[str]) -> list[CompletionItem]:
    """Complete the text after the last separator."""
    cut = max([incomplete.rfind(separator) for separator in separators], default=-1) + 1
    head, tail = incomplete[:cut], incomplete[cut:]
    return [
        CompletionItem(f"{head}{name}")
        for name in known
        if name.startswith(tail) and name == visible(name)  # a shell prints them as they are
    ]
