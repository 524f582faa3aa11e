"""The image files that the cells of a table name, as tables of other programs write paths."""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from imbench.errors import DataError
from imbench.images.notes import DataNote

__all__ = ["FoundFiles", "find_files"]

_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_SUFFIXES = (".jpg", ".png", ".jpeg", ".JPG", ".tif", ".bmp")
_NOTES = {
    "windows": ("{} paths have \\ for /", "write / in the table"),
    "spelling": (
        "{} files are spelled otherwise than in the table (upper and lower case, Unicode form)",
        "correct the table",
    ),
    "search": ("{} images were found by their names below root=", "write their folders"),
}


@dataclass(frozen=True)
class FoundFiles:
    """A name (the path below the folder) and a path for each cell, and what was guessed."""

    names: list[str]
    paths: list[Path]
    notes: list[DataNote]


def find_files(
    cells: Sequence[str], folder: Path, *, search: bool = False, suffix: str = "", owner: str
) -> FoundFiles:
    """Find the files that cells name.

    A path is taken as it is, then with ``/`` for Windows' backslash, then in another spelling of
    the same letters; ``./a.jpg`` and ``a.jpg`` are one file.

    Parameters
    ----------
    folder : Path
        What relative paths begin at.
    search : bool
        Look for files that are not there by their names in all folders below `folder`.
    suffix : str
        Added to cells that do not end with it.
    owner : str
        Name of the table, for messages.

    Raises
    ------
    DataError
        If a cell is an address in the web, or none of the files is there. Single missing files
        stay: decoding reports them, and may leave them out.
    """
    addresses = [cell for cell in cells if _ADDRESS.match(cell)]
    if addresses:
        raise DataError(
            f"{owner}: {len(addresses)} paths are addresses in a network, the first "
            f"{addresses[0]}; download the images, and write the paths of the files"
        )
    disk, how = _Disk(folder), Counter[str]()
    places = [_find(cell, disk, suffix, search, how) for cell in cells]
    if not any(found for _, found in places):
        raise DataError(_none_found(cells, [name for name, _ in places], disk, suffix, owner))
    names = [name for name, _ in places]
    notes = [
        DataNote("guessed", words.format(how[key]), how[key], change)
        for key, (words, change) in _NOTES.items()
        if how[key]
    ]
    return FoundFiles(names, [folder / name for name in names], notes)


@dataclass
class _Disk:
    """The folders below a folder; each is read once, at the first question."""

    folder: Path
    listed: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def names(self, place: str) -> dict[str, list[str]]:
        """Return the names in a folder, by what they have in common with other spellings."""
        if place not in self.listed:
            found: dict[str, list[str]] = {}
            try:
                names = os.listdir(self.folder / place)  # noqa: PTH208 - names are all that is asked
            except OSError:
                names = []
            for name in names:
                found.setdefault(_key(name), []).append(name)
            self.listed[place] = found
        return self.listed[place]

    def has(self, path: str) -> bool:
        """Whether there is a file of exactly this name."""
        above, name = posixpath.split(path)
        return name in self.names(above).get(_key(name), ())

    def spelled(self, path: str) -> str | None:
        """Return the one path that differs only in its spelling."""
        here = "/" if path.startswith("/") else ""
        for part in path.strip("/").split("/"):
            known = self.names(here).get(_key(part), [])
            if part not in known and len(known) != 1 and part != "..":
                return None
            here = posixpath.join(here, part if part in known or part == ".." else known[0])
        return here

    @cached_property
    def everywhere(self) -> dict[str, list[str]]:
        """The paths of all files below the folder by the common spelling of their names."""
        found: dict[str, list[str]] = {}
        for at, _, names in os.walk(self.folder):
            for name in names:
                below = posixpath.relpath(posixpath.join(at, name), self.folder)
                found.setdefault(_key(name), []).append(below)
        return found


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _find(cell: str, disk: _Disk, suffix: str, search: bool, how: Counter[str]) -> tuple[str, bool]:
    """Return the path that a cell names, and whether there is a file; count how it was found."""
    ends = cell.casefold().endswith(suffix.casefold())
    path = posixpath.normpath(cell if ends else cell + suffix)
    if disk.has(path):
        return path, True
    if "\\" in path:
        path = posixpath.normpath(path.replace("\\", "/"))
        how["windows"] += 1
        if disk.has(path):
            return path, True
    if (spelled := disk.spelled(path)) is not None:
        how["spelling"] += 1
        return spelled, True
    if search:
        known = disk.everywhere.get(_key(posixpath.basename(path)), [])
        if len(known) > 1:
            raise DataError(
                f"{len(known)} files below {disk.folder} are called {posixpath.basename(path)}: "
                f"{' and '.join(sorted(known)[:2])}; write their folders in the table"
            )
        if known:
            how["search"] += 1
            return known[0], True
    return path, False


def _none_found(
    cells: Sequence[str], names: Sequence[str], disk: _Disk, suffix: str, owner: str
) -> str:
    """Return the sentence for a table none of whose files is there."""
    first = names[0]
    text = f"{owner}: none of its {len(cells)} images is there, the first would be "
    text += f"{disk.folder / first}; "
    for ending in _SUFFIXES if not suffix else ():
        if disk.has(first + ending):
            return f"{text}{first}{ending} is: add suffix={ending}"
    for below in sorted(name for names in disk.names("").values() for name in names):
        for ending in ("", *_SUFFIXES) if not suffix else ("",):
            if disk.has(posixpath.join(below, first + ending)):
                more = f",suffix={ending}" if ending else ""
                return f"{text}{below}/{first}{ending} is: add root={below}{more}"
    if posixpath.isabs(first) or _DRIVE.match(cells[0]):
        return f"{text}root=FOLDER finds images of paths of another machine by their names"
    return f"{text}root=FOLDER names the folder that its paths begin at, suffix=.jpg what they lack"
