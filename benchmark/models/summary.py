"""What a run of predictions amounts to: counts, faults, and the images to look at first."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator

from imbench.models.prediction_csv import Row

__all__ = ["FIRST", "Summary"]

FIRST = 5
"""Images and faults that are named."""


class Summary:
    """Counts rows, in constant memory.

    Parameters
    ----------
    keep : int
        So many of the images nearest to being called otherwise are kept.
    """

    def __init__(self, keep: int = FIRST) -> None:
        self.keep = keep
        self.said: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.faulty: list[Row] = []
        self._nearest: list[tuple[float, int, Row]] = []
        self._number = 0

    def add(self, row: Row) -> None:
        """Count a row."""
        self._number += 1
        if row.fault:
            self.faults[row.fault] += 1
            if len(self.faulty) < FIRST:
                self.faulty.append(row)
            return
        self.said[row.decision] += 1
        # The farthest of those that are kept lies on top; of equal ones the first stays.
        entry = (-float(row.margin), -self._number, row)
        if len(self._nearest) < self.keep:
            heapq.heappush(self._nearest, entry)
        else:
            heapq.heappushpop(self._nearest, entry)

    @property
    def nearest(self) -> list[Row]:
        """The images nearest to being called otherwise, the nearest first."""
        return [row for _, _, row in sorted(self._nearest, key=lambda entry: entry[:2])][::-1]

    @property
    def lines(self) -> Iterator[str]:
        """The summary, line by line."""
        good, bad = self.said.total(), self.faults.total()
        counts = ", ".join(f"{count} {name}" for name, count in self.said.most_common(20))
        yield f"{good} images: {counts}" if good else "no image could be used"
        if bad:
            reasons = ", ".join(f"{count} {why}" for why, count in self.faults.most_common(FIRST))
            yield f"{bad} files cannot be used and were skipped: {reasons}"
            for row in self.faulty:
                yield f"  {row.path}: {row.fault}"
        if good:
            yield "Look first at those that are nearest to being called otherwise:"
            for row in self.nearest[:FIRST]:
                yield f"  {row.path}: {row.decision}, margin {row.margin}"
