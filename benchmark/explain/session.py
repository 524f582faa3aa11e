"""Explain the cells of a results folder: what is kept already is not computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from imbench.contained import Fault, contained
from imbench.errors import DataError, EnvironmentFault, ImbenchError
from imbench.explain.chosen import Chosen, choose
from imbench.explain.context import z_of_swaps
from imbench.explain.feature_numbers import FEATURES
from imbench.explain.measured_maps import measured
from imbench.explain.networks import read_images, trained_network, with_recipe
from imbench.explain.numbers import CONTEXT
from imbench.explain.saliency import Saliency, make_saliency
from imbench.explain.stored import Kept, keep, kept, outputs_digest
from imbench.explain.trained import TrainedNetwork
from imbench.images.dataset import Decoded
from imbench.images.mask_folder import find_masks
from imbench.records.cell import Cell
from imbench.records.record import Record
from imbench.records.store import Store
from imbench.training.device import fixed_threads

__all__ = ["Session", "Settings"]

SWAPPING, PLACING = 2, 2
"""Versions of the counterfactual and of the placed features: raised when they change."""


@dataclass(frozen=True)
class Settings:
    """What is explained, and how."""

    results: Path
    root: Path
    """Folder that holds the data of all data sets."""
    maps: tuple[str, ...] = ("gradcam", "rise")
    """Registered names of map methods."""
    images: int = 8
    """Images with maps of a cell, spread over the classes."""
    swaps: int = 64
    """Images of each class whose background is swapped: two more passes forward for each."""
    features: bool = False
    """Whether to place the features of a cell's images by t-SNE."""
    device: str = "auto"
    masks: Path | None = None
    """Folder of object masks that the data set does not have itself."""


@dataclass
class Session:
    """Explains records, one after the other.

    Attributes
    ----------
    faults : dict
        Sentence to the records that it is true of.
    retrained : int
        Cells that were trained again.
    computed : int
        Cells of which something was computed, and not only found.
    refused : list of Record
        Records of which nothing could be looked at: what is kept of them is of an earlier time.
    """

    settings: Settings
    faults: dict[str, list[Record]] = field(default_factory=dict)
    retrained: int = 0
    computed: int = 0
    refused: list[Record] = field(default_factory=list)
    _data: tuple[object, Decoded | DataError | None] = (None, None)
    _unused: int = 0
    _net: tuple[str, nn.Module | None] = ("", None)

    def __post_init__(self) -> None:
        """Refuse unknown maps before the first cell is trained."""
        self._store = Store(self.settings.results)
        self._saliency = {name: make_saliency(name) for name in self.settings.maps}

    def explain(self, records: Iterable[Record], done: Callable[[int], None]) -> None:
        """Explain all records; whatever is wrong with one stops no other."""
        for record in in_order(records):
            try:
                with contained(ImbenchError):
                    self._explain(record)
            except (ImbenchError, Fault) as error:
                self._told(record, error)
                self.refused.append(record)
            done(1)

    def _explain(self, record: Record) -> None:
        data = self._images(record)
        most = max(self.settings.images, self.settings.swaps)
        chosen = choose(data, record.cell, most)
        for note in (*chosen.notes, *self._mask_notes()):
            self._note(record, note)
        shown = chosen.first(self.settings.images)
        wanted: dict[str, tuple[Chosen, int]] = {
            name: (shown, saliency.version) for name, saliency in self._saliency.items()
        }
        if chosen.masks is not None:
            each = self.settings.swaps
            swaps = chosen.first(each * len(np.unique(chosen.labels)), scenes=each)
            wanted[CONTEXT] = swaps, SWAPPING
        elif kept(self._store, record, CONTEXT) is not None:
            self._note(record, "swaps are those that an earlier bench explain, with masks, left")
        if self.settings.features:
            wanted[FEATURES] = shown, PLACING
        missing = {
            what: stamp
            for what, (images, version) in wanted.items()
            for stamp in [_stamp(record, images, version, self._title(what))]
            if not self._is_kept(record, what, stamp)
        }
        if not missing:
            return
        network = with_recipe(self._network(record, data), record)
        self.computed += 1
        for what, stamp in missing.items():
            try:
                with contained(ImbenchError), fixed_threads(record.cell.settings.threads):
                    arrays = self._arrays(what, network, wanted[what][0], record, data)
                keep(self._store, Kept(record, what, stamp, arrays))
            except (ImbenchError, Fault) as error:
                self._told(record, error, f"{what}: ")

    def _arrays(
        self, what: str, network: TrainedNetwork, chosen: Chosen, record: Record, data: Decoded
    ) -> dict[str, NDArray[Any]]:
        if what == CONTEXT:
            return _context(network, chosen)
        if what == FEATURES:
            from imbench.explain.embedding import placed_features

            return placed_features(network, data, record, self.settings.results)
        saliency: Saliency = self._saliency[what]
        return measured(network, saliency, chosen)

    def _title(self, what: str) -> str:
        return self._saliency[what].title if what in self._saliency else ""

    def _is_kept(self, record: Record, what: str, stamp: dict[str, Any]) -> bool:
        found = kept(self._store, record, what)
        return found is not None and found.stamp == stamp

    def _images(self, record: Record) -> Decoded:
        """Return the images of a record, read once for all records that share them."""
        cell = record.cell
        key = cell.dataset, cell.fingerprint, cell.settings.size
        if self._data[0] != key:
            try:
                self._data = key, self._with_masks(read_images(record, self.settings.root), cell)
            except DataError as error:
                self._data = key, error
        found = self._data[1]
        if isinstance(found, Decoded):
            return found
        raise found or DataError("the images of the data set cannot be had")

    def _with_masks(self, data: Decoded, cell: Cell) -> Decoded:
        """Return the data set with the user's masks, if there are any."""
        if self.settings.masks is None:
            return data
        found = find_masks(self.settings.masks, cell.dataset, self.settings.root)
        self._unused = found.unused
        return found.added_to(data)

    def _mask_notes(self) -> Iterable[str]:
        if self._unused:
            several = "files in {} belong" if self._unused > 1 else "file in {} belongs"
            which = several.format(self.settings.masks)
            yield f"{self._unused} {which} to no image of the data set"

    def _network(self, record: Record, data: Decoded) -> nn.Module:
        """Return the network of a record, once for all records that share a training."""
        key = record.shared_with or record.key
        if self._net[0] != key or self._net[1] is None:
            self._net = "", None
            net, again = trained_network(record, data, self.settings.results, self.settings.device)
            self.retrained += again
            self._net = key, net
        net_kept = self._net[1]
        assert net_kept is not None  # noqa: S101 - set above
        return net_kept

    def _told(self, record: Record, error: Exception, before: str = "") -> None:
        """Note what is wrong with a cell; raise what is wrong with the machine: a full disk."""
        if isinstance(error, EnvironmentFault) and not isinstance(error, DataError):
            raise error
        self._note(record, f"{before}{error}")

    def _note(self, record: Record, sentence: str) -> None:
        self.faults.setdefault(sentence, []).append(record)


def in_order(records: Iterable[Record]) -> Sequence[Record]:
    """Return finished records so that those of one data set and of one training follow."""
    return sorted(
        (record for record in records if record.done),
        key=lambda one: (
            one.cell.dataset,
            one.cell.fingerprint,
            one.cell.settings.size,
            one.cell.minority,
            one.cell.seed,
            one.shared_with or one.key,
            one.key,
        ),
    )


def _stamp(record: Record, chosen: Chosen, version: int, title: str) -> dict[str, Any]:
    made = {"record": outputs_digest(record), "images": chosen.digest, "version": version}
    return {**made, "title": title} if title else made


def _context(network: TrainedNetwork, chosen: Chosen) -> dict[str, NDArray[Any]]:
    assert chosen.masks is not None  # noqa: S101 - not asked for without masks
    outputs = z_of_swaps(network, chosen.pixels, chosen.masks, chosen.labels, chosen.scenes)
    return {
        "rows": chosen.rows,
        "split": np.array(chosen.split),
        "labels": chosen.labels,
        **{f"z_{name}": values.astype(np.float32) for name, values in outputs.items()},
    }
