"""Cases of a check as tables: one a data set, a row a method and count, whys as footnotes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imbench.check.conclusion import counted
from imbench.check.regression import Case, Finding
from imbench.records.groups import Basis, ranges
from imbench.report.sheet import Sheet, Shown

__all__ = ["sheets"]

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
        notes = (*notes, f"the results lack seeds {ranges(case.lacks)}")
    return (
        Shown(text=case.title),
        Shown(text=str(case.place.minority)),
        Shown(text=one.metric or "--"),
        Shown(one.before) if one.before is not None else Shown(text="--"),
        Shown(one.after) if one.after is not None else Shown(text="--"),
        Shown(change, signed=True) if change is not None else Shown(text="--"),
        Shown(text=one.verdict, notes=notes),
    )
