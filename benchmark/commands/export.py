"""`bench export`: scores, outputs and records as files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imbench.commands.arguments import RESULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imbench.records.record import Record

__all__ = ["export"]

_FILE: dict[str, Any] = {
    "type": click.Path(dir_okay=False, path_type=Path),
    "metavar": "FILE",
}


@click.command("export")
@RESULTS
@click.option("--csv", **_FILE, help="Tidy CSV: one line a record and metric.")
@click.option("--parquet", **_FILE, help="The same as Parquet (needs pyarrow).")
@click.option("--npz", **_FILE, help="Labels, logits and probabilities of every test image.")
@click.option("--json", **_FILE, help="All records, whole, in one file.")
@click.option(
    "--metric",
    multiple=True,
    metavar="NAMES",
    help="Metrics of the tables, separated by commas; all of ours if not given.",
)
def export(results: Path, metric: tuple[str, ...], **files: Path | None) -> None:
    """Write what is in RESULTS (default: results) as files for other programs."""
    from imbench.errors import UsageError
    from imbench.records.export import read_records

    asked = {form: path for form, path in files.items() if path is not None}
    if not asked:
        raise UsageError("nothing to write: name a file with --csv, --parquet, --npz or --json")
    metrics = _metrics(metric)
    records = read_records(results)
    for form, path in asked.items():
        click.echo(f"wrote {path}: {_WRITERS[form](path, records, metrics)}")


def _metrics(given: Sequence[str]) -> list[str]:
    from imbench.registry import load_plugin
    from imbench.spec import parse_texts
    from imbench.stats.metrics import METRICS

    names = list(parse_texts(given, "metrics")) if given else list(METRICS)
    for name in names:
        load_plugin("metrics", name)  # an unknown one is refused before anything is written
    return names


def _csv(path: Path, records: Sequence[Record], metrics: Sequence[str]) -> str:
    from imbench.records.export import to_csv
    from imbench.records.frame import frame

    table = frame(records, metrics)
    to_csv(path, table)
    return f"{len(table)} lines"


def _parquet(path: Path, records: Sequence[Record], metrics: Sequence[str]) -> str:
    from imbench.records.export import to_parquet
    from imbench.records.frame import frame

    table = frame(records, metrics)
    to_parquet(path, table)
    return f"{len(table)} lines"


def _npz(path: Path, records: Sequence[Record], _metrics: Sequence[str]) -> str:
    from imbench.records.export import to_npz

    return f"outputs of {to_npz(path, records)} of {len(records)} records"


def _json(path: Path, records: Sequence[Record], _metrics: Sequence[str]) -> str:
    from imbench.records.export import to_json

    to_json(path, records)
    return f"{len(records)} records"


_WRITERS: dict[str, Callable[[Path, Sequence[Record], Sequence[str]], str]] = {
    "csv": _csv,
    "parquet": _parquet,
    "npz": _npz,
    "json": _json,
}
