"""Records as a tidy pandas frame: one row a cell and metric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from imbench.records.groups import method_title
from imbench.records.record import Record
from imbench.records.scored import score
from imbench.registry import load_plugin

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "frame"]

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
)


def frame(records: Iterable[Record], metrics: Sequence[str] = ("f1",)) -> pd.DataFrame:
    """Return every record, failed ones included, with NaN where it has no score.

    Columns are `COLUMNS`; ``settings`` is JSON, so that whatever was set tells rows apart, and
    ``majority`` and the test counts are missing where a record does not know them.
    """
    import pandas as pd

    loaded = {name: load_plugin("metrics", name) for name in metrics}
    rows = []
    for record in records:
        shared = _shared(record)
        for name, metric in loaded.items():
            value, reason = score(record, name, metric) if record.done else (None, record.reason)
            rows.append({**shared, "metric": name, "value": value, "reason": reason})
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for column in ("majority", "test_majority", "test_minority"):
        table[column] = table[column].astype("Int64")
    table["value"] = table["value"].astype("float64")
    return table


def _shared(record: Record) -> dict[str, object]:
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
    }
