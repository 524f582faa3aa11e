"""The network of a cell, as `bench run --keep models` leaves it beside the cell's record."""

from __future__ import annotations

import hashlib
from pathlib import Path

from imbench.errors import DataError
from imbench.records.store import Store

__all__ = ["MODEL", "check_kept"]

MODEL = "model.safetensors"
"""Name of the file in a record, and the end of its name on disk."""


def check_kept(path: Path, content: bytes) -> None:
    """Raise DataError if the record beside a kept network has another hash of it.

    Records of an imbench before schema 5 have none, and a file that was moved away has no record:
    then only the format is checked, as for any file of weights.
    """
    end = f"-{MODEL}"
    if not path.name.endswith(end):
        return
    record = Store(path.parent).read(path.with_name(f"{path.name.removesuffix(end)}.json"))
    known = None if record is None else record.file_hashes.get(MODEL)
    if known is not None and known != hashlib.sha256(content).hexdigest():
        raise DataError(
            f"{path} is not the network that its record was scored with: its checksum is wrong; "
            "copy it again, or train the cell again (bench run --force --keep models)"
        )
