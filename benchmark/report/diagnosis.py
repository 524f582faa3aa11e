"""What is wrong with the records of a group, in sentences with numbers, and what to do about it.

docs/protocol.md has the rules. A sentence is about the records as they are; whether the advice
helps is seen when it is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from imbench.records.floors import FEATURES
from imbench.records.groups import Group, method_title
from imbench.records.metric_specs import load_metric
from imbench.report.diagnosed import KINDS, Diagnosis, Kind, Place
from imbench.report.diagnosis_case import Case
from imbench.report.phrases import span_text
from imbench.runs.plantext import seeds_lines
from imbench.stats.about_metrics import lower_is_better
from imbench.stats.paired import seeds_needed
from imbench.stats.resolution import COARSE

__all__ = ["KINDS", "Diagnosis", "Kind", "Place", "diagnose"]

FALLEN = 0.9
"""Share of the loss without learning above which a training loss has hardly fallen."""
BY_METRIC: frozenset[Kind] = frozenset({"trivial", "floor"})
"""Kinds that are said of one metric; the others are of the records whatever the metric."""
LONG = 0.5
"""Share of the steps for which a loss of 0 is long."""
THRESHOLD = "look at AUROC, and at what moves the threshold, such as ts or tuned"
"""What to do where the ranking is there and the score is not."""


def diagnose(
    group: Group,
    metric: str = "f1",
    *,
    counts: Sequence[int] | None = None,
    kinds: Iterable[Kind] = tuple(KINDS),
) -> tuple[Diagnosis, ...]:
    """Return what is wrong with comparable records; at most one of each kind, in order.

    Parameters
    ----------
    group : Group
        Comparable records: `imbench.records.groups.group_records` makes groups.
    metric : str
        Registered name of the metric that is held against the trivial score.
    counts : sequence of int, optional
        Minority counts to look at; all if not given.
    kinds : iterable of str
        What to look for.
    """
    case = Case(group, metric, group.counts if counts is None else counts)
    checks: dict[Kind, Callable[[Case], Iterator[Diagnosis]]] = {
        "trivial": _trivial,
        "floor": _floor,
        "constant": _constant,
        "chance": _chance,
        "loss": _loss,
        "memorised": _memorised,
        "coarse": _coarse,
        "seeds": _seeds,
    }
    wanted = set(kinds)
    return tuple(found for kind, check in checks.items() if kind in wanted for found in check(case))


def _trivial(case: Case) -> Iterator[Diagnosis]:
    from imbench.report.floors import trivial_score

    metric = load_metric(case.metric)
    lower = lower_is_better(case.metric, metric)
    bar = trivial_score(metric, case.tests, lower)
    means = case.means("score")
    if bar is None:
        return
    short = {p: m for p, m in means.items() if (m >= bar if lower else m <= bar)}
    if not short:
        return
    yield case.made(
        "trivial",
        short,
        f"mean {case.name} ({span_text(short.values())}) is not better than the trivial score, "
        f"{bar:.3f}",
        _threshold_or_training(case, short),
        trivial=bar,
        lowest=min(short.values()),
        highest=max(short.values()),
    )


def _threshold_or_training(case: Case, places: Iterable[Place]) -> str:
    """Return what to do about scores that are low, whether or not the images are ranked."""
    aucs, limit = case.means("auroc"), case.chance_limit
    ranked = [aucs.get(place, 0.0) for place in places]
    # A ranking score does not change with the threshold: there it is the training alone.
    if min(ranked) > limit and case.metric not in ("auroc", "auprc"):
        return f"they rank better than chance (AUROC {span_text(ranked)}): {THRESHOLD}"
    return case.train_otherwise()


def _floor(case: Case) -> Iterator[Diagnosis]:
    lower = lower_is_better(case.metric, load_metric(case.metric))
    means = case.means("score")
    for floor, bars in case.floors.items():
        short = {
            place: mean
            for place, mean in means.items()
            if (bar := bars.get(place[1])) is not None and (mean >= bar if lower else mean <= bar)
        }
        if not short:
            continue
        over = [bars[count] for _, count in short]
        yield case.made(
            "floor",
            short,
            f"mean {case.name} ({span_text(short.values())}) is not better than the "
            f"{method_title(floor)} ({span_text(over)})",
            _beyond_floor(case, floor, short),
            lowest=min(short.values()),
            highest=max(short.values()),
            floor_lowest=min(over),
            floor_highest=max(over),
        )


def _beyond_floor(case: Case, floor: str, places: Collection[Place]) -> str:
    """Say whether methods that a floor beats rank better than it does."""
    floors, aucs = case.floor_aurocs.get(floor, {}), case.means("auroc")
    above = [place in aucs and aucs[place] > floors.get(place[1], 1.0) for place in places]
    if all(above):
        ranked = span_text(aucs[place] for place in places)
        return f"they rank better than it does (AUROC {ranked}): {THRESHOLD}"
    if floor == FEATURES:
        return (
            "a frozen backbone with a linear head does as well: train on its features, --network "
            "features:lite0, or look for more images"
        )
    return f"nothing shows that they see more than light and colours: {case.train_otherwise()}"


def _constant(case: Case) -> Iterator[Diagnosis]:
    flat = {
        place: sum(run.constant is True for run in runs)
        for place, runs in case.runs.items()
        if any(run.constant for run in runs)
    }
    if not flat:
        return
    runs, all_runs = sum(flat.values()), sum(len(case.runs[place]) for place in flat)
    yield case.made(
        "constant",
        flat,
        f"{runs} of {all_runs} runs call all test images one class, so a constant has their score",
        _threshold_or_training(case, flat),
        runs=runs,
        of=all_runs,
    )


def _chance(case: Case) -> Iterator[Diagnosis]:
    limit = case.chance_limit
    short = {place: mean for place, mean in case.means("auroc").items() if mean <= limit}
    if not short:
        return
    yield case.made(
        "chance",
        short,
        f"AUROC ({span_text(short.values())}) is not above {limit:.3f}, which chance alone exceeds "
        f"in {'one' if len(case.tests) == 2 else 'at most one'} of twenty test sets of "
        f"{'+'.join(map(str, case.tests))} images",
        case.train_otherwise(),
        limit=limit,
        lowest=min(short.values()),
        highest=max(short.values()),
    )


def _loss(case: Case) -> Iterator[Diagnosis]:
    ends, starts = case.means("train_loss"), case.means("unlearned_loss")
    stuck = [p for p in ends if p in starts and ends[p] > FALLEN * starts[p]]
    if not stuck:
        return
    shares = [ends[place] / starts[place] for place in stuck]
    worst = max(stuck, key=lambda place: ends[place] / starts[place])
    yield case.made(
        "loss",
        stuck,
        f"the training loss has hardly fallen: it ends at {span_text(shares, '{:.2f}'.format)} of "
        f"what it is without learning ({ends[worst]:.3f} of {starts[worst]:.3f} for "
        f"{method_title(worst[0])} at {case.group.label(worst[1])})",
        case.train_otherwise(images=False),
        lowest=min(shares),
        highest=max(shares),
    )


def _memorised(case: Case) -> Iterator[Diagnosis]:
    steps = case.settings.steps
    zeros = {p: n for p, n in case.means("zero_loss_steps").items() if n >= LONG * steps}
    if not zeros:
        return
    since = steps - max(zeros.values()), steps - min(zeros.values())
    augment = "" if case.settings.augment != "none" else " (--set augment=flip+crop)"
    fewer = f"fewer steps (--steps {max(1, round(since[1] * 1.25))}) cost less; "
    yield case.made(
        "memorised",
        zeros,
        f"the mean training loss from step {span_text(since, '{:.0f}'.format)} of {steps} on is "
        "below .001, so the training images are memorised",
        f"{fewer if len(zeros) == len(case.runs) else ''}more images or more augmentation{augment} "
        "leave something to learn",
        first=since[0],
        last=since[1],
        steps=steps,
    )


def _coarse(case: Case) -> Iterator[Diagnosis]:
    steps = case.means("f1_step")
    if not steps or (step := sum(steps.values()) / len(steps)) <= COARSE:
        return
    smallest = min(case.tests[1:], default=0)
    yield Diagnosis(
        "coarse",
        (),
        (),
        f"one more test image recognised moves F1 by {step:.3f} (mean of these runs; the smallest "
        f"minority has {smallest} test images)",
        "take no smaller difference for one of methods; more test images tell more",
        numbers={"step": step, "images": smallest},
    )


def _seeds(case: Case) -> Iterator[Diagnosis]:
    methods = len({row.recipe for row in case.group.rows})
    seeds = len(case.group.seeds)
    if methods < 2 or seeds >= (needed := seeds_needed(methods - 1)):
        return
    yield Diagnosis(
        "seeds",
        (),
        (),
        seeds_lines(seeds, methods)[0],
        f"run {needed} seeds (--seeds 0-{needed - 1})",
        numbers={"seeds": seeds, "needed": needed, "pair": seeds_needed(1)},
    )
