"""What the claims need of explanations: differences of the methods that they name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imbench.explain.numbers import CONTEXT, Explained, differences, explained_of
from imbench.explain.stored import any_kept
from imbench.records.groups import group_records
from imbench.records.record import Record
from imbench.records.store import Store
from imbench.report.measured import FLIPS, LIFT, Differences, Measured, pair_name

__all__ = ["measured_of"]

MAP = "gradcam"
"""Of the two maps the one that has no error of its own."""


def measured_of(records: Iterable[Record], store: Store) -> Measured:
    """Return the differences of all pairs of methods, of each group that was explained.

    Over the images that both get right, the mean of the means of the classes.
    """
    made: dict[str, dict[str, Differences]] = {}
    if not any_kept(store.folder):
        return made
    for group in group_records(records):
        recipes = [row.recipe for row in group.rows]
        found = {
            name: _pairs(explained_of(group, store, what), recipes, group.counts, measure)
            for name, what, measure in ((LIFT, MAP, "lift"), (FLIPS, CONTEXT, "other_flips"))
        }
        if known := {name: pairs for name, pairs in found.items() if pairs}:
            made[group.code] = known
    return made


def _pairs(
    explained: Explained, recipes: Sequence[str], counts: Sequence[int], measure: str
) -> Differences:
    found = {}
    for first in recipes:
        for second in recipes:
            for count in counts if first != second else ():
                try:
                    apart = differences(explained, (first, second), count, measure)
                except KeyError:  # images of one class only have no other class
                    continue
                if apart:
                    found[pair_name(first, second), count] = apart
    return found
