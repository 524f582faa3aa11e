"""Several results folders read as one: records, floors, plans and names of images."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from imbench.errors import NotComparable
from imbench.records.floors import is_floor, with_floors
from imbench.records.image_names import ImageNames, read_names
from imbench.records.planned import Plans, read_plans
from imbench.records.record import Record
from imbench.records.store import existing_store, read_records

__all__ = ["JoinedResults", "read_joined"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class JoinedResults:
    """What several results folders hold, each cell once.

    Attributes
    ----------
    records : list of Record
        Of methods, then of the floors that any of them can be held against.
    plans : Plans
        Of all folders.
    names : mapping
        Fingerprint to names of classes and test images.
    notes : tuple of str
        A sentence on the cells that lie in more than one folder.
    """

    records: list[Record]
    plans: Plans
    names: Mapping[str, ImageNames]
    notes: tuple[str, ...] = ()


def read_joined(folders: Sequence[Path]) -> JoinedResults:
    """Read results folders; of a cell that several hold a finished record is taken, or the first.

    Raises
    ------
    NotComparable
        If one of them does not exist, or none holds a record.
    """
    if len(folders) == 1:
        (only,) = folders
        records = with_floors(read_records(only), only)
        return JoinedResults(records, read_plans(only), read_names(only))
    found: dict[str, Record] = {}
    repeated: dict[str, bool] = {}
    for record in _records(folders):
        other = found.get(record.key)
        if other is not None:
            repeated[record.key] = repeated.get(record.key, False) or _differ(other, record)
        if other is None or (record.done and not other.done):
            found[record.key] = record
    if not found:
        raise NotComparable(f"{_listed(folders)} hold no records: run `bench run --out FOLDER`")
    records, keys = list(found.values()), set(found)
    for folder in folders:
        for one in with_floors(list(found.values()), folder):
            if is_floor(one.cell) and one.key not in keys:
                keys.add(one.key)
                records.append(one)
    plans = [read_plans(folder) for folder in folders]
    return JoinedResults(
        records,
        Plans(
            tuple(run for plan in plans for run in plan.runs),
            tuple(fault for plan in plans for fault in plan.faults),
        ),
        {code: names for folder in reversed(folders) for code, names in read_names(folder).items()},
        tuple(_notes(repeated, folders)),
    )


def _records(folders: Sequence[Path]) -> Iterator[Record]:
    for folder in folders:
        records = existing_store(folder).records()
        if not records:
            _LOG.warning("%s holds no records", folder)
        yield from records


def _differ(first: Record, second: Record) -> bool:
    """Whether two records of one cell have other outputs, as two processors give."""
    return first.done and second.done and first.scores != second.scores


def _notes(repeated: Mapping[str, bool], folders: Sequence[Path]) -> Iterator[str]:
    if repeated:
        differing = sum(repeated.values())
        tail = f"; {differing} of them have other outputs there" if differing else ""
        yield (
            f"{len(repeated)} cells lie in more than one of {_listed(folders)}: the first finished "
            f"one is shown{tail}"
        )


def _listed(folders: Sequence[Path]) -> str:
    return ", ".join(repr(str(folder)) for folder in folders)
