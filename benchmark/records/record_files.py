"""Files of records: found by the whole pattern of their names, read or refused, tidied up.

What others put into a results folder has other names, and is neither read, moved nor removed.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from imbench.errors import EnvironmentFault
from imbench.files.atomic import LEASE, is_abandoned
from imbench.files.leases import remove_if_free
from imbench.files.reading import LARGE, UnfitFile, read_bytes

__all__ = ["QUARANTINE", "read_regular", "record_paths", "remove_leftovers"]

QUARANTINE = "quarantine"
_LOG = logging.getLogger(__name__)
_FILE = r"-?\d+-[0-9a-f]{8}\.json"
_LEVELS = tuple(
    map(re.compile, (rf"(?!\.|{QUARANTINE}$|lost\+found$).+", r"-?\d+", r"[^.].*", _FILE))
)
"""Names of the folders of a record, from the results folder down, and of its file."""
_LEASE = re.compile(rf"\.{_FILE}{re.escape(LEASE)}(\.[0-9a-f]{{12}})*")


def record_paths(folder: Path) -> Iterator[Path]:
    """Yield the files below a results folder that have a record's name, sorted.

    Raises
    ------
    EnvironmentFault
        If a folder that may hold records cannot be listed.
    """
    return _below(folder, _LEVELS)


def read_regular(path: Path) -> bytes | None:
    """Return the content of a file; None if there is none, or a pipe, a device, gigabytes.

    Raises
    ------
    EnvironmentFault
        If it cannot be read.
    """
    try:
        return read_bytes(path, LARGE)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnfitFile as error:
        _LOG.warning("%s is no record: %s", path, error.strerror)
        return None
    except OSError as error:
        raise _unreadable(path, error) from error


def remove_leftovers(folder: Path) -> int:
    """Remove what writers of records left that died; return how many files there were."""
    removed = 0
    for pattern in (".*", "*/.*", "*/*/*/.*"):
        for path in list(folder.glob(pattern)):
            with suppress(OSError, EnvironmentFault):  # of another user, who has to remove it
                if _LEASE.fullmatch(path.name):
                    removed += remove_if_free(path)
                elif is_abandoned(path):
                    path.unlink()
                    removed += 1
    return removed


def _below(folder: Path, names: Sequence[re.Pattern[str]]) -> Iterator[Path]:
    """Yield the files as many levels below a folder as there are names, of such names."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entry.name for entry in entries if _fits(entry, names))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise _unreadable(folder, error) from error
    for name in found:
        if len(names) == 1:
            yield folder / name
        else:
            yield from _below(folder / name, names[1:])


def _fits(entry: os.DirEntry[str], names: Sequence[re.Pattern[str]]) -> bool:
    right = names[0].fullmatch(entry.name) is not None
    return right and (entry.is_dir() if len(names) > 1 else entry.is_file())


def _unreadable(path: Path, error: OSError) -> EnvironmentFault:
    return EnvironmentFault(
        f"{path} cannot be read ({error.strerror}), and what cannot be read may be a finished "
        "record: ask its owner to let you read it, or name another results folder"
    )
