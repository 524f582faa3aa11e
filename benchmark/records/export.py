"""Results for those who work elsewhere: tidy tables, outputs as arrays, all records in one file."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbench.errors import EnvironmentFault, NotComparable, UsageError
from imbench.files.atomic import write_atomic
from imbench.records.frame import COLUMNS, frame
from imbench.records.record import Record
from imbench.records.store import read_records
from imbench.stats.metrics import METRICS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SCHEMA", "load_results", "to_csv", "to_json", "to_npz", "to_parquet"]

SCHEMA = 1
"""Of the JSON file: raise it when a field changes its meaning or goes. Each record has its own."""
INTEGERS = ("majority", "test_majority", "test_minority")
"""Columns of integers that may be missing."""
NO_PARQUET = (
    "Parquet needs pyarrow, which is not installed: `pip install 'imbench[parquet]'`, or use CSV"
)


def load_results(path: str | Path, metrics: Sequence[str] = tuple(METRICS)) -> pd.DataFrame:
    """Return all scores as a tidy frame: one row a record and metric, failed records included.

    Parameters
    ----------
    path : str or Path
        A results folder, or a CSV or Parquet file that `bench export` wrote.
    metrics : sequence of str
        Registered names, those of this package by default. Of a file, the rows to keep.

    Returns
    -------
    DataFrame
        Columns of `imbench.records.frame.COLUMNS`; ``value`` is NaN where there is no score, and
        ``reason`` says why.

    Raises
    ------
    NotComparable
        If there is no such folder or file, or it holds no record.
    UsageError
        If a metric is unknown, or the file is of another kind.
    """
    path = Path(path)
    if path.is_dir():
        return frame(read_records(path), metrics)
    if not path.exists():
        raise NotComparable(f"there is no {str(path)!r}: name a results folder or an exported file")
    table = _read_table(path)
    kept = table[table["metric"].isin(list(metrics))]
    return kept.reset_index(drop=True)


def to_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a frame as CSV; a missing number is an empty field."""
    write_atomic(path, table.to_csv(index=False, lineterminator="\n"))


def to_parquet(path: Path, table: pd.DataFrame) -> None:
    """Write a frame as Parquet.

    Raises
    ------
    EnvironmentFault
        If pyarrow is not installed.
    """
    held = io.BytesIO()
    try:
        table.to_parquet(held, engine="pyarrow", index=False)
    except ImportError as error:
        raise EnvironmentFault(NO_PARQUET) from error
    write_atomic(path, held.getvalue())


def to_json(path: Path, records: Iterable[Record]) -> None:
    """Write records, whole and with their checksums, into one file, one record a line."""
    from importlib.metadata import version

    head = f'"schema":{SCHEMA},"imbench":{json.dumps(version("imbench"))}'
    lines = ",\n".join(
        json.dumps(record.plain(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        for record in records
    )
    write_atomic(path, f'{{{head},"records":[\n{lines}\n]}}\n')


def to_npz(path: Path, records: Iterable[Record]) -> int:
    """Write the outputs of every finished record on the test images; return how many have some.

    Arrays of a record are named by its key, which the tables have as a column: ``KEY.labels``
    uint8 (n,), ``KEY.logits`` and ``KEY.proba`` float32 (n, classes). ``keys`` names all.

    Raises
    ------
    NotComparable
        If no record keeps outputs.
    """
    held, keys = io.BytesIO(), []
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, arrays in _outputs(records):
            keys.append(key)
            for name, array in arrays.items():
                _add(archive, f"{key}.{name}", array)
        if keys:
            _add(archive, "keys", np.array(keys))
    if not keys:
        raise NotComparable("no record keeps outputs, so there are none to write")
    write_atomic(path, held.getvalue())
    return len(keys)


def _outputs(records: Iterable[Record]) -> Iterator[tuple[str, dict[str, Any]]]:
    for record in records:
        if record.done and record.scores is not None:
            labels, logits, proba = record.scores.arrays()
            arrays = {"labels": labels.astype(np.uint8), "logits": logits, "proba": proba}
            yield record.key, arrays


def _add(archive: zipfile.ZipFile, name: str, array: Any) -> None:
    """Add an array with a fixed date, so that the same results give the same file."""
    entry = zipfile.ZipInfo(f"{name}.npy")
    entry.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(entry, "w") as file:
        np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)


def _read_table(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        if path.suffix == ".csv":
            texts = dict.fromkeys(COLUMNS, "str")
            table = pd.read_csv(path, dtype=texts, keep_default_na=False)
        elif path.suffix == ".parquet":
            table = pd.read_parquet(path, engine="pyarrow")
        else:
            raise UsageError(f"{str(path)!r} is neither a folder nor a .csv or .parquet file")
    except ImportError as error:
        raise EnvironmentFault(NO_PARQUET) from error
    except (ValueError, OSError) as error:
        raise NotComparable(f"{str(path)!r} cannot be read as a table: {error}") from error
    if list(table.columns) != list(COLUMNS):
        raise NotComparable(f"{str(path)!r} is no table that `bench export` wrote")
    return _typed(table) if path.suffix == ".csv" else table


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Give the texts of a CSV file the types that a frame of records has."""
    import pandas as pd

    whole = ("minority", "seed", "size", "steps", "batch_size", "protocol")
    for column in whole:
        table[column] = table[column].astype("int64")
    for column in INTEGERS:
        table[column] = pd.to_numeric(table[column].replace("", None)).astype("Int64")
    table["value"] = table["value"].replace("", "nan").astype("float64")
    table["intact"] = table["intact"] == "True"
    return table
