"""Tables of explanations: what maps and swapped backgrounds say of each method."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from imbench.explain.context import SWAPS
from imbench.explain.feature_numbers import FeatureNumbers, feature_numbers
from imbench.explain.mean_cells import DASH, cell_of, share_cell
from imbench.explain.numbers import (
    BOUNDS,
    CONTEXT,
    Explained,
    PerImage,
    differences,
    explained_of,
)
from imbench.records.groups import Group, format_ranges, group_records, method_title
from imbench.records.image_names import ImageNames
from imbench.records.record import Record
from imbench.records.store import Store
from imbench.report.printed_table import PrintedCell, PrintedTable
from imbench.stats.effect import Effect
from imbench.stats.paired import ALPHA, ENOUGH

__all__ = [
    "ORDERS",
    "REFERENCE",
    "ExplainedGroup",
    "class_title",
    "explained_groups",
    "explanation_tables",
    "images_of",
    "map_faults",
    "map_title",
    "mean_cell",
    "reference_of",
    "splits_of",
    "surely_apart",
]

REFERENCE = "vanilla"
"""Method with which the others are compared; the first of the table where it was not run."""
MAP_COLUMNS = (
    ("pointing", "hits"),
    ("energy", "energy"),
    ("lift", "lift"),
    ("insertion", "insertion"),
    ("deletion", "deletion"),
)
_SWAP_TITLES = {"other": "other class", "same": "same class", "erased": "object erased"}
SWAP_COLUMNS = tuple(
    (f"{_SWAP_TITLES[name]}: {title}", f"{name}_{measure}")
    for name in SWAPS
    for title, measure in (("|dz|", "moved"), ("flips", "flips"))
)
SWAP_PAIRS = (("|dz|", "other_moved"), ("flips", "other_flips"))
ORDERS = (
    "insertion, deletion: area under the probability of the true class while pixels come back or "
    "go, those of largest value first: high and low if the map is right; both rise with the "
    "probability that a method gives the class, so compare the two of one method"
)


@dataclass(frozen=True)
class ExplainedGroup:
    """What is kept of comparable records, by name: map methods, ``context``, and of features."""

    group: Group
    classes: tuple[str, ...]
    kept: dict[str, Explained]
    features: FeatureNumbers = field(default_factory=dict)

    def columns(self, what: str) -> tuple[tuple[str, str], ...]:
        """Return title and name of each measure that some cell has."""
        wanted = SWAP_COLUMNS if what == CONTEXT else MAP_COLUMNS
        cells = [one for slot in self.kept[what].values() for one in slot.values()]
        return tuple(
            (title, name)
            for title, name in wanted
            if any(name in one.values and np.isfinite(one.values[name]).any() for one in cells)
        )

    def labels(self, what: str) -> list[int]:
        """Return the classes of the images, the majority first."""
        cells = (one for slot in self.kept[what].values() for one in slot.values())
        return sorted({int(label) for one in cells for label in np.unique(one.labels)})

    def title(self, label: int) -> str:
        """Return the name of a class."""
        return class_title(self.classes, label)


def class_title(classes: Sequence[str], label: int) -> str:
    """Return the name of a class, or what it is where names are not known."""
    if label < len(classes):
        return classes[label]
    return "majority" if label == 0 else f"minority {label}"


def explained_groups(
    records: Iterable[Record],
    store: Store,
    whats: Sequence[str],
    names: dict[str, ImageNames] | None = None,
) -> list[ExplainedGroup]:
    """Return what is kept under some names, for each group of records that has any."""
    made = []
    for group in group_records(records):
        known = (names or {}).get(group.basis.fingerprint)
        found = {what: explained_of(group, store, what) for what in whats}
        found = {what: explained for what, explained in found.items() if explained}
        if found:
            classes = known.classes if known else ()
            made.append(ExplainedGroup(group, classes, found, feature_numbers(group, store)))
    return made


def explanation_tables(groups: Iterable[ExplainedGroup]) -> list[PrintedTable]:
    """Return for each group the means by name and class, and the differences to the reference."""
    tables = []
    for one in groups:
        for what in one.kept:
            if one.columns(what):
                tables += [_means(one, what, label) for label in one.labels(what)]
        tables += _differences(one)
    return tables


def _means(one: ExplainedGroup, what: str, label: int) -> PrintedTable:
    columns = one.columns(what)
    rows, counts = [], []
    for method in one.group.rows:
        for count in one.group.counts:
            slot = one.kept[what].get((method.recipe, count), {})
            if slot:
                counts.append(count)
                cells = [mean_cell(slot, name, label) for _, name in columns]
                title = f"{count} {method_title(method.recipe)}"
                right = share_cell(x.share_right(label) for x in slot.values())
                rows.append((PrintedCell(text=title), right, *cells))
    order = sorted(range(len(rows)), key=lambda i: counts[i])
    rows, counts = [rows[i] for i in order], [counts[i] for i in order]
    return PrintedTable(
        title=_table_title(one, what, label),
        slug=f"explained-{one.group.code}-{what}-{label}",
        above=(_protocol(one, what, label),),
        span="",
        head=("method", "right", *(title for title, _ in columns)),
        align="l" + "r" * (len(columns) + 1),
        rows=tuple(rows),
        rules=_rules(counts),
        below=_notes(one, what, label),
    )


def mean_cell(slot: Mapping[int, PerImage], name: str, label: int) -> PrintedCell:
    """Return the mean over seeds of a measure, with its interval; a dash where there is none."""
    means = [x.mean(name, label) for x in slot.values() if name in x.values]
    return cell_of(means, BOUNDS.get(name, (0.0, 1.0)))


def _differences(one: ExplainedGroup) -> list[PrintedTable]:
    """Return how methods differ from the reference on the images that both get right."""
    recipes = [row.recipe for row in one.group.rows]
    reference = reference_of(recipes)
    columns = [
        (f"{map_title(one, what)} {title}, {one.title(label)}", what, measure, label)
        for what in one.kept
        for title, measure in (SWAP_PAIRS if what == CONTEXT else (("lift", "lift"),))
        if measure in {name for _, name in one.columns(what)}
        for label in one.labels(what)
    ]
    rows, counts = [], []
    for count in one.group.counts:
        for recipe in (name for name in recipes if name != reference):
            cells = [
                _difference_cell(one.kept[what], (recipe, reference), count, measure, label)
                for _, what, measure, label in columns
            ]
            if any(cell is not DASH for cell in cells):
                counts.append(count)
                rows.append((PrintedCell(text=f"{count} {method_title(recipe)}"), *cells))
    if not rows:
        return []
    return [
        PrintedTable(
            title=f"{one.group.title}: difference to {method_title(reference)}",
            slug=f"explained-{one.group.code}-pairs",
            above=("on the images that both methods get right, seed by seed",),
            span="",
            head=("method", *(title for title, *_ in columns)),
            align="l" + "r" * len(columns),
            rows=tuple(rows),
            rules=_rules(counts),
            below=(
                f"bold: sign-flip p < {ALPHA:g} over {ENOUGH} seeds or more, and the 95 % t "
                "interval in brackets is on one side of 0; not corrected for the number of cells",
            ),
        )
    ]


def reference_of(recipes: Sequence[str]) -> str:
    """Return the method with which the others are compared."""
    return REFERENCE if REFERENCE in recipes else recipes[0]


def surely_apart(effect: Effect) -> bool:
    """Whether a difference is established: by the sign-flip test, and by its interval."""
    ends = effect.interval().ends
    sure = len(effect) >= ENOUGH and effect.p < ALPHA and ends is not None
    return sure and ends is not None and (ends[0] > 0 or ends[1] < 0)


def _difference_cell(
    explained: Explained, pair: tuple[str, str], count: int, name: str, label: int
) -> PrintedCell:
    try:
        values = differences(explained, pair, count, name, label)
    except KeyError:
        return DASH
    if not values:
        return DASH
    low, high = BOUNDS.get(name, (0.0, 1.0))
    effect = Effect(values, (low - high, high - low))
    ends, bold = effect.interval().ends, surely_apart(effect)
    return PrintedCell(effect.mean, ends, bold=bold, digits=2, signed=True)


def map_title(one: ExplainedGroup, what: str) -> str:
    """Return what a map method, or the swapping of backgrounds, is called."""
    titles = (cell.title for slot in one.kept[what].values() for cell in slot.values())
    return "swapped background" if what == CONTEXT else next(filter(None, titles), what)


def _table_title(one: ExplainedGroup, what: str, label: int) -> str:
    return f"{one.group.title}: {map_title(one, what)}, {one.title(label)}"


def _where_from(split: str) -> str:
    """Return which images were explained."""
    where = {"test": "test images", "train": "training images that the cells left out"}
    return where.get(split, "images")


def images_of(cells: Sequence[PerImage], label: int) -> str:
    """Return how many images of a class each cell has: ``4``, or ``4-12``."""
    counts = sorted({int((x.labels == label).sum()) for x in cells})
    return "-".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))


def splits_of(cells: Sequence[PerImage]) -> str:
    """Return which images the cells were explained on."""
    return " and ".join(sorted({_where_from(x.split) for x in cells}))


def _protocol(one: ExplainedGroup, what: str, label: int) -> str:
    cells = [x for slot in one.kept[what].values() for x in slot.values()]
    seeds = format_ranges(seed for slot in one.kept[what].values() for seed in slot)
    images, split = images_of(cells, label), splits_of(cells)
    text = f"{images} {one.title(label)} images of each cell ({split}); seeds {seeds}; "
    if what == CONTEXT:
        return f"{text}mean and 95 % t interval over seeds"
    areas = [x.mean("area", label) for x in cells]
    if all(map(math.isfinite, areas)):
        area, chance = np.mean(areas), np.mean([x.mean("near", label) for x in cells])
        text += f"the object takes {area:.2f} of the image, with the tolerance {chance:.2f}; "
    return f"{text}mean and 95 % t interval over seeds"


def _notes(one: ExplainedGroup, what: str, label: int) -> tuple[str, ...]:
    cells = [x for slot in one.kept[what].values() for x in slot.values()]
    if label != one.labels(what)[-1]:
        return ()  # below the last table of the name
    notes = ["right: share of these images that the method calls what they are"]
    if what == CONTEXT:
        return (
            *notes,
            "|dz|: mean change of the probability of the true class; flips: share of images "
            "called otherwise; the object before the background of an image of the other class, of "
            "another of its own class (what the cutting does by itself), and without the object",
        )
    shown = {name for _, name in one.columns(what)}
    if "lift" in shown:
        notes.append(
            "pointing: largest value on the object or within 15/224 of the side; energy: share of "
            "the map on the object, by chance the object's share of the image; lift: (energy - "
            "share) / (1 - share), 0 is chance"
        )
    if shown & {"insertion", "deletion"}:
        notes.append(ORDERS)
    notes += map_faults(cells)
    errors = np.concatenate([x.values["error"] for x in cells])
    if np.isfinite(errors).any():
        passes = np.concatenate([x.values["passes"] for x in cells])
        notes.append(
            f"standard error of a map: {np.nanmean(errors):.2f} of its largest value, after "
            f"{passes.mean():.0f} masks on average"
        )
    return tuple(notes)


def map_faults(cells: Sequence[PerImage], name: str = "") -> list[str]:
    """Say how many maps, of a method of some name, have no measures, and why."""
    notes = []
    for what, text in (("empty", "zero everywhere"), ("broken", "no numbers")):
        bad = int(sum(x.values[what].sum() for x in cells))
        if bad:
            total = sum(len(x.labels) for x in cells)
            maps = f"{name} maps" if name else "maps"
            notes.append(f"{bad} of {total} {maps} are {text}, and have no measures")
    return notes


def _rules(counts: Sequence[int]) -> frozenset[int]:
    return frozenset(i + 1 for i, (one, two) in enumerate(pairwise(counts)) if one != two)
