"""`bench pack`: the records of results folders and packs in one small file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from imbench.commands.terminal import echo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imbench.records.pack import PackContents

__all__ = ["pack"]


@click.command("pack")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
def pack(results: tuple[Path, ...], file: Path) -> None:
    """Write the records of RESULTS, folders and packs, to FILE, for a repository.

    Every report of FILE is that of RESULTS. FILE may be one of them: it is then replaced as a
    whole. Of a cell that several hold a finished record is taken, or the first.
    """
    from imbench.records.joined import join
    from imbench.records.pack import LOST, write_pack

    _refuse_to_overwrite(file, results)
    contents, notes = join(results)
    size = write_pack(file, _with_measured(contents, results))
    cells = contents.records
    scored = sum(record.done for record in cells)
    data = len({record.cell.fingerprint for record in cells})
    echo(
        f"wrote {file}: {len(cells)} records, {scored} with scores, of {data} data sets; "
        f"{size / 1e6:.2f} MB",
        f"not in it: {LOST}",
        *notes,
        *contents.plans.faults,
    )


def _refuse_to_overwrite(file: Path, results: Sequence[Path]) -> None:
    """Refuse to write over what is no pack: a name may have been forgotten."""
    from imbench.errors import NotComparable, UsageError
    from imbench.records.pack_file import read_parts

    if file.is_dir():
        raise UsageError(f"{file} is a folder: the last name is the file to write, study.pack")
    if file.is_file() and file not in results:
        try:
            read_parts(file)
        except NotComparable as error:
            raise UsageError(
                f"{file} is there and no whole pack: name another file, or delete it"
            ) from error


def _with_measured(contents: PackContents, results: Sequence[Path]) -> PackContents:
    """Add what explanations in the folders gave, which claims need."""
    from dataclasses import replace

    from imbench.explain.claims import measured_of
    from imbench.records.store import Store

    found = dict(contents.measured)
    for folder in results:
        if folder.is_dir():
            found |= measured_of(contents.records, Store(folder))
    return replace(contents, measured=found)
