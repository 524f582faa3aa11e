"""What a report reads of results, whether they are a folder of records or a pack."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from imbench.records.floors import read_floors
from imbench.records.image_names import read_names
from imbench.records.pack import PackContents, read_pack
from imbench.records.planned import read_plans
from imbench.records.record import Record
from imbench.records.record_files import record_paths
from imbench.records.store import existing_store, no_records
from imbench.records.summary import RecordSummary, summary_of

__all__ = ["expanded", "finished_cells", "read_contents", "read_result_records"]


def expanded(results: Iterable[Path]) -> list[Path]:
    """Return results, and for a folder of packs these: ``results/study`` names all of a study."""
    found: list[Path] = []
    for path in results:
        packs = sorted(path.glob("*.pack")) if path.is_dir() else []
        if not packs or any(True for _ in record_paths(path)):
            found.append(path)
        found += packs
    return found


def read_contents(results: Path) -> PackContents:
    """Return what a results folder or a pack holds; a folder may hold no record.

    Raises
    ------
    NotComparable
        If there is neither, or the file is no whole pack.
    """
    if results.is_file():
        return read_pack(results)
    records = existing_store(results).records()
    return PackContents(records, read_floors(results), read_plans(results), read_names(results))


def read_result_records(results: Path) -> list[Record]:
    """Return the records of a results folder or a pack.

    Raises
    ------
    NotComparable
        If there is neither, or it holds no record.
    """
    records = list(read_pack(results).records if results.is_file() else _stored(results))
    if not records:
        raise no_records(results)
    return records


def finished_cells(results: Iterable[Path]) -> dict[str, RecordSummary]:
    """Return the summaries of the finished records of folders and packs, by the key of the cell.

    Raises
    ------
    NotComparable
        If one of them does not exist, or is no whole pack.
    """
    return {
        record.key: summary_of(record, path)
        for path in expanded(results)
        for record in read_contents(path).records
        if record.done and record.key == record.cell.key
    }


def _stored(folder: Path) -> list[Record]:
    return existing_store(folder).records()
