"""Whose a results folder is: a run moves and removes files only in a folder that is known as ours.

A folder is ours if the first run marked it, or, in earlier versions, left a plan or an intact
record in it. An empty one becomes ours. Into any other a run writes nothing.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from imbench.errors import EnvironmentFault, UsageError
from imbench.files.atomic import write_atomic
from imbench.records.planned import read_plans
from imbench.records.store import Store

__all__ = ["MARKER", "mark_own", "refuse_foreign"]

MARKER = ".imbench-results"
_TEXT = (
    "Results of `bench run`. Only in folders with this file does it move damaged records to\n"
    "quarantine/ and remove temporary files of its own.\n"
)
_HARMLESS = frozenset({"baseline.json", "lost+found"})
"""Files that make a folder nobody's: what is committed before a first run, and a disk's own."""


def refuse_foreign(folder: Path) -> None:
    """Raise UsageError if a folder holds files, and none of them shows that it is ours.

    Changes nothing. Hidden files do not count.

    Raises
    ------
    EnvironmentFault
        If it cannot be listed.
    """
    try:
        names = sorted(path.name for path in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return  # whether it can be made, `check_writable` says
    except OSError as error:
        raise EnvironmentFault(f"{folder} cannot be read: {error.strerror}") from error
    others = [name for name in names if not name.startswith(".") and name not in _HARMLESS]
    if MARKER in names or not others or _has_record(folder) or read_plans(folder).runs:
        return
    shown = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
    raise UsageError(
        f"{str(folder)!r} holds files that no run wrote ({shown}): name another folder, as in "
        f"`--out {shlex.quote(str(folder / 'imbench'))}`; if results shall lie among them, "
        f"`touch {shlex.quote(str(folder / MARKER))}` and run again"
    )


def mark_own(folder: Path) -> None:
    """Mark a folder, that `refuse_foreign` let pass, as ours."""
    if not (folder / MARKER).exists():
        write_atomic(folder / MARKER, _TEXT, overwrite=False)


def _has_record(folder: Path) -> bool:
    store = Store(folder)
    return any(record is not None and record.intact for record in map(store.read, store.paths()))
