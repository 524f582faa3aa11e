"""Tests of the paper's claims: the sum of scores in each replicate, and its test."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from imbench.report.evidence import Evidence, SumTest, all_of, difference, slope
from imbench.report.panel import Panel, Terms
from imbench.report.paper import published
from imbench.stats.intervals import holm
from imbench.stats.metrics import METRICS, trivial
from imbench.training.groups import GROUPS, PAPER_METHODS

__all__ = [
    "BASELINES",
    "METRIC",
    "MissingRecords",
    "best_baseline",
    "collapse",
    "convergence",
    "crossing",
    "equals",
    "four_rivals",
    "leads",
    "middle_way",
    "no_weights",
    "rising_beta",
    "shrinking_lead",
]

METRIC = "f1"
CBL = tuple(f"cbl:beta={beta}" for beta in ("0.9", "0.99", "0.999", "0.9999"))
BASELINES = GROUPS["paper-cheap"]
RIVALS = ("cs", "us", "us+cs", "cbl:beta=0.9999")


class MissingRecords(Exception):
    """The records lack scores that a claim needs."""


def _counts(sums: SumTest, recipes: Sequence[str], least: int = 1) -> list[int]:
    """Return the counts at which some seed has scores of all recipes, or raise MissingRecords."""
    counts = sums.panel.counts(recipes)
    for count in sorted(set(sums.panel.group.counts) - set(counts)):
        for recipe in recipes:
            # A method that fails at the hardest count must not be tested at the others only.
            faults = set(sums.panel.faults((recipe, count)).values())
            if faults:
                raise MissingRecords(f"at {count} {_title(recipe)} {', '.join(sorted(faults))}")
    if len(counts) < least:
        absent = [_title(recipe) for recipe in recipes if not sums.panel.counts([recipe])]
        if absent:
            raise MissingRecords(f"{', '.join(absent)} not run")
        raise MissingRecords(f"scores at {len(counts)} of the counts, {least} needed")
    return counts


def _title(recipe: str) -> str:
    """Return a method's name as the paper prints it, without loading the method."""
    return next(cell.title for (_, name, _), cell in published().items() if name == recipe)


def _means(sums: SumTest, recipe: str, counts: Sequence[int]) -> str:
    values = ", ".join(f"{sums.panel.mean((recipe, count)):.3f}" for count in counts)
    return f"{_title(recipe)} {values} at {', '.join(map(str, counts))}"


def _describe_lead(sums: SumTest, first: str, second: str, counts: Sequence[int]) -> str:
    wins = sum(sums.panel.effect(difference(first, second, [c])).mean > 0 for c in counts)
    title = f"{_title(first)} - {_title(second)}"
    return f"{title}, above 0 at {wins} of {len(counts)} counts, on average"


def leads(first: str, second: str) -> Callable[[SumTest], Evidence]:
    """Return the test that the mean difference over counts is above 0."""
    return _by_lead(first, second, SumTest.above)


def equals(first: str, second: str) -> Callable[[SumTest], Evidence]:
    """Return the test that the mean difference over counts is 0."""
    return _by_lead(first, second, SumTest.close)


def _by_lead(
    first: str, second: str, judge: Callable[[SumTest, str, Terms], Evidence]
) -> Callable[[SumTest], Evidence]:
    def test(sums: SumTest) -> Evidence:
        counts = _counts(sums, [first, second])
        what = _describe_lead(sums, first, second, counts)
        return judge(sums, what, difference(first, second, counts))

    return test


def collapse(sums: SumTest) -> Evidence:
    """Claim 1: below the trivial score at the smallest count, and a rise to the largest."""
    counts = _counts(sums, ["vanilla"], 2)
    least, most = ("vanilla", counts[0]), ("vanilla", counts[-1])
    best = trivial(METRICS[METRIC], sums.panel.group.test_counts)
    below = f"trivial {best:.3f} - Vanilla at {counts[0]}"
    rise = f"Vanilla at {counts[-1]} - at {counts[0]}"
    found = all_of(
        [sums.above(below, {least: -1.0}, best), sums.above(rise, {most: 1.0, least: -1.0})]
    )
    return Evidence(found.finding, f"{_means(sums, 'vanilla', counts)}; {found.text}", found.seeds)


def shrinking_lead(sums: SumTest) -> Evidence:
    """Claim 2: above Vanilla at the two smallest counts, by less with each doubling."""
    counts = _counts(sums, ["aug", "vanilla"], 2)
    parts = [
        sums.above(f"AUG - Vanilla at {count}", difference("aug", "vanilla", [count]))
        for count in counts[:2]
    ]
    levels = [math.log2(count) for count in counts]
    fall = slope([("aug", count) for count in counts], levels, -1.0)
    fall |= slope([("vanilla", count) for count in counts], levels)
    return all_of([*parts, sums.above("fall of it per doubling", fall, margin=None)])


def crossing(sums: SumTest) -> Evidence:
    """Claim 4: above Vanilla at the smallest count, below at the largest."""
    first, *_, last = _counts(sums, ["alt", "vanilla"], 2)
    return all_of(
        [
            sums.above(f"ALT - Vanilla at {first}", difference("alt", "vanilla", [first])),
            sums.above(f"Vanilla - ALT at {last}", difference("vanilla", "alt", [last])),
        ]
    )


def best_baseline(sums: SumTest) -> Evidence:
    """Claim 5: above the baseline with the best mean at each count."""
    counts = _counts(sums, ["aug"])
    terms: dict[tuple[str, int], float] = {}
    chosen = []
    for count in counts:
        most = max((len(sums.panel.scores((name, count))) for name in BASELINES), default=0)
        full = [name for name in BASELINES if len(sums.panel.scores((name, count))) == most > 0]
        if not full:
            raise MissingRecords("no baseline was run")
        best = _best_and_worst(sums.panel, full, count)[0]
        terms |= difference("aug", best, [count])
        chosen.append(f"{_title(best)} at {count}")
    terms = {key: factor / len(counts) for key, factor in terms.items()}
    what = f"best by the same scores: {', '.join(chosen)}; AUG - best, on average"
    return sums.above(what, terms, theirs=_published_lead(sums, counts))


def _published_lead(sums: SumTest, counts: Sequence[int]) -> float | None:
    """Return the published AUG - best baseline, averaged over the counts of the records."""
    leads = []
    for count in counts:
        rivals = [sums.printed[name, count] for name in BASELINES if (name, count) in sums.printed]
        if not rivals or ("aug", count) not in sums.printed:
            return None
        leads.append(sums.printed["aug", count] - max(rivals))
    return math.fsum(leads) / len(leads)


def four_rivals(sums: SumTest) -> Evidence:
    """Claim 6: above each of four rivals, with Holm's correction over them."""
    counts = {rival: _counts(sums, ["aug", rival]) for rival in RIVALS}
    terms = {rival: difference("aug", rival, counts[rival]) for rival in RIVALS}
    p_values = holm([sums.panel.effect(terms[rival]).p for rival in RIVALS])
    return all_of(
        [
            sums.above(_describe_lead(sums, "aug", rival, counts[rival]), terms[rival], p=p)
            for rival, p in zip(RIVALS, p_values, strict=True)
        ]
    )


def no_weights(sums: SumTest) -> Evidence:
    """Claim 7: above Vanilla at the smallest count."""
    counts = _counts(sums, ["cbl:beta=0.9", "vanilla"])
    what = f"CBL 0.9 - Vanilla at {counts[0]}"
    return sums.above(what, difference("cbl:beta=0.9", "vanilla", counts[:1]))


def rising_beta(sums: SumTest) -> Evidence:
    """Claim 8: a slope over the four betas."""
    count = _counts(sums, CBL)[0]
    means = ", ".join(f"{sums.panel.mean((recipe, count)):.3f}" for recipe in CBL)
    what = f"CBL .9, .99, .999, .9999 at {count}: {means}; rise per step"
    return sums.above(what, slope([(recipe, count) for recipe in CBL], range(4)), margin=None)


def middle_way(sums: SumTest) -> Evidence:
    """Claim 12: OS+CS as good as CS, and CS above OS."""
    return all_of([equals("os+cs", "cs")(sums), leads("cs", "os")(sums)])


def convergence(sums: SumTest) -> Evidence:
    """Claim 13: best - worst of the paper's methods, at the smallest count and at the largest."""
    panel = sums.panel
    counts = panel.group.counts
    ends = counts[0], counts[-1]
    # Of others that lie beside them the paper says nothing: with 23 more it could not be told.
    paper = [name for name in panel.rows if name in PAPER_METHODS]
    names = [name for name in paper if all(panel.scores((name, end)) for end in ends)]
    if len(counts) < 2 or len(names) < 3:
        raise MissingRecords("two counts and three of the paper's methods at both of them needed")
    spans = [
        panel.mean((best, end)) - panel.mean((worst, end))
        for end in ends
        for best, worst in [_best_and_worst(panel, names, end)]
    ]
    what = (
        f"best - worst of {len(names)} methods {spans[0]:.3f} at {ends[0]}, {spans[1]:.3f} at "
        f"{ends[1]}; fall"
    )
    return sums.spans_fall(what, names, ends, _published_fall(sums, names, ends))


def _published_fall(sums: SumTest, names: Sequence[str], ends: tuple[int, int]) -> float | None:
    """Return the published best - worst at the first count minus that at the second."""
    spans = []
    for end in ends:
        values = [sums.printed[name, end] for name in names if (name, end) in sums.printed]
        if len(values) < 3:
            return None
        spans.append(max(values) - min(values))
    return spans[0] - spans[1]


def _best_and_worst(panel: Panel, recipes: Sequence[str], count: int) -> tuple[str, str]:
    """Return the best and the worst of some recipes at a count, by their means."""
    means = {recipe: panel.mean((recipe, count)) for recipe in recipes}
    return max(means, key=means.__getitem__), min(means, key=means.__getitem__)
