"""What the end of a run says was found, from hand-made records of every kind of grid."""

from __future__ import annotations

import pytest

from imbench.report.finding import found_lines, next_lines

TRIVIAL = 0.7  # of 120 and 140 test images: 2 * 140 / (120 + 2 * 140)


@pytest.fixture
def made(make_record):
    """Return a maker of records: recipe to {count: score of each seed}; None failed."""

    def make(**scores):
        return [
            make_record(
                recipe.replace("_", "+"),
                count,
                seed,
                value,
                status="ok" if value is not None else "failed",
            )
            for recipe, counts in scores.items()
            for count, values in counts.items()
            for seed, value in enumerate(values)
        ]

    return make


def said(records):
    """Return what was found as sentences, without the name of the table."""
    lines = found_lines(records, width=500)
    assert lines[0].startswith("Found  digits by F1 of the minority: ")
    assert all(line.startswith(" " * 7) for line in lines[1:])
    return [lines[0].partition(": ")[2], *map(str.strip, lines[1:])]


def steps(start, step, seeds):
    """Return scores that differ, as those of seeds do."""
    return [start + step * seed for seed in range(seeds)]


def test_methods_above_and_below_vanilla_are_named_with_their_counts(made):
    records = made(
        vanilla={10: steps(0.75, 0.001, 9), 20: steps(0.80, 0.001, 9)},
        os={10: steps(0.85, 0.002, 9), 20: steps(0.90, 0.002, 9)},
        cs={10: steps(0.86, 0.003, 9), 20: steps(0.90, 0.002, 9)},
        us={10: steps(0.85, 0.002, 9), 20: steps(0.71, 0.001, 9)},
        ts={10: steps(0.75, 0.001, 9), 20: steps(0.80, 0.001, 9)},
    )
    assert said(records) == [
        "above Vanilla by more than chance: CS, OS at 10, 20; US at 10.",
        "Below Vanilla by more than chance: US at 20.",
        "Above TS by more than chance: CS, OS at 10, 20; US at 10.",
        "Every mean is better than the trivial score, 0.700.",
    ]


def test_with_too_few_seeds_nothing_is_established_and_who_was_ahead_is_said(made):
    records = made(
        vanilla={10: steps(0.0, 0.0, 5), 20: steps(0.55, 0.09, 5)},
        os={10: steps(0.8, 0.01, 5), 20: steps(0.9, 0.01, 5)},
        us={10: steps(0.8, 0.01, 5), 20: steps(0.6, 0.01, 5)},
        ts={10: steps(0.0, 0.0, 5), 20: steps(0.55, 0.09, 5)},
    )
    assert said(records) == [
        "no method is above Vanilla by more than chance: 5 seeds cannot show it, 7 could.",
        "Ahead of Vanilla in every seed, not established: US at 10; OS at 10, 20.",
        "Ahead of TS in every seed, not established: US at 10; OS at 10, 20.",
        "Not better than the trivial score, 0.700: Vanilla, TS at 10; US at 20.",
    ]


def test_one_seed_says_that_it_shows_nothing(made):
    assert said(made(vanilla={10: [0.1]}, os={10: [0.9]})) == [
        "no method is above Vanilla by more than chance: 1 seed cannot show it, 6 could.",
        "Not better than the trivial score, 0.700: Vanilla at 10.",
    ]


def test_enough_seeds_without_a_difference(made):
    records = made(
        vanilla={10: [0.8, 0.9, 0.8, 0.9, 0.8, 0.9]}, os={10: [0.9, 0.8, 0.9, 0.8, 0.9, 0.8]}
    )
    assert said(records)[0] == "no method is above Vanilla by more than chance with 6 seeds."


def test_all_at_chance(made):
    records = made(vanilla={10: [0.0] * 3, 20: [0.0] * 3}, os={10: [TRIVIAL] * 3, 20: [0.3] * 3})
    assert said(records)[-1] == (
        "No mean is better than the trivial score, 0.700: nothing was learned that this metric "
        "sees."
    )


@pytest.mark.parametrize(
    ("scores", "first"),
    [
        ({"vanilla": {10: [0.9]}}, "only Vanilla has scores, and there is nothing to compare."),
        (
            {"os": {10: [0.9]}},
            "Vanilla was not among the methods, so nothing can be compared with it.",
        ),
        (
            {"vanilla": {10: [None, None]}, "os": {10: [0.9, 0.9]}},
            "Vanilla has no score, so nothing can be compared with it.",
        ),
        (
            {"vanilla": {10: [0.9]}, "os": {10: [None]}},
            "only Vanilla has scores, and there is nothing to compare.",
        ),
        (
            {"vanilla": {10: [0.9]}, "os": {20: [0.8]}},
            "no method is above Vanilla by more than chance: no seed has a score of both.",
        ),
        ({"vanilla": {10: [None]}}, "no cell has a score."),
    ],
)
def test_where_nothing_can_be_compared_the_reason_is_said(made, scores, first):
    assert said(made(**scores))[0] == first


def test_a_method_that_lost_seeds_is_not_called_ahead(made):
    records = made(vanilla={10: [0.1, 0.2, 0.3]}, os={10: [0.9, None, 0.9]})
    assert not [line for line in said(records) if line.startswith("Ahead")]


def test_each_table_has_its_lines_and_they_are_wrapped(made, make_record):
    other = {"dataset": "folder:/a/very/long/path/to/lines,majority=ok,minority=hole"}
    records = [
        *made(vanilla={10: [0.8]}, os={10: [0.9]}),
        make_record(score=0.9, cell={**other, "fingerprint": "f" * 16}),
    ]
    lines = found_lines(records, width=60)
    assert max(map(len, lines)) <= 60
    heads = [line for line in lines if line.startswith("Found")]
    assert [head[:26] for head in heads] == [
        "Found  digits by F1 of the",
        "Found  lines (ok, hole) by",
    ]


def test_a_metric_where_lower_is_better(make_record):
    def record(recipe, seed, value):
        return make_record(recipe, 10, seed, None, metrics={"brier": value})

    records = [record("vanilla", seed, 0.3 + seed / 100) for seed in range(6)]
    records += [record("os", seed, 0.1 + seed / 50) for seed in range(6)]
    lines = found_lines(records, "brier", width=500)
    assert "above Vanilla by more than chance: OS at 10." in lines[0]
    assert lines[-1] == "       Not better than the trivial score, 0.249: Vanilla at 10."


def test_nothing_is_said_of_no_record():
    assert (found_lines([]), next_lines([], "results", "bench run")) == ([], [])


def test_what_to_type_next(made):
    records = made(vanilla={10: [0.8] * 3}, os={10: [0.9] * 3})
    command = "bench run quick --seeds 0-2 --force --out 'my results'"
    assert next_lines(records, "my results", command) == [
        "Next   bench report 'my results' --html  # the same on one page, with images and costs",
        "       bench run quick --out 'my results' --seeds 0-5  # 6 seeds, enough to call methods "
        "better",
        "       bench run --datasets folder:PATH,majority=ok,minority=defect --minority 25,50  "
        "# your own images: a folder for each class",
    ]


def test_what_is_there_already_is_not_advised(make_record):
    cell = {"dataset": "folder:mine,majority=a,minority=b"}
    enough = [
        make_record(recipe, 10, seed, 0.9, cell=cell)
        for recipe in ("vanilla", "os")
        for seed in range(6)
    ]
    assert len(next_lines(enough, "results", "bench run")) == 1
    (_, more) = next_lines(enough[:1] + enough[6:7], "results", "bench run --seeds=0 x.toml")
    assert more.strip().startswith("bench run x.toml --seeds 0-5  # ")
    assert len(next_lines(enough[:1], "results", "bench run")) == 1, "one method needs no more"


def test_so_many_cells_that_comparing_takes_long_are_left_to_the_report(made):
    seeds = [0.8 + step / 1000 for step in range(61)]
    records = made(vanilla={10: seeds, 20: seeds}, os={10: seeds, 20: seeds}, us={10: seeds})
    assert len(records) == 305
    assert said(records) == [
        "305 cells; `bench report --compare vanilla` says which methods differ.",
        "Every mean is better than the trivial score, 0.700.",
    ]
    assert "vanilla" not in said(records[:300])[0]
