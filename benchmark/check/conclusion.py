"""Conclusion of a check: its tables, its last line, and the error that sets the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from imbench.check.judging import Verdict
from imbench.check.regression import VERDICTS, Case, MetricResult
from imbench.errors import ImbenchError, NotComparable, Regression
from imbench.records.groups import Basis, format_ranges
from imbench.report.printed_table import PrintedCell, PrintedTable

__all__ = ["counted", "fault_of", "incomplete", "printed_cases", "unfinished"]

MAX_NAMED = 3
"""Methods that the last line names."""


def fault_of(cases: Sequence[Case], *, require_complete: bool = False) -> ImbenchError | None:
    """Return the error that a check ends with, or None if it passes.

    A regression comes first, whatever could not be compared. A check passes only if some case is
    the same or better.
    """
    verdicts = Counter(case.verdict for case in cases)
    bad = [case for case in cases if case.verdict in ("worse", "failed")]
    if bad:
        return Regression(
            f"{_describe_cases(bad)}; if it is intended, record it: "
            "`bench baseline update --from RESULTS --reason TEXT`"
        )
    if verdicts["not comparable"]:
        apart = [case for case in cases if case.verdict == "not comparable"]
        return NotComparable(
            f"{_describe_cases(apart)}: {apart[0].worst.reason}; run what the baseline has, or "
            "make a new one with `bench baseline update`"
        )
    if not verdicts["same"] + verdicts["better"]:
        return NotComparable(f"nothing could be decided: {_undecided(cases)}")
    lacking = incomplete(cases)
    if require_complete and lacking:
        return NotComparable(
            f"incomplete, {_describe_cases(lacking)}: run the rest, or leave out --require-complete"
        )
    return None


def incomplete(cases: Iterable[Case]) -> list[Case]:
    """Return the cases that lack a seed of the baseline or are missing altogether."""
    return [case for case in cases if case.lacks or case.verdict == "missing"]


def unfinished(cases: Iterable[Case]) -> list[Case]:
    """Return the cases that are not decided."""
    return [case for case in cases if case.verdict in ("inconclusive", "missing") or case.lacks]


def counted(cases: Iterable[Case]) -> str:
    """Return how many cases have each verdict, most serious first."""
    verdicts = Counter(case.verdict for case in cases)
    counts = [f"{verdicts[name]} {name}" for name in VERDICTS if verdicts[name]]
    plural = "s" * (verdicts.total() != 1)
    return f"{verdicts.total()} case{plural}: {', '.join(counts)}" if counts else "no case"


def _undecided(cases: Sequence[Case]) -> str:
    if not cases:
        return "neither side has a case"
    order: tuple[Verdict, ...] = ("inconclusive", "missing", "new")
    first = min(cases, key=lambda case: order.index(case.verdict))
    return f"{counted(cases)}; {_describe_cases([first])}: {first.worst.reason}"


def _describe_cases(cases: Sequence[Case]) -> str:
    """Return methods with their counts and the change, those of one method together."""
    methods: dict[tuple[str, str, Verdict], list[Case]] = {}
    for case in cases:
        methods.setdefault((case.dataset, case.title, case.verdict), []).append(case)
    described = [
        f"{title} at {','.join(str(case.key.minority) for case in of_method)} of {dataset} "
        f"{_predicate(verdict)}{_describe_change(of_method[0])}"
        for (dataset, title, verdict), of_method in list(methods.items())[:MAX_NAMED]
    ]
    more = len(methods) - MAX_NAMED
    return ", ".join(described) + (f", and {more} more" if more > 0 else "")


def _predicate(verdict: Verdict) -> str:
    words = {"worse": "got worse", "not comparable": "cannot be compared"}
    return words.get(verdict, "lacks seeds" if verdict in ("same", "better") else verdict)


def _describe_change(case: Case) -> str:
    worst = case.worst
    if worst.before is None or worst.after is None:
        return f" ({worst.reason})" if worst.verdict == "failed" else ""
    if worst.verdict != "worse":
        return ""
    return f" ({worst.metric} {worst.before:.3f} -> {worst.after:.3f} at {case.key.minority})"


SILENT = ("same", "new")
"""Verdicts that need no footnote."""


def printed_cases(cases: Sequence[Case], above: Sequence[str] = ()) -> list[PrintedTable]:
    """Lay out a table for each data set, each below the lines `above`."""
    return [
        _printed_dataset(dataset, [case for case in cases if case.key.basis == basis], above)
        for basis, dataset in _bases(cases).items()
    ]


def _bases(cases: Iterable[Case]) -> dict[Basis, str]:
    return {case.key.basis: case.dataset for case in cases}


def _printed_dataset(dataset: str, cases: Sequence[Case], above: Sequence[str]) -> PrintedTable:
    basis = cases[0].key.basis
    rows = [_row(case, result) for case in cases for result in _shown_results(case)]
    return PrintedTable(
        title=f"{dataset}: {counted(cases)}",
        slug=f"check-{basis.fingerprint[:12]}",
        above=tuple(above),
        span="",
        head=("method", "images", "score", "baseline", "now", "change", "verdict"),
        align="lrlrrrl",
        rows=tuple(rows),
    )


def _shown_results(case: Case) -> list[MetricResult]:
    """Return all results with the case's verdict, or only the first if that needs no note."""
    if case.verdict in SILENT:
        return [case.results[0]]
    return [result for result in case.results if result.verdict == case.verdict]


def _row(case: Case, result: MetricResult) -> tuple[PrintedCell, ...]:
    change = None if result.before is None or result.after is None else result.after - result.before
    notes = (result.reason,) if result.reason and result.verdict not in SILENT else ()
    if case.lacks:
        notes = (*notes, f"the results lack seeds {format_ranges(case.lacks)}")
    return (
        PrintedCell(text=case.title),
        PrintedCell(text=str(case.key.minority)),
        PrintedCell(text=result.metric or "--"),
        PrintedCell(result.before) if result.before is not None else PrintedCell(text="--"),
        PrintedCell(result.after) if result.after is not None else PrintedCell(text="--"),
        PrintedCell(change, signed=True) if change is not None else PrintedCell(text="--"),
        PrintedCell(text=result.verdict, notes=notes),
    )
