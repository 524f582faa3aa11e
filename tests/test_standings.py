"""Standings of methods over data sets: by hand, and by simulation where the truth is known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from imbench.errors import NotComparable
from imbench.report.board import make_boards
from imbench.report.report import render_report
from imbench.report.tables import make_tables
from imbench.stats.standings import pairwise, ranks_of, standings


def studied(rng, effects, *, datasets, counts=3, seeds=6, between=0.02, within=0.03):
    """Return data sets in each of which the methods have effects of their own besides the true."""
    found = []
    for _ in range(datasets):
        own = effects + rng.normal(0, between, len(effects))
        noise = rng.normal(0, within, (counts, len(effects), seeds))
        found.append(0.6 + own[:, None] + rng.normal(0, 0.03, (counts, 1, seeds)) + noise)
    return found


def test_ranks_share_what_is_equal():
    assert ranks_of(np.array([[0.3, 0.1, 0.3], [0.2, 0.2, 0.2]])).tolist() == [
        [2.5, 1, 2.5],
        [2, 2, 2],
    ]


def test_a_method_that_is_always_first_is_first_for_certain():
    block = np.array([[[0.9, 0.91], [0.5, 0.52], [0.5, 0.52]]])
    found = standings([block] * 6)
    assert found.positions.tolist() == [1, 2.5, 2.5]
    assert (found.low[0], found.high[0], found.best[0]) == (1, 1, 1.0)
    assert found.groups.tolist() == [1, 2, 2]
    assert found.halves == pytest.approx(1)


def test_counts_of_a_data_set_weigh_alike_and_so_do_data_sets():
    one = np.array([[[0.1], [0.2]], [[0.3], [0.2]], [[0.3], [0.2]], [[0.3], [0.2]]])
    other = np.array([[[0.1], [0.2]]])
    # The first is ahead at three of four counts there, and behind on the other: 1.25 and 2.
    found = standings([np.repeat(one, 2, axis=2), np.repeat(other, 2, axis=2)])
    assert found.mean_ranks.tolist() == [1.625, 1.375]


def test_identical_methods_are_tied_and_share_the_first_place():
    block = np.random.default_rng(0).normal(size=(2, 1, 5)).repeat(4, axis=1)
    found = standings([block] * 3)
    assert found.groups.tolist() == [1] * 4
    assert found.best.tolist() == [0.25] * 4
    assert math.isnan(found.halves)
    pairs = pairwise([block] * 3, 0.02)
    assert (pairs.ties == 6).all()
    assert (pairs.equivalent == 1).all()


def test_pairs_count_cells_and_say_how_sure_the_mean_is():
    rng = np.random.default_rng(3)
    blocks = studied(rng, np.array([0.1, 0.0, 0.001]), datasets=8, between=0.005, within=0.01)
    pairs = pairwise(blocks, 0.02)
    assert pairs.wins[0, 1] == 24
    assert pairs.wins[1, 0] == 0
    assert pairs.better[0, 1] == 1
    assert pairs.equivalent[1, 2] > 0.9
    assert pairs.difference[0, 1] == pytest.approx(-pairs.difference[1, 0])
    assert np.allclose(pairs.better + pairs.equivalent + pairs.better.T, 1)


def test_the_same_scores_give_the_same_standings():
    blocks = studied(np.random.default_rng(5), np.zeros(4), datasets=3)
    first, again = standings(blocks), standings(blocks)
    assert first.best.tolist() == again.best.tolist()
    assert first.groups.tolist() == again.groups.tolist()


@pytest.mark.parametrize("effects", [[0.0] * 8, [0.02, *[0.0] * 7]], ids=["equal", "one ahead"])
def test_the_truly_best_is_rarely_called_beaten(effects):
    # At 5 % more than 7 of 60 happen in 2 % of such tests; of the seed drawn here it is a fact.
    rng = np.random.default_rng(11)
    out = sum(
        standings(studied(rng, np.array(effects), datasets=6), resamples=400).groups[0] != 1
        for _ in range(60)
    )
    assert out <= 7


def test_intervals_of_places_hold_the_true_ones():
    rng = np.random.default_rng(12)
    effects = np.linspace(0.1, 0, 8)
    held = []
    for _ in range(40):
        found = standings(studied(rng, effects, datasets=6), resamples=400)
        held.append((found.low <= np.arange(1, 9)) & (np.arange(1, 9) <= found.high))
    assert np.mean(held) >= 0.95


def test_far_apart_methods_are_separated():
    rng = np.random.default_rng(13)
    found = standings(studied(rng, np.array([0.3, 0.15, 0.0]), datasets=6))
    assert found.groups.tolist() == [1, 2, 3]


def test_with_few_data_sets_nothing_is_separated_and_no_worse_method_is_tied_before_a_better():
    rng = np.random.default_rng(14)
    far = np.array([0.3, 0.15, 0.0])
    assert standings(studied(rng, far, datasets=5)).groups.tolist() == [1, 1, 1]
    for _ in range(20):
        found = standings(studied(rng, rng.normal(0, 0.03, 6), datasets=6), resamples=200)
        in_order = found.groups[np.argsort(found.mean_ranks)].tolist()
        assert in_order == sorted(in_order)


def test_what_cannot_be_ranked_is_refused():
    with pytest.raises(ValueError, match="a data set"):
        standings([])
    with pytest.raises(ValueError, match="the same methods"):
        standings([np.zeros((1, 2, 2)), np.zeros((1, 3, 2))])


@pytest.fixture
def records(make_record):
    """Return vanilla < us < cs at two counts of one data set and one of another, three seeds."""
    levels = {"vanilla": 0.2, "us": 0.5, "cs": 0.6}
    return [
        make_record(
            recipe,
            count,
            seed,
            level + seed / 100,
            cell={"dataset": dataset, "fingerprint": f"{dataset:0<16}"},
        )
        for recipe, level in levels.items()
        for dataset, count in (("digits", 25), ("digits", 50), ("savanna", 25))
        for seed in range(3)
    ]


def test_a_board_says_places_ties_and_wins_over_vanilla(records):
    text = render_report(records, board=True, width=200)
    lines = [line.split() for line in text.splitlines()]
    assert ["1", "CS", "1", "[1,1]", "1.00", "1.00", ".000", "3-0-0", "1.00/0.00/0.00"] in lines
    assert "digits at 25, 50 (seeds 0-2); savanna at 25 (seeds 0-2)" in text
    assert "2 sources: this describes them and is no test" in text
    body = json.loads(render_report(records, board=True, form="json"))["board"][0]
    assert [row["recipe"] for row in body["methods"]] == ["cs", "us", "vanilla"]
    assert body["pairs"][0] | {"difference": 0.1} == {
        "first": "cs",
        "second": "us",
        "difference": 0.1,
        "wins": 3,
        "ties": 0,
        "losses": 0,
        "better": 1.0,
        "equivalent": 0.0,
        "worse": 0.0,
    }
    assert "\\toprule" in render_report(records, board=True, form="latex")


def test_lower_metrics_are_turned_around(make_record):
    records = [
        make_record(recipe, 25, seed, metrics={"log_loss": loss + seed / 100})
        for recipe, loss in (("vanilla", 0.9), ("cs", 0.1), ("us", 0.4))
        for seed in range(3)
    ]
    (board,) = make_boards(make_tables(records, ["log_loss"]), "log_loss")
    assert [board.recipes[index] for index in board.order] == ["cs", "us", "vanilla"]
    assert board.gaps[board.order].tolist() == pytest.approx([0, 0.3, 0.8])


def test_methods_and_data_sets_without_the_others_are_named(records, make_record):
    extra = [make_record("os", 25, cell={"fingerprint": f"{'digits':0<16}"})]
    alone = [
        make_record(recipe, 5, cell={"dataset": "cub", "fingerprint": "c" * 16})
        for recipe in ("vanilla", "us", "cs")
    ]
    (board,) = make_boards(make_tables([*records, *extra, *alone], ["f1"]), "f1")
    assert board.blocks.left_out == (
        "not on every data set: OS",
        "cub: fewer than two replicates of Vanilla, CS, US",
    )
    with pytest.raises(NotComparable, match="two methods with two replicates"):
        make_boards(make_tables(alone, ["f1"]), "f1")


def test_methods_that_are_not_everywhere_have_a_board_where_they_are(records, make_record):
    costly = [
        make_record("aug", count, seed, 0.9, cell={"dataset": data, "fingerprint": f"{data:0<16}"})
        for data in ("digits", "savanna")
        for count in ((25, 50) if data == "digits" else (25,))
        for seed in range(3)
    ]
    without = [
        make_record(recipe, 25, seed, 0.5, cell={"dataset": "cub", "fingerprint": f"{'cub':0<16}"})
        for recipe in ("vanilla", "us", "cs")
        for seed in range(4)
    ]
    tables = make_tables([*records, *costly, *without], ["f1"])
    every, joint = make_boards(tables, "f1")
    assert (len(every.blocks.places), every.recipes) == (3, ("vanilla", "cs", "us"))
    assert every.blocks.left_out == ("not on every data set: AUG",)
    assert (len(joint.blocks.places), joint.recipes[joint.order[0]]) == (2, "aug")
    assert joint.blocks.left_out == ("cub: no AUG",)
    text = render_report([*records, *costly, *without], board=True, width=200)
    assert "standings over 3 data sets by F1" in text
    assert "standings over 2 data sets by F1" in text


def test_tasks_of_one_source_count_as_one_data_set(make_record):
    tasks = [f"rbc:minority={name}" for name in "abcdefg"]
    records = [
        make_record(recipe, 25, seed, level, cell={"dataset": task, "fingerprint": f"{task:0<20}"})
        for recipe, level in (("vanilla", 0.2), ("cs", 0.6))
        for task in tasks
        for seed in range(3)
    ]
    (board,) = make_boards(make_tables(records, ["f1"]), "f1")
    assert board.blocks.sources == ("rbc",)
    # Seven data sets of their own would be enough to separate the two.
    assert board.standings.groups.tolist() == [1, 1]
    assert board.over == "7 data sets of 1 source"
    text = render_report(records, board=True, width=200)
    assert "share images, so they are drawn together and count as one" in text
    assert "nothing is said of other data sets" in text


def test_kinds_of_training_have_boards_of_their_own(records):
    other = [
        record.model_copy(
            update={
                "cell": record.cell.model_copy(
                    update={"settings": record.cell.settings.model_copy(update={"steps": 7})}
                )
            }
        )
        for record in records
    ]
    text = render_report([*records, *other], board=True, width=200)
    assert text.count("standings over 2 data sets by F1") == 2
    assert " px, 7 steps: standings over 2 data sets" in text
    rows = json.loads(render_report([*records, *other], board=True, form="json"))["board"]
    assert len({row["training"] for row in rows}) == 2


def test_a_method_on_one_data_set_alone_stands_among_the_others_there(records, make_record):
    mine = [
        make_record("os", count, seed, 0.7, cell={"fingerprint": f"{'digits':0<16}"})
        for count in (25, 50)
        for seed in range(3)
    ]
    every, alone = make_boards(make_tables([*records, *mine], ["f1"]), "f1")
    assert (len(every.blocks.places), "os" in every.recipes) == (2, False)
    assert (len(alone.blocks.places), alone.recipes[alone.order[0]]) == (1, "os")
