"""`bench export`: write scores, outputs and records as files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imbench.commands.arguments import RESULTS, metric_option
from imbench.commands.terminal import echo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imbench.records.record import Record

__all__ = ["export"]

_FILE: dict[str, Any] = {
    "type": click.Path(dir_okay=False, path_type=Path),
    "metavar": "FILE",
}


@click.command("export")
@RESULTS
@click.option("--csv", **_FILE, help="Write tidy CSV: one line a record and metric.")
@click.option("--parquet", **_FILE, help="Write the same as Parquet (needs pyarrow).")
@click.option("--npz", **_FILE, help="Write labels, logits and probabilities of every test image.")
@click.option("--json", **_FILE, help="Write all records, complete, to one file.")
@metric_option("Write these metrics to CSV and Parquet", ["all of imbench"])
def export(results: Path, metrics: tuple[str, ...], **files: Path | None) -> None:
    """Write the scores, outputs or records of RESULTS (default: results) for other programs."""
    from imbench.errors import UsageError
    from imbench.records.export import to_npz
    from imbench.records.image_names import read_names
    from imbench.records.metric_specs import load_metric
    from imbench.records.results import read_result_records
    from imbench.stats.metrics import METRICS

    paths = {form: path for form, path in files.items() if path is not None}
    if not paths:
        raise UsageError("nothing to write: name a file with --csv, --parquet, --npz or --json")
    for name in metrics:
        load_metric(name)  # an unknown metric ends the command before it writes
    records = read_result_records(results)
    for form, path in paths.items():
        if form == "npz":
            count = to_npz(path, records, read_names(results))
            written = f"outputs of {count} of {len(records)} records"
        else:
            written = _write(form, path, records, metrics or tuple(METRICS))
        echo(f"wrote {path}: {written}")


def _write(form: str, path: Path, records: Sequence[Record], metrics: Sequence[str]) -> str:
    """Write a file of a form, and return what it holds."""
    from imbench.records import export

    if form == "json":
        export.to_json(path, records)
        return f"{len(records)} records"
    from imbench.records.frame import frame

    table = frame(records, metrics)
    (export.to_csv if form == "csv" else export.to_parquet)(path, table)
    return f"{len(table)} lines"
