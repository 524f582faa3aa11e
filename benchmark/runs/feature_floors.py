"""The floor of frozen features: a linear head on what a backbone makes of the images of a cell.

A run on features has it from its own rows. Any other run has it where the backbone is at hand and
embedding its images takes a minute at most: once for a data set, whatever is trained later.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from imbench.backbones.embedded import Entry, embed_entries, entries_of, is_there, open_rows
from imbench.backbones.frozen import DEFAULT, Frozen, frozen_backbone
from imbench.errors import DataError, ImbenchError
from imbench.images.cache import cache_folder, make_dataset, prepare
from imbench.images.cache_reader import open_decoded
from imbench.images.dataset import Decoded
from imbench.images.validate import read_listing
from imbench.records.cell import Cell
from imbench.records.floors import FEATURES, floor_store
from imbench.records.record import Record
from imbench.runs.floors import floor_cells, floor_records, lacking_cells
from imbench.runs.plan import Plan
from imbench.training.floor_regression import FEATURES_VERSION, features_floor

__all__ = ["AUTO", "NO_FLOOR", "FloorOptions", "write_feature_floors"]

_LOG = logging.getLogger(__name__)
AUTO, NO_FLOOR = "auto", "none"
"""In `FloorOptions.backbone`: the default one where it costs little, or no such floor."""
MOST_IMAGES = 6000
"""Images of a data set that are embedded unasked: about a minute on a core, at 96 px by Lite0."""


@dataclass(frozen=True)
class FloorOptions:
    """How the images of the floor are found, and by which backbone."""

    backbone: str = AUTO
    """``auto``, ``none``, or a backbone that is asked for: then whatever it costs."""
    root: Path = Path("data")
    bad_images: Literal["stop", "skip"] = "stop"
    drop_leaks: bool | None = None
    device: str = "auto"
    commit: str = ""


@dataclass(frozen=True)
class _Rows:
    """A data set and its features."""

    data: Decoded
    entry: Entry


def write_feature_floors(
    plan: Plan, results: Path, options: FloorOptions, *, say: Callable[[str], None]
) -> int:
    """Write the floors of features that a results folder lacks; return how many it wrote.

    What cannot be computed is logged, unless a backbone was asked for, and costs the run nothing.

    Raises
    ------
    ImbenchError
        If a backbone was asked for that does not exist, or whose weights are missing.
    """
    if options.backbone == NO_FLOOR:
        return 0
    own = frozen_backbone(plan.grid.settings.network)
    asked = DEFAULT if options.backbone == AUTO else options.backbone
    frozen = (
        own
        if own is not None and options.backbone == AUTO
        else frozen_backbone(f"features:{asked}")
    )
    assert frozen is not None  # noqa: S101 - the text names one
    try:
        versions = {frozen.spec: int(frozen.digest, 16) % 10**9, "features": FEATURES_VERSION}
    except DataError:
        if options.backbone == AUTO:
            return 0  # it is not at hand
        raise
    store, written = floor_store(results, own=True), 0
    for dataset, cells in lacking_cells(
        store, floor_cells(plan.own_cells, FEATURES, versions)
    ).items():
        try:
            for record in _records(plan, dataset, cells, frozen, options, say):
                store.put_first(record)
                written += 1
        except (ImbenchError, ValueError, OSError) as error:
            _LOG.warning("no feature floor of %s: %s", dataset, error)
    return written


def _records(
    plan: Plan,
    dataset: str,
    cells: list[Cell],
    frozen: Frozen,
    options: FloorOptions,
    say: Callable[[str], None],
) -> Iterator[Record]:
    source = plan.sources[dataset]
    if source.folder is None:
        return
    data = open_decoded(source.folder)
    if frozen_backbone(plan.grid.settings.network) == frozen:
        found = _Rows(data, source.features[0])
    else:
        other = _at_its_size(dataset, data, frozen, options)
        if other is None:
            return
        found = other
    from imbench.training.device import choose_device  # imports torch, which a plan does not need

    if not is_there(found.entry):
        say(f"      {dataset}: {found.entry.images} images are embedded by {frozen.spec}, once")
    embed_entries(found.data, frozen, [found.entry], device=str(choose_device(options.device)))
    rows = open_rows(found.entry)
    train, test = _split(rows, data)
    yield from floor_records(data, cells, train, test, features_floor, options.commit)


def _at_its_size(
    dataset: str, data: Decoded, frozen: Frozen, options: FloorOptions
) -> _Rows | None:
    """Return the data set decoded for the backbone; None where the floor is not worth it."""
    listing = read_listing(make_dataset(dataset, options.root), dataset)
    # Arrays are as small as they are: a backbone would see 28 px enlarged.
    if options.backbone == AUTO and isinstance(listing.sources, np.ndarray):
        return None
    seen = prepare(
        dataset,
        root=options.root,
        size=frozen.backbone.size,
        bad_images=options.bad_images,
        drop_leaks=options.drop_leaks,
    )
    for ours, theirs in ((data.train, seen.train), (data.test, seen.test)):
        if ours.names != theirs.names:
            raise DataError(f"at {frozen.backbone.size} px it has other images")
    (entry,) = entries_of(seen, frozen, ["plain"], cache_folder())
    if options.backbone == AUTO and entry.images > MOST_IMAGES and not is_there(entry):
        _LOG.info(
            "no feature floor of %s: %d images to embed are more than %d; --floor %s asks for it",
            dataset,
            entry.images,
            MOST_IMAGES,
            frozen.spec,
        )
        return None
    return _Rows(seen, entry)


def _split(
    rows: NDArray[np.float32], data: Decoded
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return rows[: len(data.train)], rows[len(data.train) + len(data.validation) :]
