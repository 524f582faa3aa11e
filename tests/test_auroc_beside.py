"""AUROC stands beside every thresholded metric, in every form of a report."""

from __future__ import annotations

import json

import pytest

from imbench.page.tables import table_blocks
from imbench.report.printed_table import printed_table
from imbench.report.report import render_report
from imbench.report.tables import make_tables
from imbench.stats.about_metrics import TITLES, is_thresholded


@pytest.fixture
def records_of(make_record):
    def make(counts=(25,), **more):
        return [
            make_record(recipe, count, seed, None, metrics={"f1": f1, "auroc": area, **more})
            for recipe, f1, area in (("vanilla", 0.1, 0.8), ("us", 0.6, 0.7))
            for count in counts
            for seed in range(2)
        ]

    return make


def test_decisions_are_thresholded_and_rankings_are_not():
    found = {name for name in TITLES if is_thresholded(name)}
    assert found == {
        *(
            "f1",
            "f1_balanced",
            "macro_f1",
            "acsa",
            "g_mean",
            "mcc",
            "accuracy",
            "recall",
            "precision",
        ),
        *("cost", "cost_bayes"),
    }
    assert is_thresholded("cost:ratio=10")
    assert not is_thresholded("mine.py:youden")


def test_with_one_or_two_counts_it_has_columns(records_of):
    for counts, heads in (
        ((25,), ("25", "AUROC")),
        ((25, 50), ("25", "50", "AUROC 25", "AUROC 50")),
    ):
        (table,) = make_tables(records_of(counts))
        printed = printed_table(table)
        assert printed.head == ("method", *heads)
        assert len(printed.align) == len(printed.head)
        shown = {row[0].text: [cell.value for cell in row[1:]] for row in printed.rows}
        assert shown["Vanilla"] == pytest.approx([0.1] * len(counts) + [0.8] * len(counts))
        assert shown["US"] == pytest.approx([0.6] * len(counts) + [0.7] * len(counts))
        assert shown["trivial"][len(counts) :] == [None] * len(counts)
        assert printed.below[-1] == "AUROC: mean over seeds; no threshold enters it"


def test_with_more_counts_it_has_rows_below(records_of):
    (table,) = make_tables(records_of((25, 50, 100)))
    printed = printed_table(table)
    assert printed.head == ("method", "25", "50", "100")
    assert [row[0].text for row in printed.rows] == [
        *("Vanilla", "US", "trivial", "Vanilla: AUROC", "US: AUROC"),
    ]
    assert [cell.value for cell in printed.rows[-1][1:]] == pytest.approx([0.7] * 3)
    assert printed.rules == {2, 3}


@pytest.mark.parametrize("metrics", [("auroc",), ("f1", "auroc"), ("f1", "auprc"), ("brier",)])
def test_it_stands_nowhere_twice_nor_beside_what_has_no_threshold(records_of, metrics):
    for table in make_tables(records_of(auprc=0.5, brier=0.1), metrics):
        assert not table.aurocs
        assert "AUROC" not in printed_table(table).head


def test_records_without_it_have_no_empty_column(make_record):
    (table,) = make_tables([make_record("us", 25, 0), make_record("cs", 25, 0)])
    assert printed_table(table).head == ("method", "25")


def test_every_form_has_it(records_of):
    records = records_of()
    assert " .800" in render_report(records)
    markdown = render_report(records, form="markdown").splitlines()
    (us,) = (line for line in markdown if line.startswith("| US "))
    assert us.rstrip("| ").endswith("0.700")
    latex = render_report(records, form="latex")
    assert "AUROC" in latex
    assert ".800" in latex
    (table,) = json.loads(render_report(records, form="json"))["tables"]
    assert table["aurocs"] == [
        {"title": "Vanilla", "minority": 25, "mean": 0.8},
        {"title": "US", "minority": 25, "mean": 0.7},
    ]
    beside = render_report(records, together=True)
    assert "25 f1" in beside
    assert "25 auroc" in beside


def test_the_page_links_no_cell_from_it(records_of):
    (block,) = table_blocks(make_tables(records_of()))
    assert [side["text"] for side in block["head"]] == ["method", "25", "AUROC"]
    assert [cell["key"] != "" for cell in block["rows"][0]] == [False, True, False]
