"""The file of a pack: a line that says what it is, and compressed, checksummed parts.

The first line is ``imbench-pack `` and JSON; whoever has no imbench can read it. The rest is one
xz stream, whose size and hash the line gives. The same parts give the same bytes: no time and no
name stands in them. What is read is not trusted: a size is checked before memory is taken for it.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from imbench.errors import EnvironmentFault, NotComparable
from imbench.files.atomic import write_output
from imbench.files.newer import refuse_newer
from imbench.files.reading import open_regular, read_bytes

__all__ = ["LARGEST", "SCHEMA", "is_pack", "read_parts", "write_parts"]

SCHEMA = 3
"""Raise it when what a part means changes."""
MAGIC = b"imbench-pack "
LARGEST = 1 << 27
"""Most bytes that a pack unpacks to: 50,000 cells of 1,000 test images."""
_HEAD = 1 << 16
"""Most bytes of the first line."""
_PRESET = 6
"""Of xz: needs 9 MB to unpack. Presets 7 to 9 gain nothing on outputs, which are noise to them."""


class _Head(BaseModel):
    """The first line."""

    model_config = ConfigDict(frozen=True)

    schema_: int = Field(alias="schema", ge=1)
    about: str = ""
    packed: int = Field(ge=0, le=LARGEST)
    """Bytes after the first line."""
    sha256: str
    """Of these bytes."""
    parts: dict[str, int]
    """Sizes of the parts when unpacked, in their order."""


def is_pack(path: Path) -> bool:
    """Whether a file begins as a pack does, whole or not."""
    try:
        with open_regular(path) as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def write_parts(path: Path, parts: Mapping[str, bytes], about: str) -> int:
    """Write parts to a file, replaced as a whole; return its size.

    Raises
    ------
    NotComparable
        If they are too large to be read again.
    EnvironmentFault
        If the file cannot be written.
    """
    sizes = {name: len(part) for name, part in parts.items()}
    if sum(sizes.values()) > LARGEST:
        raise NotComparable(
            f"the pack would unpack to {sum(sizes.values()) / 1e6:.0f} MB, and none of more than "
            f"{LARGEST / 1e6:.0f} MB is read: pack the data sets one by one"
        )
    body = lzma.compress(b"".join(parts.values()), preset=_PRESET)
    head = {
        "schema": SCHEMA,
        "about": about,
        "packed": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "parts": sizes,
    }
    line = MAGIC + json.dumps(head).encode() + b"\n"
    write_output(path, line + body)
    return len(line) + len(body)


def read_parts(path: Path) -> tuple[int, dict[str, bytes]]:
    """Return the schema of a file, and its parts.

    Raises
    ------
    NotComparable
        If there is no such file, it is no pack, or it is damaged.
    EnvironmentFault
        If it cannot be read, or a newer imbench wrote it.
    """
    line, body = _split(path)
    head = _parse_head(path, line)
    if len(body) != head.packed:
        raise NotComparable(
            f"{path} has {len(body)} of {head.packed} bytes: it was cut off; copy it again"
            if len(body) < head.packed
            else f"{path} has {len(body)} bytes in place of {head.packed}: copy it again"
        )
    if hashlib.sha256(body).hexdigest() != head.sha256:
        raise NotComparable(
            f"{path} was changed since it was written: its checksum is wrong; copy it again"
        )
    return head.schema_, _unpacked(path, head, body)


def _split(path: Path) -> tuple[bytes, bytes]:
    try:
        raw = read_bytes(path, LARGEST + _HEAD)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotComparable(f"there is no {str(path)!r}: name results or a pack") from error
    except OSError as error:
        raise EnvironmentFault(f"{path} cannot be read: {error.strerror}") from error
    end = raw.find(b"\n", 0, _HEAD)
    if not raw.startswith(MAGIC) or end < 0:
        raise NotComparable(
            f"{str(path)!r} is no pack: name a results folder, or a file that `bench pack` wrote"
        )
    return raw[len(MAGIC) : end], raw[end + 1 :]


def _parse_head(path: Path, line: bytes) -> _Head:
    try:
        plain: Any = json.loads(line)
        refuse_newer(plain, SCHEMA, path)
        head = _Head.model_validate(plain)
    except (ValidationError, ValueError, RecursionError) as error:
        raise _damaged(path, "its first line cannot be read") from error
    if min(head.parts.values(), default=0) < 0 or sum(head.parts.values()) > LARGEST:
        raise _damaged(path, f"it claims to unpack to more than {LARGEST / 1e6:.0f} MB")
    return head


def _unpacked(path: Path, head: _Head, body: bytes) -> dict[str, bytes]:
    size = sum(head.parts.values())
    decompressor = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=1 << 26)
    try:
        content = decompressor.decompress(body, max_length=size + 1)
    except (lzma.LZMAError, EOFError) as error:
        raise _damaged(path, "it cannot be unpacked") from error
    if len(content) != size:
        raise _damaged(path, f"it does not unpack to the {size} bytes that it claims")
    parts, start = {}, 0
    for name, length in head.parts.items():
        parts[name] = content[start : start + length]
        start += length
    return parts


def _damaged(path: Path, why: str) -> NotComparable:
    return NotComparable(f"{str(path)!r} is no pack that `bench pack` wrote: {why}")
