"""The data sets of a grid, decoded: what a plan needs to know of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from imbench.backbones.embedded import Entry, entries_of
from imbench.backbones.frozen import frozen_backbone
from imbench.errors import DataError
from imbench.images.cache import cache_folder, make_dataset, prepare
from imbench.images.dataset import Decoded
from imbench.images.notes import DataNote
from imbench.images.validate import read_listing
from imbench.models.core import View, view_of
from imbench.records.cell import Grid
from imbench.training.augment import steps_of

__all__ = ["Source", "find_sources"]


@dataclass(frozen=True)
class Source:
    """A data set of the grid: decoded, or missing with the reason and what mends it."""

    dataset: str
    folder: Path | None = None
    fingerprint: str = ""
    train_counts: tuple[int, ...] = ()
    test_counts: tuple[int, ...] = ()
    skipped: int = 0
    channels: int = 3
    geometry: str = "crop"
    fault: str = ""
    notes: tuple[DataNote, ...] = ()
    classes: tuple[str, ...] = ()
    """Names of the classes, the majority's first."""
    features: tuple[Entry, ...] = ()
    """Where its features lie, or will lie, if the network is the head of a frozen backbone."""
    view: View | None = None
    """How the images are decoded, where that was asked for."""


def find_sources(
    grid: Grid,
    *,
    root: Path,
    bad_images: Literal["stop", "skip"] = "stop",
    drop_leaks: bool | None = None,
    views: bool = False,
) -> dict[str, Source]:
    """Decode the data sets of a grid, once; what is missing is noted, not raised."""
    found = {}
    for dataset in grid.datasets:
        try:
            decoded = prepare(
                dataset,
                root=root,
                size=grid.settings.size,
                bad_images=bad_images,
                drop_leaks=drop_leaks,
            )
        except DataError as error:
            found[dataset] = Source(dataset, fault=str(error))
            continue
        classes = len(decoded.classes)
        found[dataset] = Source(
            dataset,
            decoded.folder,
            decoded.fingerprint,
            tuple(decoded.train.counts(classes).tolist()),
            tuple(decoded.test.counts(classes).tolist()),
            len(decoded.skipped),
            decoded.train.pixels.shape[-1],
            decoded.geometry,
            notes=decoded.notes,
            classes=decoded.classes,
            features=_features(decoded, grid),
            view=_view(dataset, root, grid.settings.size) if views else None,
        )
    return found


def _features(decoded: Decoded, grid: Grid) -> tuple[Entry, ...]:
    frozen = frozen_backbone(grid.settings.network)
    if frozen is None:
        return ()
    views = frozen.views_of(steps_of(grid.settings.augment))
    return entries_of(decoded, frozen, views, cache_folder())


def _view(dataset: str, root: Path, size: int) -> View:
    return view_of(read_listing(make_dataset(dataset, root), dataset), dataset, size)
