"""Cases of a check as JUnit XML: one suite a data set, one test case a method and count."""

from __future__ import annotations

from collections.abc import Sequence

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from imbench.check.regression import Case
from imbench.records.groups import Basis
from imbench.safe_text import visible

__all__ = ["junit"]


def junit(cases: Sequence[Case], *, require_complete: bool = False) -> str:
    """Return the XML.

    ``worse`` is a failure; ``failed`` and ``not comparable`` are errors, so that no viewer shows
    them green; ``missing`` is one as well with `require_complete`, else skipped as are
    ``inconclusive`` and ``new``.
    """
    xml = JUnitXml("bench check")
    for basis, dataset in _suites(cases).items():
        suite = TestSuite(visible(dataset))
        for case in cases:
            if case.key.basis == basis:
                suite.add_testcase(_test_case(case, require_complete))
        xml.add_testsuite(suite)
    xml.update_statistics()
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{xml.tostring().decode()}\n'


def _suites(cases: Sequence[Case]) -> dict[Basis, str]:
    """Return a name for each basis; the same data with other settings needs one of its own."""
    found: dict[Basis, str] = {}
    used: list[str] = []
    for case in cases:
        if case.key.basis not in found:
            used.append(case.dataset)
            same = used.count(case.dataset)
            found[case.key.basis] = case.dataset + (f" ({same})" if same > 1 else "")
    return found


def _test_case(case: Case, require_complete: bool) -> TestCase:
    name = visible(f"{case.title} at {case.key.minority}")
    test = TestCase(name, visible(f"{case.dataset}.{case.key.recipe}"), 0)
    scores = "\n".join(
        f"{result.metric}: {result.before:.6f} -> {result.after:.6f}, {result.verdict}, "
        f"{visible(result.reason)}"
        for result in case.results
        if result.before is not None and result.after is not None
    )
    kind = _kind(case, require_complete)
    if kind is None:
        test.system_out = scores
        return test
    worst = case.worst
    message = f"{worst.verdict}: {visible(worst.reason)}"
    if case.lacks:
        message += f" (lacks seeds {', '.join(map(str, case.lacks))})"
    result = kind(message, None if kind is Skipped else worst.verdict)
    result.text = scores or message
    test.result = [result]
    return test


def _kind(case: Case, require_complete: bool) -> type[Failure | Error | Skipped] | None:
    """Return the class of the result; None for a case that passed."""
    if case.verdict == "worse":
        return Failure
    if case.verdict in ("failed", "not comparable"):
        return Error
    if require_complete and (case.lacks or case.verdict == "missing"):
        return Error
    return Skipped if case.verdict in ("missing", "inconclusive", "new") else None
