"""Arrays of an explanation, kept beside the record that they explain: never in it."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.files.reading import SMALL, read_bytes
from imbench.records.record import Record
from imbench.records.store import Store

__all__ = ["Kept", "any_kept", "keep", "kept", "kept_name", "outputs_digest"]

SCHEMA = 1
"""Raise it when the meaning of an array changes."""
_STAMP = "stamp"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """What is kept of one cell under one name: a map method's, ``context`` or ``features``.

    Attributes
    ----------
    record : Record
        The record of the cell.
    what : str
        The name.
    stamp : mapping
        What it was computed from: the same stamp is never computed again.
    arrays : mapping
        Name to array.
    """

    record: Record
    what: str
    stamp: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]


def outputs_digest(record: Record) -> str:
    """Return a hash of a record's cell and outputs: what an upgrade of its schema leaves alone."""
    scores = record.scores
    body = "" if scores is None else f"{scores.labels} {scores.logits} {scores.proba}"
    return hashlib.sha256(f"{record.key} {body}".encode()).hexdigest()[:16]


def kept_name(what: str) -> str:
    """Return the end of the name of the file of an explanation."""
    return f"explained-{what}.npz"


def any_kept(folder: Path) -> bool:
    """Whether a results folder holds explanations: without, no record need be asked for its own."""
    return next(folder.glob(f"*/*/*/*-{kept_name('*')}"), None) is not None


def keep(store: Store, kept: Kept) -> None:
    """Write arrays beside a record.

    Raises
    ------
    EnvironmentFault
        If the disk is full or the folder cannot be written.
    """
    buffer = io.BytesIO()
    stamp = json.dumps({"schema": SCHEMA, **kept.stamp}, sort_keys=True)
    named: dict[str, Any] = {**kept.arrays, _STAMP: np.array(stamp)}
    np.savez_compressed(buffer, allow_pickle=False, **named)
    store.put_file(kept.record.cell, kept_name(kept.what), buffer.getvalue())


def kept(store: Store, record: Record, what: str) -> Kept | None:
    """Return what is kept of a record; None if there is nothing, or nothing of this schema."""
    path = store.file_path(record.cell, kept_name(what))
    try:
        found = dict(_read(path))
        stamp = json.loads(str(found.pop(_STAMP)[()]))
        if stamp.pop("schema") == SCHEMA and stamp.get("record") == outputs_digest(record):
            return Kept(record, what, stamp, found)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        _LOG.warning("%s is damaged and counts as absent (%s)", path, type(error).__name__)
    return None


def _read(path: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    with np.load(io.BytesIO(read_bytes(path, SMALL)), allow_pickle=False) as file:
        for name in file.files:
            yield name, file[name]
