"""What a verdict looks at: the methods of a table that have scores, and how they compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from imbench.report.compare import Comparison, compare_at
from imbench.report.panel import Panel
from imbench.report.phrases import gains_text
from imbench.report.tables import Table
from imbench.stats.confusions import SCORES
from imbench.stats.intervals import bonferroni, holm

__all__ = ["MANY", "PLAIN", "SCALED", "Scored", "where_told"]

PLAIN, SCALED = "vanilla", "ts"
"""What methods are measured against: plain training, and TS, which costs no training."""
MANY = 300
"""Records of a report beyond which AUROC, tuned F1 and others are not resampled: 33 ms a record.
Scores that counts of right and wrong give take 0.5 ms."""


class Scored:
    """The scores of a table by the newest version of each method, and comparisons among them.

    Parameters
    ----------
    table : Table
        The table that is judged.
    panel : Panel
        The scores of its group by its metric.
    resample : bool
        Whether to resample test images by metrics that take long: `MANY`.
    """

    def __init__(self, table: Table, panel: Panel, *, resample: bool = True) -> None:
        self.table, self.panel, self.resample = table, panel, resample
        self.recipes = [
            recipe
            for recipe in dict.fromkeys(line.recipe for line in table.lines)
            if any(panel.scores((recipe, count)) for count in table.counts)
        ]
        """Recipes with a score at any count, in the order of the table."""

    @cached_property
    def against_plain(self) -> list[Comparison]:
        """Vanilla, which comes first, with each rival at each count."""
        return self._against(PLAIN, [recipe for recipe in self.recipes if recipe != PLAIN])

    @cached_property
    def against_scaled(self) -> list[Comparison]:
        """TS, which comes first, with each rival but Vanilla at each count."""
        return self._against(
            SCALED, [recipe for recipe in self.recipes if recipe not in (PLAIN, SCALED)]
        )

    @cached_property
    def best(self) -> dict[int, tuple[str, list[Comparison]]]:
        """Count to the recipe with the best mean there, and it compared with each rival.

        The best is chosen by the scores it is then compared by. So each p value is multiplied by
        the number of rivals: then the method that is truly best is called beaten in at most 5 % of
        cases, whichever looks best (J. C. Hsu, Multiple Comparisons, 1996, chapter 4).
        """
        found = {}
        for count in self.table.counts:
            here = [recipe for recipe in self.recipes if self.panel.scores((recipe, count))]
            if len(here) > 1:
                best = max(here, key=lambda recipe: self._turned_mean(recipe, count))
                rivals = [recipe for recipe in here if recipe != best]
                found[count] = best, self._compared(best, rivals, count, bonferroni)
        return found

    def learned(self, recipe: str, count: int) -> bool:
        """Whether a mean is better than the trivial score; True where there is no such score."""
        mean, bar = self.panel.mean((recipe, count)), self.table.trivial
        return bar is None or (mean < bar if self.panel.lower else mean > bar)

    @cached_property
    def unlearned(self) -> list[int]:
        """Counts at which there are scores, and no mean is better than the trivial score."""
        found = []
        for count in self.table.counts:
            here = [recipe for recipe in self.recipes if self.panel.scores((recipe, count))]
            if here and not any(self.learned(recipe, count) for recipe in here):
                found.append(count)
        return found

    def places(self, cells: Iterable[Comparison]) -> str:
        """Return second methods with the counts and how far they are ahead of the first."""
        gains = [
            (cell.second, cell.minority, -cell.effect.mean)
            for cell in cells
            if cell.minority is not None
        ]
        return gains_text(gains, self.table.group.label)

    def _against(self, first: str, rivals: list[str]) -> list[Comparison]:
        if first not in self.recipes:
            return []
        return [
            cell
            for count in self.table.counts
            for cell in self._compared(first, rivals, count, holm)
            if cell.effect.values or cell.lost
        ]

    def _compared(
        self,
        first: str,
        rivals: list[str],
        count: int,
        correct: Callable[[Sequence[float]], list[float]],
    ) -> list[Comparison]:
        resample = self.resample or self.table.metric in SCORES
        return compare_at(
            self.panel,
            first,
            rivals,
            count,
            correct=correct,
            resample="established" if resample else "never",
        )

    def _turned_mean(self, recipe: str, count: int) -> float:
        mean = self.panel.mean((recipe, count))
        return -mean if self.panel.lower else mean


def where_told(cells: Iterable[Comparison]) -> str:
    """Return `` on these test images`` where nothing was resampled to speak of others."""
    return "" if all(cell.effect.ends for cell in cells) else " on these test images"
