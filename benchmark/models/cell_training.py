"""The training of a cell: the same method, images and seed, whoever asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imbench.backbones.embedded import Entry
from imbench.images.dataset import Decoded
from imbench.images.subsets import subset
from imbench.models.cell_inputs import training_inputs
from imbench.records.cell import Cell
from imbench.training.method import Method
from imbench.training.recipe import parse_recipe

__all__ = ["train_cell"]


def train_cell(
    cell: Cell,
    data: Decoded,
    *,
    device: str,
    geometry: str,
    keep: Path | None = None,
    features: Sequence[Entry] = (),
) -> Method:
    """Return the fitted method of a cell.

    Parameters
    ----------
    cell : Cell
        The cell.
    data : Decoded
        The data set of its fingerprint.
    device : str
        Where it trains.
    geometry : {"stretch", "pad", "crop"}
        How the images became squares.
    keep : Path, optional
        Folder in which parts store what other fits can reuse.
    features : sequence of Entry
        What a frozen backbone made of the data set, where the network is a head on it. Without it
        the method embeds the images itself.
    """
    labels = data.train.labels
    rows = subset(labels, minority=cell.shots, majority=cell.majority, replicate=cell.seed)
    method = Method(
        cell.recipe,
        **cell.settings.model_dump(exclude={"size", "code"}),
        device=device,
        random_state=cell.seed,
        geometry=geometry,
        keep=keep,
    )
    weights = None if data.train.weights is None else data.train.weights[rows]
    groups = None if data.train.groups is None else data.train.groups[rows].tolist()
    inputs, known = training_inputs(features, data, rows, parse_recipe(cell.recipe).parts)
    return method.fit(inputs, labels[rows], sample_weight=weights, groups=groups, features=known)
