"""Explanations as JSON: the mean of every measure of each cell and class."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from imbench.explain.numbers import PerImage
from imbench.explain.tables import ExplainedGroup
from imbench.report.plain import json_of_groups

__all__ = ["SCHEMA", "explanation_json"]

SCHEMA = 1
"""Version of the form: increased when a field changes its meaning or goes."""


def explanation_json(groups: Iterable[ExplainedGroup], command: str = "") -> str:
    """Return the numbers of all cells."""
    return json_of_groups(SCHEMA, command, map(_plain, groups))


def _plain(one: ExplainedGroup) -> dict[str, Any]:
    cells = [
        {
            "recipe": recipe,
            "minority": count,
            "seed": seed,
            "what": what,
            "split": found.split,
            "classes": {one.title(label): _of_class(found, label) for label in one.labels(what)},
        }
        for what, explained in one.kept.items()
        for (recipe, count), slot in explained.items()
        for seed, found in slot.items()
    ]
    basis = one.group.basis
    return {
        "dataset": one.group.name,
        "fingerprint": basis.fingerprint,
        "settings": basis.settings.model_dump(mode="json"),
        "cells": cells,
        "features": [
            {"recipe": recipe, "minority": count, "seed": seed, **_finite(numbers)}
            for (recipe, count), slot in one.features.items()
            for seed, numbers in slot.items()
        ],
    }


def _of_class(found: PerImage, label: int) -> dict[str, Any]:
    own = found.labels == label
    means = {name: found.mean(name, label) for name in found.values}
    return {
        "images": int(own.sum()),
        **_finite({"right": found.share_right(label), **means}),
    }


def _finite(numbers: Mapping[str, float]) -> dict[str, float | None]:
    return {name: one if math.isfinite(one) else None for name, one in numbers.items()}
