"""What a diagnosis reads of one run: its score, how it ranks and answers, how its loss fell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from imbench.records.groups import Group
from imbench.records.metric_specs import load_metric
from imbench.records.record import Record
from imbench.records.scored import score
from imbench.report.outputs import read_outputs
from imbench.stats.metrics import METRICS, Metric, confusion
from imbench.stats.resolution import constant_loss, f1_step, step_of_f1
from imbench.training.recipe import VANILLA

__all__ = ["RunEvidence", "read_floor_scores", "read_runs"]


class RunEvidence:
    """Numbers of a run with a score, each None where its record does not tell.

    What takes time is read when it is asked for: a report of 10,000 records asks for the answers
    of each once, not once a table.

    Parameters
    ----------
    record : Record
        A finished one.
    name, metric
        The metric asked for, with its registered name.
    """

    def __init__(self, record: Record, name: str, metric: Metric) -> None:
        self._record, self._name, self._metric = record, name, metric

    @cached_property
    def score(self) -> float | None:
        """The score by the metric asked for."""
        return score(self._record, self._name, self._metric)[0]

    @cached_property
    def auroc(self) -> float | None:
        """AUROC."""
        return score(self._record, "auroc", METRICS["auroc"])[0]

    @property
    def constant(self) -> bool | None:
        """Whether all test images were called one class."""
        return self._answers[0]

    @property
    def f1_step(self) -> float | None:
        """How far F1 moves with one more test image recognised."""
        return self._answers[1]

    @property
    def train_loss(self) -> float | None:
        """Mean training loss over the last tenth of the steps."""
        return self._record.cost.get("train_loss")

    @property
    def unlearned_loss(self) -> float | None:
        """Training loss without learning: of the class shares alone, else of the first steps."""
        return _unlearned(self._record)

    @property
    def zero_loss_steps(self) -> float | None:
        """Last steps whose mean loss is below .001."""
        return self._record.cost.get("zero_loss_steps")

    @cached_property
    def _answers(self) -> tuple[bool | None, float | None]:
        return _answers(self._record)


def read_runs(
    group: Group, metric: str, counts: Sequence[int]
) -> dict[tuple[str, int], list[RunEvidence]]:
    """Return the runs with a score by recipe and count, in the order of the table.

    Of several versions of a recipe's parts the newest is read.
    """
    function = load_metric(metric)
    newest = {row.recipe: row for row in sorted(group.rows, key=lambda row: row.versions)}
    found = {}
    for recipe in dict.fromkeys(row.recipe for row in group.rows):
        for count in counts:
            slot = group.slots.get((newest[recipe], count), {})
            runs = [
                RunEvidence(slot[seed], metric, function)
                for seed in sorted(slot)
                if slot[seed].done
            ]
            if runs:
                found[recipe, count] = runs
    return found


def read_floor_scores(
    group: Group, metric: str, counts: Sequence[int]
) -> dict[str, dict[int, float]]:
    """Return the mean score of each floor by count, where it has any."""
    function = load_metric(metric)
    found: dict[str, dict[int, float]] = {}
    for (recipe, count), slot in group.floors.items():
        values = [score(record, metric, function)[0] for record in slot.values()]
        known = [value for value in values if value is not None]
        if known and count in counts:
            found.setdefault(recipe, {})[count] = sum(known) / len(known)
    return found


def _answers(record: Record) -> tuple[bool | None, float | None]:
    """Return whether the answers are constant, and the step of F1; None without outputs."""
    if record.scores is None:
        return None, None
    told = _two_by_scores(record)
    if told is not None:
        hit, called = told
        rest, own = record.test_counts
        return called in (0, rest + own), step_of_f1([hit], [called + own])
    outputs = read_outputs(record)
    if outputs is None:
        return None, None
    matrix = confusion(*outputs)
    return bool((matrix.sum(axis=0) > 0).sum() == 1), f1_step(matrix)


def _two_by_scores(record: Record) -> tuple[int, int] | None:
    """Return the minority's images that were recognised, and all that were called so.

    Recall and accuracy give both where there are two classes. To unpack outputs takes .15 ms, a
    fifth of a report of 10,000 records.
    """
    recall, accuracy = record.metrics.get("recall"), record.metrics.get("accuracy")
    if recall is None or accuracy is None or len(record.test_counts) != 2:
        return None
    rest, own = record.test_counts
    hit, right = round(recall * own), round(accuracy * (own + rest))
    whole = abs(hit - recall * own) + abs(right - accuracy * (own + rest)) < 1e-6
    return (hit, hit + rest - (right - hit)) if whole and 0 <= right - hit <= rest else None


def _unlearned(record: Record) -> float | None:
    if "constant_loss" in record.cost:
        return record.cost["constant_loss"]
    if record.cell.recipe == VANILLA and sum(record.sampled_counts) > 0:  # of an older imbench
        return constant_loss(record.sampled_counts)
    return record.cost.get("first_loss")
