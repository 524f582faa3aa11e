"""Tables as plain data for the plots: methods, scores by count, paired differences."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from imbench.page.cells import cell_seconds, json_number
from imbench.page.styles import style_of
from imbench.records.groups import Group, group_differences
from imbench.records.metric_specs import load_metric
from imbench.records.record import Record
from imbench.report.compare import Comparison, match_all
from imbench.report.means import WORDS, TableCell
from imbench.report.panel import Panel
from imbench.report.tables import Table, TableRow
from imbench.report.words import sentence
from imbench.safe_text import visible
from imbench.stats.about_metrics import lower_is_better, score_range, title_over
from imbench.stats.paired import ENOUGH

__all__ = [
    "class_counts",
    "group_title",
    "groups_of",
    "method_differences",
    "methods_of",
    "metric_rows",
    "pivotal_methods",
    "plain_groups",
    "plot_data",
    "reference_method",
]


COMPARISONS = 5000
"""Comparisons in one page, of two methods at one count: one takes about 3 ms."""


def plot_data(
    tables: Sequence[Table], metrics: Sequence[str], pivots: Sequence[int]
) -> dict[str, Any]:
    """Return what plots of all records draw, by the names that the scripts know it by.

    Each of ``drawings`` in ``templates/plots.js`` finds its data here. `pivots` are the methods
    that are compared with all others, returned by `pivotal_methods`.
    """
    return {
        "metrics": metric_rows(metrics, class_counts(groups_of(tables))),
        "methods": plain_methods(tables),
        "groups": plain_groups(tables),
        "reference": reference_method(tables),
        "differences": method_differences(tables, pivots),
        "enough": ENOUGH,
        "words": WORDS,
    }


def groups_of(tables: Sequence[Table]) -> list[Group]:
    """Return the groups of the tables, each once."""
    return list({id(table.group): table.group for table in tables}.values())


def methods_of(tables: Sequence[Table]) -> list[str]:
    """Return the recipes of all tables, each once, in the order of the tables."""
    return list(dict.fromkeys(line.recipe for table in tables for line in table.lines))


def class_counts(record_groups: Sequence[Group]) -> set[int]:
    """Return the numbers of classes that groups have, where their records tell."""
    return {len(group.test_counts) for group in record_groups if group.test_counts}


def metric_rows(names: Sequence[str], classes: Collection[int] = (2,)) -> list[dict[str, Any]]:
    """Return name, title, direction and range of each metric.

    `classes` are the numbers of classes of the data sets that are shown together.
    """
    rows = []
    for name in names:
        metric = load_metric(name)
        low, high = score_range(name, metric)
        rows.append(
            {
                "name": name,
                "title": visible(title_over(name, classes)),
                "lower": lower_is_better(name, metric),
                "range": [json_number(low), json_number(high)],
            }
        )
    return rows


def plain_methods(tables: Sequence[Table]) -> list[dict[str, str]]:
    """Return title, dash and marker of each method."""
    titles = {line.recipe: line.title for table in tables for line in reversed(table.lines)}
    return [
        {
            "title": visible(titles[recipe].partition(" [")[0] or recipe),
            "dash": style_of(recipe).dash,
            "marker": style_of(recipe).marker,
        }
        for recipe in methods_of(tables)
    ]


def plain_groups(tables: Sequence[Table]) -> list[dict[str, Any]]:
    """Return, for each group, the mean and interval of each method, count and metric."""
    recipes = methods_of(tables)
    plain = []
    for group in groups_of(tables):
        records = {record.key: record for record in group.records}
        own = [table for table in tables if table.group is group]
        plain.append(
            {
                "name": group_title(group, groups_of(tables)),
                "counts": list(own[0].counts),
                "labels": {count: group.label(count) for count in own[0].counts},
                "trivial": {table.metric: json_number(table.trivial) for table in own},
                "lines": [
                    _plain_row(group, own, index, recipes, records)
                    for index in range(len(group.rows))
                ],
            }
        )
    return plain


def group_title(group: Group, all_groups: Sequence[Group]) -> str:
    """Return the name of a group's data set, and what differs in others of the same name."""
    alike = [other for other in all_groups if other.title == group.title]
    place = next(index for index, other in enumerate(alike) if other is group)
    apart = ", ".join(f"{key} {each[place]}" for key, each in group_differences(alike).items())
    return visible(group.title + (f" ({apart})" if apart else ""))


def _plain_row(
    group: Group,
    own: Sequence[Table],
    index: int,
    recipes: Sequence[str],
    records: Mapping[str, Record],
) -> dict[str, Any]:
    lines: list[TableRow] = [table.lines[index] for table in own]
    slots = [group.slots.get((group.rows[index], count), {}) for count in own[0].counts]
    return {
        "method": recipes.index(lines[0].recipe),
        "title": visible(lines[0].title),
        "cells": [[slot[seed].cell.key for seed in sorted(slot)] for slot in slots],
        "seconds": [_mean_seconds(list(slot.values()), records) for slot in slots],
        "scores": {
            table.metric: [_plain_entry(entry) for entry in line.entries]
            for table, line in zip(own, lines, strict=True)
        },
    }


def _plain_entry(entry: TableCell) -> list[Any] | None:
    if entry.mean is None:
        return None
    low, high = entry.ends or (None, None)
    ends = [json_number(low), json_number(high)]
    return [json_number(entry.mean), *ends, len(entry.scores), len(entry.status)]


def _mean_seconds(slot: Sequence[Record], records: Mapping[str, Record]) -> float | None:
    times = (cell_seconds(record, records) for record in slot)
    known = [time for time in times if time is not None]
    return json_number(math.fsum(known) / len(known), 3) if known else None


def reference_method(tables: Sequence[Table]) -> int:
    """Return the index of the method that the page compares with others at first.

    It is that with the most scores of AUG and three common methods, or of all if none of these
    was run.
    """
    recipes = methods_of(tables)
    scored = {
        recipe: sum(
            len(entry.scores)
            for table in tables
            for line in table.lines
            if line.recipe == recipe
            for entry in line.entries
        )
        for recipe in recipes
    }
    preferred = [recipe for recipe in ("aug", "us+cs", "cs", "vanilla") if recipe in scored]
    return recipes.index(max(preferred or recipes, key=scored.__getitem__))


def pivotal_methods(tables: Sequence[Table], most: int = COMPARISONS) -> list[int]:
    """Return the indices of the methods that the page compares with all others.

    All of them where that takes no more than `most` comparisons; otherwise the reference, Vanilla,
    and as many more as fit, in the order of the tables.
    """
    recipes, reference = methods_of(tables), reference_method(tables)
    of_one = sum((len(table.lines) - 1) * (len(table.counts) + 1) for table in tables)
    room = max(1, most // max(of_one, 1))
    first = [reference, *(index for index, name in enumerate(recipes) if name == "vanilla")]
    order = dict.fromkeys([*first, *range(len(recipes))])
    return sorted(list(order)[:room])


def method_differences(
    tables: Sequence[Table], firsts: Sequence[int] | None = None
) -> list[list[dict[str, Any]]]:
    """Compare methods with all others of their table, for each group and metric in turn.

    All methods, or those at indices `firsts` of `methods_of`, since each comparison of outputs
    draws thousands of resamples. The family of Holm's correction is all other methods of a table.
    """
    recipes = methods_of(tables)
    plain = []
    for table in tables:
        panel = Panel(table.group, table.metric, load_metric(table.metric))
        known = sorted(panel.rows, key=recipes.index)
        plain.append(
            [
                {
                    "methods": [recipes.index(recipe) for recipe in match.recipes],
                    "cells": [_plain_comparison(cell) for cell in match.cells],
                }
                for first in known
                if firsts is None or recipes.index(first) in firsts
                for match in match_all(panel, first, [other for other in known if other != first])
            ]
        )
    return plain


def _plain_comparison(comparison: Comparison) -> dict[str, Any]:
    effect = comparison.effect
    plain: dict[str, Any] = {
        "count": comparison.minority,
        "text": visible(sentence(comparison)),
    }
    if not effect.values:
        return plain
    ends = effect.hull if len(effect) >= ENOUGH else effect.span
    return plain | {
        "mean": json_number(effect.mean, 4),
        "ends": [json_number(end, 4) for end in ends],
        "interval": len(effect) >= ENOUGH,
        "values": [json_number(value, 4) for value in effect.values.values()],
    }
