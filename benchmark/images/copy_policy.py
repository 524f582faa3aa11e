"""The option ``copies`` of data sets of files: how near two images must be to count as copies.

Without Pillow, which only decoding needs: data sets read the option long before that.
"""

from __future__ import annotations

from collections.abc import Mapping

from imbench.constraints import choice, number

__all__ = ["COPIES", "EXACT", "LIMIT", "SEARCH", "copy_limit", "copy_policy"]

SEARCH = 2
"""Raise it when the search would find other copies at the same limit."""

EXACT = "exact"
"""Value of the option that looks for equal images only."""
LIMIT = 0.4
"""Largest distance of near copies, where 0 is the same picture and 1 is nothing in common."""
COPIES = number(0, 1, open_high=True) | choice(EXACT)


def copy_policy(value: object, owner: str) -> dict[str, str]:
    """Return the option as a policy of a listing; nothing where it is the default.

    >>> copy_policy("0.25", "folder:x"), copy_policy("exact", "folder:x"), copy_policy(0.4, "")
    ({'copies': '0.25'}, {'copies': 'exact'}, {})
    """
    chosen = COPIES.read(owner, "copies", value)
    return {} if chosen == LIMIT else {"copies": str(chosen)}


def copy_limit(policies: Mapping[str, str]) -> float | None:
    """Return the largest distance of near copies by a listing's policies; None: equal ones only."""
    value = policies.get("copies", str(LIMIT))
    return None if value == EXACT else float(value)
