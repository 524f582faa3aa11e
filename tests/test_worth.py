"""What a remedy is worth in images: by hand, where the curve of plain training is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from imbench.page.board_worth import worth_table
from imbench.report.tables import make_tables
from imbench.report.text import terminal
from imbench.stats.worth import worth

COUNTS = (25, 50, 100)
PLAIN = np.array([[0.6, 0.6], [0.7, 0.7], [0.8, 0.8]])


@pytest.mark.parametrize(
    ("score", "times"),
    [(0.6, 1.0), (0.7, 2.0), (0.75, 2**1.5), (0.8, 4.0), (0.81, math.inf), (0.59, 0.0)],
)
def test_the_curve_is_read_over_the_logarithm_of_the_count(score, times):
    found = worth(COUNTS, PLAIN, np.array([score, score]))
    assert found.times == pytest.approx(times)
    assert (found.low, found.high) == (pytest.approx(times), pytest.approx(times))
    assert found.most == 4


def test_where_the_curve_falls_the_fewest_images_are_told():
    plain = np.array([[0.6, 0.6], [0.7, 0.7], [0.65, 0.65]])
    assert worth(COUNTS, plain, np.array([0.7, 0.7])).times == pytest.approx(2)
    assert worth(COUNTS, plain, np.array([0.71, 0.71])).times == math.inf


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    # Truth: 2. Replicates share what is easy or hard about them, and have noise of their own.
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(60):
        shared = rng.normal(0, 0.03, 10)
        plain = np.array([[0.6], [0.7], [0.8]]) + shared + rng.normal(0, 0.02, (3, 10))
        found = worth(COUNTS, plain, 0.7 + shared + rng.normal(0, 0.02, 10))
        held += found.low <= 2 <= found.high
    assert held >= 51


def test_what_is_no_curve_is_refused():
    with pytest.raises(ValueError, match="two counts"):
        worth((25,), PLAIN[:1], np.array([0.6, 0.6]))
    with pytest.raises(ValueError, match="same replicates"):
        worth(COUNTS, PLAIN, np.array([0.6]))


def test_the_table_has_a_column_for_each_data_set_with_a_curve(make_record):
    seeds = range(6)
    records = [
        make_record(
            recipe,
            count,
            seed,
            metrics={"auroc": score},
            cell={"dataset": data, "fingerprint": f"{data:0<16}"},
        )
        for data in ("digits", "cub")
        for recipe, scores in (("vanilla", (0.6, 0.8)), ("os", (0.7, 0.9)), ("us", (0.5, 0.6)))
        for count, score in zip((25, 100), scores, strict=True)
        for seed in seeds
        if data == "digits" or count == 25
    ]
    table = worth_table(make_tables(records, ["auroc"]), "auroc")
    text = terminal([table], width=200)
    assert "times the images that Vanilla needs for the same AUROC" in text
    assert ["OS", "2.0", "[2.0,2.0]"] in [line.split() for line in text.splitlines()]
    assert ["US", "<1", "[<1,<1]"] in [line.split() for line in text.splitlines()]
    assert "cub" not in text
    few = [record for record in records if record.cell.seed < 3]
    assert ["OS", "2.0"] in [
        line.split()
        for line in terminal([worth_table(make_tables(few, ["auroc"]), "auroc")]).splitlines()
    ]
    alone = [record for record in records if record.cell.dataset == "cub"]
    assert worth_table(make_tables(alone, ["auroc"]), "auroc") is None
