"""Tables as plain data: what JSON and CSV hold of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from imbench.records.metric_specs import load_metric
from imbench.report.paper import Versus
from imbench.report.tables import Table
from imbench.safe_text import json_document
from imbench.stats.about_metrics import lower_is_better
from imbench.version import imbench_version

__all__ = ["SCHEMA", "json_head", "json_of_groups", "plain_table", "versus_csv"]

SCHEMA = 2
"""Version of the JSON form: increased when a field changes its meaning or goes."""


def json_head(command: str, notes: Sequence[str]) -> dict[str, Any]:
    """Return what every report begins with as JSON."""
    head = {"schema": SCHEMA, "imbench": imbench_version(), "command": command}
    return {**head, "notes": list(notes)}


def json_of_groups(schema: int, command: str, groups: Iterable[Mapping[str, Any]]) -> str:
    """Return what a command says of groups of records as JSON."""
    head = {"schema": schema, "imbench": imbench_version(), "command": command}
    return json_document({**head, "groups": list(groups)})


def plain_table(table: Table, compared: list[Versus] | None) -> dict[str, Any]:
    """Return a table as plain data, beside published values where it is compared with them."""
    group = table.group
    if compared is None:
        rows = [
            _plain_row(Versus(line.recipe, line.title, count, entry, None, ""))
            for line in table.lines
            for count, entry in zip(table.counts, line.entries, strict=True)
        ]
    else:
        rows = [{**_plain_row(line), **_plain_versus(line)} for line in compared]
    return {
        "dataset": group.name,
        "names": group.names,
        "fingerprint": group.basis.fingerprint,
        "majority": group.majority,
        "by_class": group.basis.by_class,
        "test_counts": group.test_counts,
        "protocol": group.basis.protocol,
        "settings": group.basis.settings.model_dump(mode="json"),
        "seeds": group.seeds,
        "metric": table.metric,
        "aurocs": [
            {"title": title, "minority": count, "mean": mean}
            for (title, count), mean in table.aurocs.items()
        ],
        "lower_is_better": lower_is_better(table.metric, load_metric(table.metric)),
        "trivial": table.trivial,
        "floors": [
            _plain_row(Versus(floor.recipe, floor.title, count, entry, None, ""))
            for floor in table.floors
            for count, entry in zip(table.counts, floor.entries, strict=True)
        ],
        "notes": list(table.notes),
        "diagnoses": [one.plain() for one in table.diagnoses],
        "rows": rows,
    }


def _plain_row(line: Versus) -> dict[str, Any]:
    ours = line.ours
    return {
        "recipe": line.recipe,
        "title": line.title,
        "minority": line.minority,
        "mean": ours.mean if ours else None,
        "low": ours.ends[0] if ours and ours.ends else None,
        "high": ours.ends[1] if ours and ours.ends else None,
        "n": len(ours.scores) if ours else 0,
        "scores": {str(seed): value for seed, value in ours.scores.items()} if ours else {},
        "status": {str(seed): state for seed, state in ours.status.items()} if ours else {},
        "mark": ours.mark if ours else "--",
        "bold": ours.bold if ours else False,
        "notes": list(ours.notes) if ours else [],
    }


def _plain_versus(line: Versus) -> dict[str, Any]:
    cell = line.published
    return {
        "published": cell.value if cell else None,
        "severity": cell.severity if cell else "",
        "reason": cell.reason if cell else "",
        "difference": line.difference,
        "verdict": line.verdict,
    }


def versus_csv(tables: list[Table], compared: dict[int, list[Versus]]) -> str:
    """Return a line of CSV for each cell that is compared with a published value.

    `compared` has the comparisons of a table by its index.
    """
    import pandas as pd

    from imbench.records.frame import as_csv

    rows = []
    for index, lines in compared.items():
        group = tables[index].group
        for line in lines:
            row = {**_plain_row(line), **_plain_versus(line)}
            for key in ("scores", "status", "notes", "bold"):
                del row[key]
            rows.append({"dataset": group.name, "fingerprint": group.basis.fingerprint, **row})
    return as_csv(pd.DataFrame(rows))
