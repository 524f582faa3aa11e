"""Cases of a check to its end: what is printed last, and the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from imbench.check.judging import Verdict
from imbench.check.regression import VERDICTS, Case, Finding
from imbench.errors import ImbenchError, NotComparable, Regression
from imbench.records.groups import Basis, format_ranges
from imbench.report.sheet import Sheet, Shown

__all__ = ["counted", "fault_of", "incomplete", "sheets", "unfinished"]

SHOWN = 3
"""Methods that the last line names."""


def fault_of(cases: Sequence[Case], *, require_complete: bool = False) -> ImbenchError | None:
    """Return the error that a check ends with, or None if all is well.

    A regression comes first: it was found, whatever else could not be compared. A check passes
    only if some case was found the same or better.
    """
    verdicts = Counter(case.verdict for case in cases)
    bad = [case for case in cases if case.verdict in ("worse", "failed")]
    if bad:
        return Regression(
            f"{_named(bad)}; if it is meant, record it: "
            "`bench baseline update --from RESULTS --reason TEXT`"
        )
    if verdicts["not comparable"]:
        apart = [case for case in cases if case.verdict == "not comparable"]
        return NotComparable(
            f"{_named(apart)}: {apart[0].gravest.why}; run what the baseline has, or make a new "
            "one with `bench baseline update`"
        )
    if not verdicts["same"] + verdicts["better"]:
        return NotComparable(f"nothing could be decided: {_undecided(cases)}")
    left = incomplete(cases)
    if require_complete and left:
        return NotComparable(
            f"incomplete, {_named(left)}: run the rest, or leave out --require-complete"
        )
    return None


def incomplete(cases: Iterable[Case]) -> list[Case]:
    """Return the cases that lack a seed of the baseline or are missing altogether."""
    return [case for case in cases if case.lacks or case.verdict == "missing"]


def unfinished(cases: Iterable[Case]) -> list[Case]:
    """Return the cases of which nothing is known for sure."""
    return [case for case in cases if case.verdict in ("inconclusive", "missing") or case.lacks]


def counted(cases: Iterable[Case]) -> str:
    """Return how many cases have each verdict, the gravest first."""
    verdicts = Counter(case.verdict for case in cases)
    said = [f"{verdicts[name]} {name}" for name in VERDICTS if verdicts[name]]
    plural = "s" * (verdicts.total() != 1)
    return f"{verdicts.total()} case{plural}: {', '.join(said)}" if said else "no case"


def _undecided(cases: Sequence[Case]) -> str:
    if not cases:
        return "neither side has a case"
    order: tuple[Verdict, ...] = ("inconclusive", "missing", "new")
    first = min(cases, key=lambda case: order.index(case.verdict))
    return f"{counted(cases)}; {_named([first])}: {first.gravest.why}"


def _named(cases: Sequence[Case]) -> str:
    """Return methods with their counts and the change, those of one method together."""
    methods: dict[tuple[str, str, Verdict], list[Case]] = {}
    for case in cases:
        methods.setdefault((case.dataset, case.title, case.verdict), []).append(case)
    said = [
        f"{title} at {','.join(str(case.place.minority) for case in them)} of {dataset} "
        f"{_predicate(verdict)}{_change(them[0])}"
        for (dataset, title, verdict), them in list(methods.items())[:SHOWN]
    ]
    more = len(methods) - SHOWN
    return ", ".join(said) + (f", and {more} more" if more > 0 else "")


def _predicate(verdict: Verdict) -> str:
    words = {"worse": "got worse", "not comparable": "cannot be compared"}
    return words.get(verdict, "lacks seeds" if verdict in ("same", "better") else verdict)


def _change(case: Case) -> str:
    one = case.gravest
    if one.before is None or one.after is None:
        return f" ({one.why})" if one.verdict == "failed" else ""
    if one.verdict != "worse":
        return ""
    return f" ({one.metric} {one.before:.3f} -> {one.after:.3f} at {case.place.minority})"


SILENT = ("same", "new")
"""Verdicts that need no footnote."""


def sheets(cases: Sequence[Case], above: Sequence[str] = ()) -> list[Sheet]:
    """Return a table for each data set; `above` stands over each."""
    return [
        _sheet(dataset, [case for case in cases if case.place.basis == basis], above)
        for basis, dataset in _bases(cases).items()
    ]


def _bases(cases: Iterable[Case]) -> dict[Basis, str]:
    return {case.place.basis: case.dataset for case in cases}


def _sheet(dataset: str, cases: Sequence[Case], above: Sequence[str]) -> Sheet:
    basis = cases[0].place.basis
    rows = [_row(case, one) for case in cases for one in _told(case)]
    return Sheet(
        title=f"{dataset}: {counted(cases)}",
        slug=f"check-{basis.fingerprint[:12]}",
        above=tuple(above),
        span="",
        head=("method", "images", "score", "baseline", "now", "change", "verdict"),
        align="lrlrrrl",
        rows=tuple(rows),
    )


def _told(case: Case) -> list[Finding]:
    """Return the gravest finding, and with it the others of its verdict if it is a grave one."""
    gravest = case.gravest
    if gravest.verdict in SILENT:
        return [case.findings[0]]
    return [one for one in case.findings if one.verdict == gravest.verdict]


def _row(case: Case, one: Finding) -> tuple[Shown, ...]:
    change = None if one.before is None or one.after is None else one.after - one.before
    notes = (one.why,) if one.why and one.verdict not in SILENT else ()
    if case.lacks:
        notes = (*notes, f"the results lack seeds {format_ranges(case.lacks)}")
    return (
        Shown(text=case.title),
        Shown(text=str(case.place.minority)),
        Shown(text=one.metric or "--"),
        Shown(one.before) if one.before is not None else Shown(text="--"),
        Shown(one.after) if one.after is not None else Shown(text="--"),
        Shown(change, signed=True) if change is not None else Shown(text="--"),
        Shown(text=one.verdict, notes=notes),
    )
