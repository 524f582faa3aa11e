"""The verdict on a table: a short paragraph that is written from its records by rules.

The rules are those of docs/protocol.md, "The verdict". No sentence lacks its number, and none
recommends what its own intervals do not carry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from imbench.records.groups import group_differences
from imbench.records.metric_specs import load_metric
from imbench.report.panel import Panel
from imbench.report.prose import Prose
from imbench.report.tables import Table
from imbench.report.verdict_images import say_more_images
from imbench.report.verdict_methods import (
    say_best,
    say_faults,
    say_identical,
    say_learned,
    say_missing,
    say_plain,
    say_scaled,
)
from imbench.report.verdict_next import say_next
from imbench.report.verdict_ranking import say_ranking
from imbench.report.verdict_scores import MANY, Scored
from imbench.stats.about_metrics import metric_title

__all__ = ["Statement", "Subject", "Verdict", "judge", "verdict_prose", "verdict_rows"]

Subject = Literal[
    "runs",
    "faults",
    "learned",
    "vanilla",
    "ranking",
    "ts",
    "best",
    "identical",
    "images",
    "next",
]
"""What a statement is about: runs without a score, what is wrong with runs, whether anything was
learned, methods against Vanilla, whether those rank better, methods against TS, the best ones,
methods with the same scores, more images, what to run next."""


@dataclass(frozen=True)
class Statement:
    """One sentence of a verdict, without the final full stop."""

    subject: Subject
    text: str


@dataclass(frozen=True)
class Verdict:
    """What the records of one table show."""

    table: Table
    statements: tuple[Statement, ...]
    apart: str = ""
    """What tells its records from others of the same data, which share no table with them."""

    @property
    def title(self) -> str:
        """Return a heading with the data and the metric."""
        group = self.table.group
        metric = metric_title(self.table.metric, len(group.test_counts))
        return f"Verdict on {group.title} by {metric}{self.apart and f' ({self.apart})'}"


def judge(tables: Iterable[Table]) -> list[Verdict]:
    """Return the verdict on each group of comparable records, by the first metric of its tables."""
    first: dict[str, Table] = {}
    for table in tables:
        first.setdefault(table.group.code, table)
    records = sum(len(table.group.records) for table in first.values())
    return [
        replace(_judge(table, resample=records <= MANY), apart=_apart(table, first.values()))
        for table in first.values()
    ]


def verdict_prose(verdict: Verdict) -> Prose:
    """Return a verdict as a section of a report."""
    return Prose(verdict.title, "", tuple(statement.text for statement in verdict.statements))


def verdict_rows(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return verdicts as plain data."""
    return [
        {
            "dataset": verdict.table.group.name,
            "fingerprint": verdict.table.group.basis.fingerprint,
            "code": verdict.table.group.code,
            "metric": verdict.table.metric,
            "statements": [
                {"subject": statement.subject, "text": statement.text}
                for statement in verdict.statements
            ],
        }
        for verdict in verdicts
    ]


def _apart(table: Table, others: Iterable[Table]) -> str:
    """Return in what a table's records differ from others of its data set."""
    alike = [other.group for other in others if other.group.name == table.group.name]
    place = next(index for index, group in enumerate(alike) if group is table.group)
    return ", ".join(f"{key} {values[place]}" for key, values in group_differences(alike).items())


def _judge(table: Table, *, resample: bool) -> Verdict:
    panel = Panel(table.group, table.metric, load_metric(table.metric))
    scored = Scored(table, panel, resample=resample)
    made = [Statement("runs", text) for text in say_missing(scored)]
    if scored.recipes:
        said: tuple[tuple[Subject, list[str]], ...] = (
            ("faults", say_faults(scored)),
            ("learned", say_learned(scored)),
            ("vanilla", say_plain(scored)),
            ("ranking", say_ranking(scored)),
            ("ts", say_scaled(scored)),
            ("best", say_best(scored)),
            ("identical", say_identical(scored)),
            ("images", say_more_images(scored)),
            ("next", say_next(scored)),
        )
        made += [Statement(subject, text) for subject, texts in said for text in texts]
    return Verdict(table, tuple(made))
