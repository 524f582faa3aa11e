"""Turn any text into a readable file name that is safe on every file system."""

from __future__ import annotations

import hashlib
import re

__all__ = ["RESERVED", "slug"]

_PLAIN = re.compile(r"[a-z0-9][a-z0-9._=+-]{0,59}")
_OTHER = re.compile(r"[^A-Za-z0-9.=+-]+")
_HASHED = re.compile(r"(.*-)?[0-9a-f]{8}")
RESERVED = frozenset({"generators", "quarantine", "published", "con", "nul", "prn", "aux"})


def slug(text: str) -> str:
    """Return `text` if it is a safe name, otherwise its safe characters and a hash of `text`.

    Different texts get different names, also where a file system ignores case. No name leads out of
    its folder or is hidden.
    """
    safe = _PLAIN.fullmatch(text) and text not in RESERVED and ".." not in text
    # A text that ends like a hashed name is hashed too, since it could equal one.
    if safe and not _HASHED.fullmatch(text):
        return text
    readable = _OTHER.sub("_", text).replace("..", "_").strip("._-")[:40]
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{readable}-{digest}" if readable else digest
