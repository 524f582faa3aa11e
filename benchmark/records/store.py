"""Records on disk: written whole or not at all, checked when read, upgraded when old.

``results/<dataset>/<minority>/<recipe>/<seed>-<key>.json``, one file a cell. Whatever is not a
record of ours is moved to ``results/quarantine/`` with a warning, and never ends a command.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from imbench.errors import EnvironmentFault, NotComparable
from imbench.files.atomic import is_abandoned, write_atomic
from imbench.files.slug import slug
from imbench.records.cell import Cell
from imbench.records.record import SCHEMA, Record, Status, checksum

__all__ = ["UPGRADES", "RecordSummary", "Store", "existing_store", "read_records", "upgrade"]

UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: lambda plain: plain | {"files": {}},
}
"""Schema number to the function that turns plain data of it into the next schema's."""

QUARANTINE = "quarantine"
_LONGEST = 200
"""Bytes of a name in the quarantine; file systems end at 255."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class RecordSummary:
    """What planning needs of a record: all but its scores."""

    cell: Cell
    status: Status
    path: Path
    checksum: str
    reason: str
    log: str
    seconds: float
    """Time its training and scoring took; 0 if it shares another cell's training."""

    @property
    def done(self) -> bool:
        """Whether the cell needs no further run."""
        return self.status == "ok"


class Store:
    """The records below a results folder.

    Attributes
    ----------
    flagged : list of Path
        Records met so far whose checksum is wrong: somebody edited them.
    quarantined : list of Path
        Where files that are no records have been moved to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.flagged: list[Path] = []
        self.quarantined: list[Path] = []

    def path(self, cell: Cell) -> Path:
        """Return where a cell's record lies, whether or not there is one."""
        return self._stem(cell).with_suffix(".json")

    def log_path(self, cell: Cell) -> Path:
        """Return where a cell's log lies, whether or not there is one."""
        return self._stem(cell).with_suffix(".log")

    def _stem(self, cell: Cell) -> Path:
        place = self.folder / slug(cell.dataset) / str(cell.minority) / slug(cell.recipe)
        return place / f"{cell.seed}-{cell.key[:8]}"

    def records(self) -> list[Record]:
        """Read every record, in the order of their paths.

        Raises
        ------
        EnvironmentFault
            For a record that a newer imbench wrote.
        """
        loaded = (self._load(path) for path in self._paths())
        return [record for record in loaded if record is not None]

    def index(self) -> dict[str, RecordSummary]:
        """Return the records by the key of their cell, without scores.

        Of two records of one cell, below two names of its data set, a finished one wins.
        """
        summaries: dict[str, RecordSummary] = {}
        for path in self._paths():
            record = self._load(path)
            if record is None or record.cell.key != record.key:
                continue
            if record.key not in summaries or not summaries[record.key].done:
                summaries[record.key] = _summary(record, path)
        return summaries

    def done_keys(self) -> set[str]:
        """Return the keys of the cells that need no further run."""
        return {key for key, summary in self.index().items() if summary.done}

    def get(self, cell: Cell) -> Record | None:
        """Return a cell's record, or None."""
        record = self._load(self.path(cell))
        # A record whose cell was edited is no more this cell's than it is in `index`.
        ours = record is not None and record.key == cell.key == record.cell.key
        return record if ours else None

    def read(self, path: Path) -> Record | None:
        """Return the record in one file, or None if there is none."""
        return self._load(path)

    def put(self, record: Record) -> Path:
        """Seal and write a record, in place of the cell's earlier one.

        Raises
        ------
        EnvironmentFault
            If the disk is full or the folder cannot be written.
        """
        path = self.path(record.cell)
        write_atomic(path, _text(record))
        return path

    def put_first(self, record: Record, stale: str | None = None) -> Record:
        """Write a record unless somebody else has written one meanwhile; return what is there.

        A finished one is left as it is; one without a score gives way to one with.

        Parameters
        ----------
        record : Record
            What the cell has come to.
        stale : str or None
            Checksum of the record that is to be replaced; None if there was none.

        Raises
        ------
        EnvironmentFault
            If the disk is full or the folder cannot be written.
        """
        path, text = self.path(record.cell), _text(record)
        for _ in range(2):
            stored = self.get(record.cell)
            if stored is not None and stored.checksum != stale and (stored.done or not record.done):
                return stored
            if write_atomic(path, text, overwrite=path.exists()):
                break
        return record

    def put_file(self, cell: Cell, name: str, content: bytes) -> str:
        """Write a file beside a cell's record; return its path relative to the folder.

        Raises
        ------
        EnvironmentFault
            If the disk is full or the folder cannot be written.
        """
        path = self._stem(cell).with_name(f"{self._stem(cell).name}-{slug(name)}")
        write_atomic(path, content)
        return path.relative_to(self.folder).as_posix()

    def tidy(self) -> int:
        """Remove what writers that died left behind; return how many files."""
        removed = 0
        for path in [
            place for depth in ("", "*/", "*/*/*/") for place in self.folder.glob(f"{depth}.*.tmp")
        ]:
            if is_abandoned(path):
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _paths(self) -> Iterator[Path]:
        for path in sorted(self.folder.glob("*/*/*/*.json")):
            first, name = path.relative_to(self.folder).parts[0], path.name
            if first != QUARANTINE and not first.startswith(".") and not name.startswith("."):
                yield path

    def _load(self, path: Path) -> Record | None:
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            _LOG.warning("%s cannot be read: %s", path, error.strerror)
            return None
        try:
            return self._parsed(raw, path)
        except (ValidationError, ValueError, RecursionError) as error:
            self._quarantine(path, raw, error)
            return None

    def _parsed(self, raw: bytes, path: Path) -> Record:
        try:
            record = Record.model_validate_json(raw)
        except ValidationError:
            plain = _old_or_new(raw)
            if plain is None:
                raise
            return self._upgraded(plain, path)
        if record.schema_ != SCHEMA:
            return self._upgraded(json.loads(raw), path)
        if not (_intact_bytes(raw, record.checksum) or record.intact):
            self._flag(path)
        return record

    def _upgraded(self, plain: dict[str, Any], path: Path) -> Record:
        if plain["schema"] > SCHEMA:
            raise EnvironmentFault(
                f"{path} has schema {plain['schema']}, this imbench reads up to {SCHEMA}: "
                "update imbench, or name another results folder"
            )
        if plain.get("checksum") != checksum(plain):
            self._flag(path)
            return Record.model_validate(upgrade(plain))
        return Record.model_validate(upgrade(plain)).sealed()

    def _flag(self, path: Path) -> None:
        if path not in self.flagged:
            self.flagged.append(path)
            _LOG.warning("%s was edited since it was written: its checksum is wrong", path)

    def _quarantine(self, path: Path, raw: bytes, error: Exception) -> None:
        what = "is empty" if not raw.strip() else f"is not a whole record ({_short(error)})"
        name = "__".join(path.relative_to(self.folder).parts)
        if len(os.fsencode(name)) > _LONGEST:
            name = f"{slug(name)}{path.suffix}"
        target = self.folder / QUARANTINE / name
        if target.exists():
            target = target.with_name(f"{target.stem}-{secrets.token_hex(4)}{target.suffix}")
        try:
            target.parent.mkdir(exist_ok=True)
            path.rename(target)
        except OSError as fault:
            _LOG.warning("%s %s; left in place: %s", path, what, fault.strerror)
            return
        self.quarantined.append(target)
        _LOG.warning("%s %s; moved to %s, its cell counts as not run", path, what, target)


def existing_store(folder: Path) -> Store:
    """Return the store of a results folder; NotComparable if there is no such folder."""
    if not folder.is_dir():
        raise NotComparable(
            f"there is no results folder {str(folder)!r}: run `bench run` first, or name another"
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
        command = f"bench run --out {shlex.quote(str(folder))}"
        raise NotComparable(f"{str(folder)!r} holds no records: run `{command}`")
    return records


def upgrade(
    plain: dict[str, Any],
    table: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = UPGRADES,
    newest: int = SCHEMA,
) -> dict[str, Any]:
    """Bring a record's plain data to the newest schema, one step after the other.

    Raises
    ------
    ValueError
        If there is no way from its schema.
    """
    while plain["schema"] < newest:
        if plain["schema"] not in table:
            raise ValueError(f"no way from schema {plain['schema']} to {newest}")
        before = plain["schema"]
        plain = {**table[before](plain), "schema": before + 1}
    return plain


def _text(record: Record) -> str:
    sealed = record.sealed().plain()
    return json.dumps(sealed, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"


def _summary(record: Record, path: Path) -> RecordSummary:
    return RecordSummary(
        cell=record.cell,
        status=record.status,
        path=path,
        checksum=record.checksum,
        reason=record.reason,
        log=record.log,
        seconds=record.seconds,
    )


def _intact_bytes(raw: bytes, claimed: str) -> bool:
    """Check a file as `Store.put` wrote it, much faster than by building its text again."""
    body = raw.strip().replace(b',"checksum":"%s"' % claimed.encode(), b"", 1)
    return hashlib.sha256(body).hexdigest() == claimed


def _old_or_new(raw: bytes) -> dict[str, Any] | None:
    """Return the data of a record of another schema, or None if it is nothing of ours."""
    try:
        plain = json.loads(raw)
    except ValueError:
        return None
    if not isinstance(plain, dict) or not {"key", "cell", "status"} <= plain.keys():
        return None
    schema = plain.get("schema")
    other = isinstance(schema, int) and not isinstance(schema, bool) and schema != SCHEMA
    return plain if other else None


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place}: {first['msg']}" if place else str(first["msg"])
    return str(error)
