"""Cases of a check for GitHub Actions: annotations for its log, tables as step summary."""

from __future__ import annotations

from collections.abc import Sequence

from imbench.check.conclusion import counted, sheets
from imbench.check.regression import VERDICTS, Case
from imbench.report.text import markdown

__all__ = ["LIMIT", "MOST", "annotated", "summary"]

MOST = 10
"""Annotations; GitHub shows ten of each kind of a step and drops the rest in silence."""
LIMIT = 1_000_000
"""Bytes of a step summary; GitHub refuses one above 1 MiB altogether."""

_LEVELS = {
    "worse": "error",
    "failed": "error",
    "not comparable": "error",
    "missing": "warning",
    "inconclusive": "warning",
    "better": "notice",
}


def annotated(cases: Sequence[Case]) -> list[str]:
    """Return at most ten workflow commands, the gravest first; the last counts what is left out."""
    told = sorted(
        (case for case in cases if case.verdict in _LEVELS),
        key=lambda case: VERDICTS.index(case.verdict),
    )
    kept = told if len(told) <= MOST else told[: MOST - 1]
    lines = [_command(_LEVELS[case.verdict], _title(case), _message(case)) for case in kept]
    if len(kept) < len(told):
        left = told[len(kept) :]
        level = _LEVELS[left[0].verdict]
        lines.append(_command(level, "bench check", f"and {counted(left)}: see the step summary"))
    return lines


def summary(cases: Sequence[Case], above: Sequence[str], verdict: str, limit: int = LIMIT) -> str:
    """Return the step summary: the outcome in a sentence, then all tables in Markdown.

    Above `limit` bytes cases that are the same are left out, and then all but the sentence.
    """
    head = f"## bench check: {counted(cases)}\n\n{verdict}\n\n"
    moved = [case for case in cases if case.verdict != "same"]
    for shown, said in ((cases, ""), (moved, "Cases that are the same are left out.\n\n")):
        text = head + said + (markdown(sheets(shown, above)) if shown else "")
        if len(text.encode()) <= limit:
            return text
    return f"{head}The tables are too long for a step summary.\n"


def _title(case: Case) -> str:
    return f"{case.verdict}: {case.title} at {case.place.minority} of {case.dataset}"


def _message(case: Case) -> str:
    one = case.gravest
    if one.before is None or one.after is None:
        return one.why
    return f"{one.metric} {one.before:.3f} -> {one.after:.3f}; {one.why}"


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
