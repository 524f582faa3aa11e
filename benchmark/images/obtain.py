"""Data sets that are downloaded or imported into the data folder."""

from __future__ import annotations

import logging
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from imbench.errors import DataError
from imbench.files.download import RemoteFile, download
from imbench.files.git_ids import tree_id
from imbench.images.dataset import Dataset

__all__ = ["Obtainable", "RemoteFile"]

_DEPTH = 3
_LOG = logging.getLogger(__name__)


class Obtainable(Dataset):
    """Base of data sets with a fixed layout below the data folder.

    A subclass names itself (`name`) and its folder (`folder_name`), checks its layout (`lacks`),
    lists its downloads (`remotes`; without any the user imports it, as `by_hand` explains), and
    reads what `locate` finds. One whose argument names one of several downloads sets them in
    ``__init__``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from imbench import Obtainable, RemoteFile
    >>> class Leaves(Obtainable):
    ...     name = folder_name = "leaves"
    ...     remotes = (RemoteFile("leaves.zip", ("https://example.org/leaves.zip",)),)
    ...
    ...     def lacks(self, folder):
    ...         return None if (folder / "images").is_dir() else "images/"
    >>> Leaves(Path("data")).locate()
    Traceback (most recent call last):
    ...
    imbench.errors.DataError: leaves is not in data; `bench data fetch leaves` downloads it or \
`bench data import leaves PATH` takes an archive or folder; --data names the data folder (now data)
    """

    name: str
    """Registered name, with the argument if there is one."""
    folder_name: str
    """Folder below the data folder."""
    also_in: tuple[str, ...] = ()
    """Other folders below the data folder that may contain it."""
    remotes: tuple[RemoteFile, ...] = ()
    """Files to download, archives mostly."""
    by_hand: ClassVar[str] = ""
    """How to download it by hand."""
    official: Mapping[str, int] = {}
    """Images of the official release, by ``split class``; empty if they depend on options."""

    def lacks(self, folder: Path) -> str | None:
        """Return what a folder lacks of the official layout; None if it is complete."""
        raise NotImplementedError

    def remedy(self) -> str:
        """Return the end of a sentence: the commands that download or import the data."""
        commands = [f"`bench data fetch {self.name}` downloads it"] if self.remotes else []
        commands.append(f"`bench data import {self.name} PATH` takes an archive or folder")
        text = " or ".join(commands) + (f" ({self.by_hand})" if self.by_hand else "")
        return f"{text}; --data names the data folder (now {self.root})"

    def locate(self) -> Path:
        """Return the folder of the data.

        Raises
        ------
        DataError
            If they are not there or not complete, with the command that provides them.
        """
        for name in (self.folder_name, *self.also_in):
            if (self.root / name).is_dir():
                lacking = self.lacks(self.root / name)
                if lacking is None:
                    return self.root / name
                raise DataError(f"{self.root / name} lacks {lacking}; {self.remedy()}")
        raise DataError(f"{self.name} is not in {self.root}; {self.remedy()}")

    def fetch(self, *, force: bool = False, quiet: bool = False) -> Path:
        """Download, check and unpack; return the folder.

        Parameters
        ----------
        force : bool, default False
            Whether to go on where the folder exists: it is then kept under another name.
        quiet : bool, default False
            Whether to show no progress.

        Raises
        ------
        DataError
            If there is no download, it fails, or the data exist already.
        """
        if not self.remotes:
            raise DataError(f"{self.name} cannot be downloaded by a command: {self.by_hand}")
        with self._temporary_folder(force) as temporary:
            for remote in self.remotes:
                try:
                    archive = download(remote, temporary, find_fault=self.find_fault, quiet=quiet)
                except DataError as error:
                    urls = ", ".join(remote.urls[0] for remote in self.remotes)
                    remedy = f"Download {urls} by hand and run `bench data import {self.name} PATH`"
                    raise DataError(f"{error}. {remedy}") from error
                self._unpack(archive, temporary)
            self._check_trees(self._find_layout(temporary))
            self._move_into_place(temporary)
        return self.root / self.folder_name

    def import_from(self, path: Path, *, force: bool = False) -> Path:
        """Import an archive or folder that the user downloaded; return the data set's folder.

        Parameters
        ----------
        path : Path
            The archive, or a folder that has the layout, or holds one that has.
        force : bool, default False
            As of `fetch`.

        Raises
        ------
        DataError
            If it is something else, or the data exist already.
        """
        if not path.exists():
            raise DataError(f"there is no {path}")
        with self._temporary_folder(force) as temporary:
            if path.is_dir():
                self._copy_layout(path, temporary / "copy")
            else:
                self._unpack(path, temporary)
            self._move_into_place(temporary)
        return self.root / self.folder_name

    def find_fault(self, path: Path) -> str | None:
        """Return in words what is wrong with a downloaded file, or None."""
        from imbench.files.archive import describe_file, is_archive

        return None if is_archive(path) else f"the file is {describe_file(path)}"

    def _check_trees(self, folder: Path) -> None:
        for remote in self.remotes:
            for name, expected in remote.trees.items():
                if tree_id(folder / name) != expected:
                    raise DataError(
                        f"{remote.urls[0]}: its {name}/ is not what the repository publishes; "
                        "nothing was kept"
                    )

    def _unpack(self, path: Path, folder: Path) -> None:
        from imbench.files.archive import extract

        extract(path, folder / f"unpacked-{uuid.uuid4().hex[:8]}")
        if path.parent == folder:
            path.unlink()

    def _copy_layout(self, path: Path, target: Path) -> None:
        """Copy the official layout, and nothing else, from a folder."""
        shutil.copytree(self._find_layout(path), target)

    def _find_layout(self, path: Path) -> Path:
        """Return the folder at or below `path` that has the official layout."""
        for folder in _folders_within(path, _DEPTH):
            if self.lacks(folder) is None:
                return folder
        raise DataError(f"this is not {self.name}: it lacks {self.lacks(_skip_wrappers(path))}")

    @contextmanager
    def _temporary_folder(self, force: bool) -> Iterator[Path]:
        """Yield a folder beside the final one, which is removed at the end."""
        target = self.root / self.folder_name
        if target.exists() and not force:
            raise DataError(f"{target} exists already; --force replaces it")
        temporary = self.root / f".{self.folder_name}.{uuid.uuid4().hex[:8]}.part"
        try:
            temporary.mkdir(parents=True)
            yield temporary
        except OSError as error:
            raise DataError(f"{self.name} cannot be put in {self.root}: {error}") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _move_into_place(self, temporary: Path) -> None:
        """Find the official layout in a folder and move it to its final path."""
        layout = self._find_layout(temporary)
        target = self.root / self.folder_name
        if target.exists():
            # Never removed: it may hold what the user added, or be a link to what others use.
            names = (f"{self.folder_name}.old{number}" for number in ("", *range(2, 10_000)))
            kept = next(self.root / name for name in names if not (self.root / name).exists())
            target.rename(kept)
            _LOG.warning(
                "what was in %s is kept in %s; remove it if it is not needed", target, kept
            )
        layout.rename(target)


def _folders_within(folder: Path, depth: int) -> Iterator[Path]:
    yield folder
    if depth:
        for child in sorted(folder.iterdir()):
            if child.is_dir() and not child.is_symlink():
                yield from _folders_within(child, depth - 1)


def _skip_wrappers(folder: Path) -> Path:
    """Descend while a folder contains nothing but one folder, for a helpful message."""
    children = list(folder.iterdir())
    while len(children) == 1 and children[0].is_dir():
        folder = children[0]
        children = list(folder.iterdir())
    return folder
