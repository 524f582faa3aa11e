"""Grid files: what is written in them, and what of it can be used.

A grid file is TOML::

    datasets = ["horse2zebra", "cub"]
    minority = { horse2zebra = [25, 50], cub = "12,25" }   # or one list for all, or "natural"
    majority = { horse2zebra = 1000 }                      # default: all there are
    methods = "paper"                                      # or a list of recipes
    seeds = "0-4"
    exclude = [{ dataset = "cub", method = "smote" }]

    [settings]
    steps = 500
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from imbench.backbones.frozen import backbone_of
from imbench.errors import UnknownName, UsageError
from imbench.files.reading import SMALL, read_text
from imbench.lists import parse_integers, parse_texts
from imbench.near_path import or_near
from imbench.records.cell import Exclusion, Shots
from imbench.registry import check_registered
from imbench.runs.exclusions import parse_exclusion
from imbench.runs.grids import read_shipped, shipped
from imbench.runs.shots import parse_shots
from imbench.spec import parse_spec, unknown_name

__all__ = [
    "EVERY",
    "GridFile",
    "check_known",
    "merged_settings",
    "parse_majority",
    "read_grid_file",
]

EVERY = "default"
"""In `minority` and `majority`: the entry of all data sets that have none of their own."""


class GridFile(BaseModel):
    """A grid file as written: what is None was not given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    description: str = ""
    datasets: tuple[str, ...] | None = None
    minority: dict[str, tuple[Shots, ...]] | None = None
    majority: dict[str, int | None] | None = None
    methods: tuple[str, ...] | None = None
    seeds: tuple[int, ...] | None = None
    settings: dict[str, Any] = {}
    exclude: tuple[Exclusion, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _normal(cls, plain: dict[str, Any]) -> dict[str, Any]:
        plain = dict(plain)
        for key in plain:
            check_known("key", key, cls.model_fields)
        for key in ("datasets", "methods"):
            if key in plain:
                plain[key] = parse_texts(plain[key], key)
        if "seeds" in plain:
            plain["seeds"] = parse_integers(plain["seeds"], "seeds")
        if "minority" in plain:
            plain["minority"] = _per_dataset(plain["minority"], parse_shots)
        if "majority" in plain:
            plain["majority"] = _per_dataset(plain["majority"], parse_majority)
        rules = plain.get("exclude", [])
        rules = rules if isinstance(rules, list) else [rules]
        plain["exclude"] = [parse_exclusion(rule) for rule in rules]
        return plain

    def changed(self, given: Mapping[str, Any]) -> Self:
        """Return the file with other values for the keys given; settings are merged.

        Raises
        ------
        UsageError
            If a key or a value cannot be used.
        """
        try:
            new = GridFile.model_validate(dict(given))
        except ValidationError as error:
            raise UsageError(_sentence(error)) from error
        update = {key: getattr(new, key) for key in given}
        settings = merged_settings(self.settings, new.settings)
        return self.model_copy(update={**update, "settings": settings})


def read_grid_file(name: str) -> GridFile:
    """Read a grid file: a path, or the name of a shipped one.

    Raises
    ------
    UsageError
        If it is not there, no TOML, or has a key or value that it cannot have.
    """
    path = Path(name)
    if path.suffix != ".toml" and not path.is_file():
        if name not in shipped():
            error = unknown_name("grid (neither a file nor a shipped one)", name, shipped())
            raise UnknownName(f"{error}{or_near(path, os.path.isfile)}")
        text = read_shipped(name)
    else:
        try:
            text = read_text(path, SMALL)
        except (OSError, UnicodeDecodeError) as error:
            near = or_near(path, os.path.isfile) if isinstance(error, FileNotFoundError) else ""
            raise UsageError(f"grid file {name!r} cannot be read: {error}{near}") from error
    try:
        plain = tomllib.loads(text)
        return GridFile.model_validate({"name": path.stem, **plain})
    except ValidationError as error:
        raise UsageError(f"grid file {name!r}: {_sentence(error)}") from error
    except (ValueError, RecursionError) as error:  # also a number of more than 4,300 digits
        raise UsageError(f"grid file {name!r} is not TOML: {error}") from error
    except UsageError as error:
        raise UsageError(f"grid file {name!r}: {error}") from error


def _per_dataset(given: Any, parse: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        return {EVERY: parse(given)}
    for key in given:
        _refuse_stranger(key)
    return {str(parse_spec(key)): parse(value) for key, value in given.items()}


def _refuse_stranger(dataset: str) -> None:
    # A misspelt entry would be passed over, and all images of the majority be used, in silence.
    name = parse_spec(dataset).name
    if name != EVERY:
        check_registered("datasets", name)


def parse_majority(given: Any) -> int | None:
    """Return the count of majority images; None for all of them."""
    if given in ("all", None):
        return None
    numbers = parse_integers(given, "majority count")
    if len(numbers) != 1:
        raise UsageError("majority is one count, or all")
    return numbers[0]


def merged_settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of which the new ones count; a new backbone does not take the old size."""
    if "size" not in new and backbone_of(new.get("network")) is not None:
        old = {key: value for key, value in old.items() if key != "size"}
    return {**old, **new}


def check_known(kind: str, key: str, fields: Mapping[str, Any]) -> None:
    """Raise UnknownName for a key that is not among the fields."""
    if key not in fields:
        raise unknown_name(kind, key, fields)


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message} (not {first['input']!r})" if place else message
