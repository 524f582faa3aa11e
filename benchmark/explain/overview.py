"""Explanations in short: for each data set and count one table, with one line a method."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from imbench.explain.context import SWAPS
from imbench.explain.feature_numbers import feature_table
from imbench.explain.mean_cells import DASH, share_cell
from imbench.explain.numbers import CONTEXT, Explained, PerImage, differences, same_images
from imbench.explain.tables import (
    ORDERS,
    ExplainedGroup,
    images_of,
    map_faults,
    map_title,
    mean_cell,
    reference_of,
    splits_of,
    surely_apart,
)
from imbench.records.groups import format_ranges, method_title
from imbench.report.printed_table import PrintedCell, PrintedTable
from imbench.stats.effect import Effect
from imbench.stats.paired import ALPHA, ENOUGH

__all__ = ["overview_tables"]

Slot = dict[int, PerImage]
Column = tuple[str, str, str, int]
"""Title, name under which it is kept, measure, class."""
RIGHT = "right"
FLIPS = tuple(f"{name}_flips" for name in SWAPS)
_FLIP_TITLES = dict(zip(FLIPS, ("flips", "same", "erased"), strict=True))


def overview_tables(
    groups: Sequence[ExplainedGroup], more: str = "--details has every measure of each map"
) -> list[PrintedTable]:
    """Return a table for each group and count; what its columns are stands below the last.

    `more` says where the reader finds what these tables leave out.
    """
    tables: list[PrintedTable] = []
    measures: set[str] = set()
    references: dict[str, None] = {}
    for one in groups:
        columns = list(_columns(one))
        for count in one.group.counts:
            table = _table(one, count, columns)
            if not table.rows:
                continue
            tables.append(table)
            measures |= {measure for _, _, measure, _ in columns}
            if any(cell.bold for row in table.rows for cell in row):
                references[reference_of([row.recipe for row in one.group.rows])] = None
    if tables:
        below = (*tables[-1].below, *_legend(measures, references, more))
        tables[-1] = replace(tables[-1], below=below)
    return tables + _feature_tables(groups)


def _feature_tables(groups: Iterable[ExplainedGroup]) -> list[PrintedTable]:
    """Return a table of generated images for each group and count that has any."""
    made = [
        table
        for one in groups
        for count in one.group.counts
        if (table := feature_table(one.group, one.features, count)) is not None
    ]
    return [*(replace(table, below=()) for table in made[:-1]), *made[-1:]]


def _columns(one: ExplainedGroup) -> Iterator[Column]:
    """Yield the columns: of each class how many are right, what maps and swaps say of it."""
    first = CONTEXT if CONTEXT in one.kept else next(iter(one.kept))
    for label in sorted({label for what in one.kept for label in one.labels(what)}):
        yield RIGHT, first, RIGHT, label
        for what in one.kept:
            known = {name for _, name in one.columns(what)}
            if what == CONTEXT:
                for measure, title in _FLIP_TITLES.items():
                    if measure in known:
                        yield title, what, measure, label
            elif "lift" in known:
                yield f"{map_title(one, what)} lift", what, "lift", label
            else:
                for measure in ("insertion", "deletion"):
                    if measure in known:
                        yield f"{map_title(one, what)} {measure}", what, measure, label


def _table(one: ExplainedGroup, count: int, columns: list[Column]) -> PrintedTable:
    recipes = [row.recipe for row in one.group.rows]
    reference = reference_of(recipes)
    rows = []
    for recipe in recipes:
        pair = recipe, reference
        cells = [
            _cell(one.kept[what], pair, count, measure, label)
            for _, what, measure, label in columns
        ]
        if any(cell is not DASH for cell in cells):
            rows.append((PrintedCell(text=method_title(recipe)), *cells))
    faults = [
        note
        for what in one.kept
        if what != CONTEXT
        for note in map_faults(_cells(one, what, count), map_title(one, what))
    ]
    return PrintedTable(
        title=f"{one.group.title}: where they look at {count} minority images",
        slug=f"explained-{one.group.code}-{count}",
        above=(_protocol(one, count),),
        span="",
        head=("method", *(title for title, *_ in columns)),
        over=("", *(one.title(label) for *_, label in columns)),
        align="l" + "r" * len(columns),
        rows=tuple(rows),
        below=(*faults, *_uneven(one, count)),
    )


def _uneven(one: ExplainedGroup, count: int) -> Iterator[str]:
    """Say which methods were explained on other images than the reference, and so not compared."""
    recipes = [row.recipe for row in one.group.rows]
    reference = reference_of(recipes)
    for what, explained in one.kept.items():
        base = explained.get((reference, count), {})
        others = [
            method_title(recipe)
            for recipe in recipes
            for slot in [explained.get((recipe, count), {})]
            if any(not same_images(slot[seed], base[seed]) for seed in set(slot) & set(base))
        ]
        if others:
            option = "--swaps" if what == CONTEXT else "--images"
            name = "swaps" if what == CONTEXT else f"{map_title(one, what)} maps"
            yield (
                f"{name} of {', '.join(others)} are of other images than "
                f"{method_title(reference)}'s, and not compared with them: explain all with one "
                f"{option}"
            )


def _cells(one: ExplainedGroup, what: str, count: int) -> list[PerImage]:
    return [
        found for (_, at), slot in one.kept[what].items() if at == count for found in slot.values()
    ]


def _cell(
    explained: Explained, pair: tuple[str, str], count: int, measure: str, label: int
) -> PrintedCell:
    slot = dict(explained.get((pair[0], count), {}))
    if not slot:
        return DASH
    if measure == RIGHT:
        return share_cell(x.share_right(label) for x in slot.values())
    if measure in FLIPS:
        cell = share_cell(x.mean(measure, label) for x in slot.values() if measure in x.values)
        marked = measure == FLIPS[0]
    else:
        cell, marked = mean_cell(slot, measure, label), True
    if cell is DASH or not marked:
        return cell
    return replace(cell, bold=_differs(explained, pair, count, measure, label))


def _differs(
    explained: Explained, pair: tuple[str, str], count: int, measure: str, label: int
) -> bool:
    if pair[0] == pair[1]:
        return False
    try:
        values = differences(explained, pair, count, measure, label)
    except KeyError:  # images of one class have no background of another
        return False
    return bool(values) and surely_apart(Effect(values))


def _protocol(one: ExplainedGroup, count: int) -> str:
    """Say of how many images of each class, and of which seeds, a table is."""
    sizes, seeds, areas = [], set(), []
    for what, explained in one.kept.items():
        cells = _cells(one, what, count)
        seeds |= {seed for (_, at), slot in explained.items() if at == count for seed in slot}
        if cells:
            counts = [f"{images_of(cells, n)} {one.title(n)}" for n in one.labels(what)]
            name = "swaps" if what == CONTEXT else map_title(one, what)
            sizes.append((", ".join(counts), name, splits_of(cells)))
            areas += [x.values["area"] for x in cells if "area" in x.values]
    said = [
        f"{' and '.join(name for these, name, split in sizes if (these, split) == group)}: "
        f"{group[0]} ({group[1]})"
        for group in dict.fromkeys((these, split) for these, _, split in sizes)
    ]
    text = f"{'; '.join(said)}; seeds {format_ranges(seeds)}"
    area = np.concatenate(areas) if areas else np.empty(0)
    if np.isfinite(area).any():
        text += f"; the object takes {np.nanmean(area):.2f} of an image"
    return text


def _legend(measures: set[str], references: Iterable[str], more: str) -> Iterator[str]:
    yield (
        "right: share of the images that a method calls what they are; in brackets 95 % t "
        f"intervals over seeds; {more}"
    )
    if titles := [method_title(recipe) for recipe in references]:
        yield (
            f"bold: differs from {' or '.join(titles)}, on the images that "
            f"both get right: sign-flip p < {ALPHA:g} over {ENOUGH} seeds or more, not corrected "
            "for the number of cells"
        )
    if "lift" in measures:
        yield (
            "lift: how much of a map lies on the object: 0 by chance, 1 all of it, below 0 around "
            "it"
        )
    if "insertion" in measures or "deletion" in measures:
        yield ORDERS
    if measures & set(FLIPS):
        yield (
            "flips, same, erased: share of images called otherwise when the object stands before "
            "the background of another class, before one of its own class, or is erased; what "
            "flips has beyond same is what the background says of the class"
        )
