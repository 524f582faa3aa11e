"""Take a zip or tar archive apart, refusing dangerous ones before anything is written.

Every member is looked at first: absolute paths, ``..``, links, devices, sparse or encrypted
members, and sizes beyond all reason stop it. While extracting, bytes are counted again, since a
header may lie.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from imbench.errors import DataError

__all__ = ["ArchiveLimits", "describe_file", "extract", "is_archive"]

_DRIVE = re.compile(r"[A-Za-z]:")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may come to.

    `ratio` (unpacked to packed size) counts only above `free` bytes: small archives of text may
    well shrink a hundredfold, images hardly at all.
    """

    size: int = 64 << 30
    ratio: int = 100
    free: int = 64 << 20
    members: int = 2_000_000

    def budget(self, archive: Path) -> int:
        """Return how many bytes may come out of an archive."""
        return min(self.size, max(self.free, self.ratio * archive.stat().st_size))


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or a tar archive, compressed or not."""
    return path.is_file() and (zipfile.is_zipfile(path) or _is_tar(path))


def describe_file(path: Path) -> str:
    """Say in words what a file seems to be."""
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        return "an empty file"
    text = start.lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        return "an HTML page (a quota, log-in or error page)"
    kinds = {b"7z\xbc\xaf": "a 7z archive", b"Rar!": "a RAR archive", b"%PDF": "a PDF"}
    for magic, name in kinds.items():
        if start.startswith(magic):
            return name
    return "a zip or tar archive" if is_archive(path) else "no archive that can be read"


def extract(archive: Path, folder: Path, *, limits: ArchiveLimits | None = None) -> None:
    """Extract a zip or tar archive into `folder`, which is made.

    Raises
    ------
    DataError
        If it is no archive, is damaged or dangerous. Nothing is left in `folder` then.
    """
    limits = limits or ArchiveLimits()
    if not is_archive(archive):
        raise DataError(f"{archive} is {describe_file(archive)}, not a zip or tar archive")
    if folder.exists():
        raise DataError(f"{folder} exists already")
    zipped = zipfile.is_zipfile(archive)
    try:
        (_inspect_zip if zipped else _inspect_tar)(archive, limits)
        folder.mkdir(parents=True)
        (_extract_zip if zipped else _extract_tar)(archive, folder, limits)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, DataError) or not isinstance(error, Exception):
            raise
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(f"{archive} cannot be extracted: {error.strerror}") from error
        raise DataError(f"{archive} is damaged: {error}; get it again") from error


class _Tally:
    """Refuses members that are unsafe, and archives that grow beyond their budget."""

    def __init__(self, archive: Path, limits: ArchiveLimits) -> None:
        self.archive, self.limits = archive, limits
        self.budget = limits.budget(archive)
        self.total = self.members = 0

    def refuse(self, why: str) -> DataError:
        return DataError(f"{self.archive} is refused: {why}; nothing was extracted")

    def name(self, name: str) -> None:
        pieces = re.split(r"[\\/]", name)
        if not name or "\0" in name or "\\" in name:
            raise self.refuse(f"member {name!r} has no plain name")
        if name.startswith("/") or _DRIVE.match(name):
            raise self.refuse(f"member {name!r} has an absolute path")
        if ".." in pieces:
            raise self.refuse(f"member {name!r} points outside the folder")

    def size(self, size: int) -> None:
        self.total += size
        self.members += 1
        if self.total > self.budget:
            raise self.refuse(
                f"it would grow from {self.archive.stat().st_size} to more than {self.budget} bytes"
            )
        if self.members > self.limits.members:
            raise self.refuse(f"it has more than {self.limits.members} members")


def _inspect_zip(archive: Path, limits: ArchiveLimits) -> None:
    tally = _Tally(archive, limits)
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            tally.name(member.filename)
            tally.size(member.file_size)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise tally.refuse(f"member {member.filename!r} is a link or a device")
            if member.flag_bits & 1:
                raise tally.refuse(f"member {member.filename!r} is encrypted")


def _extract_zip(archive: Path, folder: Path, limits: ArchiveLimits) -> None:
    left = limits.budget(archive)
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            target = folder / member.filename
            if member.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(member) as source, target.open("xb") as file:
                while block := source.read(_BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise DataError(f"{archive} is refused: it holds more than it says")
                    file.write(block)


def _inspect_tar(archive: Path, limits: ArchiveLimits) -> None:
    tally = _Tally(archive, limits)
    with _tar(archive, tally) as opened:
        for member in opened:
            tally.name(member.name)
            tally.size(member.size)
            if not (member.isreg() or member.isdir()) or member.issparse():
                raise tally.refuse(f"member {member.name!r} is a link, a device or sparse")


def _extract_tar(archive: Path, folder: Path, limits: ArchiveLimits) -> None:
    with _tar(archive, _Tally(archive, limits)) as opened:
        opened.extractall(folder, filter="data")


@contextmanager
def _tar(archive: Path, tally: _Tally) -> Iterator[tarfile.TarFile]:
    with archive.open("rb") as file:
        magic = file.read(6)
    unpack: Callable[[Path], IO[bytes]] = _plain
    for start, how in _UNPACKERS.items():
        unpack = how if magic.startswith(start) else unpack
    # As a stream, through a counter: tarfile would hold a header of any size in memory.
    with (
        unpack(archive) as stream,
        tarfile.open(fileobj=_Counted(stream, tally), mode="r|") as opened,
    ):
        yield opened


def _is_tar(path: Path) -> bool:
    # tarfile.is_tarfile raises EOFError on a cut gzip file, and reads headers of any size.
    try:
        with _tar(path, _Tally(path, ArchiveLimits())):
            return True
    except DataError:
        return True  # a tar, which `extract` will refuse in words
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError):
        return False


def _plain(path: Path) -> IO[bytes]:
    return path.open("rb")


# Their read-only modes are the defaults.
_UNPACKERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}


class _Counted(io.RawIOBase):
    """A stream that stops once more bytes came out than the archive's budget and its headers."""

    def __init__(self, stream: IO[bytes], tally: _Tally) -> None:
        self.stream, self.tally = stream, tally
        self.left = tally.budget + 2048 * (tally.limits.members + 10)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        block = self.stream.read(size)
        self.left -= len(block)
        if self.left < 0:
            raise self.tally.refuse(f"more than {self.tally.budget} bytes come out of it")
        return block
