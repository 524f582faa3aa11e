"""How each class is recognised: recall and F1 by class, groups of classes, confusion matrices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import NotComparable
from imbench.records.groups import Group, MethodKey
from imbench.records.image_names import ImageNames
from imbench.records.record import Record
from imbench.report.outputs import read_outputs
from imbench.report.outputs_by_group import Blocks, class_names, outputs_section
from imbench.report.printed_table import PrintedCell, PrintedTable
from imbench.report.sections import Section
from imbench.report.table_notes import protocol_line
from imbench.report.tables import row_title
from imbench.stats.intervals import Ends, mean_interval
from imbench.stats.metrics import confusion
from imbench.stats.shot_groups import SHOTS, shot_groups

__all__ = ["ClassScores", "per_class", "per_class_section"]

BOUNDS: Ends = (0.0, 1.0)


@dataclass(frozen=True)
class ClassScores:
    """A method at a count: how it recognises each class, over its seeds.

    Attributes
    ----------
    method, title, count
        The method, its name, and the minority count.
    recalls, f1s : float arrays (seeds, K)
        Of each class against the rest.
    confusion : float array (K, K)
        Mean over seeds: row = true class, column = predicted.
    train, test : tuple of int
        Training images of each class, before any part resampled them, and test images.
    """

    method: MethodKey
    title: str
    count: int
    recalls: NDArray[np.float64]
    f1s: NDArray[np.float64]
    confusion: NDArray[np.float64]
    train: tuple[int, ...]
    test: tuple[int, ...]

    @property
    def seeds(self) -> int:
        """Number of seeds with outputs."""
        return len(self.recalls)

    @property
    def macro_f1(self) -> NDArray[np.float64]:
        """Mean F1 of all classes, the majority's too, of each seed."""
        return np.asarray(self.f1s.mean(axis=1))

    def group_recalls(self) -> dict[str, NDArray[np.float64]]:
        """Return the mean recall of the classes with many, medium and few shots, of each seed."""
        groups = shot_groups(self.train)
        return {name: self.recalls[:, labels].mean(axis=1) for name, labels in groups.items()}


def per_class(group: Group) -> list[ClassScores]:
    """Return the scores by class of each method at each count that has outputs."""
    found = []
    for count in group.counts:
        for row in group.rows:
            slot = group.slots.get((row, count), {})
            made = [
                (slot[seed], confusion(*outputs))
                for seed in sorted(slot)
                if (outputs := read_outputs(slot[seed])) is not None
            ]
            if made:
                found.append(_scores(group, row, count, made))
    return found


def _scores(
    group: Group, row: MethodKey, count: int, made: Sequence[tuple[Record, NDArray[np.int64]]]
) -> ClassScores:
    shape = {len(matrix) for _, matrix in made}
    if len(shape) > 1:
        raise NotComparable(f"records of {group.name} at {count} have other numbers of classes")
    matrices = np.array([matrix for _, matrix in made], dtype=np.float64)
    hits, true, called = (
        np.diagonal(matrices, axis1=1, axis2=2),
        matrices.sum(axis=2),
        matrices.sum(axis=1),
    )
    classes = shape.pop()
    train = made[0][0].train_counts
    return ClassScores(
        row,
        row_title(row, group.rows),
        count,
        recalls=hits / np.maximum(true, 1),
        f1s=2 * hits / np.maximum(true + called, 1),
        confusion=matrices.mean(axis=0),
        train=tuple(train) if len(train) == classes else (0,) * classes,
        test=tuple(true[0].astype(int).tolist()),
    )


def per_class_section(
    records: Iterable[Record], names: Mapping[str, ImageNames] | None = None
) -> Section:
    """Return tables of recall and F1 by class, and confusion matrices, of all records.

    Raises
    ------
    NotComparable
        If no record has outputs.
    """
    return outputs_section("classes", records, names, _describe, "how it recognises each class")


def _describe(group: Group, known: ImageNames | None) -> Blocks:
    tables: list[PrintedTable] = []
    rows: list[dict[str, Any]] = []
    scored = per_class(group)
    for count in group.counts:
        here = [one for one in scored if one.count == count]
        if here:
            called = class_names(known, len(here[0].test))
            tables += _tables(group, here, called)
            rows += [row for one in here for row in _rows(group, one, called)]
    return tables, rows


def _tables(group: Group, here: Sequence[ClassScores], names: Sequence[str]) -> list[PrintedTable]:
    # As in tables: what fewer seeds happened to give is not called the best.
    most = max(one.seeds for one in here)
    best = max(
        (one for one in here if one.seeds == most), key=lambda one: float(one.macro_f1.mean())
    )
    shown = [one for one in here if one.method.recipe == "vanilla" and one is not best] + [best]
    return [
        _score_table(group, here, names, "recall"),
        _score_table(group, here, names, "F1"),
        *(_confusion_table(group, one, names, one is best and len(here) > 1) for one in shown),
    ]


def _score_table(
    group: Group, here: Sequence[ClassScores], names: Sequence[str], what: str
) -> PrintedTable:
    first = here[0]
    recall = what == "recall"
    groups = shot_groups(first.train) if recall and len(names) > 2 and any(first.train) else {}
    heads = [f"{name} ({count})" for name, count in zip(names, first.train, strict=True)]
    means = [f"{name} ({len(labels)})" for name, labels in groups.items()]
    most = max(one.seeds for one in here)
    table_rows = []
    for one in here:
        columns = list((one.recalls if recall else one.f1s).T)
        columns += [one.group_recalls()[name] for name in groups]
        columns.append(one.recalls.mean(axis=1) if recall else one.macro_f1)
        title = one.title if one.seeds == most else f"{one.title} {one.seeds}/{most}"
        table_rows.append((PrintedCell(text=title), *map(_cell, columns)))
    several = most > 1
    notes = ["mean over seeds [its 95 % t interval within 0..1]" if several else "one seed"]
    if any(one.seeds < most for one in here):
        notes.append("behind a method: so many of the seeds of others have outputs of it")
    if groups:
        limits = ", ".join(f"{name} {SHOTS[name]}" for name in groups)
        notes.append(f"mean recall of classes by training images (number of classes): {limits}")
    return PrintedTable(
        title=f"{group.title}: {what} of each class at {group.label(first.count)} minority images",
        slug=f"classes-{what.lower()}-{group.code}-{first.count}",
        above=(protocol_line(group),),
        span=f"{what} of the class (training images)",
        head=("method", *heads, *means, "mean" if recall else "macro-F1"),
        align="l" + "r" * (len(heads) + len(means) + 1),
        rows=tuple(table_rows),
        below=tuple(notes),
    )


def _cell(values: NDArray[np.float64]) -> PrintedCell:
    mean, ends, _ = mean_interval(values.tolist(), bounds=BOUNDS)
    return PrintedCell(mean, ends)


def _confusion_table(
    group: Group, one: ClassScores, names: Sequence[str], best: bool
) -> PrintedTable:
    why = " (the best macro-F1)" if best else ""
    count = group.label(one.count)
    digits = 0 if one.seeds == 1 else 1
    return PrintedTable(
        title=f"{group.title}: confusion of {one.title}{why} at {count} minority images",
        slug=f"confusion-{group.code}-{one.count}-{group.rows.index(one.method)}",
        above=(),
        span="called",
        head=("true", *names),
        align="l" + "r" * len(names),
        rows=tuple(
            (PrintedCell(text=name), *(PrintedCell(float(v), digits=digits) for v in row))
            for name, row in zip(names, one.confusion, strict=True)
        ),
        below=(f"test images, mean over {one.seeds} seeds",) if one.seeds > 1 else (),
    )


def _rows(group: Group, one: ClassScores, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return a plain row for each class, for JSON and CSV."""
    in_group = {label: name for name, found in shot_groups(one.train).items() for label in found}
    rows = []
    for label, name in enumerate(names):
        row: dict[str, Any] = {
            "dataset": group.name,
            "fingerprint": group.basis.fingerprint,
            "minority": group.label(one.count),
            "recipe": one.method.recipe,
            "title": one.title,
            "label": label,
            "class": name,
            "train": one.train[label],
            "test": one.test[label],
            "shots": in_group[label] if any(one.train) else "",
            "seeds": one.seeds,
        }
        for what, values in (("recall", one.recalls), ("f1", one.f1s)):
            mean, ends, _ = mean_interval(values[:, label].tolist(), bounds=BOUNDS)
            low, high = ends or (None, None)
            row |= {what: mean, f"{what}_low": low, f"{what}_high": high}
        row["macro_f1"] = float(one.macro_f1.mean())
        row["called"] = one.confusion[label].tolist()
        rows.append(row)
    return rows
