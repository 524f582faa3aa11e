"""How long the trainings take that are left: what a plan, a run and `bench status` say alike.

A training is expected to take the median of the records of its recipe with the same settings, else
of recipes that are alike, and else of records with other numbers of steps, by the step. Recipes
with generators are timed apart from the others, by the generators' steps: an AUG cell takes many
times as long as any that trains a classifier alone, so neither says anything of the other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from statistics import median

from imbench.durations import spoken
from imbench.errors import UsageError
from imbench.records.cell import Cell, Settings
from imbench.records.summary import RecordSummary
from imbench.runs.job import Job, Outcome
from imbench.training.recipe import Recipe, parse_recorded

__all__ = ["UNKNOWN", "Costs", "Estimate", "TimeLeft", "kinds", "training_cell", "trainings_left"]

Kind = tuple[Settings, str]
"""What the time of a training depends on: its settings and its recipe."""
UNKNOWN = "-:--:--"
"""A time that is not known, on a clock."""


@dataclass(frozen=True)
class Estimate:
    """Time of some trainings.

    Attributes
    ----------
    seconds : float or None
        All of them one after the other, as far as they were timed; None if none was.
    longest : float
        Seconds of the longest.
    untimed : tuple of str
        Recipes that nothing is known of.
    """

    seconds: float | None
    longest: float = 0.0
    untimed: tuple[str, ...] = ()

    def on(self, workers: int) -> float | None:
        """Return the seconds with so many at a time: at least those of the longest training."""
        return None if self.seconds is None else max(self.seconds / max(1, workers), self.longest)

    def words(self, workers: int) -> str:
        """Return ``about 41 min on 2 workers``, or what is not known."""
        seconds = self.on(workers)
        where = f"on {workers} worker{'' if workers == 1 else 's'}"
        if seconds is None:
            return f"time not known before the first cells end, {where}"
        if not self.untimed:
            return f"{spoken(seconds)} {where}"
        return f"more than {spoken(seconds)} {where}: not timed yet {', '.join(self.untimed)}"

    def clock(self, workers: int) -> str:
        """Return ``0:41:00``, with ``>`` before it if some recipe was not timed yet."""
        seconds = self.on(workers)
        if seconds is None:
            return UNKNOWN
        return f"{'>' if self.untimed else ''}{timedelta(seconds=round(seconds))}"


class Costs:
    """Seconds that trainings took, by settings and recipe.

    Parameters
    ----------
    known : iterable of RecordSummary
        Records that failed or share another's training are no measure.
    """

    def __init__(self, known: Iterable[RecordSummary] = ()) -> None:
        self._spent: dict[tuple[Settings, str], list[float]] = defaultdict(list)
        for entry in known:
            if entry.done:
                self.add(entry.cell, entry.seconds)

    def add(self, cell: Cell, seconds: float) -> None:
        """Take note of a training; one that took no time was another cell's."""
        if seconds > 0:
            self._spent[cell.settings, cell.recipe].append(seconds)

    def of(self, wanted: Kind) -> float | None:
        """Return the seconds to expect; None if no such recipe was timed with these settings."""
        if own := self._spent.get(wanted):
            return median(own)
        alike = [
            (settings, recipe, times)
            for (settings, recipe), times in self._spent.items()
            if settings.model_copy(update={"steps": wanted[0].steps}) == wanted[0]
            and _has_generators(recipe) == _has_generators(wanted[1])
        ]
        for close in (
            [one for one in alike if one[0] == wanted[0]],
            [one for one in alike if one[1] == wanted[1]],
            alike,
        ):
            if close:
                by_step = [
                    seconds / _steps(recipe, settings)
                    for settings, recipe, times in close
                    for seconds in times
                ]
                return median(by_step) * _steps(wanted[1], wanted[0])
        return None

    def estimate(self, trainings: Mapping[Kind, int]) -> Estimate:
        """Return the time of some trainings, given how many there are of each kind.

        Kinds are few where trainings are thousands, and a run asks after each cell.
        """
        expected = {kind: self.of(kind) for kind in trainings}
        timed = {kind: seconds for kind, seconds in expected.items() if seconds is not None}
        untimed = tuple(dict.fromkeys(kind[1] for kind in expected if kind not in timed))
        if untimed and not timed:
            return Estimate(None, untimed=untimed)
        total = sum(trainings[kind] * seconds for kind, seconds in timed.items())
        return Estimate(total, max(timed.values(), default=0.0), untimed)


def kinds(trainings: Iterable[Cell]) -> Counter[Kind]:
    """Count trainings by what their time depends on: settings and recipe."""
    return Counter((cell.settings, cell.recipe) for cell in trainings)


class TimeLeft:
    """What is left of a run: it learns from each cell that ends.

    Parameters
    ----------
    jobs : iterable of Job
        All that the run is to do.
    costs : Costs
        What is known before it; the cells of the run are added.
    """

    def __init__(self, jobs: Iterable[Job], costs: Costs) -> None:
        self.costs = costs
        self._left = {
            job.key: (job.training.settings, job.training.recipe)
            for job in jobs
            if job.outputs is None
        }
        self._kinds = Counter(self._left.values())
        self._cells = {job.key: {cell.key for cell in job.cells} for job in jobs}
        self._job = {cell.key: job.key for job in jobs for cell in job.cells}

    def end(self, outcome: Outcome) -> None:
        """Take note of a cell that ended; a training has when its last cell has."""
        if outcome.status == "ok" and not outcome.elsewhere:
            self.costs.add(outcome.cell, outcome.seconds)
        job = self._job[outcome.cell.key]
        self._cells[job].discard(outcome.cell.key)
        if not self._cells[job] and (kind := self._left.pop(job, None)):
            self._kinds[kind] -= 1
            if not self._kinds[kind]:
                del self._kinds[kind]

    def estimate(self) -> Estimate:
        """Return the time of the trainings that have not ended."""
        return self.costs.estimate(self._kinds)


def trainings_left(cells: Iterable[Cell], known: Mapping[str, RecordSummary]) -> list[Cell]:
    """Return the trainings that cells without a record need, each once.

    One whose outputs a finished record keeps is not needed any more.
    """
    kept = {_training(entry.cell).key for entry in known.values() if entry.done}
    needed = {training.key: training for training in map(_training, cells)}
    return [training for key, training in needed.items() if key not in kept]


def training_cell(cell: Cell, recipe: Recipe) -> Cell:
    """Return the cell of a training alone, without parts that act at prediction time."""
    if str(recipe.training) == cell.recipe:
        return cell
    training = recipe.training
    # What is of no part is of the network.
    others = {name: cell.versions[name] for name in cell.versions.keys() - recipe.versions.keys()}
    versions = {**training.versions, **others}
    return cell.model_copy(update={"recipe": str(training), "versions": versions})


def _training(cell: Cell) -> Cell:
    recipe = _recipe(cell.recipe)
    return cell if recipe is None else training_cell(cell, recipe)


def _has_generators(recipe: str) -> bool:
    parsed = _recipe(recipe)
    return parsed is not None and any(part.trains_generators for part in parsed.parts)


def _steps(recipe: str, settings: Settings) -> int:
    """Return the steps by which a training is timed.

    Those of its generators alone if it has any, else its own and those of the trainings of folds.
    """
    parsed = _recipe(recipe)
    own = sum(part.own_steps(settings.steps) for part in parsed.parts) if parsed else 0
    return own if _has_generators(recipe) else settings.steps + own


@cache
def _recipe(text: str) -> Recipe | None:
    """Return a recipe that a record names; None if its parts are not installed here."""
    try:
        return parse_recorded(text)
    except UsageError:
        return None
