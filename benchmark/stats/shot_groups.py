"""Classes by how many training images they have: many, medium, few shots.

The limits are those of long-tailed recognition: Liu et al. 2019, "Large-Scale Long-Tailed
Recognition in an Open World", CVPR, arXiv 1904.05160: more than 100, 20 to 100, fewer than 20.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["SHOTS", "shot_groups"]

MANY, FEW = 100, 20
SHOTS = {"many": f">{MANY}", "medium": f"{FEW}-{MANY}", "few": f"<{FEW}"}
"""Name of a group to the training images of its classes, in words."""


def shot_groups(train_counts: Sequence[int]) -> dict[str, list[int]]:
    """Return the labels of each group that has any.

    Examples
    --------
    >>> shot_groups([446, 101, 100, 20, 19])
    {'many': [0, 1], 'medium': [2, 3], 'few': [4]}
    """
    found: dict[str, list[int]] = {}
    for label, count in enumerate(train_counts):
        name = "many" if count > MANY else "medium" if count >= FEW else "few"
        found.setdefault(name, []).append(label)
    return {name: found[name] for name in SHOTS if name in found}
