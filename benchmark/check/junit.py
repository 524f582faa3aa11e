"""Cases of a check as JUnit XML: one suite a data set, one test case a method and count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as Tree  # nosec B405

from imbench.check.regression import Case
from imbench.records.groups import Basis

__all__ = ["junit"]

ERRORS = ("failed", "not comparable")
SKIPPED = ("missing", "inconclusive", "new")


def junit(cases: Sequence[Case], *, require_complete: bool = False) -> str:
    """Return the XML.

    ``worse`` is a failure; ``failed`` and ``not comparable`` are errors, so that no viewer shows
    them green; ``missing`` is one as well with `require_complete`, else skipped as are
    ``inconclusive`` and ``new``.
    """
    root = Tree.Element("testsuites", name="bench check")
    totals = [0, 0, 0, 0]
    for basis, dataset in _suites(cases).items():
        suite = Tree.SubElement(root, "testsuite", name=_clean(dataset))
        them = [case for case in cases if case.place.basis == basis]
        kinds = [_add(suite, case, require_complete) for case in them]
        counts = [len(them), *(kinds.count(kind) for kind in ("failure", "error", "skipped"))]
        _count(suite, counts)
        totals = [a + b for a, b in zip(totals, counts, strict=True)]
    _count(root, totals)
    Tree.indent(root)
    text: str = Tree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suites(cases: Sequence[Case]) -> dict[Basis, str]:
    """Return a name for each basis; the same data with other settings needs one of its own."""
    found: dict[Basis, str] = {}
    used: list[str] = []
    for case in cases:
        if case.place.basis not in found:
            used.append(case.dataset)
            same = used.count(case.dataset)
            found[case.place.basis] = case.dataset + (f" ({same})" if same > 1 else "")
    return found


def _add(suite: Tree.Element, case: Case, require_complete: bool) -> str:
    """Add a test case and return its kind, empty for one that passed."""
    name = f"{case.title} at {case.place.minority}"
    place = f"{case.dataset}.{case.place.recipe}"
    test = Tree.SubElement(suite, "testcase", name=_clean(name), classname=_clean(place), time="0")
    one = case.gravest
    scores = "\n".join(
        f"{finding.metric}: {finding.before:.6f} -> {finding.after:.6f}, {finding.verdict}, "
        f"{finding.why}"
        for finding in case.findings
        if finding.before is not None and finding.after is not None
    )
    lacking = bool(case.lacks) or case.verdict == "missing"
    if case.verdict == "worse":
        kind = "failure"
    elif case.verdict in ERRORS or (require_complete and lacking):
        kind = "error"
    elif case.verdict in SKIPPED:
        kind = "skipped"
    else:
        Tree.SubElement(test, "system-out").text = _clean(scores)
        return ""
    said = f"{one.verdict}: {one.why}"
    if lacking and case.lacks:
        said += f" (lacks seeds {', '.join(map(str, case.lacks))})"
    inner = Tree.SubElement(test, kind, message=_clean(said))
    if kind != "skipped":
        inner.set("type", one.verdict)
    inner.text = _clean(scores or said)
    return kind


def _count(element: Tree.Element, counts: Sequence[int]) -> None:
    for key, count in zip(("tests", "failures", "errors", "skipped"), counts, strict=True):
        element.set(key, str(count))
    element.set("time", "0")


def _clean(text: str) -> str:
    """Replace what XML 1.0 cannot hold, even escaped: most control characters, half characters."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
