"""Compare one method with its rivals: paired by seed, at each minority count.

The rivals are a family: Holm's correction counts all of them at a count, whether or not they have
scores there. Choose them before the scores are known; `FAMILY` is the one for the paper's methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from imbench.errors import NotComparable, UsageError
from imbench.records.groups import Group, group_records
from imbench.records.metric_specs import load_metric
from imbench.records.record import Record
from imbench.report.means import WORDS
from imbench.report.panel import Panel
from imbench.stats.effect import Effect
from imbench.stats.intervals import holm
from imbench.stats.paired import ALPHA, ENOUGH, LEAST, seeds_needed

__all__ = [
    "ESTABLISHED",
    "FAMILY",
    "Comparison",
    "Match",
    "Relation",
    "Resample",
    "compare",
    "compare_at",
    "match_all",
]

FAMILY = ("cs", "us", "us+cs", "cbl:beta=0.9999", "la")
"""Rivals if only one method is named."""

Relation = Literal["none", "few", "beats", "beaten", "equivalent", "ahead", "behind", "level"]
"""How the first method compares with the second, as docs/protocol.md defines the words."""
PRINTED = 0.0005
"""A smaller difference is printed as 0.000, and nobody is ahead by that."""
ESTABLISHED: tuple[Relation, ...] = ("beats", "beaten", "equivalent")
"""Relations that six seeds or more and both intervals show."""
Resample = Literal["always", "established", "never"]
"""Which comparisons resample test images: see `compare_at`."""


@dataclass(frozen=True)
class Comparison:
    """Two methods at one minority count, or over several, by one metric.

    Attributes
    ----------
    first, second : str
        Titles of the methods.
    minority : int or None
        None where each replicate's difference is its mean over several counts.
    effect : Effect
        How much better the first method is: above 0 also where a lower score is better.
    lost : dict
        Seed to the reason why it is no pair.
    failed : tuple of int
        Seeds in which the first, and in which the second method ended without a score.
    family : int
        Number of rivals that Holm's correction counts.
    adjusted : float
        p value of the sign-flip test after the correction.
    """

    first: str
    second: str
    minority: int | None
    effect: Effect
    lost: Mapping[int, str] = field(default_factory=dict)
    failed: tuple[int, int] = (0, 0)
    family: int = 1
    adjusted: float = 1.0

    @cached_property
    def verdict(self) -> Relation:
        """How the methods compare; a run that ended without a score never helps its method."""
        effect = self.effect
        if not effect.values:
            return "none"
        if len(effect) < ENOUGH:
            return "few"
        low, high = effect.hull
        significant = self.adjusted < ALPHA
        if significant and low > 0 and effect.mean >= LEAST and not self.failed[0]:
            return "beats"
        if significant and high < 0 and effect.mean <= -LEAST and not self.failed[1]:
            return "beaten"
        if self.equivalent:
            return "equivalent"
        if abs(effect.mean) < PRINTED:
            return "level"
        return "ahead" if effect.mean > 0 else "behind"

    @cached_property
    def equivalent(self) -> bool:
        """Whether the difference lies within the margin, and no run ended without a score."""
        return len(self.effect) >= ENOUGH and self.failed == (0, 0) and self.effect.within()

    @property
    def possible(self) -> bool:
        """Whether this number of pairs can be significant in a family of this size."""
        return len(self.effect) >= seeds_needed(self.family)

    @property
    def turned(self) -> Comparison:
        """The same with the second method as the first."""
        return replace(
            self,
            first=self.second,
            second=self.first,
            effect=-self.effect,
            failed=(self.failed[1], self.failed[0]),
        )


@dataclass(frozen=True)
class Match:
    """Two methods on one data set by one metric."""

    group: Group
    metric: str
    lower: bool
    recipes: tuple[str, str]
    cells: tuple[Comparison, ...]
    """At each count at which either was run."""
    over: Comparison | None
    """Mean over the counts at which both have scores; None if there are fewer than two."""


def compare(
    records: Iterable[Record], recipes: Sequence[str], metrics: Sequence[str] = ("f1",)
) -> list[Match]:
    """Compare the first recipe with each of the others, or with `FAMILY` if there is no other.

    Raises
    ------
    NotComparable
        If a recipe has no record, or no rival has records in a table with the first.
    UsageError
        If a recipe or a metric is unknown, or a recipe is named twice.
    """
    found = group_records(records)
    known = {row.recipe for group in found for row in group.rows}
    first, *rivals = _canonical(recipes, known)
    if not rivals:
        rivals = [recipe for recipe in FAMILY if recipe in known - {first}]
    loaded = {name: load_metric(name) for name in metrics}
    panels = [Panel(group, name, metric) for group in found for name, metric in loaded.items()]
    matches = [match for panel in panels for match in match_all(panel, first, rivals)]
    if not matches:
        named = ", ".join(rivals) or f"any of {', '.join(FAMILY)}"
        raise NotComparable(
            f"no table has both {first} and {named}: run them with the same data and settings"
        )
    return matches


def _canonical(recipes: Sequence[str], known: set[str]) -> list[str]:
    from imbench.training.recipe import canonical_recipe

    if not recipes:
        raise UsageError("--compare names no method")
    named = [text if text in known else canonical_recipe(text) for text in recipes]
    for recipe in named:
        if named.count(recipe) > 1:
            raise UsageError(f"--compare names {recipe} twice")
        if recipe not in known:
            raise NotComparable(f"no record of {recipe}: run it first, or compare others")
    return named


def match_all(panel: Panel, first: str, rivals: Sequence[str]) -> list[Match]:
    """Compare a recipe with each of its rivals that the panel has; Holm counts all that are named.

    One panel for many calls draws its resamples of test images only once.
    """
    present = [recipe for recipe in rivals if recipe in panel.rows]
    if first not in panel.rows or not present:
        return []
    columns = [
        compare_at(panel, first, present, count, family=len(rivals)) for count in panel.group.counts
    ]
    return [
        Match(
            panel.group,
            panel.name,
            panel.lower,
            (first, recipe),
            tuple(cell for cell in row if cell.effect.values or cell.lost),
            _over_counts(panel, first, recipe),
        )
        for recipe, row in zip(present, zip(*columns, strict=True), strict=True)
    ]


def compare_at(
    panel: Panel,
    first: str,
    rivals: Sequence[str],
    count: int,
    *,
    correct: Callable[[Sequence[float]], list[float]] = holm,
    family: int | None = None,
    resample: Resample = "always",
) -> list[Comparison]:
    """Compare a recipe with rivals at one count, their p values corrected for their number.

    Parameters
    ----------
    panel : Panel
        All scores.
    first : str
        A recipe of the panel.
    rivals : sequence of str
        Other recipes of the panel.
    count : int
        Minority images.
    correct : callable
        Corrects the p values.
    family : int, optional
        Rivals that it counts, where some are not in the panel: their p values are 1.
    resample : {"always", "established", "never"}
        Whether test images are resampled too. A bootstrap over them can only take back what
        replicates establish, so a text that names nothing else asks for ``established``; without
        one all that is said is about these test images.
    """
    family = len(rivals) if family is None else family
    quick = resample != "always"
    cells = [_cell(panel, first, rival, count, quick=quick) for rival in rivals]
    p_values = [cell.effect.p for cell in cells] + [1.0] * (family - len(cells))
    compared = [
        replace(cell, family=family, adjusted=p)
        for cell, p in zip(cells, correct(p_values), strict=False)
    ]
    if resample != "established":
        return compared
    return [
        replace(cell, effect=_effect(panel, first, rival, [count]))
        if cell.verdict in ESTABLISHED
        else cell
        for rival, cell in zip(rivals, compared, strict=True)
    ]


def _cell(panel: Panel, first: str, second: str, count: int, *, quick: bool = False) -> Comparison:
    keys = [(first, count), (second, count)]
    faults = [panel.faults(key) for key in keys]
    return Comparison(
        panel.title(first),
        panel.title(second),
        count,
        _effect(panel, first, second, [count], quick=quick),
        _lost_seeds(panel, keys),
        (len(faults[0]), len(faults[1])),
    )


def _over_counts(panel: Panel, first: str, second: str) -> Comparison | None:
    counts = panel.counts([first, second])
    if len(counts) < 2:
        return None
    effect = _effect(panel, first, second, counts)
    keys = [(recipe, count) for recipe in (first, second) for count in counts]
    lost = {
        seed: f"no score of both at {', '.join(map(str, where))}"
        for seed, where in panel.lacking(keys).items()
    }
    return Comparison(panel.title(first), panel.title(second), None, effect, lost)


def _effect(
    panel: Panel, first: str, second: str, counts: Sequence[int], *, quick: bool = False
) -> Effect:
    factor = (-1 if panel.lower else 1) / len(counts)
    ours = {(first, count): factor for count in counts}
    terms = {**ours, **{(second, count): -factor for count in counts}}
    return panel.quick_effect(terms) if quick else panel.effect(terms)


def _lost_seeds(panel: Panel, keys: Sequence[tuple[str, int]]) -> dict[int, str]:
    """Return why seeds with a record of one of two methods are no pair."""
    scored = [panel.scores(key) for key in keys]
    faults = [panel.faults(key) for key in keys]
    seeds = sorted(set().union(*scored, *faults) - set(panel.seeds(keys)))
    return {
        seed: ", ".join(
            f"{panel.title(recipe)} {fault.get(seed, WORDS['missing'])}"
            for (recipe, _), found, fault in zip(keys, scored, faults, strict=True)
            if seed not in found
        )
        for seed in seeds
    }
