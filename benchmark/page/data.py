"""Tables to what the page draws, as plain data: methods, scores by count, differences, ranks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from imbench.page.cells import number, seconds
from imbench.page.looks import look_of
from imbench.records.groups import Group
from imbench.records.record import Record
from imbench.registry import load_plugin
from imbench.report.compare import Comparison, match_all
from imbench.report.means import TableCell
from imbench.report.panel import Panel
from imbench.report.sheet import visible
from imbench.report.tables import Table, TableRow, metric_title
from imbench.report.words import sentence
from imbench.stats.metrics import lower_is_better, score_range
from imbench.stats.paired import ENOUGH

__all__ = [
    "group_title",
    "groups_of",
    "method_differences",
    "methods_of",
    "metric_rows",
    "plain_groups",
    "plain_methods",
    "reference",
]


def groups_of(tables: Sequence[Table]) -> list[Group]:
    """Return the groups of records that tables are of, each once."""
    return list({id(table.group): table.group for table in tables}.values())


def methods_of(tables: Sequence[Table]) -> list[str]:
    """Return the recipes of all tables, each once, in the order of the tables."""
    return list(dict.fromkeys(line.recipe for table in tables for line in table.lines))


def metric_rows(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return what a plot needs to know of each metric."""
    rows = []
    for name in names:
        metric = load_plugin("metrics", name)
        low, high = score_range(name, metric)
        rows.append(
            {
                "name": name,
                "title": visible(metric_title(name)),
                "lower": lower_is_better(name, metric),
                "range": [number(low), number(high)],
            }
        )
    return rows


def plain_methods(tables: Sequence[Table]) -> list[dict[str, str]]:
    """Return how each method is called and drawn."""
    titles = {line.recipe: line.title for table in tables for line in reversed(table.lines)}
    return [
        {
            "title": visible(titles[recipe].partition(" [")[0] or recipe),
            "dash": look_of(recipe).dash,
            "marker": look_of(recipe).marker,
        }
        for recipe in methods_of(tables)
    ]


def plain_groups(tables: Sequence[Table]) -> list[dict[str, Any]]:
    """Return, for each group, the mean and interval of each method, count and metric."""
    recipes = methods_of(tables)
    made = []
    for group in groups_of(tables):
        others = {record.key: record for record in group.records}
        own = [table for table in tables if table.group is group]
        made.append(
            {
                "name": group_title(group, groups_of(tables)),
                "counts": list(own[0].counts),
                "trivial": {table.metric: number(table.trivial) for table in own},
                "lines": [
                    _line(group, own, place, recipes, others) for place in range(len(group.rows))
                ],
            }
        )
    return made


def group_title(group: Group, all_groups: Sequence[Group]) -> str:
    """Return the name of a group's data set, with its code where others have the same name."""
    alike = sum(other.title == group.title for other in all_groups)
    return visible(group.title) + (f" ({group.code})" if alike > 1 else "")


def _line(
    group: Group,
    own: Sequence[Table],
    place: int,
    recipes: Sequence[str],
    others: Mapping[str, Record],
) -> dict[str, Any]:
    lines: list[TableRow] = [table.lines[place] for table in own]
    slots = [group.slots.get((group.rows[place], count), {}) for count in own[0].counts]
    return {
        "method": recipes.index(lines[0].recipe),
        "title": visible(lines[0].title),
        "cells": [[slot[seed].cell.key for seed in sorted(slot)] for slot in slots],
        "seconds": [_mean_seconds(list(slot.values()), others) for slot in slots],
        "scores": {
            table.metric: [_entry(entry) for entry in line.entries]
            for table, line in zip(own, lines, strict=True)
        },
    }


def _entry(entry: TableCell) -> list[Any] | None:
    if entry.mean is None:
        return None
    low, high = entry.ends or (None, None)
    ends = [number(low), number(high)]
    return [number(entry.mean), *ends, len(entry.scores), len(entry.status)]


def _mean_seconds(records: Sequence[Record], others: Mapping[str, Record]) -> float | None:
    known = [spent for record in records if (spent := seconds(record, others)) is not None]
    return number(math.fsum(known) / len(known), 3) if known else None


def reference(tables: Sequence[Table]) -> int:
    """Return the method that the page compares first.

    Of AUG and three usual rivals the one with the most scores; of all, where none of them was run.
    """
    recipes = methods_of(tables)
    covered = {
        recipe: sum(
            len(entry.scores)
            for table in tables
            for line in table.lines
            if line.recipe == recipe
            for entry in line.entries
        )
        for recipe in recipes
    }
    named = [recipe for recipe in ("aug", "us+cs", "cs", "vanilla") if recipe in covered]
    return recipes.index(max(named or recipes, key=covered.__getitem__))


def method_differences(
    tables: Sequence[Table], firsts: Sequence[int] | None = None
) -> list[list[dict[str, Any]]]:
    """Compare methods with all others of their table, for each group and metric in turn.

    Each method, or those at the places `firsts` of `methods_of`: a comparison of outputs draws
    thousands of resamples. The family of Holm's correction is all other methods of the table.
    """
    recipes = methods_of(tables)
    made = []
    for table in tables:
        panel = Panel(table.group, table.metric, load_plugin("metrics", table.metric))
        known = sorted(panel.rows, key=recipes.index)
        made.append(
            [
                {
                    "methods": [recipes.index(recipe) for recipe in match.recipes],
                    "cells": [_difference(cell) for cell in match.cells],
                }
                for first in known
                if firsts is None or recipes.index(first) in firsts
                for match in match_all(panel, first, [one for one in known if one != first])
            ]
        )
    return made


def _difference(made: Comparison) -> dict[str, Any]:
    effect = made.effect
    plain: dict[str, Any] = {"count": made.minority, "text": visible(sentence(made))}
    if not effect.values:
        return plain
    ends = effect.hull if len(effect) >= ENOUGH else effect.span
    return plain | {
        "mean": number(effect.mean, 4),
        "ends": [number(end, 4) for end in ends],
        "interval": len(effect) >= ENOUGH,
        "values": [number(value, 4) for value in effect.values.values()],
    }
