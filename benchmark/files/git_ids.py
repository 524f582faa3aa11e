"""The names that git gives to contents: checksums that every public repository publishes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from imbench.files.reading import open_regular

__all__ = ["blob_id", "tree_id"]

_BLOCK = 1 << 20


def blob_id(path: Path) -> str:
    """Return git's name of a file's content: SHA-1 of ``blob SIZE``, a NUL and the content.

    References
    ----------
    Chacon and Straub, "Pro Git", chapter 10.2, "Git Objects".

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "empty")
    ...     path.touch()
    ...     print(blob_id(path), tree_id(Path(folder)))
    e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 a96aaf37fe7d3ddd48de10cb688848e4ddc6edcb
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def tree_id(folder: Path) -> str:
    """Return git's name of a folder's content, of plain files and folders only.

    What a clone holds beside them (links, programs, submodules) has other modes: such a folder
    gets another name here than there, and so does one with an empty folder in it.
    """
    entries = []
    for path in folder.iterdir():
        name = os.fsencode(path.name)
        if path.is_dir():
            # git sorts a folder as if its name ended with a slash.
            entries.append((name + b"/", b"40000 " + name, tree_id(path)))
        else:
            entries.append((name, b"100644 " + name, blob_id(path)))
    content = b"".join(head + b"\0" + bytes.fromhex(known) for _, head, known in sorted(entries))
    digest = hashlib.sha1(b"tree %d\0" % len(content), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()
