"""Data sets that are downloaded or imported: found below the data folder, or brought there."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from imbench.errors import DataError
from imbench.files.download import RemoteFile, download
from imbench.images.dataset import Dataset

__all__ = ["Obtainable", "RemoteFile"]

_DEPTH = 3


class Obtainable(Dataset):
    """Base of data sets with a layout of their own below the data folder.

    A subclass says where it lies (`folder_name`), how to tell (`lacks`), and where it comes from
    (`remotes`; none means that it is imported by hand, as `by_hand` explains).
    """

    name: ClassVar[str]
    """The name it is registered by."""
    folder_name: ClassVar[str]
    """Folder below the data folder."""
    also_in: ClassVar[tuple[str, ...]] = ()
    """Other folders below the data folder in which it may lie."""
    remotes: ClassVar[tuple[RemoteFile, ...]] = ()
    by_hand: ClassVar[str] = ""
    """How to get it by hand."""
    official: ClassVar[Mapping[str, int]] = {}
    """Images of the official release, by ``split class``; empty if they depend on options."""

    @classmethod
    def lacks(cls, folder: Path) -> str | None:
        """Return what of the official layout is missing in a folder; None if it is all there."""
        raise NotImplementedError

    def mend(self) -> str:
        """Return the end of a sentence: which command brings the data."""
        how = [f"`bench data fetch {self.name}` downloads it"] if self.remotes else []
        how.append(f"`bench data import {self.name} PATH` takes an archive or folder")
        text = " or ".join(how) + f" ({self.by_hand})" if self.by_hand else " or ".join(how)
        return f"{text}; --data names the data folder (now {self.root})"

    def located(self) -> Path:
        """Return the folder of the data, or raise DataError that says which command mends it."""
        for name in (self.folder_name, *self.also_in):
            if (self.root / name).is_dir():
                lacking = self.lacks(self.root / name)
                if lacking is None:
                    return self.root / name
                raise DataError(f"{self.root / name} lacks {lacking}; {self.mend()}")
        raise DataError(f"{self.name} is not in {self.root}; {self.mend()}")

    def fetch(self, *, force: bool = False, quiet: bool = False) -> Path:
        """Download, check and unpack; return the folder.

        Raises
        ------
        DataError
            If there is no download, it fails, or the data are there already.
        """
        if not self.remotes:
            raise DataError(f"{self.name} cannot be downloaded by a command: {self.by_hand}")
        with self._placing(force) as part:
            for remote in self.remotes:
                try:
                    got = download(remote, part, looks_right=self.wrong_file, quiet=quiet)
                except DataError as error:
                    raise DataError(f"{error}. {self._else_by_hand()}") from error
                self._unpack(got, part)
            self._settle(part)
        return self.root / self.folder_name

    def adopt(self, path: Path, *, force: bool = False) -> Path:
        """Import an archive or a folder that was got by hand; return the folder."""
        if not path.exists():
            raise DataError(f"there is no {path}")
        with self._placing(force) as part:
            if path.is_dir():
                self._copy(path, part / "copy")
            else:
                self._unpack(path, part)
            self._settle(part)
        return self.root / self.folder_name

    def wrong_file(self, path: Path) -> str | None:
        """Return in words what is wrong with a downloaded file; None if nothing is."""
        from imbench.files.archive import describe_file, is_archive

        return None if is_archive(path) else f"what came is {describe_file(path)}"

    def _unpack(self, path: Path, part: Path) -> None:
        from imbench.files.archive import extract

        extract(path, part / f"unpacked-{uuid.uuid4().hex[:8]}")
        if path.parent == part:
            path.unlink()

    def _copy(self, path: Path, target: Path) -> None:
        """Copy the official layout out of a folder: it alone, whatever else lies there."""
        shutil.copytree(self._found(path), target)

    def _found(self, path: Path) -> Path:
        """Return the folder at or below `path` that has the official layout."""
        for place in _within(path, _DEPTH):
            if self.lacks(place) is None:
                return place
        raise DataError(f"this is not {self.name}: it lacks {self.lacks(_deepest_single(path))}")

    def _else_by_hand(self) -> str:
        urls = ", ".join(remote.urls[0] for remote in self.remotes)
        return f"Get {urls} by hand and run `bench data import {self.name} PATH`"

    @contextmanager
    def _placing(self, force: bool) -> Iterator[Path]:
        """Yield a folder beside the final one; it is removed, whatever happens."""
        target = self.root / self.folder_name
        if target.exists() and not force:
            raise DataError(f"{target} exists already; --force replaces it")
        part = self.root / f".{self.folder_name}.{uuid.uuid4().hex[:8]}.part"
        try:
            part.mkdir(parents=True)
            yield part
        except OSError as error:
            raise DataError(f"{self.name} cannot be put in {self.root}: {error}") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _settle(self, part: Path) -> None:
        """Find the official layout in what was unpacked and put it in its place."""
        found = self._found(part)
        target = self.root / self.folder_name
        if target.exists():
            shutil.rmtree(target)
        found.rename(target)


def _within(folder: Path, depth: int) -> Iterator[Path]:
    yield folder
    if depth:
        for child in sorted(folder.iterdir()):
            if child.is_dir() and not child.is_symlink():
                yield from _within(child, depth - 1)


def _deepest_single(folder: Path) -> Path:
    """Follow folders that hold nothing but one folder, for a message that helps."""
    children = list(folder.iterdir())
    while len(children) == 1 and children[0].is_dir():
        folder = children[0]
        children = list(folder.iterdir())
    return folder
