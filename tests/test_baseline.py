"""The baseline file: what it keeps, that it is read back whole, and what is refused."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path

import numpy as np
import pytest

from imbench.check.baseline import METRICS, Baseline, read_baseline, write
from imbench.check.regression import Rules, check_results
from imbench.check.sides import side_of
from imbench.check.update import baseline_of
from imbench.commands.cli import exit_code
from imbench.errors import EnvironmentFault, NotComparable
from imbench.records.record import Scores
from imbench.records.store import Store
from imbench.runs.gridfile import read_grid_file
from imbench.runs.plan import make_plan
from imbench.runs.settling import GridOptions, settle_grid
from imbench.runs.sources import find_sources
from imbench.stats.metrics import score_all

HERE = {"torch": "2.9", "device": "cpu", "numerics": "aaa", "cores": "2", "python": "3.12"}


@pytest.fixture
def records(make_record):
    """Two methods, two counts, three seeds; one cell failed, one ran elsewhere."""
    labels = np.repeat([0, 1], [30, 10])
    made = []
    for recipe, count, seed in [
        (r, c, s) for r in ("cs", "us") for c in (10, 20) for s in (2, 0, 1)
    ]:
        rng = np.random.default_rng([count, seed, len(recipe)])
        proba = rng.dirichlet([1, 1], 40)
        scores = Scores.of(labels, np.log(proba), proba)
        metrics = score_all(labels, scores.arrays()[2].astype(float))
        environment = HERE if seed else {**HERE, "numerics": "bbb"}
        given = {"metrics": metrics, "scores": scores, "environment": environment}
        given |= {"commit": "c" * 40, "cell": {"versions": {recipe: 3}}}
        made.append(make_record(recipe, count, seed, None, **given))
    made.append(make_record("os", 10, 0, None, status="diverged"))
    return made


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results" / "baseline.json"


def packed(classes):
    return base64.b64encode(zlib.compress(classes.tobytes())).decode()


def make(records, metrics=METRICS, **fields):
    return baseline_of(side_of(records, metrics), reason="first", made="2030-01-02", **fields)


def test_it_is_read_back_as_it_was_written(records, path):
    made = make(records)
    write(path, made)
    found = read_baseline(path)
    assert found.model_copy(update={"checksum": ""}) == made
    side, given = found.side(), side_of(records, METRICS).finished()
    assert list(side.runs) == list(given.runs)
    assert side.versions == {place: given.versions[place] for place in given.runs}
    assert {tuple(names) for names in side.names.values()} == {("digits",)}
    for place, slot in given.runs.items():
        assert list(slot) == [0, 1, 2]
        for seed, run in slot.items():
            kept = side.runs[place][seed]
            assert kept.scores == pytest.approx(run.scores, abs=1e-10)
            assert kept.environment == run.environment
            assert kept.outputs is None


def test_it_equals_what_it_was_made_of(records, path):
    write(path, make(records))
    cases = check_results(read_baseline(path).side(), side_of(records, METRICS), Rules())
    assert sorted(case.verdict for case in cases) == ["failed", *["same"] * 4]
    assert {case.worst.reason for case in cases if case.verdict == "same"} == {"equal"}


def test_a_method_and_count_is_one_line_and_no_private_field_is_kept(records, path):
    write(path, make(records))
    text = path.read_text()
    lines = [json.loads(line.rstrip(",")) for line in text.splitlines() if '"recipe"' in line]
    assert [(line["recipe"], line["minority"]) for line in lines] == [
        ("cs", 10),
        ("cs", 20),
        ("us", 10),
        ("us", 20),
    ]
    assert lines[0]["seeds"] == [0, 1, 2]
    assert lines[0]["environment"] == [0, 1, 1]
    assert set(lines[0]["scores"]) == set(METRICS)
    plain = json.loads(text)
    assert [set(kept) for kept in plain["environments"]] == [{"torch", "device", "numerics"}] * 2
    assert plain["commits"] == ["c" * 40]
    assert plain["reason"] == "first"
    assert len(text) < 6000


def test_a_changed_score_changes_one_line_and_the_checksum(records, path):
    write(path, make(records))
    before = path.read_text().splitlines()
    first = records[0]
    moved = first.model_copy(update={"metrics": {**first.metrics, "f1": 0.123}}).sealed()
    write(path, make([moved, *records[1:]]))
    after = path.read_text().splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 2
    assert "0.123" in changed[1]


def test_predictions_are_kept_if_asked_for(records, path):
    write(path, make(records, predictions=True))
    side, given = read_baseline(path).side(), side_of(records, METRICS).finished()
    for place, slot in given.runs.items():
        for seed, run in slot.items():
            kept = side.runs[place][seed].outputs
            assert kept.classes_only
            (labels, rows), (true, proba) = kept.arrays(), run.outputs.arrays()
            assert np.array_equal(labels, true)
            assert np.array_equal(rows.argmax(1), proba.argmax(1))
            assert rows.sum() == len(labels)


def test_predictions_of_more_classes_than_a_byte_holds(make_record, path):
    labels, proba = np.array([0, 256, 299, 43]), np.eye(300)[[0, 299, 299, 43]]
    record = make_record(scores=Scores.of(labels, proba, proba))
    write(path, make([record], ["f1"], predictions=True))
    ((run,),) = (slot.values() for slot in read_baseline(path).side().runs.values())
    kept, rows = run.outputs.arrays()
    assert kept.tolist() == labels.tolist()
    assert rows.argmax(axis=1).tolist() == [0, 299, 299, 43]


def test_predictions_need_outputs(make_record):
    with pytest.raises(NotComparable, match="keep no outputs"):
        make([make_record()], metrics=("f1",), predictions=True)


def test_no_score_is_no_baseline(make_record):
    with pytest.raises(NotComparable, match="no record has a score"):
        make([make_record(status="failed")])


def edited(text: str) -> str:
    plain = json.loads(text)
    plain["data"][0]["lines"][0]["scores"]["f1"][0] += 0.1
    return json.dumps(plain)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (edited, "edited by hand"),
        (lambda text: text.replace('"first"', '"other"'), "edited by hand"),
        (lambda text: text[: len(text) // 2], "no complete baseline"),
        (lambda text: "", "no complete baseline"),
        (lambda text: "[]", "no complete baseline"),
        (lambda text: text.replace('"reason"', '"why"'), "no complete baseline"),
        (lambda text: "\ud800", "cannot be read"),
    ],
)
def test_what_is_no_whole_baseline_is_refused(records, path, spoil, said):
    write(path, make(records))
    path.write_bytes(spoil(path.read_text()).encode("utf-8", "surrogatepass"))
    with pytest.raises(NotComparable, match=said):
        read_baseline(path)


def first_line(plain):
    return plain["data"][0]["lines"][0]


WRONG = {
    "environment": lambda plain: first_line(plain).update(environment=[0, 1, 7]),
    "negative environment": lambda plain: first_line(plain).update(environment=[0, -1, 0]),
    "too few environments": lambda plain: first_line(plain).update(environment=[]),
    "too few scores": lambda plain: first_line(plain)["scores"].update(f1=[0.5]),
    "too many seeds": lambda plain: first_line(plain).update(seeds=list(range(9))),
    "labels that are no base64": lambda plain: plain["data"][0].update(labels="***"),
    "labels that are not packed": lambda plain: plain["data"][0].update(labels="AAAA"),
    "labels cut off": lambda plain: plain["data"][0].update(labels=plain["data"][0]["labels"][:8]),
    "too few classes": lambda plain: plain["data"][0].update(classes=1),
    "no classes": lambda plain: plain["data"][0].update(classes=0),
    "predictions of other images": lambda plain: first_line(plain).update(
        predicted=[packed(np.zeros(3, np.uint8))] * 3
    ),
    "a metric of a file": lambda plain: first_line(plain)["scores"].update(
        {"evil.py:f": [0.1, 0.2, 0.3]}
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_row_25_a_right_checksum_over_a_wrong_content_is_not_comparable(
    records, path, what, capfd, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("open('ran', 'w').close()\nf = max\n")
    for record in records:
        Store(tmp_path / "results").put(record)
    write(path, make(records, predictions=True))
    plain = json.loads(path.read_text())
    WRONG[what](plain)
    path.write_text(Baseline.model_validate(plain).text())
    with pytest.raises(NotComparable, match="does not fit together"):
        read_baseline(path)
    for words in (["check", "results"], ["baseline", "diff"], ["baseline", "show", str(path)]):
        assert exit_code(words) == 3
        assert "does not fit together" in capfd.readouterr().err
    assert not (tmp_path / "ran").exists()


def test_a_file_of_another_layout_with_the_same_content_is_sound(records, path):
    write(path, make(records))
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4))
    assert read_baseline(path).reason == "first"


def test_a_newer_schema_is_refused_in_a_sentence(records, path):
    write(path, make(records))
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 9'))
    with pytest.raises(EnvironmentFault, match="has schema 9, this imbench reads up to 1"):
        read_baseline(path)


def test_no_file_is_nothing_to_compare_with(path):
    with pytest.raises(NotComparable, match="bench baseline update"):
        read_baseline(path)
    path.mkdir(parents=True)
    with pytest.raises(NotComparable, match="cannot be read"):
        read_baseline(path)


def test_the_committed_baseline_is_of_the_quick_grid_as_it_is_now(tmp_path):
    """Of another grid, data, protocol or part version it would guard nothing."""
    root = Path(__file__).resolve().parents[1]
    side = read_baseline(root / "results" / "baseline.json").side()
    grid = settle_grid(read_grid_file("quick"), GridOptions())
    plan = make_plan(grid, Store(tmp_path / "none"), find_sources(grid, root=Path("nowhere")))
    wanted = {
        (*_basis(cell), cell.recipe, cell.minority, cell.seed, _sorted(cell.versions))
        for cell in plan.cells
    }
    kept = {
        (*_basis(place.basis), place.recipe, place.minority, seed, _sorted(side.versions[place]))
        for place, slot in side.runs.items()
        for seed in slot
    }
    assert kept == wanted
    assert set(side.metrics()) == set(METRICS)


def _sorted(versions):
    return tuple(sorted(versions.items()))


def _basis(one):
    return one.fingerprint, one.majority, one.protocol, one.settings
