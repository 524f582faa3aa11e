"""The trained network of a record: the one that its run kept, or the cell trained again.

Either way its outputs on the test images must be the record's, or maps would be of another
network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from imbench.backbones.embedded import Entry
from imbench.errors import DataError, NotComparable
from imbench.explain.on_images import known_features, on_images, shown_backbone
from imbench.explain.trained import TrainedNetwork
from imbench.files.reading import LARGE, read_bytes
from imbench.images.cache import prepare
from imbench.images.dataset import Decoded
from imbench.models.cell_training import train_cell
from imbench.models.kept import MODEL
from imbench.models.weights import unpack
from imbench.records.record import Record
from imbench.registry import registered_names
from imbench.spec import parse_spec
from imbench.training.device import choose_device, fixed_threads
from imbench.training.forward import forward_all
from imbench.training.recipe import parse_recorded

__all__ = ["read_images", "trained_network", "with_recipe"]

CLOSE = 1e-3
"""Logits that differ by less are the same: those of a card and of a processor do by 1e-5."""
KEEP = "train it anew with `bench run --force --keep models`"
"""What helps where a cell has no network: without --force a run trains no finished cell."""
COMPARED = 1000
"""Most test images whose outputs are compared: a backbone takes 5 s for them on a core."""


def read_images(record: Record, root: Path) -> Decoded:
    """Return the images that a record was made from.

    Raises
    ------
    DataError
        If they are missing, or are not those the record was made from.
    """
    spec, cell = record.cell.dataset, record.cell
    # Registered names only: a foreign record must not choose code to import.
    if parse_spec(spec).name not in registered_names("datasets"):
        raise DataError("its data set is not installed here")
    # A cell does not record which copies of test images were left out; its fingerprint tells.
    for drop in (None, True, False):
        data = prepare(spec, root=root, size=cell.settings.size, bad_images="skip", drop_leaks=drop)
        if data.fingerprint == cell.fingerprint:
            return data
    raise DataError(
        f"the images below {root} are not those of the record (fingerprint "
        f"{cell.fingerprint[:12]}): name the folder that holds them with --data"
    )


def trained_network(
    record: Record, data: Decoded, results: Path, device: str
) -> tuple[nn.Module, bool]:
    """Return the network of a record in evaluation mode, and whether it was trained again.

    Raises
    ------
    DataError
        If a kept file is damaged, or gives other outputs than the record has.
    NotComparable
        If the record keeps no outputs, or the cell trained again has others.
    """
    if record.scores is None:
        raise NotComparable("the record keeps no outputs to compare its network with")
    frozen = shown_backbone(record)
    file = record.files.get(MODEL, "")
    kept = _kept_network(results, file) if file else None
    file_used = kept is not None
    if kept is not None:
        net = kept.to(choose_device(device))
    else:
        net = _trained_again(record, data, known_features(record, frozen, data), device)
    net = on_images(net, frozen, next(net.parameters()).device)
    _, logits, _ = record.scores.arrays()
    apart = _difference(net, data, logits, record.cell.settings.threads)
    if apart > CLOSE:
        what = f"the network kept in {file} gives" if file_used else "trained again, the cell has"
        cause = (
            "the file is another cell's, or was changed"
            if file_used
            else "it was trained on another machine, or by other versions"
        )
        raise NotComparable(
            f"{what} other outputs than the record (logits {apart:.2g} apart): {cause}; "
            f"copy its network from where it was trained, or {KEEP}"
        )
    return net, not file_used


def _trained_again(
    record: Record, data: Decoded, features: Sequence[Entry], device: str
) -> nn.Module:
    if record.cell.settings.code:
        raise NotComparable(
            "its network or augmentation is code in a file, which is not run because a record "
            f"names it: {KEEP}"
        )
    parse_recorded(record.cell.recipe)  # refuses parts that are code in a file
    method = train_cell(record.cell, data, device=device, geometry=data.geometry, features=features)
    return method.network_.eval()


def with_recipe(net: nn.Module, record: Record) -> TrainedNetwork:
    """Return a network with the adjustments that a record's recipe makes to its outputs."""
    sampled = np.asarray(record.sampled_counts, np.float64)
    return TrainedNetwork(net, parse_recorded(record.cell.recipe).parts, sampled / sampled.sum())


def _kept_network(results: Path, file: str) -> nn.Module | None:
    """Return the network in a file; None where it is gone, since networks are large to copy."""
    path = results / file
    if not path.resolve().is_relative_to(results.resolve()):
        raise DataError(f"{file} lies outside the results folder")
    try:
        content = read_bytes(path, LARGE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"the kept network {file} cannot be read: {error.strerror}") from error
    return unpack(content, file)[1][0]


def _difference(net: nn.Module, data: Decoded, logits: NDArray[np.float32], threads: int) -> float:
    """Return the largest difference of a network's outputs on some test images from others."""
    if len(data.test) != len(logits):
        return float("inf")
    rows = np.unique(np.linspace(0, len(logits) - 1, COMPARED).astype(np.int64))
    with fixed_threads(threads):
        ours = forward_all(net, np.asarray(data.test.pixels[rows]), next(net.parameters()).device)
    if ours.shape[1] != logits.shape[1]:
        return float("inf")
    return float(np.abs(ours - logits[rows]).max() / max(1.0, float(np.abs(logits).max())))
