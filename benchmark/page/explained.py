"""Tables of explanations and pictures of features, as data of the page's markup."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbench.explain.feature_numbers import FEATURES, NUMBERS
from imbench.explain.numbers import CONTEXT, KINDS
from imbench.explain.overview import overview_tables
from imbench.explain.stored import Kept, any_kept, kept
from imbench.explain.tables import class_title, explained_groups, explanation_tables
from imbench.page.tables import plain_table
from imbench.records.groups import Group, method_title
from imbench.records.image_names import ImageNames
from imbench.records.record import Record
from imbench.records.store import Store
from imbench.registry import registered_names
from imbench.safe_text import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_features", "explained_blocks", "feature_blocks", "placed_cells"]

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of classes, told apart by people who see red and green alike (Okabe and Ito 2008)."""
MARKERS = {"train": ".", "test": "^", "generated": "x"}
PICTURES = 12
"""Pictures of features in a page, of 60 kB each; `--plots` draws all."""


def explained_blocks(
    records: Iterable[Record], folder: Path, names: Mapping[str, ImageNames]
) -> list[dict[str, Any]]:
    """Return the tables of what `bench explain` kept, as data of the markup.

    One table for each data set and count, and every measure of each map and class, which the page
    folds away.
    """
    if not any_kept(folder):
        return []
    whats = (*registered_names("maps"), CONTEXT)
    groups = explained_groups(records, Store(folder), whats, dict(names))
    short = overview_tables(groups, "every measure of each map is below")
    return [
        {**plain_table(table, [[""] * len(table.head)] * len(table.rows)), "folded": folded}
        for folded, tables in ((False, short), (True, explanation_tables(groups)))
        for table in tables
    ]


def placed_cells(group: Group, store: Store) -> Iterator[tuple[int, int, list[Kept]]]:
    """Yield count, seed and what is kept of each method, of the first seed that has features."""
    for count in group.counts:
        for seed in group.seeds:
            slots = [group.slots.get((method, count), {}).get(seed) for method in group.rows]
            done = [record for record in slots if record is not None and record.done]
            found = [one for record in done if (one := kept(store, record, FEATURES)) is not None]
            if found:
                yield count, seed, found
                break


def feature_blocks(
    record_groups: Sequence[Group], folder: Path | None, names: Mapping[str, ImageNames]
) -> list[dict[str, Any]]:
    """Return pictures of features with the numbers beside them."""
    if folder is None or not any_kept(folder):
        return []
    from imbench.page.paper_plots import figure_bytes

    blocks: list[dict[str, Any]] = []
    for group in record_groups:
        known = names.get(group.basis.fingerprint)
        for count, seed, found in placed_cells(group, Store(folder)):
            if len(blocks) == PICTURES:
                return blocks
            svg = figure_bytes(draw_features(found, known.classes if known else ()), "png")
            title = f"{group.title}: features at {count} minority images, seed {seed}"
            blocks.append(
                {
                    "title": visible(title),
                    "picture": f"data:image/png;base64,{base64.b64encode(svg).decode()}",
                    "alt": "Features of the last layer in a plane, a panel for each method.",
                    "below": [visible(_numbers(one)) for one in found],
                }
            )
    return blocks


def draw_features(found: Sequence[Kept], classes: Sequence[str] = ()) -> Figure:
    """Return the features of some methods in a plane, a panel for each."""
    from matplotlib.figure import Figure

    columns = min(4, len(found))
    lines = -(-len(found) // columns)
    figure = Figure(figsize=(7.0, 0.4 + 1.9 * lines), layout="constrained")
    panels = np.atleast_1d(figure.subplots(lines, columns)).ravel()
    for axes in panels[len(found) :]:
        axes.set_axis_off()
    for axes, one in zip(panels, found, strict=False):
        xy, labels, kinds = (one.arrays[name] for name in ("xy", "labels", "kinds"))
        for label in np.unique(labels):
            for code, kind in enumerate(KINDS):
                rows = (labels == label) & (kinds == code)
                if rows.any():
                    axes.scatter(
                        *xy[rows].T,
                        s=6,
                        marker=MARKERS[kind],
                        color=COLOURS[int(label) % len(COLOURS)],
                        alpha=0.6,
                        linewidths=0.5,
                        label=f"{class_title(classes, int(label))}, {kind}",
                    )
        axes.set_title(method_title(one.record.cell.recipe), fontsize=8, parse_math=False)
        axes.set_xticks([])
        axes.set_yticks([])
    # Of all panels: one method has generated images, another has none.
    entries = {
        label: handle
        for axes in panels
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=3, fontsize=7)
    return figure


def _numbers(one: Kept) -> str:
    title = method_title(one.record.cell.recipe)
    values = {name: float(one.arrays[name]) for name in NUMBERS}
    if not math.isfinite(values["purity"]):
        return f"{title}: no generated images"
    return (
        f"{title}: {values['purity']:.2f} of the ten nearest real neighbours of generated images "
        "are of their class; a linear probe tells them from training images with "
        f"{values['separability']:.2f} (test images from training images: "
        f"{values['control']:.2f}; .5 if it cannot)"
    )
