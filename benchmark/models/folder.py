"""A model's folder on disk: written whole or not at all, and read with distrust."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from imbench.errors import DataError, EnvironmentFault, UsageError
from imbench.files.newer import refuse_newer
from imbench.files.processes import alive, host_id, start_time
from imbench.files.reading import LARGE, SMALL, read_bytes
from imbench.models.description import SCHEMA, Description
from imbench.safe_text import json_document, visible

__all__ = ["CARD", "DESCRIPTION", "ONNX", "WEIGHTS", "ModelFolder", "new_folder", "read_folder"]

DESCRIPTION, WEIGHTS, CARD, ONNX = "model.json", "weights.safetensors", "README.md", "model.onnx"
_OURS = frozenset({DESCRIPTION, WEIGHTS, CARD, ONNX})


class ModelFolder:
    """A folder that is being written, beside the place where it will appear."""

    def __init__(self, part: Path, target: Path) -> None:
        self.part, self.target = part, target

    def publish(self, description: Description, files: Mapping[str, bytes]) -> Description:
        """Write all files, and give the folder its name; return the description as it was written.

        Raises
        ------
        EnvironmentFault
            If a file cannot be written; then there is no new folder.
        """
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        sealed = description.model_copy(update={"files": hashes}).sealed()
        written = {**files, DESCRIPTION: json_document(sealed.plain()).encode()}
        try:
            for name, content in written.items():
                with (self.part / name).open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            self._appear()
        except OSError as error:
            raise _cannot_write(self.target, error) from error
        return sealed

    def _appear(self) -> None:
        if self.target.is_dir():  # ours, or empty: `new_folder` has looked
            old = self.part.with_name(f"{self.part.name}.old")
            self.target.rename(old)
            try:
                self.part.rename(self.target)
            except OSError:
                old.rename(self.target)
                raise
            shutil.rmtree(old, ignore_errors=True)
        else:
            self.part.rename(self.target)


@contextmanager
def new_folder(target: Path, *, replace: bool = False) -> Iterator[ModelFolder]:
    """Begin a model's folder; unless it is published nothing is left of it.

    Parameters
    ----------
    target : Path
        Where it will appear: nothing, an empty folder, or with `replace` a model.

    Raises
    ------
    UsageError
        If something else is in the way.
    EnvironmentFault
        If nothing can be written there.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100 - resolve() would follow links
    _refuse_others(target, replace=replace)
    number = os.getpid()
    head = f".{target.name}.{host_id()}"
    part = target.with_name(f"{head}-{number}-{start_time(number)}-{secrets.token_hex(4)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target.parent, head)
        part.mkdir()
    except OSError as error:
        raise _cannot_write(target, error) from error
    try:
        yield ModelFolder(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def read_folder(folder: Path) -> tuple[Description, bytes]:
    """Return the description and the weights of a model's folder, after a check of both.

    Raises
    ------
    UsageError
        If there is no model.
    DataError
        If a file is missing, damaged or was changed.
    EnvironmentFault
        If a newer imbench wrote it.
    """
    description = _read_description(folder)
    content = b""
    for name, expected in description.files.items():
        if name not in _OURS:
            raise DataError(f"{folder / DESCRIPTION} names {name[:100]!r}, no file of a model")
        if name == CARD:  # for people, who may add to it
            continue
        raw = _read(folder / name, LARGE * 4)
        if hashlib.sha256(raw).hexdigest() != expected:
            raise DataError(
                f"{folder / name} is not as it was written: its checksum is wrong; fit the model "
                "again, or copy the folder again"
            )
        content = raw if name == WEIGHTS else content
    if not content:
        raise DataError(f"{folder / DESCRIPTION} names no weights; copy the folder again")
    return description, content


def _read_description(folder: Path) -> Description:
    path = folder / DESCRIPTION
    if not path.exists():
        raise UsageError(f"{str(folder)!r} holds no model: name a folder that `bench fit` wrote")
    raw = _read(path, SMALL)
    try:
        plain = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is damaged; copy the folder again") from error
    refuse_newer(plain, SCHEMA, path)
    try:
        description = Description.model_validate_json(raw)
    except (ValidationError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is not what a model's is ({_short(error)})") from error
    if not description.intact:
        raise DataError(f"{path} was edited since it was written: its checksum is wrong")
    return description


def _read(path: Path, most: int) -> bytes:
    try:
        return read_bytes(path, most)
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing: the folder is incomplete, copy it again") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _refuse_others(target: Path, *, replace: bool) -> None:
    if not (target.exists() or target.is_symlink()):
        return
    if not target.is_dir() or target.is_symlink():
        raise UsageError(f"{target} exists and is no folder; name another --out")
    names = {entry.name for entry in target.iterdir()}
    if not names:
        return
    if DESCRIPTION not in names or names - _OURS:
        raise UsageError(f"{target} holds files that are no model's; name another --out")
    if not replace:
        raise UsageError(f"{target} holds a model already; name another --out, or say --replace")


def _remove_abandoned(folder: Path, head: str) -> None:
    """Remove what processes of this machine left that died while they wrote the same model."""
    pattern = re.compile(re.escape(head) + r"-(\d+)-(\d*)-[0-9a-f]{8}\.part")
    for entry in list(folder.iterdir()):
        found = pattern.fullmatch(entry.name)
        if found and not alive(int(found[1]), found[2]):
            with suppress(OSError):
                shutil.rmtree(entry)


def _cannot_write(target: Path, error: OSError) -> EnvironmentFault:
    return EnvironmentFault(f"{target} cannot be written: {error.strerror}; name another --out")


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))[:100]
        return visible(f"{field}: {first['msg']}", 300)
    return "damaged"
