"""Metrics with options, and outputs corrected to the prior of the test set."""

from __future__ import annotations

import re

import numpy as np
import pytest

from imbench.errors import NotComparable, UsageError
from imbench.records.assumed_prior import assumed_prior, to_test_prior
from imbench.records.metric_specs import load_metric
from imbench.records.record import Scores
from imbench.records.scored import score
from imbench.report.tables import make_tables, metric_title
from imbench.stats.configured import Configured
from imbench.stats.costs import cost
from imbench.stats.metrics import ece_conf, f1


def test_a_metric_without_options_is_the_registered_function():
    assert load_metric("f1") is f1


def test_options_are_read_as_their_parameters_want_them():
    assert load_metric("cost:ratio=10") == Configured(cost, {"ratio": 10})
    assert load_metric("cost:2.5") == Configured(cost, {"ratio": 2.5})
    assert load_metric("ece_conf:bins=10") == Configured(ece_conf, {"bins": 10})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cost", "cost needs ratio: write cost:ratio=10"),
        ("cost_tuned", "cost_tuned needs ratio: write cost_tuned:ratio=10"),
        ("cost:ratio=0", "cost: ratio=0 must be a number in (0, 1000000]"),
        ("cost:ratio=-3", "cost: ratio=-3 must be a number in (0, 1000000]"),
        ("cost:ratio=ten", "cost: ratio=ten must be a number in (0, 1000000]"),
        ("cost:ratio=1e9", "cost: ratio=1e9 must be a number in (0, 1000000]"),
        ("cost:ratio=inf", "cost: ratio=inf must be a number in (0, 1000000]"),
        ("cost:ratio=nan", "cost: ratio=nan must be a number in (0, 1000000]"),
        ("cost_tuned:ratio=0", "cost_tuned: ratio=0 must be a number in (0, 1000000]"),
        ("cost_tuned:halves=1,ratio=2", "cost_tuned takes no 'halves': known: ratio"),
        ("cost:size=3", "cost takes no 'size': known: ratio"),
        ("f1:beta=2", "f1 takes no 'beta'"),
        ("f1:2", "f1 cannot take the argument '2'"),
        ("f2", "unknown metric 'f2': known: accuracy, "),
    ],
)
def test_what_is_no_option_is_refused_in_a_sentence(text, says):
    with pytest.raises(UsageError, match=re.escape(says)):
        load_metric(text)


def test_a_metric_of_a_file_takes_options_too(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("def power(labels, proba, p=2):\n    return float(proba[:, 1].mean() ** p)\n")
    metric = load_metric(f"{file}:power:p=3")
    assert metric(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]])) == pytest.approx(0.125)


def test_titles_say_the_options():
    assert metric_title("cost:ratio=10") == "cost an image (ratio=10)"
    assert metric_title("f1") == "F1 of the minority"
    assert metric_title("mine.py:youden") == "mine.py:youden"


LABELS = np.repeat([0, 1], [30, 10])


def outputs(seed=0):
    odds = np.random.default_rng(seed).normal(size=40) + 2 * LABELS - 3
    minority = 1 / (1 + np.exp(-odds))
    proba = np.column_stack([1 - minority, minority])
    return Scores.of(LABELS, np.log(proba), proba)


@pytest.fixture
def record_of(make_record):
    def make(recipe, sampled, train=(900, 100), **fields):
        given = {"scores": outputs(), "train_counts": list(train), "sampled_counts": list(sampled)}
        return make_record(recipe, 100, 0, None, test_counts=[30, 10], **{**given, **fields})

    return make


@pytest.mark.parametrize(
    ("recipe", "sampled", "expected"),
    [
        ("vanilla", (900, 100), 0.1),
        ("us", (100, 100), 0.5),
        ("us:rho=0.5", (300, 100), 0.25),
        ("cs", (900, 100), 0.5),
        ("ts", (900, 100), 0.5),
        ("us:rho=0.5+ts", (300, 100), 0.5),
        ("us+cs", (300, 100), 0.5),
        ("cs:ratio=3", (900, 100), 0.25),
        # Weights 1.0000 and so: CBL 0.9 is Vanilla at these counts.
        ("cbl:beta=0.9", (900, 100), 0.1),
        # Both correct for the same imbalance: 9 : 1 the other way round.
        ("cs+ts", (900, 100), 0.9),
    ],
)
def test_the_prior_that_outputs_assume(record_of, recipe, sampled, expected):
    prior = assumed_prior(record_of(recipe, sampled))
    assert prior.sum() == pytest.approx(1)
    assert prior[1] == pytest.approx(expected, abs=1e-4)


def test_outputs_are_corrected_to_the_shares_of_the_test_set(record_of):
    proba = np.array([[0.5, 0.5], [0.9, 0.1]] * 20)
    moved = to_test_prior(record_of("cs", (900, 100)), LABELS, proba)
    # Assumed .5, of the test set .25: odds 1 : 1 become 3 : 1, and 9 : 1 become 27 : 1.
    assert moved[:2, 1] == pytest.approx([1 / 4, 1 / 28])


def test_the_bayes_cost_of_a_record_is_that_of_corrected_outputs(record_of):
    metric = load_metric("cost_bayes:ratio=10")
    record = record_of("cs", (900, 100))
    proba = record.scores.arrays()[2].astype(float)
    said = 10 * (proba[:, 1] / proba[:, 0]) / 3 > 1
    expected = np.mean(10 * ((LABELS == 1) & ~said) + ((LABELS == 0) & said))
    assert score(record, "cost_bayes:ratio=10", metric) == (pytest.approx(expected), "")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"sampled": ()}, "does not say the class counts"),
        ({"sampled": (900, 100), "recipe": "other.py:Part"}, "other.py:Part is not installed here"),
        ({"sampled": (900, 100, 3), "train": (900, 100, 3)}, "of different classes"),
    ],
)
def test_outputs_of_unknown_prior_have_no_such_cost(record_of, fields, says):
    record = record_of(**{"recipe": "vanilla", **fields})
    with pytest.raises((NotComparable, UsageError), match=says):
        to_test_prior(record, LABELS, record.scores.arrays()[2])
    value, reason = score(record, "cost_bayes:ratio=10", load_metric("cost_bayes:ratio=10"))
    assert value is None
    assert says in reason


def test_old_records_get_every_new_metric_from_their_outputs(record_of):
    records = [record_of("vanilla", (900, 100)), record_of("us", (100, 100))]
    names = ("f1_tuned", "cost:ratio=10", "cost_bayes:ratio=10", "cost_tuned:ratio=10")
    tables = make_tables(records, names)
    assert [table.metric for table in tables] == list(names)
    for table in tables:
        assert all(line.entries[0].mean is not None for line in table.lines)
    # The best constant of 30 + 10 images: F1 .4, and calling all minority costs 30 of 40.
    assert [table.trivial for table in tables] == pytest.approx([0.4, 0.75, 0.75, 0.75])


def test_a_cost_of_three_classes_is_refused_in_the_tables_note(record_of):
    proba = np.full((40, 3), 1 / 3)
    record = record_of("vanilla", (9, 9, 9), scores=Scores.of(LABELS, np.log(proba), proba))
    (table,) = make_tables([record], ("cost:ratio=10",))
    (entry,) = table.lines[0].entries
    assert entry.mark == "n/a"
    assert "one threshold between two classes, and there are 3" in entry.notes[0]


def test_a_baseline_keeps_a_metric_with_options(record_of, tmp_path):
    from imbench.check.baseline import read_baseline, write
    from imbench.check.sides import side_of
    from imbench.check.update import baseline_of

    records = [record_of(recipe, (900, 100)) for recipe in ("vanilla", "cs")]
    name = "cost:ratio=10"
    side = side_of(records, (name,))
    made = baseline_of(side, reason="first", made="2030-01-02")
    write(tmp_path / "baseline.json", made)
    assert read_baseline(tmp_path / "baseline.json").side().metrics() == [name]


def test_the_margin_of_a_metric_with_options_is_behind_the_last_equals_sign():
    from imbench.commands.check import _parse_margins

    assert _parse_margins(["cost:ratio=10=0.05,f1=0.02"]) == {"cost:ratio=10": 0.05, "f1": 0.02}
    with pytest.raises(UsageError, match="write a metric and a fall, such as"):
        _parse_margins(["f1"])
    with pytest.raises(UsageError, match="must be a number"):
        _parse_margins(["cost:ratio=10"])
