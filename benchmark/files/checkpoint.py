"""Save and load tensors: written atomically, and read as data, never as code."""

from __future__ import annotations

import io
import logging
import zipfile
from pathlib import Path
from typing import Any

import torch

from imbench.errors import EnvironmentFault
from imbench.files.atomic import write_atomic
from imbench.files.reading import open_regular

__all__ = ["load_tensors", "save_tensors"]

_LOG = logging.getLogger(__name__)


def save_tensors(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain data to a file; an existing file is replaced.

    Raises
    ------
    EnvironmentFault
        If the disk is full or the folder cannot be written.
    """
    out = io.BytesIO()
    torch.save(content, out)
    write_atomic(path, out.getvalue())


def load_tensors(path: Path, *, own: bool = True) -> dict[str, Any] | None:
    """Return what `save_tensors` wrote; None if the file is missing or not usable.

    A file that is damaged or holds anything but tensors and plain data (a pickle can run code) is
    warned of and, if it is the caller's `own`, who computes its content again, renamed.

    Raises
    ------
    EnvironmentFault
        If the file exists and cannot be read.
    """
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            claimed, size = sum(one.file_size for one in archive.infolist()), path.stat().st_size
            if claimed > size:  # torch compresses nothing, and would unpack whatever it is given
                raise ValueError(f"its {size} bytes would become {claimed}")
            damaged = archive.testzip()  # torch does not verify its checksums
        if damaged is not None:
            raise ValueError(f"{damaged} is damaged")
        content = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(content, dict):
            raise TypeError(f"it holds a {type(content).__name__}, not a dict")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EnvironmentFault(f"{path} cannot be read: {error.strerror}") from error
    except Exception as error:  # torch raises RuntimeError, EOFError, UnpicklingError and more
        reason = (str(error).splitlines() or ["empty"])[0][:200]
        then = f"; moved to {_set_aside(path).name}" if own else ""
        _LOG.warning("%s is not a checkpoint%s (%s)", path, then, reason)
        return None
    return content


def _set_aside(path: Path) -> Path:
    return path.replace(path.with_name(path.name + ".refused"))
