"""From a grid file and options to a settled `Grid`: options go first, the file before defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from imbench.backbones.frozen import settle_size
from imbench.errors import UsageError
from imbench.given import read_values
from imbench.lists import parse_integers, parse_texts
from imbench.records.cell import Grid, Settings, Shots, code_of
from imbench.registry import check_registered
from imbench.runs.exclusions import parse_exclusion
from imbench.runs.gridfile import (
    EVERY,
    GridFile,
    check_known,
    merged_settings,
    parse_majority,
    read_grid_file,
)
from imbench.runs.shots import parse_shots
from imbench.spec import parse_spec
from imbench.training.budget import SETTINGS

__all__ = ["DEFAULT", "GridOptions", "grid_of", "named_methods", "settle_grid"]

DEFAULT = "quick"
"""The shipped grid that runs when neither a grid nor a data set is named."""
PAPER = "paper"
"""In `methods`: the fourteen of the paper's table; `imbench.training.groups` has others."""
SEEDS = (0, 1, 2)
"""Replicates where nothing says which."""


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
            else parse_majority(options.majority)
            for dataset in datasets
        },
        methods=_methods(file, options),
        seeds=parse_integers(options.seeds, "seeds") if options.seeds else file.seeds or SEEDS,
        settings=_settings(merged_settings(file.settings, options.settings)),
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


def _settings(given: Mapping[str, Any]) -> Settings:
    for key in given:
        check_known("setting", key, SETTINGS)
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
