"""The time that is left, from hand-made records: one number in plan, progress and status."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from imbench.commands.status import _format_summary
from imbench.durations import spoken
from imbench.records.cell import Grid, Settings
from imbench.records.store import Store
from imbench.runs.cell_states import cell_states
from imbench.runs.estimate import UNKNOWN, Costs, Estimate, TimeLeft, trainings_left
from imbench.runs.job import Outcome
from imbench.runs.plan import make_plan
from imbench.runs.plantext import plan_lines
from imbench.runs.progress import Progress
from imbench.runs.sources import Source
from imbench.training.recipe import parse_recipe

SETTINGS = Settings(network="cnn", size=16, steps=200)
PRINT = "0123456789abcdef"
FOUND = Source("digits", Path("decoded"), PRINT, (1000, 100), (120, 140))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


@pytest.fixture
def put(store, make_record):
    """Return a writer of the record of a cell that took some seconds to fit."""

    def write(recipe, seed=0, seconds=10.0, **fields):
        given = {"settings": SETTINGS, "versions": parse_recipe(recipe).versions}
        cell = {**given, **fields.pop("cell", {})}
        record = make_record(recipe, 50, seed, cell=cell, cost={"fit": seconds}, **fields)
        store.put(record)
        return record

    return write


def plan_of(store, methods, seeds=(0,)):
    grid = Grid(
        datasets=("digits",),
        minority={"digits": (50,)},
        majority={"digits": None},
        methods=methods,
        seeds=seeds,
        settings=SETTINGS,
    )
    return make_plan(grid, store, {"digits": FOUND})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "about 1 s"),
        (41, "about 41 s"),
        (89.9, "about 90 s"),
        (90, "about 2 min"),
        (2460, "about 41 min"),
        (5400, "about 1.5 h"),
        (86400, "about 24.0 h"),
    ],
)
def test_a_time_in_words(seconds, text):
    assert spoken(seconds) == text


@pytest.mark.parametrize(
    ("estimate", "workers", "clock", "words"),
    [
        (Estimate(None), 1, UNKNOWN, "time not known before the first cells end, on 1 worker"),
        (Estimate(48.0, 12.0), 2, "0:00:24", "about 24 s on 2 workers"),
        (Estimate(48.0, 40.0), 2, "0:00:40", "about 40 s on 2 workers"),
        (Estimate(0.0), 3, "0:00:00", "about 1 s on 3 workers"),
        (
            Estimate(7500.0, 1.0, ("aug",)),
            1,
            ">2:05:00",
            "more than about 2.1 h on 1 worker: not timed yet aug",
        ),
    ],
)
def test_an_estimate_on_a_clock_and_in_words(estimate, workers, clock, words):
    assert (estimate.clock(workers), estimate.words(workers)) == (clock, words)


def test_a_training_takes_the_median_of_its_recipe(store, put):
    for seed, seconds in enumerate((3.0, 5.0, 100.0)):
        put("us", seed, seconds)
    put("vanilla", 0, 9.0)
    assert plan_of(store, ("us",), seeds=(7, 8)).estimate == Estimate(10.0, 5.0)
    # cs was not timed: it takes the median of all that were, 3, 5, 9 and 100.
    assert plan_of(store, ("cs", "vanilla"), seeds=(7,)).estimate == Estimate(16.0, 9.0)


def test_the_trainings_of_folds_are_counted(store, put):
    put("vanilla", 0, 2.0)
    assert plan_of(store, ("tuned", "us+tuned:folds=3"), seeds=(1,)).estimate == Estimate(
        20.0, 12.0
    )
    put("tuned", 0, 30.0)
    assert plan_of(store, ("tuned",), seeds=(1,)).estimate == Estimate(30.0, 30.0)


def test_generators_are_timed_apart(store, put):
    put("vanilla", 0, 2.0)
    found = plan_of(store, ("os", "aug", "alt"), seeds=(1,)).estimate
    assert found == Estimate(2.0, 2.0, ("aug", "alt"))
    put("aug", 0, 300.0)
    assert plan_of(store, ("os", "aug", "alt"), seeds=(1,)).estimate == Estimate(602.0, 300.0)
    assert plan_of(store, ("cs",), seeds=(1,)).estimate == Estimate(2.0, 2.0)


def test_other_numbers_of_steps_are_timed_by_the_step(store, put):
    put("vanilla", 0, 2.0, cell={"settings": SETTINGS.model_copy(update={"steps": 50})})
    assert plan_of(store, ("vanilla", "us"), seeds=(1,)).estimate == Estimate(16.0, 8.0)
    put("us", 0, 9.0)
    assert plan_of(store, ("vanilla", "us"), seeds=(1,)).estimate == Estimate(18.0, 9.0)


def test_generators_are_timed_by_their_own_steps(store, put):
    put("aug:steps=10", 0, 8.0)  # where the default is 400, twice the classifier's
    assert plan_of(store, ("aug",), seeds=(1,)).estimate == Estimate(320.0, 320.0)
    assert plan_of(store, ("alt:steps=40",), seeds=(1,)).estimate == Estimate(32.0, 32.0)
    assert plan_of(store, ("aug:steps=10",), seeds=(1,)).estimate == Estimate(8.0, 8.0)


def test_records_that_failed_share_or_have_other_settings_are_no_measure(store, put):
    put("ts", shared_with="0" * 16)
    put("us", score=None, status="timeout")
    put("cs", cell={"settings": Settings(steps=1)})
    assert plan_of(store, ("vanilla", "os"), seeds=(1,)).estimate == Estimate(
        None, untimed=("vanilla", "os")
    )


def test_a_recipe_that_is_not_installed_is_timed_like_one_without_generators(make_record):
    gone = make_record("gone:x=1").cell
    costs = Costs()
    costs.add(gone, 4.0)
    cell = make_record("vanilla").cell
    assert costs.of((cell.settings, cell.recipe)) == 4.0


def test_what_only_adjusts_kept_outputs_takes_no_time(store, put):
    put("vanilla", 0, 12.0)
    plan = plan_of(store, ("vanilla", "ts"), seeds=(0, 1))
    assert plan.estimate == Estimate(12.0, 12.0), "one training, of seed 1"
    assert plan_of(store, ("vanilla",)).estimate == Estimate(0)
    (training,) = trainings_left(plan.to_run, store.index())
    assert (training.recipe, training.seed) == ("vanilla", 1)


def test_a_training_has_ended_when_all_its_cells_have(store, put):
    put("os", 9, 12.0)
    plan = plan_of(store, ("vanilla", "ts", "us"))
    left = TimeLeft(plan.jobs, plan.costs)
    vanilla, ts, us = plan.to_run
    assert left.estimate() == Estimate(24.0, 12.0)
    left.end(Outcome(vanilla, "ok", seconds=20.0))
    assert left.estimate() == Estimate(20.0 + 16.0, 20.0), "us takes the median of 12 and 20"
    left.end(Outcome(ts, "failed", seconds=0.0))
    assert left.estimate() == Estimate(16.0, 16.0)
    left.end(Outcome(us, "crashed", seconds=1.0))
    assert left.estimate() == Estimate(0)


def test_what_is_left_is_asked_once_for_each_recipe_however_many_cells_there_are(
    store, put, monkeypatch
):
    put("us", 99, 5.0)
    plan = plan_of(store, ("vanilla", "us"), seeds=tuple(range(30)))
    left = TimeLeft(plan.jobs, plan.costs)
    asked = []
    of = Costs.of
    monkeypatch.setattr(Costs, "of", lambda self, kind: asked.append(kind) or of(self, kind))
    first = next(cell for cell in plan.to_run if cell.recipe == "vanilla")
    assert left.estimate() == Estimate(60 * 5.0, 5.0)
    left.end(Outcome(first, "ok", seconds=3.0))
    assert left.estimate() == Estimate(29 * 3.0 + 30 * 5.0, 5.0)
    assert len(asked) == 4


def test_plan_run_and_status_tell_the_same_time(store, put):
    methods, seeds = ("vanilla", "ts", "us", "aug"), (0, 1, 2)
    put("vanilla", 0, 4.0)
    put("us", 0, 6.0)
    put("aug", 0, 50.0)
    cells = plan_of(store, methods, seeds).cells
    put("vanilla", 1, 8.0)  # ends while the run works
    plan = plan_of(store, methods, seeds)
    expected = Estimate(6.0 + 2 * 6.0 + 2 * 50.0, 50.0)  # vanilla 2, us and aug 1 and 2

    assert plan.estimate == expected
    assert "about 59 s on 2 workers" in plan_lines(plan, 2)[1]

    state = replace(cell_states(cells, store.index(), []), workers=2)
    assert state.left == expected
    assert _format_summary(state).endswith("; to go: about 59 s on 2 workers")

    before = [cell for cell in plan.to_run if (cell.recipe, cell.seed) == ("ts", 0)]
    left = TimeLeft(plan.jobs, plan.costs)
    stream = io.StringIO()
    with Progress(len(plan.to_run), stream) as progress:
        left.end(Outcome(before[0], "ok"))
        progress.advance("ok", running=2, left=left.estimate().clock(2))
    assert left.estimate() == expected
    assert "ETA 0:00:59" in stream.getvalue()
