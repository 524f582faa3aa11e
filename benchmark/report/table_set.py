"""Tables of records and the verdicts on them: made once, whatever forms a command writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imbench.records.cell import Cell
from imbench.records.record import Record
from imbench.report.tables import Table, make_tables
from imbench.report.verdict import Verdict, judge

__all__ = ["TableSet"]


class TableSet:
    """Makes the tables of records by some metrics when they are first asked for.

    Parameters
    ----------
    records : iterable of Record
        In any order.
    planned : iterable of Cell
        Cells of all plans; those without a record are shown as not run.
    bold : {"best", "not-worse"}
        Which scores of a column are bold: see `imbench.report.bold.choose_bold`.
    """

    def __init__(
        self, records: Iterable[Record], *, planned: Iterable[Cell] = (), bold: str = "best"
    ) -> None:
        self.records, self._planned, self._bold = list(records), tuple(planned), bold
        self._tables: dict[tuple[str, ...], list[Table]] = {}
        self._verdicts: dict[str, list[Verdict]] = {}

    def tables(self, metrics: Sequence[str]) -> list[Table]:
        """Return the tables by some metrics; raise UsageError if one is unknown."""
        key = tuple(metrics)
        if key not in self._tables:
            self._tables[key] = make_tables(
                self.records, metrics, planned=self._planned, bold=self._bold
            )
        return self._tables[key]

    def verdicts(self, metrics: Sequence[str]) -> list[Verdict]:
        """Return the verdict on each group, which is by the first of the metrics."""
        first = metrics[0]
        if first not in self._verdicts:
            self._verdicts[first] = judge(self.tables(metrics))
        return self._verdicts[first]
