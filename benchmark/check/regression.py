"""Results against a baseline: a verdict on every method at every minority count.

A pure function of two `sides.Side`. What cannot be compared is said and never passes for
equal; docs/regression.md says what each verdict means and which exit code it leads to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from imbench.check import judging
from imbench.check.judging import Judgement, Pairs, Verdict, over_images
from imbench.check.sides import MATTERS, Place, Run, Side
from imbench.records.groups import (
    Basis,
    Group,
    MethodKey,
    format_ranges,
    group_differences,
    method_order,
    method_title,
)
from imbench.registry import load_plugin
from imbench.stats.metrics import lower_is_better, score_range
from imbench.stats.paired import ALPHA, MARGIN

__all__ = [
    "TOLERANCE",
    "VERDICTS",
    "Case",
    "Finding",
    "Mode",
    "Rules",
    "check_results",
    "margins_of",
]

Mode = Literal["exact", "statistical"]

TOLERANCE = 0.1
"""Fall of a method's mean that `exact` lets pass where the two sides round differently. It is what
the quick grid bears: docs/regression.md has the measurements."""

VERDICTS: tuple[Verdict, ...] = (
    "worse",
    "failed",
    "not comparable",
    "missing",
    "inconclusive",
    "better",
    "new",
    "same",
)
"""The gravest first: of several metrics of a case the gravest verdict counts."""


UNTOLD = "the two sides round differently, and by how much it may move is not known"


@dataclass(frozen=True)
class Rules:
    """How a check judges.

    Attributes
    ----------
    mode : {"exact", "statistical"}
        See `imbench.check.judging`.
    margins : mapping
        Metric to the fall that is let pass. Those named here are checked; if none is, ``exact``
        checks all that the baseline has and ``statistical`` its first one.
    alpha : float
        Chance that a check of an unchanged code says "worse" of anything.
    """

    mode: Mode = "exact"
    margins: Mapping[str, float] | None = None
    alpha: float = ALPHA


@dataclass(frozen=True)
class Finding:
    """One case by one metric; the scores are means over the seeds that both sides have."""

    metric: str
    verdict: Verdict
    why: str = ""
    before: float | None = None
    after: float | None = None


@dataclass(frozen=True)
class Case:
    """One method at one count.

    Attributes
    ----------
    findings : tuple of Finding
        One a metric; one alone where nothing could be compared.
    lacks : tuple of int
        Seeds of the baseline that the results do not have.
    """

    dataset: str
    place: Place
    findings: tuple[Finding, ...]
    lacks: tuple[int, ...] = ()

    @property
    def title(self) -> str:
        """Return the method's name as the tables print it."""
        return method_title(self.place.recipe)

    @property
    def gravest(self) -> Finding:
        """Return the finding that counts."""
        return min(self.findings, key=lambda finding: VERDICTS.index(finding.verdict))

    @property
    def verdict(self) -> Verdict:
        """Return the verdict that counts."""
        return self.gravest.verdict


def check_results(baseline: Side, now: Side, rules: Rules) -> list[Case]:
    """Compare `now` with `baseline`, place by place, in the order of the tables."""
    baseline = baseline.finished()
    places = sorted({*baseline.runs, *now.runs}, key=lambda place: _order(place, baseline, now))
    margins = margins_of(rules, baseline)
    lone: dict[Place, Finding] = {}
    sides: dict[Place, list[Pairs | Finding]] = {}
    for place in places:
        finding = _unpaired(place, baseline, now, rules.mode)
        if finding is not None:
            lone[place] = finding
        else:
            sides[place] = [_pairs(place, name, baseline, now) for name in margins]
    both = [one for them in sides.values() for one in them if isinstance(one, Pairs)]
    judged = _judge(both, baseline, now, rules, margins)
    paired: dict[Place, list[Finding]] = {}
    for place, them in sides.items():
        found = [_finding(one, judged) if isinstance(one, Pairs) else one for one in them]
        # A metric that has no tolerance is passed over where another one decides.
        told = [finding for finding in found if finding.why != UNTOLD] or found
        paired[place] = _remarked(told, _versions(baseline.versions[place], now.versions[place]))
    return [
        Case(
            _name(place.basis, baseline, now),
            place,
            tuple(paired.get(place, ())) or (lone[place],),
            _lacks(place, baseline, now),
        )
        for place in places
    ]


def margins_of(rules: Rules, baseline: Side) -> dict[str, float]:
    """Return the metrics that are checked, and the fall of each that is let pass."""
    if rules.margins:
        return dict(rules.margins)
    known = baseline.metrics()
    if rules.mode == "exact":
        return dict.fromkeys(known, 0.0)
    return dict.fromkeys(known[:1], MARGIN)


def _unpaired(place: Place, baseline: Side, now: Side, mode: Mode) -> Finding | None:
    """Return what is to say of a place whose scores cannot be set side by side, else None."""
    before, after = baseline.runs.get(place), now.runs.get(place)
    if after is not None and (broken := _broken(before, after)):
        return Finding("", "failed", broken)
    if before is None:
        return Finding("", "new", "not in the baseline")
    if after is None:
        other = _other_basis(place.basis, baseline, now)
        if other is not None:
            return Finding("", "not comparable", other)
        return Finding("", "missing", "the results have no record of it")
    old, new = baseline.versions[place], now.versions[place]
    if mode == "exact" and old != new:
        return Finding("", "not comparable", f"parts changed on purpose: {_versions(old, new)}")
    if not any(seed in after for seed in before):
        return Finding("", "missing", f"no seed of the baseline ({format_ranges(before)}) is in it")
    return None


def _broken(before: Mapping[int, Run] | None, after: Mapping[int, Run]) -> str:
    """Say which runs of the results ended without a score where the baseline has one."""
    seeds = [seed for seed, run in after.items() if not run.done and seed in (before or after)]
    if not seeds:
        return ""
    run = after[seeds[0]]
    reason = f": {run.reason}" if run.reason else ""
    return f"seed{'s' * (len(seeds) > 1)} {format_ranges(seeds)} {run.status}{reason}"


def _other_basis(basis: Basis, baseline: Side, now: Side) -> str | None:
    """Say how the results' data set of the same name differs, or None if there is none."""
    names = set(baseline.names[basis])
    others = [other for other, theirs in now.names.items() if names & set(theirs)]
    if not others or basis in others:
        return None
    apart = [group_differences([Group(basis), Group(other)]) for other in others]
    nearest = min(apart, key=len)
    said = ", ".join(f"{key} {old} -> {new}" for key, (old, new) in nearest.items())
    return f"the results have it with {said}"


def _versions(old: Mapping[str, int], new: Mapping[str, int]) -> str:
    parts = sorted({*old, *new})
    changed = [part for part in parts if old.get(part) != new.get(part)]
    return ", ".join(f"{part} version {old.get(part)} -> {new.get(part)}" for part in changed)


def _pairs(place: Place, metric: str, baseline: Side, now: Side) -> Pairs | Finding:
    before, after = (
        {seed: run.scores[metric] for seed, run in side.runs[place].items() if metric in run.scores}
        for side in (baseline, now)
    )
    if not before or not after:
        where = "the results have" if before else "the baseline has"
        return Finding(metric, "not comparable", f"{where} no {metric}")
    if not any(seed in after for seed in before):
        return Finding(metric, "missing", f"no seed has {metric} on both sides")
    return Pairs(
        place, metric, lower_is_better(metric, load_plugin("metrics", metric)), before, after
    )


def _judge(
    both: Sequence[Pairs], baseline: Side, now: Side, rules: Rules, margins: Mapping[str, float]
) -> dict[int, Judgement]:
    """Return the verdict on each pairs object, by its id."""
    if rules.mode == "statistical":

        def ends(pairs: Pairs, level: float) -> tuple[float, float] | None:
            return over_images(pairs, baseline, now, level)

        found = judging.statistical(both, margins, rules.alpha, ends)
        return {id(pairs): one for pairs, one in zip(both, found, strict=True)}
    apart = {id(pairs): _apart(pairs, baseline, now) for pairs in both}
    judged = {
        id(pairs): judging.exact(pairs, margins[pairs.metric])
        for pairs in both
        if pairs.equal or not apart[id(pairs)]
    }
    moved = {judging.method_of(pairs) for pairs in both if id(pairs) not in judged}
    rest = [pairs for pairs in both if judging.method_of(pairs) in moved and apart[id(pairs)]]
    tolerances = dict(rules.margins or {name: TOLERANCE for name in margins if _bounded(name)})
    within = [pairs for pairs in rest if pairs.metric in tolerances]
    reasons = "; ".join(sorted({apart[id(pairs)] for pairs in rest}))
    found = judging.near(within, tolerances, rules.alpha, reasons)
    judged |= {id(pairs): one for pairs, one in zip(within, found, strict=True)}
    return {id(pairs): Judgement("not comparable", UNTOLD) for pairs in both} | judged


def _apart(pairs: Pairs, baseline: Side, now: Side) -> str:
    """Say what keeps scores of the two sides from being equal; nothing if they must be."""
    found: dict[str, None] = {}
    for seed in pairs.gains:
        old = baseline.runs[pairs.place][seed].environment
        new = now.runs[pairs.place][seed].environment
        for key in MATTERS:
            if old.get(key) != new.get(key):
                found[f"{key} {old.get(key, 'unknown')} -> {new.get(key, 'unknown')}"] = None
        if "cuda" in new.get("device", "") and not found:
            found["CUDA does not give the same scores twice"] = None
    return ", ".join(found)


def _bounded(metric: str) -> bool:
    return score_range(metric) in ((0.0, 1.0), (-1.0, 1.0))


def _finding(pairs: Pairs, verdicts: Mapping[int, Judgement]) -> Finding:
    judged = verdicts[id(pairs)]
    seeds = list(pairs.gains)
    before, after = (
        sum(scores[seed] for seed in seeds) / len(seeds) for scores in (pairs.before, pairs.after)
    )
    return Finding(pairs.metric, judged.verdict, judged.why, before, after)


def _remarked(findings: Sequence[Finding], versions: str) -> list[Finding]:
    if not versions:
        return list(findings)
    return [replace(one, why=f"{one.why}; {versions}") for one in findings]


def _lacks(place: Place, baseline: Side, now: Side) -> tuple[int, ...]:
    return tuple(sorted(set(baseline.runs.get(place, ())) - set(now.runs.get(place, ()))))


def _name(basis: Basis, baseline: Side, now: Side) -> str:
    return (baseline.names.get(basis) or now.names[basis])[0]


def _order(place: Place, baseline: Side, now: Side) -> tuple[Any, ...]:
    name = _name(place.basis, baseline, now)
    new = place.basis not in baseline.names
    return name, new, repr(place.basis), method_order(MethodKey(place.recipe, ())), place.minority
