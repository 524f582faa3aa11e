"""What a path that leads nowhere may have meant: what lies beside it under nearly its name."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path, PurePath

__all__ = ["near_path", "or_near"]

MOST = 10_000
"""Names of a folder that are compared letter by letter: 0.1 s."""


def near_path(path: Path, fits: Callable[[Path], bool] = os.path.exists) -> Path | None:
    """Return what is meant by a path that leads nowhere, or None.

    First what differs by case or by a suffix, as `table` does from `table.csv`, then what differs
    by a letter or two.

    Parameters
    ----------
    path : Path
        Where nothing is.
    fits : callable
        Whether something that lies beside it can be meant.
    """
    wanted = path.name.casefold()
    try:
        names = sorted(one.name for one in path.parent.iterdir()) if wanted else []
    except (OSError, ValueError):
        return None
    folded = {name.casefold(): name for name in names if not name.startswith(".")}
    stem = PurePath(wanted).stem
    alike = [name for name in folded if wanted in (name, PurePath(name).stem) or stem == name]
    if len(folded) <= MOST:
        alike += difflib.get_close_matches(wanted, folded, n=3, cutoff=0.8)
    beside = (path.with_name(folded[name]) for name in alike)
    return next(filter(fits, beside), None)


def or_near(path: Path, fits: Callable[[Path], bool] = os.path.exists) -> str:
    """Return the end of a sentence that says that nothing is at a path; empty without a guess."""
    found = near_path(path, fits)
    return f"; did you mean {str(found)!r}?" if found else ""
