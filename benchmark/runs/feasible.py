"""What a plan refuses before anything is trained, since each of its cells would fail alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from imbench.backbones.frozen import frozen_backbone, network_stamp
from imbench.contained import usable
from imbench.errors import UsageError
from imbench.images.subsets import check_counts
from imbench.records.cell import Cell, Grid, expand
from imbench.registry import is_ours
from imbench.runs.shots import resolve_shots, shots_text
from imbench.runs.sources import Source
from imbench.spec import parse_spec
from imbench.training.part import Context, Part, overrides
from imbench.training.recipe import Recipe

__all__ = ["check_size", "checked_cells", "settled_grid", "versions_of"]


def check_size(grid: Grid, methods: int, limit: int) -> None:
    """Refuse a grid of more cells than a limit, before they take any memory.

    Raises
    ------
    UsageError
        With the numbers along each axis.
    """
    counts = sum(len(grid.minority[dataset]) for dataset in grid.datasets)
    cells = counts * methods * len(grid.seeds)
    if cells > limit:
        raise UsageError(
            f"the grid has {cells} cells ({len(grid.datasets)} data sets with {counts} minority "
            f"counts together x {methods} methods x {len(grid.seeds)} seeds), more than {limit}: "
            "ask for less, or raise --max-cells"
        )


def checked_cells(
    grid: Grid, sources: Mapping[str, Source], recipes: Mapping[str, Recipe]
) -> list[Cell]:
    """Return the cells of the data sets that are there.

    Raises
    ------
    UsageError
        If there are none, a count cannot be had, a part cannot take a training set, or network or
        augmentation cannot take the images, naming the cell.
    """
    fingerprints = {name: source.fingerprint for name, source in sources.items() if source.folder}
    versions = versions_of(recipes, grid.settings.network)
    cells = expand(grid, fingerprints, versions)
    if not cells and fingerprints:
        raise UsageError("the grid has no cell left: everything is excluded, or no method exists")
    for cell in {(cell.dataset, cell.shots): cell for cell in cells}.values():
        _check_counts(cell, sources[cell.dataset])
    for cell in _different(cells, recipes):
        _check_recipe(cell, sources[cell.dataset], recipes[cell.recipe])
    if _has_to_be_tried(grid.settings.network):
        _try_network(grid, [source for source in sources.values() if source.folder], recipes)
    if grid.settings.code:
        _try_augment(grid, [source for source in sources.values() if source.folder])
    return cells


def _different(cells: Iterable[Cell], recipes: Mapping[str, Recipe]) -> Iterable[Cell]:
    """Return a cell of each data set, count and recipe, and of each seed where that matters."""
    by_seed = {text for text, own in recipes.items() if any(part.by_seed for part in own.parts)}
    return {
        (cell.dataset, cell.shots, cell.recipe, cell.seed if cell.recipe in by_seed else 0): cell
        for cell in cells
    }.values()


def _check_counts(cell: Cell, source: Source) -> None:
    try:
        check_counts(np.array(source.train_counts), minority=cell.shots, majority=cell.majority)
    except UsageError as error:
        raise UsageError(f"{_place(cell)}: {error}") from error
    if len(source.test_counts) < len(source.train_counts) or 0 in source.test_counts:
        raise UsageError(
            f"{_place(cell)}: test images per class are {list(source.test_counts)}: "
            "a class is missing"
        )


def _check_recipe(cell: Cell, source: Source, recipe: Recipe) -> None:
    if frozen_backbone(cell.settings.network) is not None:
        _check_on_features(cell, recipe)
    counts = np.full(len(source.train_counts), cell.minority, np.int64)
    if cell.by_class is not None:
        counts[1:] = cell.by_class
    counts[0] = source.train_counts[0] if cell.majority is None else cell.majority
    shape = (cell.settings.size, cell.settings.size, source.channels)
    left: np.ndarray | None = counts
    try:
        for part in recipe.parts:
            if left is not None:
                part.context_ = Context(seed=cell.seed)
                with usable(f"{type(part).__name__}.foresee"):
                    left = part.foresee(left, shape)
    except UsageError as error:
        raise UsageError(f"{_place(cell)}, {cell.recipe}: {error}") from error


def _check_on_features(cell: Cell, recipe: Recipe) -> None:
    for name, part in zip(recipe.names, recipe.parts, strict=True):
        with usable(f"{type(part).__name__}.needs_pixels"):
            why = part.needs_pixels
        if why:
            raise UsageError(
                f"{name} cannot act on features, which are made once of each image: {why}; leave "
                "it out (--methods features names those that can), or choose "
                f"--network {cell.settings.network.replace('features', 'finetune', 1)}"
            )


def versions_of(recipes: Mapping[str, Recipe], network: str) -> dict[str, dict[str, int]]:
    """Return the versions of each recipe's parts, and of the weights its network stands on.

    Raises
    ------
    DataError
        If these are not on this machine.
    """
    stamp = network_stamp(network)
    return {text: {**recipe.versions, **stamp} for text, recipe in recipes.items()}


def _place(cell: Cell) -> str:
    return f"{cell.dataset} at minority count {shots_text(cell.shots)}"


def settled_grid(grid: Grid, sources: Mapping[str, Source]) -> Grid:
    """Return a grid whose minority counts are numbers, for the data sets that are there.

    Raises
    ------
    UsageError
        If a data set cannot have them, naming it.
    """
    minority = dict(grid.minority)
    for dataset, source in sources.items():
        if source.folder is None:
            continue
        majority = grid.majority.get(dataset)
        try:
            settled = [
                resolve_shots(shots, source.train_counts, source.classes, majority)
                for shots in grid.minority[dataset]
            ]
        except UsageError as error:
            raise UsageError(f"{dataset}: {error}") from error
        minority[dataset] = tuple(dict.fromkeys(settled))
    return grid.model_copy(update={"minority": minority})


def _has_to_be_tried(network: str) -> bool:
    """Whether a network may not fit: ours do, without options, and a plan without torch is fast."""
    parsed = parse_spec(network)
    return str(parsed) != parsed.name or not is_ours("networks", parsed.name)


def _try_network(grid: Grid, sources: list[Source], recipes: Mapping[str, Recipe]) -> None:
    """Build the network, and let each recipe that changes it do so."""
    from imbench.training.building import try_network

    network, size = grid.settings.network, grid.settings.size
    frozen = frozen_backbone(network)
    changing = [
        [part for part in recipe.parts if overrides(part, "build")] for recipe in recipes.values()
    ]
    for channels, classes in {(found.channels, len(found.train_counts)) for found in sources}:
        for parts in [[], *filter(None, changing)]:

            def change(net: Any, parts: list[Part] = parts, classes: int = classes) -> None:
                for part in parts:
                    net = part.build(net, np.full(classes, 2.0))

            shape = (channels, size, size) if frozen is None else (frozen.backbone.width,)
            # A head is small; to build it without content loads torch's compiler, which takes 2 s.
            try_network(network, shape, classes, change, "meta" if frozen is None else "cpu")


def _try_augment(grid: Grid, sources: list[Source]) -> None:
    """Let each step of the user change images of noise, twice alike."""
    from imbench.training.augment import parse_augment
    from imbench.training.transform import Transform, try_transform

    size = grid.settings.size
    for channels in {found.channels for found in sources}:
        for step in parse_augment(grid.settings.augment):
            if isinstance(step, Transform):
                try_transform(step, (size, size, channels))
