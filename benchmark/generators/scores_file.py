"""Scores that `bench generators --json` wrote, read again for the claim about generators."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from imbench.errors import DataError
from imbench.files.reading import SMALL, read_text
from imbench.records.groups import Group, group_records
from imbench.records.record import Record
from imbench.report.measured import ORACLE, Differences, Measured, pair_name
from imbench.spec import parse_spec

__all__ = ["generator_differences"]

ACCURACY = "forth"
"""Name of the oracle accuracy of translations to the minority."""
PAIR = ("alt", "aug")


def generator_differences(path: Path, records: Iterable[Record]) -> Measured:
    """Return ALT's scores minus AUG's of the groups that a file tells of.

    Parameters
    ----------
    path : Path
        Standard output of ``bench generators --json``.
    records : iterable of Record
        Those of the report: a file about other data has nothing for them.

    Raises
    ------
    DataError
        If the file cannot be read, or holds no such scores.
    """
    try:
        groups = json.loads(read_text(path, SMALL))["groups"]
        return {
            group.code: {ORACLE: _differences(one["rows"])}
            for group in group_records(records)
            for one in groups
            if _is_of(one, group)
        }
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path} is not what `bench generators --json` writes") from error


def _is_of(plain: Mapping[str, Any], group: Group) -> bool:
    basis = group.basis
    settings = basis.settings.model_dump(mode="json")
    return bool(plain["fingerprint"] == basis.fingerprint and plain["settings"] == settings)


def _differences(rows: Iterable[Mapping[str, Any]]) -> Differences:
    """Return the differences by count and seed; the first row of a method is its default."""
    scores: dict[tuple[str, int], dict[int, float]] = {}
    for row in rows:
        name = parse_spec(str(row["recipe"])).name
        found = row["numbers"][ACCURACY]["scores"]
        known = {int(seed): float(value) for seed, value in found.items()}
        scores.setdefault((name, int(row["minority"])), known)
    first, second = PAIR
    counts = {count for name, count in scores if name == first}
    made: dict[tuple[str, int], dict[int, float]] = {}
    for count in counts:
        ours, theirs = scores[first, count], scores.get((second, count), {})
        both = {seed: ours[seed] - theirs[seed] for seed in ours if seed in theirs}
        if both and all(map(math.isfinite, both.values())):
            made[pair_name(first, second), count] = both
    return made
