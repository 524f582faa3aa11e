"""The picture wall: maps of the same images by all methods, as data for its script."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.explain.stored import Kept, kept
from imbench.images.dataset import Decoded, Images
from imbench.page.cells import json_number
from imbench.page.images import thumbnail
from imbench.records.groups import Group, method_title
from imbench.records.store import Store
from imbench.registry import registered_names
from imbench.safe_text import visible

__all__ = ["images_of", "picture_walls", "walled"]

MOST = 12
"""Images of a wall."""
SIDE = 32
"""Pixels of a map in the page: Grad-CAM's has 8 x 8 places of its own at 32 px."""
BUDGET = 5_000_000
"""Maximum number of characters of all walls; seeds beyond it are left out, and that is said."""


@dataclass
class _Room:
    """Characters that are left for the walls."""

    left: int = BUDGET

    def take(self, text: str) -> str:
        """Return a text that takes its room."""
        self.left -= len(text)
        return text


def picture_walls(
    record_groups: Sequence[Group],
    decoded: Sequence[Decoded | None],
    store: Store,
    recipes: Sequence[str],
) -> list[dict[str, Any]]:
    """Return the walls of each group, count, seed and map method that has any.

    Parameters
    ----------
    record_groups : sequence of Group
        The groups of the page, in its order.
    decoded : sequence of Decoded or None
        The images of each; a group without images has no wall.
    store : Store
        The results folder.
    recipes : sequence of str
        The methods of the page, in its order.
    """
    room = _Room()
    walls: list[dict[str, Any]] = []
    names = registered_names("maps")
    for index, (group, images) in enumerate(zip(record_groups, decoded, strict=True)):
        if images is None:
            continue
        for count in group.counts:
            for seed in group.seeds:
                for name in names:
                    found = _kept_of(group, count, seed, store, name)
                    if not found:
                        continue
                    if room.left <= 0:
                        walls.append({"group": index, "left_out": True})
                        return walls
                    wall = _wall(found, images, recipes, room)
                    if wall:
                        place = {"group": index, "count": count, "seed": seed}
                        walls.append({**place, "map": visible(_title(found) or name), **wall})
    return walls


def _title(found: Mapping[str, Kept]) -> str:
    return str(next(iter(found.values())).stamp.get("title", ""))


def _kept_of(group: Group, count: int, seed: int, store: Store, name: str) -> dict[str, Kept]:
    """Return what is kept of each recipe at a count and seed, where rows are the same."""
    found: dict[str, Kept] = {}
    for method in group.rows:
        record = group.slots.get((method, count), {}).get(seed)
        one = kept(store, record, name) if record is not None and record.done else None
        if one is not None and {"rows", "labels", "maps", "z", "right", "split"} <= set(one.arrays):
            found[method.recipe] = one
    rows = [tuple(one.arrays["rows"].tolist()) for one in found.values()]
    common = max(set(rows), key=rows.count) if rows else ()
    return {
        recipe: one for recipe, one in found.items() if tuple(one.arrays["rows"].tolist()) == common
    }


def _wall(
    found: Mapping[str, Kept], decoded: Decoded, recipes: Sequence[str], room: _Room
) -> dict[str, Any] | None:
    """Return rows of images, sorted by how far the methods disagree on them."""
    shown = images_of(found, decoded)
    if shown is None:
        return None
    images, order = shown
    order = order[:MOST]
    first = next(iter(found.values())).arrays
    apart = _apart(found)
    return {
        "methods": [recipes.index(recipe) for recipe in found],
        "titles": [visible(method_title(recipe)) for recipe in found],
        "split": str(first["split"][()]),
        "side": min(SIDE, int(first["maps"].shape[1])),
        "rows": [_row(int(i), float(apart[i]), images, decoded, room) for i in order],
        "cells": [[_cell(one.arrays, int(i), room) for one in found.values()] for i in order],
    }


def images_of(
    found: Mapping[str, Kept], decoded: Decoded
) -> tuple[Images, NDArray[np.int64]] | None:
    """Return the images that maps were kept of, and the order of a wall's rows.

    The images on which the methods disagree most come first. None if the images on this machine
    are others.
    """
    first = next(iter(found.values())).arrays
    images = {"train": decoded.train, "test": decoded.test}.get(str(first["split"][()]))
    rows, labels = first["rows"].astype(np.int64), first["labels"].astype(np.int64)
    if images is None or len(rows) == 0 or rows.max() >= len(images) or rows.min() < 0:
        return None
    if not np.array_equal(images.labels[rows], labels):
        return None
    masks = first.get("masks")  # as they were measured; older arrays leave that to the data set
    if masks is None and images.masks is not None:
        masks = np.asarray(images.masks[rows])
    names = tuple(images.names[row] if images.names else str(row) for row in rows)
    own = Images(np.asarray(images.pixels[rows]), labels, names, masks=masks)
    return own, np.lexsort((np.arange(len(rows)), -_apart(found)))


def walled(group: Group, store: Store, name: str) -> Iterator[tuple[int, int, dict[str, Kept]]]:
    """Yield count, seed and what is kept of each recipe, wherever a map method has any."""
    for count in group.counts:
        for seed in group.seeds:
            if found := _kept_of(group, count, seed, store, name):
                yield count, seed, found


def _apart(found: Mapping[str, Kept]) -> NDArray[np.float64]:
    """Return how far the probabilities of the true class lie apart, of each image."""
    z = np.stack([one.arrays["z"].astype(np.float64) for one in found.values()])
    return np.asarray(z.max(axis=0) - z.min(axis=0))


def _row(
    place: int,
    apart: float,
    images: Images,
    decoded: Decoded,
    room: _Room,
) -> dict[str, Any]:
    label = int(images.labels[place])
    mask = None if images.masks is None else images.masks[place]
    return {
        "image": room.take(thumbnail(images.pixels[place])),
        "class": visible(decoded.classes[label]),
        "name": visible(images.names[place]),
        "mask": "" if mask is None or not mask.any() else room.take(_bits(mask)),
        "size": int(images.pixels.shape[1]),
        "apart": json_number(apart, 3),
    }


def _cell(arrays: Mapping[str, NDArray[Any]], place: int, room: _Room) -> list[Any]:
    """Return map, probability of the true class and whether it is said, of one image."""
    values = arrays["maps"][place].astype(np.float32)
    kept_map = room.take(_bytes(_smaller(values))) if float(values.max()) > 0 else ""
    return [kept_map, json_number(float(arrays["z"][place]), 3), bool(arrays["right"][place])]


def _smaller(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a map with at most `SIDE` places a side, means of blocks."""
    step = -(-values.shape[0] // SIDE)
    if step == 1:
        return values
    side = min(SIDE, values.shape[0])
    edges = np.linspace(0, values.shape[0], side + 1).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(values, edges, axis=0), edges, axis=1)
    ones = np.ones_like(values)
    sizes = np.add.reduceat(np.add.reduceat(ones, edges, axis=0), edges, axis=1)
    return np.asarray(sums / sizes, np.float32)


def _bytes(values: NDArray[np.float32]) -> str:
    scaled = np.clip(values / max(float(values.max()), 1e-12), 0, 1)
    return base64.b64encode(np.rint(255 * scaled).astype(np.uint8).tobytes()).decode()


def _bits(mask: NDArray[np.bool_]) -> str:
    return base64.b64encode(np.packbits(mask).tobytes()).decode()
