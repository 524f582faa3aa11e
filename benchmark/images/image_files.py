"""The image files of a folder, which a data set and a method both read."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["image_files"]

# Names of the formats that imbench.images.decode reads.
_SUFFIXES = frozenset(
    f".{kind}"
    for kind in (
        *("jpg", "jpeg", "jpe", "jfif", "png", "gif", "bmp", "webp", "tif", "tiff"),
        *("ppm", "pgm", "pbm", "pnm"),
    )
)


def image_files(folder: Path) -> list[str]:
    """Return the image files below a folder, relative to it, sorted; hidden ones are left out."""
    paths = []
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(where).relative_to(folder)
        paths += [
            (below / name).as_posix()
            for name in files
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in _SUFFIXES  # noqa: PTH122
        ]
    return sorted(paths)
