"""Several results folders and packs read as one: records, floors, plans and names of images."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imbench.errors import NotComparable
from imbench.records.floors import floors_beside
from imbench.records.image_names import ImageNames
from imbench.records.pack import PackContents
from imbench.records.planned import Plans
from imbench.records.record import Record
from imbench.records.results import expanded, read_contents
from imbench.records.store import no_records

__all__ = ["JoinedResults", "join", "read_joined"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class JoinedResults:
    """What several results folders and packs hold, each cell once.

    Attributes
    ----------
    records : list of Record
        Of methods, then of the floors that any of them can be held against.
    plans : Plans
        Of all of them.
    names : mapping
        Fingerprint to names of classes and test images.
    notes : tuple of str
        A sentence on the cells that lie in more than one of them.
    measured : mapping
        What packs hold of explanations.
    """

    records: list[Record]
    plans: Plans
    names: Mapping[str, ImageNames]
    notes: tuple[str, ...] = ()
    measured: Mapping[str, Any] = field(default_factory=dict)


def read_joined(results: Sequence[Path]) -> JoinedResults:
    """Read results; of a cell that several hold a finished record is taken, or the first.

    Raises
    ------
    NotComparable
        If one of them does not exist, or none holds a record.
    """
    contents, notes = join(results)
    records = [*contents.records, *floors_beside(contents.records, contents.floors)]
    return JoinedResults(records, contents.plans, contents.names, notes, contents.measured)


def join(results: Sequence[Path], *, empty: bool = False) -> tuple[PackContents, tuple[str, ...]]:
    """Return what results hold, each cell once, and sentences on those that several hold.

    With `empty` they may hold no record.

    Raises
    ------
    NotComparable
        If one of them does not exist, or none holds a record.
    """
    results = expanded(results)
    contents = [read_contents(path) for path in results]
    if len(contents) == 1 and (empty or contents[0].records):
        return contents[0], ()
    for path, one in zip(results, contents, strict=True):
        if not (one.records or empty) and len(results) > 1:
            _LOG.warning("%s holds no records", path)
    records, repeated = _each_once(record for one in contents for record in one.records)
    if not (records or empty):
        raise _nothing(results)
    floors, _ = _each_once(record for one in contents for record in one.floors)
    joined = PackContents(
        records,
        floors,
        Plans(
            tuple(run for one in contents for run in one.plans.runs),
            tuple(fault for one in contents for fault in one.plans.faults),
        ),
        {code: names for one in reversed(contents) for code, names in one.names.items()},
        _merged(one.measured for one in contents),
    )
    return joined, tuple(_notes(repeated, results))


def _each_once(records: Iterable[Record]) -> tuple[list[Record], dict[str, bool]]:
    """Return the records, and of the cells with several whether any has other scores."""
    found: dict[str, Record] = {}
    repeated: dict[str, bool] = {}
    for record in records:
        other = found.get(record.key)
        if other is not None:
            repeated[record.key] = repeated.get(record.key, False) or _differ(other, record)
        if other is None or (record.done and not other.done):
            found[record.key] = record
    return list(found.values()), repeated


def _differ(first: Record, second: Record) -> bool:
    """Whether two records of one cell have other outputs, as two processors give.

    Told by scores: outputs are rounded in packs, and a pack has a score more than a record.
    """
    shared = first.metrics.keys() & second.metrics.keys()
    return (
        first.done
        and second.done
        and (
            any(first.metrics[name] != second.metrics[name] for name in shared)
            or (first.scores is None) != (second.scores is None)
        )
    )


def _merged(found: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for one in found:
        for code, own in one.items():
            merged[code] = {**own, **merged.get(code, {})}
    return merged


def _nothing(results: Sequence[Path]) -> NotComparable:
    if len(results) == 1:
        return no_records(results[0])
    return NotComparable(f"{_listed(results)} hold no records: run `bench run --out FOLDER`")


def _notes(repeated: Mapping[str, bool], results: Sequence[Path]) -> Iterator[str]:
    if repeated:
        differing = sum(repeated.values())
        tail = f"; {differing} of them have other outputs there" if differing else ""
        yield (
            f"{len(repeated)} cells lie in more than one of {_listed(results)}: the first finished "
            f"one is shown{tail}"
        )


def _listed(results: Sequence[Path]) -> str:
    return ", ".join(repr(str(path)) for path in results)
