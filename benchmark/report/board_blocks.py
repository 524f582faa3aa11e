"""Tables to what standings are made of: for each source of images, scores that all methods have.

Tasks of one source, such as two rare kinds of cell beside the same common one, share their images.
They are no two data sets, so they stand in one block and are drawn together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imbench.records.cell import Settings
from imbench.records.groups import Group, format_ranges, method_title
from imbench.report.tables import Table
from imbench.safe_text import visible
from imbench.spec import Spec, parse_spec

__all__ = ["Blocks", "by_kind", "choices", "make_blocks", "source_of", "training_title"]

Floats = NDArray[np.float64]
TOO_FEW = "fewer than two replicates that all methods have"
NAMED = 3
"""Methods that a line names; of more it says how many."""


@dataclass(frozen=True)
class Blocks:
    """Scores of some methods on the data that have them all.

    Attributes
    ----------
    recipes : tuple of str
        The methods.
    sources : tuple of str
        Where the images of each block come from.
    places : tuple of str
        Every data set with its counts and replicates.
    scores : tuple of float arrays (counts, methods, replicates)
        One for each source; its counts are those of all its tasks.
    left_out : tuple of str
        Methods and data sets that lack scores for each other.
    """

    recipes: tuple[str, ...]
    sources: tuple[str, ...]
    places: tuple[str, ...]
    scores: tuple[Floats, ...]
    left_out: tuple[str, ...]


def source_of(group: Group) -> str:
    """Return where images come from: the spec without the choice of classes.

    ``rbc:minority=teardrop`` and ``rbc:minority=schistocyte`` are of one source.
    """
    spec = parse_spec(group.name)
    chosen = ("majority", "minority")
    others = {key: value for key, value in spec.options.items() if key not in chosen}
    return str(Spec(spec.name, spec.argument, others))


def choices(tables: Sequence[Table]) -> list[tuple[str, ...]]:
    """Return the sets of methods that standings are worth making of, in the order of the tables.

    The methods that all data sets share, and those of each data set.
    """
    own = [methods for methods in map(_replicated, tables) if methods]
    shared = frozenset.intersection(*own) if own else frozenset()
    return [_in_order(methods, tables) for methods in dict.fromkeys((shared, *own))]


def by_kind(tables: Iterable[Table]) -> dict[str, list[Table]]:
    """Return tables by their kind of training: one network, its settings and one protocol.

    The key names it: ``cnn, 32 px, 400 steps``; of two kinds that read alike, with a number.
    """
    found: dict[tuple[str, int], list[Table]] = {}
    for table in tables:
        basis = table.group.basis
        found.setdefault((basis.settings.model_dump_json(), basis.protocol), []).append(table)
    named: dict[str, list[Table]] = {}
    for kind in sorted(found):
        name = training_title(found[kind][0].group.basis.settings)
        again = sum(one.startswith(name) for one in named)
        named[f"{name} ({again + 1})" if again else name] = found[kind]
    return named


def training_title(settings: Settings) -> str:
    """Return ``cnn, 32 px, 400 steps``."""
    return visible(f"{settings.network}, {settings.size} px, {settings.steps} steps")


def make_blocks(tables: Sequence[Table], recipes: Sequence[str]) -> Blocks:
    """Return the scores of some methods on the data sets that have them all."""
    places = _place_names(tables)
    found: dict[str, list[_Task]] = {}
    left_out: list[str] = []
    for table, place in zip(tables, places, strict=True):
        lacking = _lacking(table, recipes)
        task = None if lacking else _task(table, place, recipes)
        if task is not None:
            found.setdefault(source_of(table.group), []).append(task)
        else:
            left_out.append(f"{place}: {lacking or TOO_FEW}")
    blocks = {source: _joined(tasks) for source, tasks in found.items()}
    for source in [source for source, (seeds, _) in blocks.items() if len(seeds) < 2]:
        left_out.append(f"{source}: {TOO_FEW}")
        del blocks[source]
    kept = [task for source in blocks for task in found[source]]
    return Blocks(
        tuple(recipes),
        tuple(blocks),
        tuple(task.words for task in kept),
        tuple(scores for _, scores in blocks.values()),
        (*_missing(tables, recipes), *left_out),
    )


def _replicated(table: Table) -> frozenset[str]:
    """Return the recipes that have two replicates at a count."""
    return frozenset(
        line.recipe for line in table.lines if any(len(one.scores) > 1 for one in line.entries)
    )


@dataclass(frozen=True)
class _Task:
    """A data set: counts and methods to scores by seed."""

    place: str
    counts: tuple[int, ...]
    seeds: frozenset[int]
    scores: tuple[tuple[Mapping[int, float], ...], ...]

    @property
    def words(self) -> str:
        at = ", ".join(map(str, self.counts))
        return f"{self.place} at {at} (seeds {format_ranges(sorted(self.seeds))})"


def _task(table: Table, place: str, recipes: Sequence[str]) -> _Task | None:
    """Return what all methods have; None if that is less than two replicates."""
    # Of several versions of a recipe's parts the newest, which stands last, counts.
    lines = {line.recipe: line.entries for line in table.lines}
    scores = {
        count: tuple(lines[recipe][column].scores for recipe in recipes)
        for column, count in enumerate(table.counts)
        if all(lines[recipe][column].scores for recipe in recipes)
    }
    found = [frozenset(one) for row in scores.values() for one in row]
    seeds = frozenset.intersection(*found) if found else frozenset()
    if len(seeds) < 2:
        return None
    return _Task(place, tuple(scores), seeds, tuple(scores.values()))


def _joined(tasks: Sequence[_Task]) -> tuple[list[int], Floats]:
    """Return the seeds that all tasks of a source have, and their scores."""
    seeds = sorted(frozenset.intersection(*(task.seeds for task in tasks)))
    rows = [[[one[seed] for seed in seeds] for one in row] for task in tasks for row in task.scores]
    return seeds, np.array(rows, np.float64)


def _place_names(tables: Sequence[Table]) -> list[str]:
    names = [table.group.title for table in tables]
    return [
        f"{name} ({table.group.code})" if names.count(name) > 1 else name
        for name, table in zip(names, tables, strict=True)
    ]


def _missing(tables: Sequence[Table], recipes: Sequence[str]) -> list[str]:
    every = dict.fromkeys(line.recipe for table in tables for line in table.lines)
    absent = [method_title(name) for name in every if name not in recipes]
    return [f"not on every data set: {', '.join(absent)}"] if absent else []


def _lacking(table: Table, recipes: Sequence[str]) -> str:
    """Say which of some methods a data set has not, or not often enough; empty if it has all."""
    enough = _replicated(table)
    there = {line.recipe for line in table.lines}
    absent = [name for name in recipes if name not in there]
    few = [name for name in recipes if name in there and name not in enough]
    said = [f"no {_named(absent)}"] if absent else []
    said += [f"fewer than two replicates of {_named(few)}"] if few else []
    return ", ".join(said)


def _named(recipes: Sequence[str]) -> str:
    titles = [method_title(name) for name in recipes[:NAMED]]
    more = len(recipes) - NAMED
    return f"{', '.join(titles)}{f' and {more} more' if more > 0 else ''}"


def _in_order(recipes: Collection[str], tables: Iterable[Table]) -> tuple[str, ...]:
    every = dict.fromkeys(line.recipe for table in tables for line in table.lines)
    return tuple(recipe for recipe in every if recipe in recipes)
