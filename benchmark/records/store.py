"""Store records on disk: written atomically, verified when read, upgraded when old.

Each cell has a file, ``results/<dataset>/<minority>/<recipe>/<seed>-<key>.json``; files of other
names are passed over. One of such a name that is no valid record is warned of and counts as absent,
and a run moves it to ``results/quarantine/``. One that cannot be read may be valid: it ends the
command.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from imbench.errors import NotComparable
from imbench.files.atomic import write_atomic
from imbench.files.newer import refuse_newer
from imbench.files.slug import slug
from imbench.near_path import or_near
from imbench.records.cell import Cell
from imbench.records.pack_file import is_pack
from imbench.records.record import SCHEMA, Record, checksum
from imbench.records.record_files import QUARANTINE, read_regular, record_paths, remove_leftovers
from imbench.records.shared_parts import SharedParts
from imbench.records.summary import RecordSummary, summary_of
from imbench.records.upgrade import other_schema, upgrade

__all__ = ["Store", "existing_store", "no_records", "read_records"]

_LONGEST = 200
"""Most bytes of a name in the quarantine; file systems allow 255."""
_LOG = logging.getLogger(__name__)


class Store:
    """The records below a results folder.

    Parameters
    ----------
    folder : Path
        The results folder.
    own : bool
        Whether files that are no valid records are moved to the quarantine: for runs, in a folder
        that `ownership.refuse_foreign` let pass. Otherwise reading changes nothing.

    Attributes
    ----------
    flagged : list of Path
        Records read so far with a wrong checksum: they were edited.
    damaged : list of Path
        Files read so far that are no valid records, under their names of then.
    quarantined : list of Path
        New paths of those that were moved.
    """

    def __init__(self, folder: Path, *, own: bool = False) -> None:
        self.folder = Path(folder)
        self.own = own
        self.flagged: list[Path] = []
        self.damaged: list[Path] = []
        self.quarantined: list[Path] = []

    def path(self, cell: Cell) -> Path:
        """Return the path of a cell's record, whether or not it exists."""
        return self._stem(cell).with_suffix(".json")

    def log_path(self, cell: Cell) -> Path:
        """Return the path of a cell's log, whether or not it exists."""
        return self._stem(cell).with_suffix(".log")

    def file_path(self, cell: Cell, name: str) -> Path:
        """Return the path of another file beside a cell's record, whether or not it exists."""
        stem = self._stem(cell)
        return stem.with_name(f"{stem.name}-{slug(name)}")

    def _stem(self, cell: Cell) -> Path:
        folder = self.folder / slug(cell.dataset) / str(cell.minority) / slug(cell.recipe)
        return folder / f"{cell.seed}-{cell.key[:8]}"

    def records(self) -> list[Record]:
        """Read every record, in the order of their paths.

        Raises
        ------
        EnvironmentFault
            If a newer imbench wrote a record.
        """
        loaded = (self.read(path) for path in self.paths())
        return SharedParts().of(record for record in loaded if record is not None)

    def index(self) -> dict[str, RecordSummary]:
        """Return the summaries of all records by the key of their cell.

        If a cell has two records, under two names of its data set, a finished one is taken.
        """
        summaries: dict[str, RecordSummary] = {}
        for path in self.paths():
            record = self.read(path)
            if record is None or record.cell.key != record.key:
                continue
            if record.key not in summaries or not summaries[record.key].done:
                summaries[record.key] = summary_of(record, path)
        return summaries

    def get(self, cell: Cell) -> Record | None:
        """Return a cell's record, or None."""
        record = self.read(self.path(cell))
        # A record whose cell was edited is not the record of this cell, nor in `index`.
        matches = record is not None and record.key == cell.key == record.cell.key
        return record if matches else None

    def put(self, record: Record) -> Path:
        """Seal and write a record, replacing the cell's earlier one.

        Raises
        ------
        EnvironmentFault
            If the disk is full or the folder cannot be written.
        """
        path = self.path(record.cell)
        write_atomic(path, record.sealed().line() + "\n")
        return path

    def put_first(self, record: Record, stale: str | None = None) -> Record:
        """Write a record unless another run has written one meanwhile; return the stored one.

        A finished record stays and an unfinished one is replaced by a finished one only, unless it
        is the `stale` one.

        Parameters
        ----------
        record : Record
            The new record of the cell.
        stale : str or None
            Checksum of the record that this one replaces; None if there was none.

        Raises
        ------
        EnvironmentFault
            If the disk is full or the folder cannot be written.
        """
        path, text = self.path(record.cell), record.sealed().line() + "\n"
        for _ in range(2):
            there = path.exists()  # before the look: a file that comes later is another's
            stored = self.get(record.cell)
            if stored is not None and stored.checksum != stale and (stored.done or not record.done):
                return stored
            if write_atomic(path, text, overwrite=there):
                break
        return record

    def put_file(self, cell: Cell, name: str, content: bytes) -> str:
        """Write a file beside a cell's record; return its path relative to the folder.

        Raises
        ------
        EnvironmentFault
            If the disk is full or the folder cannot be written.
        """
        path = self.file_path(cell, name)
        write_atomic(path, content)
        return path.relative_to(self.folder).as_posix()

    def tidy(self) -> int:
        """Remove temporary files and leases of writers that died; only for a run in its folder.

        Returns how many there were.
        """
        return remove_leftovers(self.folder)

    def paths(self) -> Iterator[Path]:
        """Yield the files that have a record's name, whatever they hold, sorted.

        Raises
        ------
        EnvironmentFault
            If a folder that may hold records cannot be listed.
        """
        return record_paths(self.folder)

    def read(self, path: Path) -> Record | None:
        """Return the record of a file; None if there is none, or no valid one.

        Raises
        ------
        EnvironmentFault
            If there is a file that cannot be read, or is of a newer imbench.
        """
        raw = read_regular(path)
        if raw is None:
            return None
        try:
            return self._parse(raw, path)
        except (ValidationError, ValueError, RecursionError) as error:
            self._refuse(path, raw, error)
            return None

    def _parse(self, raw: bytes, path: Path) -> Record:
        try:
            record = Record.model_validate_json(raw)
        except ValidationError:
            plain = other_schema(raw)
            if plain is None:
                raise
            return self._upgrade(plain, path)
        if record.schema_ != SCHEMA:
            return self._upgrade(json.loads(raw), path)
        if not (_is_intact(raw, record.checksum) or record.intact):
            self._flag_edited(path)
        return record

    def _upgrade(self, plain: dict[str, Any], path: Path) -> Record:
        refuse_newer(plain, SCHEMA, path, ", or name another results folder")
        if plain.get("checksum") != checksum(plain):
            self._flag_edited(path)
            return Record.model_validate(upgrade(plain))
        return Record.model_validate(upgrade(plain)).sealed()

    def _flag_edited(self, path: Path) -> None:
        if path not in self.flagged:
            self.flagged.append(path)
            _LOG.warning("%s was edited since it was written: its checksum is wrong", path)

    def _refuse(self, path: Path, raw: bytes, error: Exception) -> None:
        """Warn, once, of a file that is no valid record; move it away in a folder of our own."""
        what = "is empty" if not raw.strip() else f"is not a valid record ({_short(error)})"
        then = self._quarantine(path) if self.own else "`bench run` sets it aside"
        if path not in self.damaged:
            self.damaged.append(path)
            _LOG.warning("%s %s; %s, its cell counts as not run", path, what, then)

    def _quarantine(self, path: Path) -> str:
        """Move a file to the quarantine; return what became of it, in words."""
        name = "__".join(path.relative_to(self.folder).parts)
        if len(os.fsencode(name)) > _LONGEST:
            name = f"{slug(name)}{path.suffix}"
        target = self.folder / QUARANTINE / name
        if target.exists():
            target = target.with_name(f"{target.stem}-{secrets.token_hex(4)}{target.suffix}")
        try:
            target.parent.mkdir(exist_ok=True)
            path.rename(target)
        except OSError as refused:
            return f"it cannot be moved: {refused.strerror}"
        self.quarantined.append(target)
        return f"moved to {target}"


def existing_store(folder: Path) -> Store:
    """Return the store of a results folder; NotComparable if there is none, or it is a pack."""
    if folder.is_file():
        what = "a pack" if is_pack(folder) else "a file"
        raise NotComparable(
            f"{str(folder)!r} is {what}, and this takes a results folder: name the folder that "
            "`bench run` wrote"
        )
    if not folder.is_dir():
        raise NotComparable(
            f"there is no results folder {str(folder)!r}: run `bench run` first, or name another"
            f"{or_near(folder, os.path.isdir)}"
        )
    return Store(folder)


def read_records(folder: Path) -> list[Record]:
    """Return the records of a results folder.

    Raises
    ------
    NotComparable
        If there is no such folder, or it holds no record.
    """
    records = existing_store(folder).records()
    if not records:
        raise no_records(folder)
    return records


def no_records(results: Path) -> NotComparable:
    """Return the error that results hold no record."""
    command = f"bench run --out {shlex.quote(str(results))}"
    return NotComparable(f"{str(results)!r} holds no records: run `{command}`")


def _is_intact(raw: bytes, claimed: str) -> bool:
    """Verify the checksum of a file as `Store.put` wrote it, much faster than `Record.intact`."""
    body = raw.strip().replace(b',"checksum":"%s"' % claimed.encode(), b"", 1)
    return hashlib.sha256(body).hexdigest() == claimed


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        return f"{field}: {first['msg']}" if field else str(first["msg"])
    return str(error)
