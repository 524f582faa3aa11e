"""Read files of others: regular files only, and none before its size was looked at.

A named pipe or a device would keep a command waiting for ever, and a file of gigabytes would fill
the memory. What is refused is an OSError, as what the system refuses is.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

__all__ = [
    "LARGE",
    "SMALL",
    "UnfitFile",
    "check_regular",
    "open_regular",
    "read_bytes",
    "read_text",
    "unfit",
    "unread",
]

SMALL = 1 << 26
"""Most bytes of what people write by hand, or a run about itself."""
LARGE = 1 << 30
"""Most bytes of an image, a table, a record: 90 million pixels of 16 bits are 0.7 GB."""


class UnfitFile(OSError):
    """A file that is none to be read: a pipe, a device, or one that is too large."""


def unread(error: OSError) -> str:
    """Return in words why a file could not be read."""
    if isinstance(error, FileNotFoundError):
        return "the file is missing"
    return f"the file cannot be read: {error.strerror}"


def open_regular(path: Path, most: int | None = None) -> BufferedReader:
    """Open a file to be read, of at most so many bytes; never waits for a writer.

    Raises
    ------
    UnfitFile
        If it is no regular file, or larger.
    OSError
        If it cannot be opened.
    """
    try:
        _check(os.stat(path), path, most)  # noqa: PTH116 - before it is opened: a device may act
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:
        raise UnfitFile(errno.EINVAL, "a name holds no NUL", str(path)) from error
    try:
        _check(os.fstat(handle), path, most)  # it may be another one by now
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_bytes(path: Path, most: int) -> bytes:
    """Return the content of a file of at most so many bytes; raises as `open_regular` does."""
    with open_regular(path, most) as file:
        # Not `most` at once: Python takes memory for all that is asked for before it reads.
        size = min(os.fstat(file.fileno()).st_size, most)
        content = file.read(size + 1)
        if len(content) > size:
            content += file.read(most + 1 - len(content))
    if len(content) > most:  # it grew meanwhile
        raise _too_large(len(content), path, most)
    return content


def read_text(path: Path, most: int) -> str:
    """Return the text of a file in UTF-8; UnicodeDecodeError, a ValueError, if it is none."""
    return read_bytes(path, most).decode("utf-8")


def check_regular(path: Path, most: int | None = None) -> None:
    """Raise what `open_regular` raises of a file that another library opens."""
    open_regular(path, most).close()


def unfit(found: os.stat_result, most: int | None = None) -> str:
    """Return why a file is none to be read, in words; empty if it is fit."""
    mode = found.st_mode
    if not stat.S_ISREG(mode):
        return f"it is {_KINDS.get(stat.S_IFMT(mode), 'no file')}"
    if most is not None and found.st_size > most:
        return f"it has {found.st_size / 1e9:.2g} GB, more than {most / 1e9:.2g} GB are not read"
    return ""


_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def _check(found: os.stat_result, path: Path, most: int | None) -> None:
    if fault := unfit(found, most):
        number = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
        raise UnfitFile(number, fault, str(path))


def _too_large(size: int, path: Path, most: int) -> UnfitFile:
    return UnfitFile(errno.EFBIG, f"it grew beyond {most / 1e9:.2g} GB ({size} bytes)", str(path))
