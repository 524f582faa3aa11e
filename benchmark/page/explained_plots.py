"""Plots of explanations for a paper: numbers with intervals, features, a picture wall."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbench.explain.numbers import BOUNDS, CONTEXT, Explained, PerImage
from imbench.explain.stored import Kept, any_kept
from imbench.explain.tables import ExplainedGroup, explained_groups
from imbench.images.dataset import Decoded
from imbench.page.explained import draw_features, placed_cells
from imbench.page.images import find_decoded
from imbench.page.styles import style_of
from imbench.page.wall import images_of, walled
from imbench.records.groups import method_title
from imbench.records.image_names import read_names
from imbench.records.record import Record
from imbench.records.store import Store
from imbench.registry import registered_names
from imbench.stats.intervals import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["explanation_figures"]

SHOWN = (
    ("lift", "lift on the object"),
    ("other_flips", "flips before the other class's background"),
)
ROWS = 8
"""Images of a wall in print."""


def explanation_figures(
    records: Iterable[Record], results: Path, root: Path
) -> Iterator[tuple[str, Figure]]:
    """Yield name and figure of what `bench explain` kept beside records.

    Parameters
    ----------
    records : iterable of Record
        Of the results folder.
    results, root : Path
        The results folder, and that of all data sets, for the images of a wall.
    """
    if not any_kept(results):
        return
    store = Store(results)
    whats = (*registered_names("maps"), CONTEXT)
    for one in explained_groups(list(records), store, whats, dict(read_names(results))):
        about = f"{one.group.title}-{one.group.code}"
        for what in one.kept:
            yield f"looks-{what}-{about}", _draw_numbers(one, what)
        for count, seed, found in placed_cells(one.group, store):
            yield f"features-{about}-{count}-{seed}", draw_features(found, one.classes)
        decoded, _ = find_decoded(one.group, root)
        if decoded is not None:
            for name in (what for what in one.kept if what != CONTEXT):
                for count, seed, kept_of in walled(one.group, store, name):
                    figure = _draw_wall(kept_of, decoded)
                    if figure is not None:
                        yield f"wall-{name}-{about}-{count}-{seed}", figure
                    break


def _draw_numbers(one: ExplainedGroup, what: str) -> Figure:
    """Return a measure of each method with its interval over seeds, a panel a class and count."""
    from matplotlib.figure import Figure

    known = {name for slot in one.kept[what].values() for x in slot.values() for name in x.values}
    name, title = next((pair for pair in SHOWN if pair[0] in known), ("insertion", "insertion"))
    labels = one.labels(what)
    counts = sorted({count for _, count in one.kept[what]})
    figure = Figure(figsize=(7.0, 0.6 + 1.9 * len(labels)), layout="constrained")
    grid = figure.subplots(len(labels), len(counts), squeeze=False, sharex=True, sharey=True)
    for label, line in zip(labels, grid, strict=True):
        for count, axes in zip(counts, line, strict=True):
            _draw_panel(axes, one.kept[what], count, name, label)
            text = f"{one.title(label)}, {count} minority images"
            axes.set_title(text, fontsize=8, parse_math=False)
    figure.supxlabel(title, fontsize=8)
    return figure


def _draw_panel(axes: Axes, explained: Explained, count: int, name: str, label: int) -> None:
    slots = {recipe: slot for (recipe, at), slot in explained.items() if at == count}
    for place, (recipe, slot) in enumerate(slots.items()):
        means = _means(slot, name, label)
        if not means:
            continue
        colour = style_of(recipe).light
        found = mean_interval(means, bounds=BOUNDS.get(name, (0.0, 1.0)))
        if found.ends is not None:
            axes.plot(found.ends, (place, place), color=colour, linewidth=2)
        axes.plot(means, [place] * len(means), ".", color=colour, alpha=0.4, markersize=4)
        axes.plot([found.mean], [place], "o", color=colour, markersize=5)
    axes.set_yticks(range(len(slots)), [method_title(recipe) for recipe in slots], fontsize=7)
    axes.invert_yaxis()
    axes.tick_params(labelsize=7)
    axes.axvline(0, color="0.7", linewidth=0.8, zorder=0)


def _means(slot: Mapping[int, PerImage], name: str, label: int) -> list[float]:
    means = (x.mean(name, label) for x in slot.values() if name in x.values)
    return [mean for mean in means if math.isfinite(mean)]


def _draw_wall(found: Mapping[str, Kept], decoded: Decoded) -> Figure | None:
    """Return images in rows and methods in columns, a map over each; None for other images."""
    from matplotlib.figure import Figure

    shown = images_of(found, decoded)
    if shown is None:
        return None
    images, order = shown
    order = order[:ROWS]
    figure = Figure(figsize=(7.0, 0.3 + 7.0 / (len(found) + 1) * 1.18 * len(order)))
    grid = figure.subplots(len(order), len(found) + 1, squeeze=False)
    for i, line in zip(order, grid, strict=True):
        picture = images.pixels[i]
        mask = None if images.masks is None else images.masks[i]
        _draw_image(line[0], picture, None, None)
        line[0].set_xlabel(decoded.classes[int(images.labels[i])], fontsize=6)
        for axes, one in zip(line[1:], found.values(), strict=True):
            _draw_image(axes, picture, one.arrays["maps"][i].astype(float), mask)
            wrong = "" if one.arrays["right"][i] else " (wrong)"
            axes.set_xlabel(f"{float(one.arrays['z'][i]):.2f}{wrong}", fontsize=6, labelpad=1)
    for axes, recipe in zip(grid[0][1:], found, strict=True):
        axes.set_title(method_title(recipe), fontsize=8, parse_math=False)
    figure.set_layout_engine("tight", pad=0.3, h_pad=0.2, w_pad=0.2)
    return figure


def _draw_image(axes: Axes, picture: Any, values: Any, mask: Any) -> None:
    axes.imshow(picture[..., 0] if picture.shape[-1] == 1 else picture, cmap="gray")
    if values is not None:
        axes.imshow(values, cmap="inferno", alpha=np.clip(0.15 + values, 0, 0.7) * (values > 0))
    if mask is not None and mask.any():
        axes.contour(mask, levels=[0.5], colors="white", linewidths=0.7)
    axes.set_xticks([])
    axes.set_yticks([])
