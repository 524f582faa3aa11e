"""Download a file and verify it before it appears under its name."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imbench.errors import DataError
from imbench.files.archive import describe_file
from imbench.files.git_ids import blob_id
from imbench.files.reading import open_regular

__all__ = ["RemoteFile", "download", "file_hash"]

TIMEOUT = 30
"""Seconds to wait for an answer before the next address is tried."""


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    Parameters
    ----------
    file : str
        Its name.
    urls : tuple of str
        Addresses, in the order to try. ``IMBENCH_MIRROR`` replaces all of them by
        ``$IMBENCH_MIRROR/<file>``.
    checksum : str, default ""
        ``sha256:...``, ``md5:...`` or ``git:...``, git's name of the file's content; empty if no
        checksum is published.
    trees : mapping, optional
        Folder of the unpacked data to git's name of its content: the check of an archive that a
        server packs anew for everyone.

    Examples
    --------
    >>> from imbench import RemoteFile
    >>> remote = RemoteFile("leaves.zip", ("https://example.org/leaves.zip",), "md5:" + 32 * "0")
    """

    file: str
    urls: tuple[str, ...]
    checksum: str = ""
    trees: Mapping[str, str] = field(default_factory=dict)

    def addresses(self) -> tuple[str, ...]:
        """Return the addresses to try: that of the mirror alone where there is one."""
        mirror = os.environ.get("IMBENCH_MIRROR", "").rstrip("/")
        return (f"{mirror}/{self.file}",) if mirror else self.urls


def download(
    remote: RemoteFile,
    folder: Path,
    *,
    find_fault: Callable[[Path], str | None],
    quiet: bool = False,
) -> Path:
    """Download a file into `folder` and return its path.

    The file appears under its name only when it is complete; partial downloads are removed.

    Parameters
    ----------
    find_fault : callable
        Returns in words what is wrong with the file, or None. Called even if the checksum matches;
        the only check where no checksum is published.

    Raises
    ------
    DataError
        If the file cannot be downloaded from any address.
    """
    target = folder / remote.file
    faults = []
    for url in remote.addresses():
        part = folder / f".{remote.file}.part"
        shutil.rmtree(part, ignore_errors=True)
        try:
            part.mkdir(parents=True)
            downloaded = _retrieve(url, part, remote.file, quiet)
            fault = _checksum_fault(downloaded, remote.checksum) or find_fault(downloaded)
            if fault is None:
                downloaded.replace(target)
                return target
            faults.append(f"{url}: {fault}")
        except OSError as error:  # requests' errors are OSErrors
            faults.append(f"{url}: {_reason(error)}")
        finally:
            shutil.rmtree(part, ignore_errors=True)
    raise DataError("nothing was downloaded: " + "; ".join(faults))


def file_hash(path: Path, kind: str) -> str:
    """Return a file's hash in hexadecimal; `kind` is ``sha256``, ``md5`` or ``git``."""
    if kind == "git":
        return blob_id(path)
    with open_regular(path) as file:
        return hashlib.file_digest(file, kind).hexdigest()


def _checksum_fault(path: Path, checksum: str) -> str | None:
    kind, _, expected = checksum.partition(":")
    if not checksum or file_hash(path, kind) == expected:
        return None
    size = path.stat().st_size
    return f"the file has the wrong {kind}; it is {describe_file(path)} of {size} bytes"


def _retrieve(url: str, folder: Path, name: str, quiet: bool) -> Path:
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    bar: Any = False if quiet else _DownloadBar(name)
    load = pooch.HTTPDownloader(progressbar=bar, timeout=TIMEOUT)
    # No hash is passed: pooch would delete a wrong file before `describe_file` can read it.
    return Path(pooch.retrieve(url, None, fname=name, path=folder, downloader=load))


def _reason(error: OSError) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code}"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection ended before the file was complete"
    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT} seconds"
    if isinstance(error, requests.ConnectionError):
        return "the server cannot be reached; is this machine offline?"
    return str(error.strerror or error)


class _DownloadBar:
    """A progress bar with the interface that pooch calls, drawn by rich, on terminals only."""

    total: int | None = None
    """Bytes to download; pooch sets it."""

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

    def update(self, amount: int) -> None:
        self.progress.update(self.task, advance=amount, total=self.total)

    def reset(self) -> None:
        self.progress.reset(self.task, total=self.total)

    def close(self) -> None:
        self.progress.stop()
