"""Rules that leave cells out of a grid: ``method=smote,seed=0-4,dataset=cub``."""

from __future__ import annotations

from typing import Any

from imbench.errors import UsageError
from imbench.lists import parse_integers
from imbench.records.cell import Exclusion
from imbench.spec import (
    parse_spec,
    pieces_of,
    trim,
    unknown_name,
)

__all__ = ["parse_exclusion"]

_CONDITIONS = ("method=", "minority=", "seed=", "dataset=")


def parse_exclusion(rule: Any) -> Exclusion:
    """Read ``method=smote,seed=0-4,dataset=cub``, or such a table; `dataset` comes last.

    Raises
    ------
    UsageError
        If it is neither, or a condition is unknown or cannot be met.
    """
    if isinstance(rule, str):
        rule = _conditions(rule)
    if not isinstance(rule, dict) or not rule:
        raise UsageError(f"exclude: {rule!r} is no rule; write method=smote,dataset=cub")
    rule = dict(rule)
    for key in rule:
        if key not in Exclusion.model_fields:
            raise unknown_name("condition", key, Exclusion.model_fields)
    for key in ("minority", "seed"):
        if key in rule:
            rule[key] = parse_integers(rule[key], f"exclude {key}")
    if "method" in rule:
        from imbench.training.recipe import canonical_recipe

        rule["method"] = canonical_recipe(str(rule["method"]))
    if "dataset" in rule:
        rule["dataset"] = str(parse_spec(str(rule["dataset"])))
    return Exclusion.model_validate(rule)


def _conditions(text: str) -> dict[str, str]:
    # A recipe's or a data set's own key=value pieces follow it; hence the data set is last.
    found: list[str] = []
    for piece in map(trim, pieces_of(text, ",")):
        if found and (found[-1].startswith("dataset=") or not piece.startswith(_CONDITIONS)):
            found[-1] += f",{piece}"
        else:
            found.append(piece)
    rule = {key: value for key, _, value in (piece.partition("=") for piece in found)}
    if len(rule) < len(found):
        raise UsageError(f"exclude: {text!r} gives a condition twice; write two rules")
    return rule
