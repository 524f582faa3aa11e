"""Which scores of a column are bold: the best mean, or all that are not worse than it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from imbench.stats.intervals import holm
from imbench.stats.paired import ALPHA, seeds_needed, sign_flip

__all__ = ["choose_bold"]


def choose_bold(
    column: Sequence[Mapping[int, float]], *, rule: str = "best", lower: bool = False
) -> tuple[list[int], list[str]]:
    """Return which of a column's methods are bold, and notes that explain it.

    Parameters
    ----------
    column : sequence of mapping
        Seed to score, one mapping a method; empty where a method has no score.
    rule : {"best", "not-worse"}
        ``not-worse`` adds every method that is not significantly worse than the best one.
    lower : bool
        Whether a lower score is better.
    """
    most = max((len(scores) for scores in column), default=0)
    # A mean over fewer seeds than others have may be high because hard seeds failed.
    full = [index for index, scores in enumerate(column) if scores and len(scores) == most]
    if sum(bool(scores) for scores in column) < 2:
        return [], ["no bold in a column with one method only"] if most else []
    if most < 2:
        return [], ["no bold in a column with one seed only"]
    sign = -1 if lower else 1
    means = {index: sign * math.fsum(column[index].values()) / most for index in full}
    top = max(means.values())
    best = [index for index in full if math.isclose(means[index], top, rel_tol=0, abs_tol=1e-12)]
    whole = all(len(scores) in (0, most) for scores in column)
    notes = [] if whole else ["only methods with the most seeds of their column can be bold"]
    if rule == "best":
        return best, ["bold: best mean of a column", *notes]
    rivals = len(full) - len(best)
    needed = seeds_needed(max(rivals, 1))
    if most < needed:
        return best, [
            f"bold: best mean of a column; with fewer than {needed} seeds no other method can be "
            f"called worse (Holm over {rivals})",
            *notes,
        ]
    return _not_worse(column, full, best), [
        "bold: best mean of a column, and all not significantly worse than it (sign-flip test over "
        f"seeds, Holm over the column, {ALPHA})",
        *notes,
    ]


def _not_worse(
    column: Sequence[Mapping[int, float]], full: Sequence[int], best: Sequence[int]
) -> list[int]:
    lead = column[best[0]]
    rivals = [index for index in full if index not in best]
    p_values = []
    for index in rivals:
        shared = sorted(lead.keys() & column[index].keys())
        gaps = [lead[seed] - column[index][seed] for seed in shared]
        p_values.append(sign_flip(gaps) if gaps else 1.0)
    kept = [index for index, p in zip(rivals, holm(p_values), strict=True) if p >= ALPHA]
    return sorted([*best, *kept])
