"""The claims that the paper makes or that its table shows, tested on records.

One finding for each claim and data set, by F1 of the minority. Each claim is judged by itself:
among thirteen tests at 5 % one that speaks up by chance is no surprise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from imbench.evidence import Evidence, Finding, Judge, difference, slope, together
from imbench.groups import Group, groups
from imbench.intervals import holm
from imbench.metrics import METRICS, trivial
from imbench.panel import Panel
from imbench.paper import paper_dataset, published
from imbench.prose import Prose
from imbench.record import Record
from imbench.stats import ENOUGH
from imbench.tables import metric_title, protocol_line

__all__ = ["CLAIMS", "Claim", "Found", "claims_prose", "judge_claims"]

METRIC = "f1"
CBL = tuple(f"cbl:beta={beta}" for beta in ("0.9", "0.99", "0.999", "0.9999"))
BASELINES = ("vanilla", "ts", "cs", "us", "os", "us+cs", "os+cs", "smote", *CBL)
RIVALS = ("cs", "us", "us+cs", "cbl:beta=0.9999")


class Untold(Exception):
    """The records lack what a claim is about."""


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes
    ----------
    number : int
        1 to 15.
    text : str
        The claim.
    test : callable or None
        What the records say of it; None if records cannot say it.
    needs : str
        What else it would take.
    """

    number: int
    text: str
    test: Callable[[Judge], Evidence] | None = None
    needs: str = ""


@dataclass(frozen=True)
class Found:
    """What the records of one data set say of one claim."""

    claim: Claim
    finding: Finding
    text: str

    @property
    def sentence(self) -> str:
        """Return claim, finding and numbers."""
        return f"{self.claim.number}. {self.claim.text}: {self.finding}; {self.text}"


def judge_claims(records: Iterable[Record]) -> list[tuple[Group, list[Found]]]:
    """Return what each group of comparable records says of each claim."""
    judges = [(group, _judge(group)) for group in groups(records)]
    return [(group, [_found(claim, judge) for claim in CLAIMS]) for group, judge in judges]


def claims_prose(group: Group, found: Sequence[Found]) -> Prose:
    """Return the findings of one data set as a paragraph."""
    told: dict[Finding, int] = {"holds": 0, "does not hold": 0, "cannot be told": 0}
    for one in found:
        told[one.finding] += 1
    counted = ", ".join(f"{finding} {number}" for finding, number in told.items())
    return Prose(
        title=f"{group.name}: claims about the paper's methods, by {metric_title(METRIC)}",
        above=f"{protocol_line(group)}; {counted}",
        items=tuple(one.sentence for one in found),
    )


def _judge(group: Group) -> Judge:
    dataset = paper_dataset(group.names)
    printed = {key[1:]: cell.value for key, cell in published().items() if key[0] == dataset}
    return Judge(Panel(group, METRIC, METRICS[METRIC]), printed)


def _found(claim: Claim, judge: Judge) -> Found:
    if claim.test is None:
        return Found(claim, "cannot be told", f"records do not hold {claim.needs}")
    try:
        made = claim.test(judge)
    except Untold as reason:
        return Found(claim, "cannot be told", str(reason))
    few = f"{made.seeds} seed{'s' * (made.seeds != 1)}, {ENOUGH} needed: "
    return Found(claim, made.finding, (few if made.seeds < ENOUGH else "") + made.text)


def _counts(judge: Judge, recipes: Sequence[str], least: int = 1) -> list[int]:
    """Return the counts at which some seed has all the recipes, or say what is missing."""
    counts = judge.panel.counts(recipes)
    for count in sorted(set(judge.panel.group.counts) - set(counts)):
        for recipe in recipes:
            # Without this a method that fails at the hardest count would be judged at the others.
            faults = set(judge.panel.faults((recipe, count)).values())
            if faults:
                raise Untold(f"at {count} {_title(recipe)} {', '.join(sorted(faults))}")
    if len(counts) < least:
        absent = [_title(recipe) for recipe in recipes if not judge.panel.counts([recipe])]
        if absent:
            raise Untold(f"{', '.join(absent)} not run")
        raise Untold(f"scores at {len(counts)} of the counts, {least} needed")
    return counts


def _title(recipe: str) -> str:
    """Return a method's name as the paper prints it, without loading the method."""
    return next(cell.title for (_, name, _), cell in published().items() if name == recipe)


def _means(judge: Judge, recipe: str, counts: Sequence[int]) -> str:
    values = ", ".join(f"{judge.panel.mean((recipe, count)):.3f}" for count in counts)
    return f"{_title(recipe)} {values} at {', '.join(map(str, counts))}"


def _ahead(judge: Judge, first: str, second: str, counts: Sequence[int]) -> str:
    wins = sum(judge.panel.effect(difference(first, second, [c])).mean > 0 for c in counts)
    title = f"{_title(first)} - {_title(second)}"
    return f"{title}, above 0 at {wins} of {len(counts)} counts, on average"


def _leads(first: str, second: str) -> Callable[[Judge], Evidence]:
    def test(judge: Judge) -> Evidence:
        counts = _counts(judge, [first, second])
        what = _ahead(judge, first, second, counts)
        return judge.above(what, difference(first, second, counts))

    return test


def _equals(first: str, second: str) -> Callable[[Judge], Evidence]:
    def test(judge: Judge) -> Evidence:
        counts = _counts(judge, [first, second])
        what = _ahead(judge, first, second, counts)
        return judge.close(what, difference(first, second, counts))

    return test


def _collapse(judge: Judge) -> Evidence:
    counts = _counts(judge, ["vanilla"], 2)
    least, most = ("vanilla", counts[0]), ("vanilla", counts[-1])
    best = trivial(METRICS[METRIC], judge.panel.group.test_counts)
    below = f"trivial {best:.3f} - Vanilla at {counts[0]}"
    rise = f"Vanilla at {counts[-1]} - at {counts[0]}"
    found = together(
        [judge.above(below, {least: -1.0}, best), judge.above(rise, {most: 1.0, least: -1.0})]
    )
    return Evidence(found.finding, f"{_means(judge, 'vanilla', counts)}; {found.text}", found.seeds)


def _shrinking_lead(judge: Judge) -> Evidence:
    counts = _counts(judge, ["aug", "vanilla"], 2)
    parts = [
        judge.above(f"AUG - Vanilla at {count}", difference("aug", "vanilla", [count]))
        for count in counts[:2]
    ]
    levels = [math.log2(count) for count in counts]
    fall = slope([("aug", count) for count in counts], levels, -1.0)
    fall |= slope([("vanilla", count) for count in counts], levels)
    return together([*parts, judge.above("fall of it per doubling", fall, margin=None)])


def _crossing(judge: Judge) -> Evidence:
    first, *_, last = _counts(judge, ["alt", "vanilla"], 2)
    return together(
        [
            judge.above(f"ALT - Vanilla at {first}", difference("alt", "vanilla", [first])),
            judge.above(f"Vanilla - ALT at {last}", difference("vanilla", "alt", [last])),
        ]
    )


def _best_baseline(judge: Judge) -> Evidence:
    counts = _counts(judge, ["aug"])
    terms: dict[tuple[str, int], float] = {}
    chosen = []
    for count in counts:
        most = max((len(judge.panel.scores((name, count))) for name in BASELINES), default=0)
        full = [name for name in BASELINES if len(judge.panel.scores((name, count))) == most > 0]
        if not full:
            raise Untold("no baseline was run")
        best = _ends(judge.panel, full, count)[0]
        terms |= difference("aug", best, [count])
        chosen.append(f"{_title(best)} at {count}")
    terms = {place: factor / len(counts) for place, factor in terms.items()}
    what = f"best by these very scores: {', '.join(chosen)}; AUG - best, on average"
    return judge.above(what, terms)


def _four_rivals(judge: Judge) -> Evidence:
    counts = {rival: _counts(judge, ["aug", rival]) for rival in RIVALS}
    terms = {rival: difference("aug", rival, counts[rival]) for rival in RIVALS}
    p_values = holm([judge.panel.effect(terms[rival]).p for rival in RIVALS])
    return together(
        [
            judge.above(_ahead(judge, "aug", rival, counts[rival]), terms[rival], p=p)
            for rival, p in zip(RIVALS, p_values, strict=True)
        ]
    )


def _no_weights(judge: Judge) -> Evidence:
    counts = _counts(judge, ["cbl:beta=0.9", "vanilla"])
    what = f"CBL 0.9 - Vanilla at {counts[0]}"
    return judge.above(what, difference("cbl:beta=0.9", "vanilla", counts[:1]))


def _rising_beta(judge: Judge) -> Evidence:
    count = _counts(judge, CBL)[0]
    means = ", ".join(f"{judge.panel.mean((recipe, count)):.3f}" for recipe in CBL)
    what = f"CBL .9, .99, .999, .9999 at {count}: {means}; rise per step"
    return judge.above(what, slope([(recipe, count) for recipe in CBL], range(4)), margin=None)


def _middle_way(judge: Judge) -> Evidence:
    return together([_equals("os+cs", "cs")(judge), _leads("cs", "os")(judge)])


def _convergence(judge: Judge) -> Evidence:
    panel = judge.panel
    counts = panel.group.counts
    ends = counts[0], counts[-1]
    names = [name for name in panel.rows if all(panel.scores((name, end)) for end in ends)]
    if len(counts) < 2 or len(names) < 3:
        raise Untold("two counts and three methods at both of them needed")
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
    return judge.above(what, terms)


def _ends(panel: Panel, recipes: Sequence[str], count: int) -> tuple[str, str]:
    """Return the best and the worst of some recipes at a count, by their means."""
    means = {recipe: panel.mean((recipe, count)) for recipe in recipes}
    return max(means, key=means.__getitem__), min(means, key=means.__getitem__)


CLAIMS = (
    Claim(1, "Vanilla collapses at the smallest count and rises with the count", _collapse),
    Claim(2, "AUG is ahead of Vanilla, less so with more images", _shrinking_lead),
    Claim(3, "AUG is ahead of ALT", _leads("aug", "alt")),
    Claim(4, "ALT is ahead of Vanilla at the smallest count and behind at the largest", _crossing),
    Claim(5, "AUG is ahead of the best baseline", _best_baseline),
    Claim(6, "AUG is ahead of each of CS, US, US+CS and CBL 0.9999", _four_rivals),
    Claim(7, "CBL 0.9 is ahead of Vanilla at the smallest count", _no_weights),
    Claim(8, "CBL improves with beta at the smallest count", _rising_beta),
    Claim(9, "CBL 0.9999 is as good as CS", _equals("cbl:beta=0.9999", "cs")),
    Claim(10, "TS is as good as Vanilla", _equals("ts", "vanilla")),
    Claim(11, "US is ahead of OS", _leads("us", "os")),
    Claim(12, "OS+CS is as good as CS, and CS ahead of OS", _middle_way),
    Claim(13, "the methods converge as images are added", _convergence),
    Claim(
        14,
        "joint training leaves the generator at par or slightly worse",
        needs="the quality of generated images (oracle accuracy and KID, ALT against AUG)",
    ),
    Claim(
        15,
        "AUG and ALT look at the content, Vanilla at the context",
        needs="attention maps (energy within the object, flips after a change of background)",
    ),
)
"""What arXiv 2008.05524 says or its table shows, in the order of docs/protocol.md."""
