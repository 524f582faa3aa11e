"""One cell of a table: a method's mean over seeds, with what is missing and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imbench.records.groups import format_ranges
from imbench.records.record import Record
from imbench.records.scored import score
from imbench.stats.about_metrics import score_range
from imbench.stats.intervals import Ends, mean_interval
from imbench.stats.metrics import Metric

__all__ = ["MARKS", "NOT_RUN", "WORDS", "TableCell", "make_table_cell"]

NOT_RUN = "--"
MARKS = {
    "failed": "err",
    "diverged": "div",
    "timeout": "t/o",
    "crashed": "crash",
    "memory": "mem",
}
"""Status to the mark of a cell that has no score at all."""
WORDS = {
    "failed": "failed",
    "diverged": "diverged",
    "timeout": "timed out",
    "crashed": "crashed",
    "memory": "ran out of memory",
    "missing": "not run",
    "unscored": "has no such score",
}
REASON_LENGTH = 160


@dataclass(frozen=True)
class TableCell:
    """One cell of a table: a method at a minority count.

    Attributes
    ----------
    scores : dict
        Seed to score; only of cells that ended well.
    status : dict
        Every seed of the table to a record's status, ``missing`` or ``unscored``.
    mean : float or None
        Mean over seeds.
    ends : (float, float) or None
        Ends of its 95 % t interval within the range of the score, from two seeds on.
    mark : str
        Printed instead of a score or, as ``4/5``, beside it.
    notes : tuple of str
        Footnotes.
    """

    scores: dict[int, float]
    status: dict[int, str]
    mean: float | None = None
    ends: Ends | None = None
    mark: str = ""
    notes: tuple[str, ...] = ()
    bold: bool = False


def make_table_cell(
    slot: Mapping[int, Record],
    seeds: Sequence[int],
    name: str,
    metric: Metric,
    edited: Collection[int] = (),
) -> TableCell:
    """Return the cell of one method at one count.

    Parameters
    ----------
    slot : mapping
        Seed to record.
    seeds : sequence of int
        All seeds of the table.
    name, metric
        The metric, with its registered name.
    edited : collection of int
        Seeds whose records have a wrong checksum.
    """
    scores: dict[int, float] = {}
    status: dict[int, str] = {}
    seeds_without: dict[str, list[int]] = defaultdict(list)
    for seed in seeds:
        record = slot.get(seed)
        status[seed], reason = "missing", ""
        if record is not None:
            status[seed], reason = record.status, record.reason
            if record.done:
                value, reason = score(record, name, metric)
                if value is not None:
                    scores[seed] = value
                    continue
                status[seed] = "unscored"
        words = WORDS[status[seed]]
        seeds_without[f"{words} ({_one_line(reason)})" if reason else words].append(seed)
    notes = _record_notes(slot, edited)
    if not slot:
        return TableCell(scores, status, mark=NOT_RUN)
    gaps = "; ".join(f"{_format_seeds(where)} {reason}" for reason, where in seeds_without.items())
    if not scores:
        worst = next((status[seed] for seed in seeds if status[seed] in MARKS), "")
        return TableCell(scores, status, mark=MARKS.get(worst, "n/a"), notes=(gaps, *notes))
    mean, ends, n = mean_interval(list(scores.values()), bounds=score_range(name, metric))
    if n < len(seeds):
        notes = (f"{n} of {len(seeds)} seeds: {gaps}", *notes)
    return TableCell(scores, status, mean, ends, f"{n}/{len(seeds)}" if gaps else "", notes)


def _record_notes(slot: Mapping[int, Record], edited: Collection[int]) -> tuple[str, ...]:
    """Return what the records of a cell note; of a note that some have not, how many have it."""
    having = Counter(note for record in slot.values() for note in dict.fromkeys(_noted(record)))
    whole = sum(record.done for record in slot.values())
    notes = []
    if edited:
        notes.append(f"{_format_seeds(edited)} edited after writing: the checksum is wrong")
    notes += [
        f"in {n} of {whole} seeds: {note}" if n < whole else note for note, n in having.items()
    ]
    return tuple(notes)


def _noted(record: Record) -> Iterator[str]:
    yield from map(_one_line, record.notes)
    if record.images_skipped:
        yield f"{record.images_skipped} images left out (copies of test images, or undecodable)"


def _format_seeds(seeds: Collection[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {format_ranges(seeds)}"


def _one_line(text: Any) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= REASON_LENGTH else f"{line[: REASON_LENGTH - 3]}..."
