"""What the features of generated images say of them, over seeds: a table for data set and count."""

from __future__ import annotations

import math
from collections.abc import Mapping

from imbench.explain.mean_cells import cell_of
from imbench.explain.stored import kept
from imbench.records.groups import Group, format_ranges, method_title
from imbench.records.store import Store
from imbench.report.printed_table import PrintedCell, PrintedTable

__all__ = ["FEATURES", "LEGEND", "NUMBERS", "FeatureNumbers", "feature_numbers", "feature_table"]

FEATURES = "features"
"""Name under which the features of a cell are kept."""
NUMBERS = ("purity", "separability", "control")
"""Arrays of one number each: see `imbench.explain.embedding`."""
LEGEND = (
    "own class: share of the ten nearest real neighbours of generated images that are of their "
    "class; with two classes 0.5 is chance",
    "told apart: balanced accuracy of a linear probe that tells generated images from training "
    "images of their class, 0.5 if it cannot; test images: the same of real test images",
)

FeatureNumbers = Mapping[tuple[str, int], Mapping[int, Mapping[str, float]]]
"""Recipe and count to seed to the numbers of a cell with generated images."""


def feature_numbers(group: Group, store: Store) -> FeatureNumbers:
    """Return the numbers of all finished records of a group that have generated images."""
    made: dict[tuple[str, int], dict[int, dict[str, float]]] = {}
    for method in group.rows:
        for count in group.counts:
            for seed, record in sorted(group.slots.get((method, count), {}).items()):
                found = kept(store, record, FEATURES) if record.done else None
                if found is None or not set(NUMBERS) <= set(found.arrays):
                    continue
                numbers = {name: float(found.arrays[name]) for name in NUMBERS}
                if math.isfinite(numbers["purity"]):
                    made.setdefault((method.recipe, count), {})[seed] = numbers
    return made


def feature_table(group: Group, found: FeatureNumbers, count: int) -> PrintedTable | None:
    """Return the table of a count; None without generated images."""
    slots = {recipe: slot for (recipe, at), slot in found.items() if at == count}
    if not slots:
        return None
    seeds = {seed for slot in slots.values() for seed in slot}
    return PrintedTable(
        title=f"{group.title}: features of generated images at {count} minority images",
        slug=f"features-{group.code}-{count}",
        above=(f"seeds {format_ranges(seeds)}; mean and 95 % t interval over seeds",),
        span="",
        head=("method", "own class", "told apart", "test images"),
        align="lrrr",
        rows=tuple(
            (
                PrintedCell(text=method_title(recipe)),
                *(cell_of(numbers[name] for numbers in slot.values()) for name in NUMBERS),
            )
            for recipe, slot in slots.items()
        ),
        below=LEGEND,
    )
