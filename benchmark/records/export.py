"""Export results for other software: tidy tables, outputs as arrays, all records in a file."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbench.errors import EnvironmentFault, NotComparable, UsageError
from imbench.files.atomic import write_output
from imbench.files.reading import LARGE, read_bytes
from imbench.records.frame import COLUMNS, OPTIONAL_INTEGERS, as_csv, frame, from_csv
from imbench.records.image_names import ImageNames
from imbench.records.pack_file import is_pack
from imbench.records.record import Record, label_type
from imbench.records.results import read_result_records
from imbench.safe_text import json_text
from imbench.stats.metrics import METRICS
from imbench.version import imbench_version

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SCHEMA", "load_results", "to_csv", "to_json", "to_npz", "to_parquet"]

SCHEMA = 1
"""Schema of the JSON file: raise it when a field changes its meaning or is removed."""
NO_PARQUET = (
    "Parquet needs pyarrow, which is not installed: `pip install 'imbench[parquet]'`, or use CSV"
)


def load_results(path: str | Path, metrics: Sequence[str] = tuple(METRICS)) -> pd.DataFrame:
    """Return all scores as a tidy frame with a row for each record and metric.

    Parameters
    ----------
    path : str or Path
        A results folder or a pack, or a CSV or Parquet file that `bench export` wrote.
    metrics : sequence of str, optional
        Registered names; those of `score_all` by default. Of a file, the rows to keep.

    Returns
    -------
    DataFrame
        Columns ``dataset``, ``minority`` (its training images), ``recipe``, ``seed``, ``metric``
        and ``value``, which is NaN if there is no score: ``status`` and ``reason`` then say why.
        The others say under which conditions: ``fingerprint`` of the data, ``network``, ``size``,
        ``steps``, all ``settings`` as JSON, counts of images, commit, key.

    Raises
    ------
    NotComparable
        If there is no such folder or file, or it holds no record.
    UsageError
        If a metric is unknown, or the file is of another kind.

    Examples
    --------
    >>> import imbench
    >>> scores = imbench.load_results("results", ["f1", "auroc"])  # doctest: +SKIP
    >>> scores.groupby(["dataset", "minority", "recipe", "metric"]).value.mean()  # doctest: +SKIP
    """
    path = Path(path)
    if path.is_dir() or is_pack(path):
        return frame(read_result_records(path), metrics)
    if not path.exists():
        raise NotComparable(f"there is no {str(path)!r}: name a results folder or an exported file")
    table = _read_table(path)
    return table[table["metric"].isin(list(metrics))].reset_index(drop=True)


def to_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a frame as CSV; a missing number is an empty field."""
    write_output(path, as_csv(table))


def to_parquet(path: Path, table: pd.DataFrame) -> None:
    """Write a frame as Parquet.

    Raises
    ------
    EnvironmentFault
        If pyarrow is not installed.
    """
    buffer = io.BytesIO()
    try:
        table.to_parquet(buffer, engine="pyarrow", index=False)
    except ImportError as error:
        raise EnvironmentFault(NO_PARQUET) from error
    write_output(path, buffer.getvalue())


def to_json(path: Path, records: Iterable[Record]) -> None:
    """Write complete records with their checksums to a file, one record a line."""
    head = f'"schema":{SCHEMA},"imbench":{json.dumps(imbench_version())}'
    lines = ",\n".join(json_text(record.line()) for record in records)
    write_output(path, f'{{{head},"records":[\n{lines}\n]}}\n')


def to_npz(
    path: Path, records: Iterable[Record], names: Mapping[str, ImageNames] | None = None
) -> int:
    """Write the outputs of all finished records on the test images; return the number of records.

    Arrays are named by the key of the record, which is a column of the tables: ``KEY.labels``
    uint8 (n,), uint16 from 257 classes on, ``KEY.logits`` and ``KEY.proba`` float32 (n, classes).
    ``keys`` lists all keys. Where `names` are given, by fingerprint, ``FINGERPRINT.images`` (n,)
    and ``FINGERPRINT.classes`` (classes,) are the names of rows and columns.

    Raises
    ------
    NotComparable
        If no record has outputs.
    """
    buffer, keys = io.BytesIO(), []
    fingerprints: dict[str, int] = {}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for record in records:
            if record.done and record.scores is not None:
                keys.append(record.key)
                labels, logits, proba = record.scores.arrays()
                _add_array(
                    archive, f"{record.key}.labels", labels.astype(label_type(proba.shape[1]))
                )
                _add_array(archive, f"{record.key}.logits", logits)
                _add_array(archive, f"{record.key}.proba", proba)
                fingerprints.setdefault(record.cell.fingerprint, len(labels))
        if keys:
            _add_array(archive, "keys", np.array(keys))
        for fingerprint, images in fingerprints.items():
            known = (names or {}).get(fingerprint)
            if known is not None and len(known.test) == images:
                _add_array(archive, f"{fingerprint}.images", np.array(known.test))
                _add_array(archive, f"{fingerprint}.classes", np.array(known.classes))
    if not keys:
        raise NotComparable("no record has outputs, so there are none to write")
    write_output(path, buffer.getvalue())
    return len(keys)


def _add_array(archive: zipfile.ZipFile, name: str, array: Any) -> None:
    """Add an array with a fixed date, so that the same results give the same file."""
    member = zipfile.ZipInfo(f"{name}.npy")
    member.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(member, "w") as file:
        np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)


def _read_table(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        if path.suffix == ".csv":
            texts = dict.fromkeys(COLUMNS, "str")
            table = pd.read_csv(
                io.BytesIO(read_bytes(path, LARGE)), dtype=texts, keep_default_na=False
            )
        elif path.suffix == ".parquet":
            table = pd.read_parquet(io.BytesIO(read_bytes(path, LARGE)), engine="pyarrow")
        else:
            raise UsageError(f"{str(path)!r} is neither a folder nor a .csv or .parquet file")
    except ImportError as error:
        raise EnvironmentFault(NO_PARQUET) from error
    except (ValueError, OSError) as error:
        raise NotComparable(f"{str(path)!r} cannot be read as a table: {error}") from error
    if list(table.columns) == list(COLUMNS[:-1]):  # written before there were counts by class
        table = table.assign(by_class="")
    if list(table.columns) != list(COLUMNS):
        raise NotComparable(f"{str(path)!r} is not a table that `bench export` wrote")
    return _typed(from_csv(table)) if path.suffix == ".csv" else table


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Convert the texts of a CSV file to the types of a frame of records."""
    import pandas as pd

    for column in ("minority", "seed", "size", "steps", "batch_size", "protocol"):
        table[column] = table[column].astype("int64")
    for column in OPTIONAL_INTEGERS:
        table[column] = pd.to_numeric(table[column].replace("", None)).astype("Int64")
    table["value"] = table["value"].replace("", "nan").astype("float64")
    table["intact"] = table["intact"] == "True"
    return table
