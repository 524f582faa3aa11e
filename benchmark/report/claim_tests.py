"""How each of the paper's claims is tested: what is added up in each replicate, and judged how."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from imbench.report.evidence import Evidence, SumTest, difference, slope, together
from imbench.report.panel import Panel
from imbench.report.paper import published
from imbench.stats.intervals import holm
from imbench.stats.metrics import METRICS, trivial

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
BASELINES = ("vanilla", "ts", "cs", "us", "os", "us+cs", "os+cs", "smote", *CBL)
RIVALS = ("cs", "us", "us+cs", "cbl:beta=0.9999")


class MissingRecords(Exception):
    """The records lack what a claim is about."""


def _counts(judge: SumTest, recipes: Sequence[str], least: int = 1) -> list[int]:
    """Return the counts at which some seed has all the recipes, or say what is missing."""
    counts = judge.panel.counts(recipes)
    for count in sorted(set(judge.panel.group.counts) - set(counts)):
        for recipe in recipes:
            # Without this a method that fails at the hardest count would be judged at the others.
            faults = set(judge.panel.faults((recipe, count)).values())
            if faults:
                raise MissingRecords(f"at {count} {_title(recipe)} {', '.join(sorted(faults))}")
    if len(counts) < least:
        absent = [_title(recipe) for recipe in recipes if not judge.panel.counts([recipe])]
        if absent:
            raise MissingRecords(f"{', '.join(absent)} not run")
        raise MissingRecords(f"scores at {len(counts)} of the counts, {least} needed")
    return counts


def _title(recipe: str) -> str:
    """Return a method's name as the paper prints it, without loading the method."""
    return next(cell.title for (_, name, _), cell in published().items() if name == recipe)


def _means(judge: SumTest, recipe: str, counts: Sequence[int]) -> str:
    values = ", ".join(f"{judge.panel.mean((recipe, count)):.3f}" for count in counts)
    return f"{_title(recipe)} {values} at {', '.join(map(str, counts))}"


def _ahead(judge: SumTest, first: str, second: str, counts: Sequence[int]) -> str:
    wins = sum(judge.panel.effect(difference(first, second, [c])).mean > 0 for c in counts)
    title = f"{_title(first)} - {_title(second)}"
    return f"{title}, above 0 at {wins} of {len(counts)} counts, on average"


def leads(first: str, second: str) -> Callable[[SumTest], Evidence]:
    """Return the test that the mean difference over counts is above 0."""

    def test(judge: SumTest) -> Evidence:
        counts = _counts(judge, [first, second])
        what = _ahead(judge, first, second, counts)
        return judge.above(what, difference(first, second, counts))

    return test


def equals(first: str, second: str) -> Callable[[SumTest], Evidence]:
    """Return the test that the mean difference over counts is none."""

    def test(judge: SumTest) -> Evidence:
        counts = _counts(judge, [first, second])
        what = _ahead(judge, first, second, counts)
        return judge.close(what, difference(first, second, counts))

    return test


def collapse(judge: SumTest) -> Evidence:
    """Claim 1: below the trivial score at the smallest count, and a rise to the largest."""
    counts = _counts(judge, ["vanilla"], 2)
    least, most = ("vanilla", counts[0]), ("vanilla", counts[-1])
    best = trivial(METRICS[METRIC], judge.panel.group.test_counts)
    below = f"trivial {best:.3f} - Vanilla at {counts[0]}"
    rise = f"Vanilla at {counts[-1]} - at {counts[0]}"
    found = together(
        [judge.above(below, {least: -1.0}, best), judge.above(rise, {most: 1.0, least: -1.0})]
    )
    return Evidence(found.finding, f"{_means(judge, 'vanilla', counts)}; {found.text}", found.seeds)


def shrinking_lead(judge: SumTest) -> Evidence:
    """Claim 2: above Vanilla at the two smallest counts, by less with each doubling."""
    counts = _counts(judge, ["aug", "vanilla"], 2)
    parts = [
        judge.above(f"AUG - Vanilla at {count}", difference("aug", "vanilla", [count]))
        for count in counts[:2]
    ]
    levels = [math.log2(count) for count in counts]
    fall = slope([("aug", count) for count in counts], levels, -1.0)
    fall |= slope([("vanilla", count) for count in counts], levels)
    return together([*parts, judge.above("fall of it per doubling", fall, margin=None)])


def crossing(judge: SumTest) -> Evidence:
    """Claim 4: above Vanilla at the smallest count, below at the largest."""
    first, *_, last = _counts(judge, ["alt", "vanilla"], 2)
    return together(
        [
            judge.above(f"ALT - Vanilla at {first}", difference("alt", "vanilla", [first])),
            judge.above(f"Vanilla - ALT at {last}", difference("vanilla", "alt", [last])),
        ]
    )


def best_baseline(judge: SumTest) -> Evidence:
    """Claim 5: above the baseline with the best mean at each count."""
    counts = _counts(judge, ["aug"])
    terms: dict[tuple[str, int], float] = {}
    chosen = []
    for count in counts:
        most = max((len(judge.panel.scores((name, count))) for name in BASELINES), default=0)
        full = [name for name in BASELINES if len(judge.panel.scores((name, count))) == most > 0]
        if not full:
            raise MissingRecords("no baseline was run")
        best = _ends(judge.panel, full, count)[0]
        terms |= difference("aug", best, [count])
        chosen.append(f"{_title(best)} at {count}")
    terms = {place: factor / len(counts) for place, factor in terms.items()}
    what = f"best by these very scores: {', '.join(chosen)}; AUG - best, on average"
    return judge.above(what, terms, theirs=_published_lead(judge, counts))


def _published_lead(judge: SumTest, counts: Sequence[int]) -> float | None:
    """Return AUG - the best baseline in the published table, averaged over counts of ours."""
    leads = []
    for count in counts:
        rivals = [
            judge.printed[name, count] for name in BASELINES if (name, count) in judge.printed
        ]
        if not rivals or ("aug", count) not in judge.printed:
            return None
        leads.append(judge.printed["aug", count] - max(rivals))
    return math.fsum(leads) / len(leads)


def four_rivals(judge: SumTest) -> Evidence:
    """Claim 6: above each of four, with Holm over them."""
    counts = {rival: _counts(judge, ["aug", rival]) for rival in RIVALS}
    terms = {rival: difference("aug", rival, counts[rival]) for rival in RIVALS}
    p_values = holm([judge.panel.effect(terms[rival]).p for rival in RIVALS])
    return together(
        [
            judge.above(_ahead(judge, "aug", rival, counts[rival]), terms[rival], p=p)
            for rival, p in zip(RIVALS, p_values, strict=True)
        ]
    )


def no_weights(judge: SumTest) -> Evidence:
    """Claim 7: above Vanilla at the smallest count."""
    counts = _counts(judge, ["cbl:beta=0.9", "vanilla"])
    what = f"CBL 0.9 - Vanilla at {counts[0]}"
    return judge.above(what, difference("cbl:beta=0.9", "vanilla", counts[:1]))


def rising_beta(judge: SumTest) -> Evidence:
    """Claim 8: a slope over the four betas."""
    count = _counts(judge, CBL)[0]
    means = ", ".join(f"{judge.panel.mean((recipe, count)):.3f}" for recipe in CBL)
    what = f"CBL .9, .99, .999, .9999 at {count}: {means}; rise per step"
    return judge.above(what, slope([(recipe, count) for recipe in CBL], range(4)), margin=None)


def middle_way(judge: SumTest) -> Evidence:
    """Claim 12: OS+CS as good as CS, and CS above OS."""
    return together([equals("os+cs", "cs")(judge), leads("cs", "os")(judge)])


def convergence(judge: SumTest) -> Evidence:
    """Claim 13: best - worst, at the smallest count and at the largest."""
    panel = judge.panel
    counts = panel.group.counts
    ends = counts[0], counts[-1]
    names = [name for name in panel.rows if all(panel.scores((name, end)) for end in ends)]
    if len(counts) < 2 or len(names) < 3:
        raise MissingRecords("two counts and three methods at both of them needed")
    pairs = [_ends(panel, names, end) for end in ends]
    spans = [
        panel.mean((best, end)) - panel.mean((worst, end))
        for (best, worst), end in zip(pairs, ends, strict=True)
    ]
    what = (
        f"best - worst of {len(names)} methods {spans[0]:.3f} at {ends[0]}, {spans[1]:.3f} at "
        f"{ends[1]}; fall"
    )
    terms = difference(*pairs[0], ends[:1])
    terms |= {place: -factor for place, factor in difference(*pairs[1], ends[1:]).items()}
    return judge.above(what, terms, theirs=_published_fall(judge, names, ends))


def _published_fall(judge: SumTest, names: Sequence[str], ends: tuple[int, int]) -> float | None:
    """Return how much less the published values of these methods span at the second count."""
    spans = []
    for end in ends:
        values = [judge.printed[name, end] for name in names if (name, end) in judge.printed]
        if len(values) < 3:
            return None
        spans.append(max(values) - min(values))
    return spans[0] - spans[1]


def _ends(panel: Panel, recipes: Sequence[str], count: int) -> tuple[str, str]:
    """Return the best and the worst of some recipes at a count, by their means."""
    means = {recipe: panel.mean((recipe, count)) for recipe in recipes}
    return max(means, key=means.__getitem__), min(means, key=means.__getitem__)
