"""Which test images were called wrong, by name: what to look at, and what may be mislabelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imbench.records.groups import Group
from imbench.records.image_names import ImageNames
from imbench.records.record import Record
from imbench.report.outputs import read_outputs
from imbench.report.outputs_by_group import Blocks, class_names, outputs_section
from imbench.report.printed_table import PrintedCell, PrintedTable
from imbench.report.sections import Section
from imbench.report.table_notes import protocol_line
from imbench.stats.metrics import predict

__all__ = ["SHOWN", "image_name", "wrong_section"]

SHOWN = 20
"""Images in a printed table; JSON and CSV have all."""


@dataclass
class _Tally:
    """How often the runs of a method at a count, or of all, called each image which class."""

    runs: int = 0
    called: dict[int, Counter[int]] = field(default_factory=dict)
    """Row of a wrong image to the classes that it was called."""

    def add(self, labels: NDArray[np.int64], said: NDArray[np.int64]) -> None:
        self.runs += 1
        for row in np.flatnonzero(said != labels).tolist():
            self.called.setdefault(row, Counter())[int(said[row])] += 1

    def order(self) -> list[int]:
        """Return rows, those that were wrong in most runs first."""
        return sorted(self.called, key=lambda row: (-self.called[row].total(), row))


def image_name(names: ImageNames | None, row: int, images: int) -> str:
    """Return the name of a test image; its row where a results folder does not know it."""
    if names is not None and len(names.test) == images:
        return names.test[row]
    return f"row {row}"


def wrong_section(
    records: Iterable[Record], names: Mapping[str, ImageNames] | None = None
) -> Section:
    """Return the test images that were called wrong, the most often wrong first.

    Raises
    ------
    NotComparable
        If no record has outputs.
    """
    return outputs_section("wrong", records, names, _describe, "which images were called wrong")


def _describe(group: Group, known: ImageNames | None) -> Blocks:
    labels, tallies = _tallied(group)
    if labels is None:
        return [], []
    classes = class_names(known, len(group.test_counts) or int(labels.max()) + 1)
    whole = tallies.pop(("", 0))
    rows = [
        {
            "dataset": group.name,
            "fingerprint": group.basis.fingerprint,
            "minority": group.label(count),
            "recipe": recipe,
            "row": row,
            "image": image_name(known, row, len(labels)),
            "class": classes[labels[row]],
            "called": classes[tally.called[row].most_common(1)[0][0]],
            "wrong": tally.called[row].total(),
            "runs": tally.runs,
        }
        for (recipe, count), tally in tallies.items()
        for row in tally.order()
    ]
    return [_table(group, labels, whole, known, classes)], rows


def _tallied(
    group: Group,
) -> tuple[NDArray[np.int64] | None, dict[tuple[str, int], _Tally]]:
    """Return the labels of the test images, and tallies by recipe and count, and of all runs."""
    first: NDArray[np.int64] | None = None
    tallies = {("", 0): _Tally()}
    for record in group.records:
        read = read_outputs(record)
        if read is None:
            continue
        labels, said = read[0], predict(read[1])
        first = labels if first is None else first
        if np.array_equal(labels, first):
            place = record.cell.recipe, record.cell.minority
            for key in (("", 0), place):
                tallies.setdefault(key, _Tally()).add(labels, said)
    return first, tallies


def _table(
    group: Group,
    labels: NDArray[np.int64],
    tally: _Tally,
    known: ImageNames | None,
    classes: Sequence[str],
) -> PrintedTable:
    order = tally.order()
    rows = []
    for row in order[:SHOWN]:
        called = tally.called[row]
        rows.append(
            (
                PrintedCell(text=image_name(known, row, len(labels))),
                PrintedCell(text=classes[int(labels[row])]),
                PrintedCell(text=classes[called.most_common(1)[0][0]]),
                PrintedCell(text=f"{called.total()} of {tally.runs}"),
            )
        )
    always = sum(tally.called[row].total() == tally.runs for row in order)
    notes = [
        f"{len(order)} of {len(labels)} test images were called wrong by a run or more, {always} "
        f"by all {tally.runs} runs: look at those for wrong labels"
    ]
    if len(order) > SHOWN:
        notes.append(f"the first {SHOWN}; --json and --csv have all, by method and count")
    if known is None:
        notes.append("rows of the test split, for the results folder does not know their names")
    return PrintedTable(
        title=f"{group.title}: test images that were called wrong",
        slug=f"wrong-{group.code}",
        above=(protocol_line(group),),
        span="",
        head=("image", "class", "called most often", "wrong in runs"),
        align="lllr",
        rows=tuple(rows),
        below=tuple(notes),
    )
