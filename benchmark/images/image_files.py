"""The image files of a folder, and what else lies there: a data set and a method both ask this."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from imbench.errors import DataError
from imbench.files.reading import open_regular
from imbench.images.companions import companions, folder_rule, mask_folders
from imbench.images.formats import HEAD, format_of, is_read, suffix_of, suffix_words

__all__ = ["KEEP", "FoundImages", "LeftOut", "find_images"]

KEEP = ("hidden", "masks", "thumbnails", "unnamed")
"""Rules that `find_images` can be told not to follow."""
_WAYS = 4
"""Ways on which one folder is followed: links among folders could make endless many."""
_NO_IMAGES = frozenset(
    (
        *(".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".toml"),
        *(".ini", ".cfg", ".md", ".rst", ".html", ".htm", ".log", ".py", ".ipynb", ".sh"),
        *(".pt", ".pth", ".pkl"),
    )
)
"""Suffixes of files whose first bytes are not read: there may be one beside every image."""
_LITTER = frozenset(["thumbs.db", "desktop.ini", "ehthumbs.db"])
"""Files of file browsers, which are not worth a word; nor are hidden files that are no images."""


@dataclass(frozen=True)
class LeftOut:
    """A file, a link or a folder that is not read."""

    why: str
    """A key of `imbench.images.left_out.REASONS`."""
    place: str
    """Its path below the folder that was searched."""
    kind: str = ""
    """What files of one reason are counted by: a suffix, a format, the name of a folder."""


@dataclass
class FoundImages:
    """The image files below a folder, and what was left out of them."""

    folders: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    """Names of the image files of each folder that has some, sorted."""
    left_out: list[LeftOut] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)
    """Links to folders, by their paths."""
    linked: int = 0
    """Image files that are links."""
    outside: int = 0
    """Those of them that lie outside of the folder."""

    @property
    def files(self) -> list[str]:
        """The paths of the images below the folder, sorted."""
        return sorted("/".join((*at, name)) for at, names in self.folders.items() for name in names)


def find_images(folder: Path, keep: Collection[str] = ()) -> FoundImages:
    """Find the image files below a folder.

    Links are followed, but none that leads back to a folder it lies in. Left out, unless `keep`
    names the rule: ``hidden`` (names that begin with a dot, folders that programs leave behind),
    ``masks`` (a file beside the image that it belongs to, ``ground_truth``), ``thumbnails``, and
    ``unnamed`` (an image by its first bytes, but not by its suffix).

    Raises
    ------
    DataError
        If the folder cannot be read.
    """
    return _Search(folder, frozenset(keep)).run()


@dataclass
class _Place:
    """A folder to search: where it is, the folders it is reached through, the rule it falls to."""

    path: str
    parts: tuple[str, ...]
    through: frozenset[tuple[int, int]]
    why: str = ""
    rule: str = ""


class _Search:
    def __init__(self, folder: Path, keep: frozenset[str]) -> None:
        self.base = os.path.realpath(folder)
        self.top = folder
        self.keep = keep
        self.found = FoundImages()
        self.ways: Counter[tuple[int, int]] = Counter()

    def run(self) -> FoundImages:
        places = [_Place(str(self.top), (), frozenset())]
        for place in places:  # grows: breadth first, so that the shortest ways come first
            places += self._search(place)
        for at, why in mask_folders(self.found.folders, self.keep).items():
            for name in self.found.folders.pop(at):
                self._leave(why, (*at, name), f"in {at[-1]}")
        self._find_empty(places)
        self.found.left_out.sort(key=lambda left: (left.why, left.place))
        return self.found

    def _search(self, place: _Place) -> Iterator[_Place]:
        try:
            with os.scandir(place.path) as scanned:
                entries = sorted(scanned, key=lambda entry: (entry.is_symlink(), entry.name))
            stat = os.stat(place.path)  # noqa: PTH116
        except OSError as error:
            if not place.parts:
                raise DataError(f"{place.path} cannot be read: {error.strerror}") from error
            self._leave("unreadable", place.parts)
            return
        through = place.through | {(stat.st_dev, stat.st_ino)}
        names = []
        for entry in entries:
            if _is_folder(entry):
                yield from self._enter(entry, place, through)
            elif self._is_image(entry, place):
                names.append(entry.name)
        beside = companions(names, self.keep)
        for name, why in beside.items():
            self._leave(why, (*place.parts, name), suffix_of(name))
        if kept := sorted(name for name in names if name not in beside):
            self.found.folders[place.parts] = kept

    def _enter(
        self, entry: os.DirEntry[str], place: _Place, through: frozenset[tuple[int, int]]
    ) -> Iterator[_Place]:
        parts = (*place.parts, entry.name)
        why = place.why or folder_rule(entry.name, self.keep)
        if entry.is_symlink():
            stat = os.stat(entry.path)  # noqa: PTH116
            real = (stat.st_dev, stat.st_ino)
            self.ways[real] += 1
            if why or real in through or self.ways[real] > _WAYS:
                self._leave("link", parts)
                return
            self.found.followed.append("/".join(parts))
        yield _Place(entry.path, parts, through, why, place.rule or (entry.name if why else ""))

    def _is_image(self, entry: os.DirEntry[str], place: _Place) -> bool:
        """Whether a file is an image to be read; what else it is is noted."""
        parts, suffix = (*place.parts, entry.name), suffix_of(entry.name)
        known = is_read(suffix)
        hidden = entry.name.startswith(".") and "hidden" not in self.keep
        if place.why or hidden:
            if known is not None:
                kind = f"in {place.rule}" if place.rule else suffix
                self._leave(place.why or "hidden", parts, kind)
            return False
        if not _is_file(entry):
            # A link to an image that is gone is an image that is missing: decoding says so.
            if entry.is_symlink() and known and not os.path.exists(entry.path):  # noqa: PTH110
                return True
            self._leave("link" if entry.is_symlink() else "special", parts)
            return False
        if known is None:
            return self._is_image_inside(entry, parts, suffix)
        if not known:
            self._leave("format", parts, suffix)
            return False
        if entry.is_symlink():
            self.found.linked += 1
            self.found.outside += not self._is_inside(entry.path)
        return True

    def _is_image_inside(
        self, entry: os.DirEntry[str], parts: tuple[str, ...], suffix: str
    ) -> bool:
        """Look at the first bytes of a file whose name says nothing."""
        if entry.name.lower() in _LITTER or entry.name.startswith("."):
            return False
        inside = None if suffix in _NO_IMAGES else format_of(_head(entry.path))
        if inside is None:
            self._leave("other", parts, suffix_words(suffix))
        elif not inside[1]:
            self._leave("format", parts, f"{inside[0]} {suffix_words(suffix)}")
        elif "unnamed" in self.keep:
            return True
        else:
            self._leave("unnamed", parts, f"{inside[0]} {suffix_words(suffix)}")
        return False

    def _find_empty(self, places: list[_Place]) -> None:
        """Note the folders without an image, but not those below them."""
        images = [left.place for left in self.found.left_out if left.why != "other"]
        ways = [*self.found.folders, *(tuple(place.split("/")) for place in images)]
        full = {()} | {way[:depth] for way in ways for depth in range(len(way) + 1)}
        for place in places:
            if not place.why and place.parts not in full and place.parts[:-1] in full:
                self._leave("empty", place.parts)

    def _is_inside(self, path: str) -> bool:
        real = os.path.realpath(path)
        return os.path.commonpath((real, self.base)) == self.base

    def _leave(self, why: str, parts: tuple[str, ...], kind: str = "") -> None:
        self.found.left_out.append(LeftOut(why, "/".join(parts), kind))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _head(path: str) -> bytes:
    try:
        with open_regular(Path(path)) as file:
            return file.read(HEAD)
    except OSError:
        return b""
