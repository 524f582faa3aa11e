"""Records as a tidy pandas frame with a row for each record and metric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from imbench.records.groups import method_title
from imbench.records.metric_specs import load_metric
from imbench.records.record import Record
from imbench.records.scored import score
from imbench.safe_text import csv_cell, csv_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "OPTIONAL_INTEGERS", "as_csv", "frame", "from_csv"]

COLUMNS = (
    "dataset",
    "fingerprint",
    "majority",
    "minority",
    "recipe",
    "title",
    "seed",
    "network",
    "size",
    "steps",
    "batch_size",
    "settings",
    "protocol",
    "test_majority",
    "test_minority",
    "status",
    "reason",
    "metric",
    "value",
    "intact",
    "commit",
    "key",
    "by_class",
)
OPTIONAL_INTEGERS = ("majority", "test_majority", "test_minority")
"""Columns of integers with missing values."""


def frame(records: Iterable[Record], metrics: Sequence[str] = ("f1",)) -> pd.DataFrame:
    """Return a frame of all records, failed ones included, with NaN for a missing score.

    Columns are `COLUMNS`; ``settings`` is all settings as JSON; ``majority`` and test counts are
    missing if a record does not have them.
    """
    import pandas as pd

    functions = {name: load_metric(name) for name in metrics}
    rows = []
    for record in records:
        shared = _shared_columns(record)
        for name, metric in functions.items():
            value, reason = score(record, name, metric) if record.done else (None, record.reason)
            rows.append({**shared, "metric": name, "value": value, "reason": reason})
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({**dict.fromkeys(OPTIONAL_INTEGERS, "Int64"), "value": "float64"})


def as_csv(table: pd.DataFrame) -> str:
    """Return a frame as CSV, one line a row; no cell of it is a formula to a spreadsheet."""
    texts = table.select_dtypes(["object", "string"]).columns
    safe = table.assign(**{name: table[name].map(csv_cell) for name in texts})
    return safe.to_csv(index=False, lineterminator="\n")


def from_csv(table: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of texts as it was before `as_csv` wrote it, control characters excepted."""
    return table.map(csv_text)


def _shared_columns(record: Record) -> dict[str, object]:
    cell, settings, tests = record.cell, record.cell.settings, record.test_counts
    return {
        "dataset": cell.dataset,
        "fingerprint": cell.fingerprint,
        "majority": record.train_counts[0] if record.train_counts else cell.majority,
        "minority": cell.minority,
        "recipe": cell.recipe,
        "title": method_title(cell.recipe),
        "seed": cell.seed,
        "network": settings.network,
        "size": settings.size,
        "steps": settings.steps,
        "batch_size": settings.batch_size,
        "settings": settings.model_dump_json(),
        "protocol": cell.protocol,
        "test_majority": tests[0] if tests else None,
        "test_minority": sum(tests[1:]) if tests else None,
        "status": record.status,
        "intact": record.intact,
        "commit": record.commit,
        "key": record.key,
        "by_class": "" if cell.by_class is None else "/".join(map(str, cell.by_class)),
    }
