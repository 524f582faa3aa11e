"""Extract zip and tar archives, refusing dangerous ones before anything is written.

All members are checked first: absolute paths, ``..``, links, devices, sparse or encrypted members
and excessive sizes are refused. Bytes are counted again during extraction, since headers may lie.
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
from imbench.files.reading import open_regular, unfit

__all__ = ["ArchiveLimits", "describe_file", "extract", "is_archive"]

_DRIVE = re.compile(r"[A-Za-z]:")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class ArchiveLimits:
    """Limits on the unpacked size in bytes and on the number of members.

    `ratio` (unpacked to packed size) applies only above `free` bytes: small archives of text may
    shrink a hundredfold, images hardly at all.
    """

    size: int = 64 << 30
    ratio: int = 100
    free: int = 64 << 20
    members: int = 2_000_000

    def budget(self, archive: Path) -> int:
        """Return how many bytes an archive may unpack to."""
        return min(self.size, max(self.free, self.ratio * archive.stat().st_size))


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or a tar archive, compressed or not."""
    return path.is_file() and (zipfile.is_zipfile(path) or _is_tar(path))


def describe_file(path: Path) -> str:
    """Return in words what kind of file this is, by its first bytes."""
    if fault := unfit(path.stat()):
        return fault.removeprefix("it is ")
    with open_regular(path) as file:
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
    """Extract a zip or tar archive into a new folder.

    Raises
    ------
    DataError
        If the file is no archive, damaged or dangerous; `folder` is then removed.
    """
    limits = limits or ArchiveLimits()
    if not is_archive(archive):
        raise DataError(f"{archive} is {describe_file(archive)}, not a zip or tar archive")
    if folder.exists():
        raise DataError(f"{folder} exists already")
    zipped, made = zipfile.is_zipfile(archive), False
    try:
        (_inspect_zip if zipped else _inspect_tar)(archive, limits)
        folder.mkdir(parents=True)
        made = True
        (_extract_zip if zipped else _extract_tar)(archive, folder, limits)
    except BaseException as error:
        if made:
            shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, DataError) or not isinstance(error, Exception):
            raise
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(f"{archive} cannot be extracted: {error.strerror}") from error
        raise DataError(f"{archive} is damaged: {error}; get it again") from error


class _Tally:
    """Checks the names of members, and their number and size against the limits."""

    def __init__(self, archive: Path, limits: ArchiveLimits) -> None:
        self.archive, self.limits = archive, limits
        self.budget = limits.budget(archive)
        self.total = self.members = 0

    def refuse(self, why: str) -> DataError:
        return DataError(f"{self.archive} is refused: {why}; nothing was extracted")

    def check_name(self, name: str) -> None:
        pieces = re.split(r"[\\/]", name)
        if not name or "\0" in name or "\\" in name:
            raise self.refuse(f"member {name!r} has no plain name")
        if name.startswith("/") or _DRIVE.match(name):
            raise self.refuse(f"member {name!r} has an absolute path")
        if ".." in pieces:
            raise self.refuse(f"member {name!r} points outside the folder")

    def add_size(self, size: int) -> None:
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
            tally.check_name(member.filename)
            tally.add_size(member.file_size)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise tally.refuse(f"member {member.filename!r} is a link or a device")
            if member.flag_bits & 1:
                raise tally.refuse(f"member {member.filename!r} is encrypted")


def _extract_zip(archive: Path, folder: Path, limits: ArchiveLimits) -> None:
    remaining = limits.budget(archive)
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            target = folder / member.filename
            if member.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(member) as source, target.open("xb") as file:
                while block := source.read(_BLOCK):
                    remaining -= len(block)
                    if remaining < 0:
                        raise DataError(f"{archive} is refused: it holds more than it says")
                    file.write(block)


def _inspect_tar(archive: Path, limits: ArchiveLimits) -> None:
    tally = _Tally(archive, limits)
    with _open_tar(archive, tally) as opened:
        for member in opened:
            tally.check_name(member.name)
            tally.add_size(member.size)
            if not (member.isreg() or member.isdir()) or member.issparse():
                raise tally.refuse(f"member {member.name!r} is a link, a device or sparse")


def _extract_tar(archive: Path, folder: Path, limits: ArchiveLimits) -> None:
    with _open_tar(archive, _Tally(archive, limits)) as opened:
        opened.extractall(folder, filter="data")


@contextmanager
def _open_tar(archive: Path, tally: _Tally) -> Iterator[tarfile.TarFile]:
    with open_regular(archive) as file:
        magic = file.read(6)
    openers = (opener for start, opener in _DECOMPRESSORS.items() if magic.startswith(start))
    open_stream: Callable[[Path], IO[bytes]] = next(openers, open_regular)
    # As a stream, through a counter: tarfile would hold a header of any size in memory.
    with (
        open_stream(archive) as stream,
        tarfile.open(fileobj=_LimitedStream(stream, tally), mode="r|") as opened,
    ):
        yield opened


def _is_tar(path: Path) -> bool:
    # tarfile.is_tarfile raises EOFError on a cut gzip file, and reads headers of any size.
    try:
        with _open_tar(path, _Tally(path, ArchiveLimits())):
            return True
    except DataError:
        return True  # a tar, which `extract` will refuse in words
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError):
        return False


# All three open for reading by default.
_DECOMPRESSORS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}


class _LimitedStream(io.RawIOBase):
    """Raises DataError once more bytes were read than the archive's budget and its headers."""

    def __init__(self, stream: IO[bytes], tally: _Tally) -> None:
        self.stream, self.tally = stream, tally
        self.remaining = tally.budget + 2048 * (tally.limits.members + 10)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        block = self.stream.read(size)
        self.remaining -= len(block)
        if self.remaining < 0:
            raise self.tally.refuse(f"more than {self.tally.budget} bytes come out of it")
        return block
