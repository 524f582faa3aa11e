"""Files of weights that lie on this machine: found without a download, hashed once, read safely."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from imbench.errors import DataError
from imbench.files.reading import LARGE, check_regular, open_regular

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["file_digest", "folder_of", "hub_file", "read_tensors", "snapshot_file"]

MOST = 16 * LARGE
"""Most bytes of a file of weights."""
_CHUNK = 1 << 20
_WHOLE = ("state_dict", "model")
"""Under which a file that keeps a whole training, as many scripts write it, has the weights."""


def folder_of(package: str) -> Path | None:
    """Return the folder of an installed package, which is not imported; None if there is none."""
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        return None
    return Path(next(iter(found.submodule_search_locations)))


def hub_file(name: str) -> Path:
    """Return where torch keeps a file that it downloaded; there may be none."""
    return _home("TORCH_HOME", "torch") / "hub" / "checkpoints" / name


def snapshot_file(repository: str) -> Path | None:
    """Return the weights of a model in the cache of the Hugging Face hub, if they are there."""
    named = os.environ.get("HF_HUB_CACHE")
    hub = Path(named).expanduser() if named else _home("HF_HOME", "huggingface") / "hub"
    folder = hub / f"models--{repository.replace('/', '--')}" / "snapshots"
    names = ("model.safetensors", "pytorch_model.bin")
    found = [path for name in names for path in sorted(folder.glob(f"*/{name}"))]
    return found[0] if found else None


def _home(variable: str, name: str) -> Path:
    """Return the folder of a library's cache, as the library finds it."""
    if variable in os.environ:
        return Path(os.environ[variable]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / name


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, computed once for as long as its size and times stay.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    try:
        stat = path.stat()
        return _digest(str(path), stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


@cache
def _digest(path: str, _size: int, _changed: int) -> str:
    digest = hashlib.sha256()
    with open_regular(Path(path), MOST) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file of torch or safetensors; no code in it is run.

    Raises
    ------
    DataError
        If it cannot be read, or holds anything else.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        check_regular(path, MOST)
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=True)
        tensors = dict(next((found[key] for key in _WHOLE if key in found), found))
    except (OSError, SafetensorError, RuntimeError, ValueError, TypeError, KeyError) as error:
        reason = (" ".join(str(error).split()) or type(error).__name__)[:200]
        raise DataError(f"{path} holds no weights that can be read: {reason}") from error
    except Exception as error:  # a pickle that torch refuses, a damaged archive
        raise DataError(f"{path} holds more than weights, or is damaged; remove it") from error
    if not all(isinstance(tensor, torch.Tensor) for tensor in tensors.values()):
        raise DataError(f"{path} holds more than weights")
    return tensors
