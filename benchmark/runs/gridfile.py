"""Grid files and options to a settled `Grid`: options go before the file, the file before defaults.

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from imbench.backbones.frozen import backbone_of, settle_size
from imbench.constraints import read_values
from imbench.errors import UnknownName, UsageError
from imbench.files.reading import SMALL, read_text
from imbench.near_path import or_near
from imbench.records.cell import Exclusion, Grid, Settings, Shots, code_of
from imbench.registry import check_registered
from imbench.runs.exclusions import parse_exclusion
from imbench.runs.grids import read_shipped, shipped
from imbench.runs.shots import parse_shots
from imbench.spec import parse_integers, parse_spec, parse_texts, unknown_name
from imbench.training.budget import SETTINGS

__all__ = [
    "DEFAULT",
    "GridFile",
    "GridOptions",
    "grid_of",
    "named_methods",
    "read_grid_file",
    "settle_grid",
]

DEFAULT = "quick"
"""The shipped grid that runs when neither a grid nor a data set is named."""
PAPER = "paper"
"""In `methods`: the fourteen of the paper's table; `imbench.training.groups` has others."""
SEEDS = (0, 1, 2)
"""Replicates where nothing says which."""
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
            _known("key", key, cls.model_fields)
        for key in ("datasets", "methods"):
            if key in plain:
                plain[key] = parse_texts(plain[key], key)
        if "seeds" in plain:
            plain["seeds"] = parse_integers(plain["seeds"], "seeds")
        if "minority" in plain:
            plain["minority"] = _per_dataset(plain["minority"], parse_shots)
        if "majority" in plain:
            plain["majority"] = _per_dataset(plain["majority"], _majority)
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
        settings = _merged(self.settings, new.settings)
        return self.model_copy(update={**update, "settings": settings})


@dataclass(frozen=True)
class GridOptions:
    """What the command line says of the grid; empty or None is not given."""

    datasets: Sequence[str] = ()
    minority: Sequence[str] = ()
    majority: str | None = None
    methods: Sequence[str] = ()
    seeds: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    exclude: Sequence[str] = ()

    @staticmethod
    def read_settings(named: Mapping[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
        """Return the settings that are not None, and those of ``KEY=VALUE`` texts, which win.

        Raises
        ------
        UsageError
            If a text has no equals sign.
        """
        settings = {key: value for key, value in named.items() if value is not None}
        for text in assignments:
            key, equals, value = text.partition("=")
            if not equals:
                raise UsageError(f"--set {text!r} is not of the form KEY=VALUE")
            settings[key.strip()] = value.strip()
        return settings


def grid_of(name: str | None, options: GridOptions) -> tuple[Grid, set[str]]:
    """Return the grid that a file and options ask for, and the methods the options name.

    Without a file and a data set it is the shipped grid `DEFAULT`. Methods that are named have to
    exist; of those that ``paper`` stands for some may be missing.
    """
    if name is None and not options.datasets:
        name = DEFAULT
    grid = settle_grid(None if name is None else read_grid_file(name), options)
    return grid, named_methods(options.methods)


def named_methods(given: Any) -> set[str]:
    """Return the methods that were named, of which each has to exist; a group names none."""
    from imbench.training.groups import GROUPS

    return set(parse_texts(given, "methods")) - set(GROUPS) if given else set()


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


def settle_grid(file: GridFile | None, options: GridOptions) -> Grid:
    """Merge a grid file and options into a grid.

    Raises
    ------
    UsageError
        If something is unknown, empty or missing, naming it.
    """
    file = GridFile() if file is None else file
    datasets = parse_texts(options.datasets, "data sets") if options.datasets else file.datasets
    if not datasets:
        raise UsageError("no data set is named: give --datasets, or a grid file that has some")
    datasets = tuple(dict.fromkeys(str(parse_spec(text)) for text in datasets))
    return Grid(
        name=file.name,
        datasets=datasets,
        minority={dataset: _minority(dataset, file, options) for dataset in datasets},
        majority={
            dataset: _looked_up(file.majority, dataset)
            if options.majority is None
            else _majority(options.majority)
            for dataset in datasets
        },
        methods=_methods(file, options),
        seeds=parse_integers(options.seeds, "seeds") if options.seeds else file.seeds or SEEDS,
        settings=_settings(_merged(file.settings, options.settings)),
        exclude=(*file.exclude, *map(parse_exclusion, options.exclude)),
    )


def _methods(file: GridFile, options: GridOptions) -> tuple[str, ...]:
    given = parse_texts(options.methods, "methods") if options.methods else file.methods or (PAPER,)
    from imbench.training.groups import GROUPS

    pieces = (GROUPS.get(name, (name,)) for name in given)
    return tuple(dict.fromkeys(name for piece in pieces for name in piece))


def _minority(dataset: str, file: GridFile, options: GridOptions) -> tuple[Shots, ...]:
    if options.minority:
        return parse_shots(options.minority)
    found = _looked_up(file.minority, dataset)
    if found is None:
        raise UsageError(
            f"no minority counts are given for {dataset}: say --minority 50,100, the numbers of "
            "minority training images"
        )
    return tuple(found)


def _looked_up(table: Mapping[str, Any] | None, dataset: str) -> Any:
    """Return the entry of a data set: by its spec, its bare name, or that of all."""
    for key in (dataset, parse_spec(dataset).name, EVERY):
        if table is not None and key in table:
            return table[key]
    return None


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


def _majority(given: Any) -> int | None:
    if given in ("all", None):
        return None
    numbers = parse_integers(given, "majority count")
    if len(numbers) != 1:
        raise UsageError("majority is one count, or all")
    return numbers[0]


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of which the new ones count; a new backbone does not take the old size."""
    if "size" not in new and backbone_of(new.get("network")) is not None:
        old = {key: value for key, value in old.items() if key != "size"}
    return {**old, **new}


def _settings(given: Mapping[str, Any]) -> Settings:
    for key in given:
        _known("setting", key, SETTINGS)
    given = settle_size(given)
    values = read_values("setting", given, SETTINGS)
    if values.get("precision") == "auto":
        from imbench.training.precision import resolved

        values["precision"] = resolved("auto")
    settings = Settings(**values)
    network = parse_spec(settings.network)
    check_registered("networks", network.name)
    if str(network) != network.name or ".py:" in network.name:
        # Imports torch, 2 s, which plans of networks without options do without.
        from imbench.training.building import read_network

        read_network(settings.network)
    if code := code_of(settings.network, settings.augment):
        from imbench.training.augment import parse_augment

        parse_augment(settings.augment)
        return settings.model_copy(update={"code": code})
    return settings


def _known(kind: str, key: str, fields: Mapping[str, Any]) -> None:
    if key not in fields:
        raise unknown_name(kind, key, fields)


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message} (not {first['input']!r})" if place else message
