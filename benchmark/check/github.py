"""Report a check to GitHub Actions: annotations of its log, and the step summary."""

from __future__ import annotations

from collections.abc import Sequence

from imbench.check.conclusion import counted, printed_cases
from imbench.check.regression import VERDICTS, Case
from imbench.report.text import escape_markdown, markdown
from imbench.safe_text import visible

__all__ = ["LIMIT", "MAX_ANNOTATIONS", "annotated", "summary"]

MAX_ANNOTATIONS = 10
"""GitHub shows ten of each kind in a step and silently drops the rest."""
LIMIT = 1_000_000
"""Bytes of a step summary; GitHub rejects a summary above 1 MiB."""

_LEVELS = {
    "worse": "error",
    "failed": "error",
    "not comparable": "error",
    "missing": "warning",
    "inconclusive": "warning",
    "better": "notice",
}


def annotated(cases: Sequence[Case]) -> list[str]:
    """Return at most ten workflow commands, most serious first; the last counts those left out."""
    notable = sorted(
        (case for case in cases if case.verdict in _LEVELS),
        key=lambda case: VERDICTS.index(case.verdict),
    )
    kept = notable if len(notable) <= MAX_ANNOTATIONS else notable[: MAX_ANNOTATIONS - 1]
    lines = [
        _workflow_command(_LEVELS[case.verdict], _title(case), _message(case)) for case in kept
    ]
    if len(kept) < len(notable):
        left = notable[len(kept) :]
        level = _LEVELS[left[0].verdict]
        lines.append(
            _workflow_command(level, "bench check", f"and {counted(left)}: see the step summary")
        )
    return lines


def summary(
    cases: Sequence[Case], above: Sequence[str], conclusion: str, limit: int = LIMIT
) -> str:
    """Return the step summary: the conclusion in a sentence, then all tables in Markdown.

    Above `limit` bytes, cases that are the same are left out, then all tables.
    """
    head = f"## bench check: {counted(cases)}\n\n{escape_markdown(conclusion)}\n\n"
    changed = [case for case in cases if case.verdict != "same"]
    for shown, note in ((cases, ""), (changed, "Cases that are the same are left out.\n\n")):
        text = head + note + (markdown(printed_cases(shown, above)) if shown else "")
        if len(text.encode()) <= limit:
            return text
    return f"{head}The tables are too long for a step summary.\n"


def _title(case: Case) -> str:
    return visible(f"{case.verdict}: {case.title} at {case.key.minority} of {case.dataset}")


def _message(case: Case) -> str:
    worst = case.worst
    if worst.before is None or worst.after is None:
        return visible(worst.reason)
    return visible(f"{worst.metric} {worst.before:.3f} -> {worst.after:.3f}; {worst.reason}")


def _workflow_command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
