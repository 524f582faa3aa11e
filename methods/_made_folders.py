"""Folders of generated images, one for each cell: their path names the cell by placeholders."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

from imbench.errors import DataError
from imbench.spec import shown

__all__ = ["all_folders", "existing", "filled"]

_PLACEHOLDER = re.compile(r"\{(seed|minority)\}")


def filled(path: str, **numbers: int) -> str:
    """Return a path with numbers in place of ``{seed}`` and ``{minority}``, where they are given.

    Examples
    --------
    >>> filled("made/{minority}/{seed}", minority=25)
    'made/25/{seed}'
    """
    return _PLACEHOLDER.sub(lambda found: str(numbers.get(found[1], found[0])), path)


def all_folders(path: str) -> dict[str, Path]:
    """Return the folders that a path stands for, whatever its placeholders stand for.

    Keys are the numbers in their order, "" where there is no placeholder.

    Raises
    ------
    DataError
        If there is none.
    """
    if not _PLACEHOLDER.search(path):
        return {"": existing(path)}
    expanded = str(Path(path).expanduser())
    pattern = re.compile(re.sub(r"\\{(seed|minority)\\}", "([0-9]+)", re.escape(expanded)))
    found = {}
    for name in sorted(glob.glob(_PLACEHOLDER.sub("*", glob.escape(expanded)))):  # noqa: PTH207
        numbers = pattern.fullmatch(name)
        if numbers and os.path.isdir(name):  # noqa: PTH112
            found[" ".join(numbers.groups())] = Path(name).resolve()
    if not found:
        raise DataError(
            f"generated: there is no folder {shown(path)!r} of images, whatever number stands for "
            f"{' and '.join(dict.fromkeys(_PLACEHOLDER.findall(path)))}"
        )
    return found


def existing(path: str) -> Path:
    """Return the folder at a path without placeholders.

    Raises
    ------
    DataError
        If it is not there or cannot be read.
    """
    folder = Path(path).expanduser()
    try:
        found = folder.is_dir()
    except OSError as error:  # a closed folder above it, a name longer than the system takes
        raise DataError(
            f"generated: the folder {shown(path)!r} cannot be read: {error.strerror}"
        ) from error
    if not found:
        raise DataError(f"generated: there is no folder {shown(path)!r} of images")
    return folder.resolve()
