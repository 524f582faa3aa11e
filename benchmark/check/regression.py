"""Check results against a baseline: a verdict on every method at every minority count.

A pure function of two `sides.Side`. What cannot be compared gets a verdict of its own;
docs/regression.md defines the verdicts and their exit codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from imbench.check import judging
from imbench.check.judging import Judgement, Pairs, Verdict, over_images
from imbench.check.sides import MATTERS, CaseKey, Run, Side
from imbench.records.groups import (
    Basis,
    Group,
    MethodKey,
    format_ranges,
    group_differences,
    method_order,
    method_title,
)
from imbench.records.metric_specs import load_metric
from imbench.stats.about_metrics import lower_is_better, score_range
from imbench.stats.paired import ALPHA, MARGIN

__all__ = [
    "TOLERANCE",
    "VERDICTS",
    "Case",
    "MetricResult",
    "Mode",
    "Rules",
    "check_results",
    "margins_of",
]

Mode = Literal["exact", "statistical"]

TOLERANCE = 0.1
"""Fall of a method's mean that `exact` allows if the two sides round differently. It fits the quick
grid: docs/regression.md has the measurements."""

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
"""Most serious first: the verdict of a case is the most serious of its metrics."""

NO_TOLERANCE = "the two sides round differently, and no tolerance is known for this metric"


@dataclass(frozen=True)
class Rules:
    """How a check judges.

    Attributes
    ----------
    mode : {"exact", "statistical"}
        See `imbench.check.judging`.
    margins : mapping
        Metric to the fall that is allowed. These metrics are checked; without any, ``exact``
        checks all metrics of the baseline and ``statistical`` its first.
    alpha : float
        Probability that a check of unchanged code finds anything worse.
    """

    mode: Mode = "exact"
    margins: Mapping[str, float] | None = None
    alpha: float = ALPHA


@dataclass(frozen=True)
class MetricResult:
    """A case by one metric: verdict, reason, and means over the seeds of both sides."""

    metric: str
    verdict: Verdict
    reason: str = ""
    before: float | None = None
    after: float | None = None


@dataclass(frozen=True)
class Case:
    """One method at one minority count.

    Attributes
    ----------
    results : tuple of MetricResult
        One a metric; a single one without metric if nothing could be compared.
    lacks : tuple of int
        Seeds of the baseline that the results do not have.
    """

    dataset: str
    key: CaseKey
    results: tuple[MetricResult, ...]
    lacks: tuple[int, ...] = ()

    @property
    def title(self) -> str:
        """The method's name as tables print it."""
        return method_title(self.key.recipe)

    @property
    def worst(self) -> MetricResult:
        """The result with the most serious verdict."""
        return min(self.results, key=lambda result: VERDICTS.index(result.verdict))

    @property
    def verdict(self) -> Verdict:
        """The most serious verdict of its metrics."""
        return self.worst.verdict


NO_SCORE = MetricResult("", "not comparable", "the baseline has no score of any metric")


def check_results(baseline: Side, now: Side, rules: Rules) -> list[Case]:
    """Compare `now` with `baseline`, case by case, in the order of the tables."""
    baseline = baseline.finished()
    keys = sorted({*baseline.runs, *now.runs}, key=lambda key: _order(key, baseline, now))
    margins = margins_of(rules, baseline)
    unpaired: dict[CaseKey, MetricResult] = {}
    by_metric: dict[CaseKey, list[Pairs | MetricResult]] = {}
    for key in keys:
        result = _unpaired(key, baseline, now, rules.mode)
        if result is not None:
            unpaired[key] = result
        else:
            by_metric[key] = [_pairs(key, name, baseline, now) for name in margins] or [NO_SCORE]
    paired = [item for items in by_metric.values() for item in items if isinstance(item, Pairs)]
    judged = _judge(paired, baseline, now, rules, margins)
    results: dict[CaseKey, list[MetricResult]] = {}
    for key, items in by_metric.items():
        found = [_result(item, judged) if isinstance(item, Pairs) else item for item in items]
        # A metric without tolerance is left out if another metric decides.
        decided = [result for result in found if result.reason != NO_TOLERANCE] or found
        changes = _versions(baseline.versions[key], now.versions[key])
        results[key] = _with_note(decided, changes)
    return [
        Case(
            _name(key.basis, baseline, now),
            key,
            tuple(results.get(key, ())) or (unpaired[key],),
            _lacks(key, baseline, now),
        )
        for key in keys
    ]


def margins_of(rules: Rules, baseline: Side) -> dict[str, float]:
    """Return the metrics that are checked, and the fall of each that is allowed."""
    if rules.margins:
        return dict(rules.margins)
    known = baseline.metrics()
    if rules.mode == "exact":
        return dict.fromkeys(known, 0.0)
    return dict.fromkeys(known[:1], MARGIN)


def _unpaired(key: CaseKey, baseline: Side, now: Side, mode: Mode) -> MetricResult | None:
    """Return the result of a case whose scores cannot be paired, else None."""
    before, after = baseline.runs.get(key), now.runs.get(key)
    if after is not None and (reason := _without_score(before, after)):
        return MetricResult("", "failed", reason)
    if before is None:
        return MetricResult("", "new", "not in the baseline")
    if after is None:
        other = _other_basis(key.basis, baseline, now)
        if other is not None:
            return MetricResult("", "not comparable", other)
        return MetricResult("", "missing", "the results have no record of this case")
    old, new = baseline.versions[key], now.versions[key]
    if mode == "exact" and old != new:
        return MetricResult(
            "", "not comparable", f"versions of parts changed: {_versions(old, new)}"
        )
    if not any(seed in after for seed in before):
        return MetricResult(
            "", "missing", f"no seed of the baseline ({format_ranges(before)}) is in it"
        )
    return None


def _without_score(before: Mapping[int, Run] | None, after: Mapping[int, Run]) -> str:
    """Return which runs ended without a score that the baseline has; empty for none."""
    seeds = [seed for seed, run in after.items() if not run.done and seed in (before or after)]
    if not seeds:
        return ""
    run = after[seeds[0]]
    reason = f": {run.reason}" if run.reason else ""
    return f"seed{'s' * (len(seeds) > 1)} {format_ranges(seeds)} {run.status}{reason}"


def _other_basis(basis: Basis, baseline: Side, now: Side) -> str | None:
    """Return how the results' data set of the same name differs, or None if there is none."""
    names = set(baseline.names[basis])
    others = [other for other, theirs in now.names.items() if names & set(theirs)]
    if not others or basis in others:
        return None
    apart = [group_differences([Group(basis), Group(other)]) for other in others]
    nearest = min(apart, key=len)
    changes = ", ".join(f"{key} {old} -> {new}" for key, (old, new) in nearest.items())
    return f"the results have it with {changes}"


def _versions(old: Mapping[str, int], new: Mapping[str, int]) -> str:
    parts = sorted({*old, *new})
    changed = [part for part in parts if old.get(part) != new.get(part)]
    return ", ".join(f"{part} version {old.get(part)} -> {new.get(part)}" for part in changed)


def _pairs(key: CaseKey, metric: str, baseline: Side, now: Side) -> Pairs | MetricResult:
    before, after = (
        {seed: run.scores[metric] for seed, run in side.runs[key].items() if metric in run.scores}
        for side in (baseline, now)
    )
    if not before or not after:
        side = "the results have" if before else "the baseline has"
        return MetricResult(metric, "not comparable", f"{side} no {metric}")
    if not any(seed in after for seed in before):
        return MetricResult(metric, "missing", f"no seed has {metric} on both sides")
    return Pairs(key, metric, lower_is_better(metric, load_metric(metric)), before, after)


def _judge(
    paired: Sequence[Pairs], baseline: Side, now: Side, rules: Rules, margins: Mapping[str, float]
) -> dict[int, Judgement]:
    """Return the judgement on each `Pairs`, by its id."""
    if rules.mode == "statistical":

        def ends(pairs: Pairs, level: float) -> tuple[float, float] | str:
            return over_images(pairs, baseline, now, level)

        found = judging.statistical(paired, margins, rules.alpha, ends)
        return {id(pairs): judged for pairs, judged in zip(paired, found, strict=True)}
    rounding = {id(pairs): _rounding_reason(pairs, baseline, now) for pairs in paired}
    judged = {
        id(pairs): judging.exact(pairs, margins[pairs.metric])
        for pairs in paired
        if pairs.equal or not rounding[id(pairs)]
    }
    moved = {judging.method_of(pairs) for pairs in paired if id(pairs) not in judged}
    rest = [pairs for pairs in paired if judging.method_of(pairs) in moved and rounding[id(pairs)]]
    tolerances = dict(rules.margins or {name: TOLERANCE for name in margins if _bounded(name)})
    within = [pairs for pairs in rest if pairs.metric in tolerances]
    reasons = "; ".join(sorted({rounding[id(pairs)] for pairs in rest}))
    found = judging.near(within, tolerances, rules.alpha, reasons)
    judged |= {id(pairs): near for pairs, near in zip(within, found, strict=True)}
    return {id(pairs): Judgement("not comparable", NO_TOLERANCE) for pairs in paired} | judged


def _rounding_reason(pairs: Pairs, baseline: Side, now: Side) -> str:
    """Return why scores of the two sides may round differently; empty if they must be equal."""
    found: dict[str, None] = {}
    for seed in pairs.gains:
        old = baseline.runs[pairs.key][seed].environment
        new = now.runs[pairs.key][seed].environment
        for key in MATTERS:
            if old.get(key) != new.get(key):
                found[f"{key} {old.get(key, 'unknown')} -> {new.get(key, 'unknown')}"] = None
        if "cuda" in new.get("device", "") and not found:
            found["CUDA does not reproduce scores exactly"] = None
    return ", ".join(found)


def _bounded(metric: str) -> bool:
    return score_range(metric) in ((0.0, 1.0), (-1.0, 1.0))


def _result(pairs: Pairs, verdicts: Mapping[int, Judgement]) -> MetricResult:
    judged = verdicts[id(pairs)]
    seeds = list(pairs.gains)
    before, after = (
        sum(scores[seed] for seed in seeds) / len(seeds) for scores in (pairs.before, pairs.after)
    )
    return MetricResult(pairs.metric, judged.verdict, judged.reason, before, after)


def _with_note(results: Sequence[MetricResult], note: str) -> list[MetricResult]:
    if not note:
        return list(results)
    return [replace(result, reason=f"{result.reason}; {note}") for result in results]


def _lacks(key: CaseKey, baseline: Side, now: Side) -> tuple[int, ...]:
    return tuple(sorted(set(baseline.runs.get(key, ())) - set(now.runs.get(key, ()))))


def _name(basis: Basis, baseline: Side, now: Side) -> str:
    return (baseline.names.get(basis) or now.names[basis])[0]


def _order(key: CaseKey, baseline: Side, now: Side) -> tuple[Any, ...]:
    name = _name(key.basis, baseline, now)
    new = key.basis not in baseline.names
    return name, new, key.basis.text, method_order(MethodKey(key.recipe, ())), key.minority
