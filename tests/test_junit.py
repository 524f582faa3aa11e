"""What CI reads of a check: JUnit as its library reads it, GitHub's commands and summary."""

from __future__ import annotations

from xml.etree import ElementTree

import junitparser
import pytest

from imbench.check.conclusion import fault_of
from imbench.check.github import LIMIT, MAX_ANNOTATIONS, annotated, summary
from imbench.check.junit import junit
from imbench.check.regression import Case, MetricResult
from imbench.check.sides import CaseKey
from imbench.records.cell import Settings
from imbench.records.groups import Basis
from imbench.report.text import escape_markdown

BASIS = Basis("0123456789abcdef", None, 1, Settings())


def case(verdict, recipe="cs", minority=10, *, dataset="digits", lacks=(), reason="", basis=BASIS):
    scores = (0.5, 0.25) if verdict in ("worse", "better", "same", "inconclusive") else (None, None)
    metric = "f1" if scores[0] else ""
    result = MetricResult(metric, verdict, reason or f"it is {verdict}", *scores)
    return Case(dataset, CaseKey(basis, recipe, minority), (result,), lacks)


EVERY = [
    case(verdict, minority=10 + number)
    for number, verdict in enumerate(
        ["worse", "failed", "not comparable", "missing", "inconclusive", "better", "new", "same"]
    )
]


def parsed(text, tmp_path) -> junitparser.JUnitXml:
    path = tmp_path / "scores.xml"
    path.write_text(text, "utf-8")
    return junitparser.JUnitXml.fromfile(str(path))


def kinds(xml):
    return {
        test.name: [type(result).__name__ for result in test.result]
        for suite in xml
        for test in suite
    }


def test_a_suite_a_data_set_and_a_case_a_method_and_count(tmp_path):
    cases = [*EVERY, case("same", "us", dataset="cub", basis=BASIS._replace(fingerprint="f" * 16))]
    xml = parsed(junit(cases), tmp_path)
    assert [suite.name for suite in xml] == ["digits", "cub"]
    assert kinds(xml) == {
        "CS at 10": ["Failure"],
        "CS at 11": ["Error"],
        "CS at 12": ["Error"],
        "CS at 13": ["Skipped"],
        "CS at 14": ["Skipped"],
        "CS at 15": [],
        "CS at 16": ["Skipped"],
        "CS at 17": [],
        "US at 10": [],
    }
    assert (xml.tests, xml.failures, xml.errors, xml.skipped) == (9, 1, 2, 3)
    first = next(iter(xml))
    assert (first.tests, first.failures, first.errors, first.skipped) == (8, 1, 2, 3)
    test = next(iter(first))
    assert test.classname == "digits.cs"
    assert test.result[0].message == "worse: it is worse"
    assert "f1: 0.500000 -> 0.250000" in test.result[0].text


def test_what_is_missing_is_an_error_where_all_must_be_there(tmp_path):
    cases = [case("missing"), case("same", minority=20, lacks=(3, 4)), case("same", minority=30)]
    assert list(kinds(parsed(junit(cases), tmp_path)).values()) == [["Skipped"], [], []]
    strict = parsed(junit(cases, require_complete=True), tmp_path)
    assert list(kinds(strict).values()) == [["Error"], ["Error"], []]
    messages = [test.result[0].message for suite in strict for test in suite if test.result]
    assert messages[1].endswith("(lacks seeds 3, 4)")


def test_the_same_data_with_other_settings_is_a_suite_of_its_own(tmp_path):
    other = BASIS._replace(settings=Settings(steps=5))
    xml = parsed(junit([case("same"), case("same", basis=other)]), tmp_path)
    assert [suite.name for suite in xml] == ["digits", "digits (2)"]


@pytest.mark.parametrize("name", ["<script>&\"'", "a\x00b\x1b[1m", "\ud800", "雪 % _", "]]>", "\n"])
def test_any_name_and_reason_make_xml(tmp_path, name):
    xml = junit([case("worse", f"mine.py:{name}", dataset=name, reason=name)])
    ElementTree.fromstring(xml.encode("utf-8"))
    (test,) = [test for suite in parsed(xml, tmp_path) for test in suite]
    if name.isprintable() and name.isascii():
        assert test.classname.startswith(name)


def test_no_case_is_valid_too(tmp_path):
    assert parsed(junit([]), tmp_path).tests == 0


# ---- GitHub


def test_annotations_are_the_gravest_first_and_those_that_matter(tmp_path):
    lines = annotated(list(reversed(EVERY)))
    assert [line.partition(" ")[0] for line in lines] == [
        *["::error"] * 3,
        *["::warning"] * 2,
        "::notice",
    ]
    assert lines[0] == "::error title=worse%3A CS at 10 of digits::f1 0.500 -> 0.250; it is worse"
    assert annotated([case("same"), case("new")]) == []


def test_at_most_ten_annotations_the_last_one_counts_the_rest():
    many = [case("worse", minority=number) for number in range(2, 32)]
    assert len(annotated(many[:10])) == 10
    assert "title=worse" in annotated(many[:10])[-1]
    lines = annotated(many)
    assert len(lines) == MAX_ANNOTATIONS
    assert lines[-1] == "::error title=bench check::and 21 cases: 21 worse: see the step summary"


def test_a_name_cannot_forge_a_command():
    (line,) = annotated([case("worse", dataset="a,b::c", reason="100 %\n::error::forged\r")])
    assert "\n" not in line
    assert "\r" not in line
    assert "title=worse%3A CS at 10 of a%2Cb%3A%3Cc" not in line
    assert "of a%2Cb%3A%3Ac::" in line
    assert line.endswith(r"100 %25\n::error::forged\r")


def test_the_summary_has_the_outcome_and_the_whole_table():
    fault = str(fault_of(EVERY))
    text = summary(EVERY, ["above"], fault)
    assert text.startswith("## bench check: 8 cases: 1 worse, 1 failed")
    assert escape_markdown(fault) in text
    assert sum(line.startswith("| CS ") for line in text.splitlines()) == 8
    assert "above" in text


def test_a_summary_that_is_too_long_leaves_out_what_is_the_same():
    many = [case("same", minority=number) for number in range(2, 100)]
    text = summary([*many, case("worse")], ["above"], "It fell.", 2000)
    assert len(text.encode()) <= 2000
    assert "left out" in text
    assert sum(line.startswith("| CS ") for line in text.splitlines()) == 1
    worse = [case("worse", minority=number, reason=f"why {number}") for number in range(2, 100)]
    short = summary(worse, ["above"], "It fell.", 2000)
    assert "too long" in short
    assert "It fell." in short
    assert LIMIT < 2**20
