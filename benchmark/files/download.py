"""Fetch one file: whole and of the right hash, or not at all."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imbench.errors import DataError
from imbench.files.archive import describe_file

__all__ = ["RemoteFile", "download", "file_hash"]

TIMEOUT = 30
"""Seconds without an answer after which an address is given up."""


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    Parameters
    ----------
    file : str
        Its name.
    urls : tuple of str
        Where it is, in the order to try. ``IMBENCH_MIRROR`` replaces all of them by
        ``$IMBENCH_MIRROR/<file>``.
    checksum : str
        ``sha256:...`` or ``md5:...``; empty if none is established.
    """

    file: str
    urls: tuple[str, ...]
    checksum: str = ""

    def addresses(self) -> tuple[str, ...]:
        """Return the addresses to try."""
        mirror = os.environ.get("IMBENCH_MIRROR", "").rstrip("/")
        return (f"{mirror}/{self.file}",) if mirror else self.urls


def download(
    remote: RemoteFile,
    folder: Path,
    *,
    looks_right: Callable[[Path], str | None],
    quiet: bool = False,
) -> Path:
    """Download a file into `folder` and return its path.

    The file appears under its name only when it is whole; what is left of a failed attempt is
    removed.

    Parameters
    ----------
    looks_right : callable
        Given the file, says in words what is wrong with it, or None. It is asked even if the
        checksum is right, and is all there is where no checksum is established.

    Raises
    ------
    DataError
        If no address gives the file.
    """
    target = folder / remote.file
    faults = []
    for url in remote.addresses():
        part = folder / f".{remote.file}.part"
        shutil.rmtree(part, ignore_errors=True)
        try:
            part.mkdir(parents=True)
            got = _retrieve(url, part, remote.file, quiet)
            wrong = _wrong_hash(got, remote.checksum) or looks_right(got)
            if wrong is None:
                got.replace(target)
                return target
            faults.append(f"{url}: {wrong}")
        except OSError as error:  # requests' errors are OSErrors
            faults.append(f"{url}: {_why(error)}")
        finally:
            shutil.rmtree(part, ignore_errors=True)
    raise DataError("nothing was downloaded: " + "; ".join(faults))


def file_hash(path: Path, kind: str) -> str:
    """Return a file's hash in hexadecimal; `kind` is ``sha256`` or ``md5``."""
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def _wrong_hash(path: Path, checksum: str) -> str | None:
    kind, _, expected = checksum.partition(":")
    if not checksum or file_hash(path, kind) == expected:
        return None
    size = path.stat().st_size
    return f"what came has the wrong {kind}; it is {describe_file(path)} of {size} bytes"


def _retrieve(url: str, folder: Path, name: str, quiet: bool) -> Path:
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    bar: Any = False if quiet else _Bar(name)
    load = pooch.HTTPDownloader(progressbar=bar, timeout=TIMEOUT)
    # No hash is given here: pooch would delete a wrong file before one can say what it is.
    return Path(pooch.retrieve(url, None, fname=name, path=folder, downloader=load))


def _why(error: OSError) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code}"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection ended before the whole file had come"
    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT} seconds"
    if isinstance(error, requests.ConnectionError):
        return "the server cannot be reached; is this machine offline?"
    return str(error.strerror or error)


class _Bar:
    """A progress bar of the kind pooch calls, drawn by rich; nothing where there is no terminal."""

    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

        console = Console(stderr=True)
        self.progress = Progress(
            "{task.description}",
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self.task = self.progress.add_task(name, total=None)
        self.progress.start()
        self._total: int | None = None

    @property
    def total(self) -> int | None:
        return self._total

    @total.setter
    def total(self, value: int | None) -> None:
        self._total = value
        self.progress.update(self.task, total=value)

    def update(self, amount: int) -> None:
        self.progress.update(self.task, advance=amount)

    def reset(self) -> None:
        self.progress.reset(self.task, total=self._total)

    def close(self) -> None:
        self.progress.stop()
