"""Results for other programs: what is written is what the records hold."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from clicked import bench, printed, refused
from pandas.testing import assert_frame_equal

import imbench
from imbench.errors import NotComparable, UsageError
from imbench.records.export import load_results, to_npz
from imbench.records.frame import COLUMNS
from imbench.records.image_names import ImageNames
from imbench.records.record import Record, Scores
from imbench.records.store import Store
from imbench.stats.metrics import METRICS, score_all


@pytest.fixture
def results(tmp_path, make_record):
    """Three records with outputs, one of them of a strange recipe, and one that failed."""
    folder = tmp_path / "results"
    labels = np.repeat([0, 1], [30, 10])
    for recipe, seed in (("cs", 0), ("cs", 1), ("mine.py:Ü,", 0)):
        proba = np.random.default_rng([seed, len(recipe)]).dirichlet([1, 1], 40)
        scores = Scores.of(labels, np.log(proba), proba)
        metrics = score_all(labels, scores.arrays()[2].astype(float))
        Store(folder).put(make_record(recipe, 50, seed, None, metrics=metrics, scores=scores))
    failed = make_record("us", 50, 0, None, status="failed", reason='a "b", c', test_counts=[])
    Store(folder).put(failed)
    return folder


def test_load_results_is_a_tidy_frame_of_all_scores(results):
    table = imbench.load_results(results)
    assert list(table.columns) == list(COLUMNS)
    assert len(table) == 4 * len(METRICS)
    records = {record.key: record for record in Store(results).records()}
    for row in table.itertuples():
        record = records[row.key]
        assert (row.recipe, row.seed, row.status) == (
            record.cell.recipe,
            record.cell.seed,
            record.status,
        )
        assert record.done == (not np.isnan(row.value))
        if record.done:
            assert row.value == record.metrics[row.metric]
    assert set(load_results(str(results), ["acsa"])["metric"]) == {"acsa"}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_table_is_read_back_as_it_was(results, form):
    path = results.parent / f"scores.{form}"
    bench("export", results, f"--{form}", path)
    assert_frame_equal(load_results(path), load_results(results))
    assert_frame_equal(load_results(path, ["f1"]), load_results(results, ["f1"]))


def test_the_csv_is_what_other_programs_expect(results):
    path = results.parent / "scores.csv"
    done = printed("export", results, "--csv", path, "--metric", "f1,acsa")
    assert done == f"wrote {path}: 8 lines\n"
    assert b"\r" not in path.read_bytes()
    table = pd.read_csv(path)
    assert table["value"].isna().sum() == 2
    assert set(table["metric"]) == {"f1", "acsa"}


def test_outputs_are_arrays_by_key_without_pickle(results):
    path = results.parent / "outputs.npz"
    done = printed("export", results, "--npz", path)
    assert done == f"wrote {path}: outputs of 3 of 4 records\n"
    with np.load(path, allow_pickle=False) as kept:
        records = {record.key: record for record in Store(results).records() if record.done}
        assert set(kept["keys"]) == set(records)
        for key, record in records.items():
            labels, logits, proba = record.scores.arrays()
            assert np.array_equal(kept[f"{key}.labels"], labels)
            assert np.array_equal(kept[f"{key}.logits"], logits)
            assert np.array_equal(kept[f"{key}.proba"], proba)
            assert kept[f"{key}.labels"].dtype == np.uint8
    again = results.parent / "again.npz"
    bench("export", results, "--npz", again)
    assert again.read_bytes() == path.read_bytes()


def test_labels_of_many_classes_are_written_whole(tmp_path, make_record):
    labels, proba = np.array([0, 256, 299]), np.zeros((3, 300))
    record = make_record(scores=Scores.of(labels, proba, proba))
    assert to_npz(tmp_path / "outputs.npz", [record]) == 1
    with np.load(tmp_path / "outputs.npz", allow_pickle=False) as kept:
        assert kept[f"{record.key}.labels"].tolist() == labels.tolist()


def test_outputs_have_the_names_of_their_images_and_classes(tmp_path, make_record):
    labels, proba = np.array([0, 1]), np.eye(2)
    record = make_record(scores=Scores.of(labels, proba, proba))
    key = record.cell.fingerprint
    names = ImageNames(fingerprint=key, classes=("ok", "Schaden: é"), test=("a.png", "b/ü.png"))
    to_npz(tmp_path / "outputs.npz", [record], {key: names})
    with np.load(tmp_path / "outputs.npz", allow_pickle=False) as kept:
        assert kept[f"{key}.images"].tolist() == ["a.png", "b/ü.png"]
        assert kept[f"{key}.classes"].tolist() == ["ok", "Schaden: é"]
    others = names.model_copy(update={"test": ("a.png",)})
    to_npz(tmp_path / "outputs.npz", [record], {key: others})
    with np.load(tmp_path / "outputs.npz", allow_pickle=False) as kept:
        assert f"{key}.images" not in kept


def test_all_records_in_one_json_are_whole(results):
    path = results.parent / "records.json"
    bench("export", results, "--json", path)
    body = json.loads(path.read_text())
    assert set(body) == {"schema", "imbench", "records"}
    found = [Record.model_validate(plain) for plain in body["records"]]
    assert all(record.intact for record in found)
    assert found == Store(results).records()


def test_several_files_at_once(results):
    names = {form: results.parent / f"x.{form}" for form in ("csv", "json", "npz", "parquet")}
    options = [piece for form, path in names.items() for piece in (f"--{form}", path)]
    bench("export", results, *options)
    assert all(path.stat().st_size for path in names.values())
    assert not list(results.parent.glob(".*"))


def test_without_pyarrow_one_sentence_says_what_to_do(results):
    path = results.parent / "x.parquet"
    path.write_bytes(b"")
    told = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from imbench.commands.cli import main\n"
        f"main(['export', {str(results)!r}, '--parquet', {str(path)!r}])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", told], capture_output=True, text=True)
    assert done.returncode == 4
    assert done.stderr == (
        "bench: Parquet needs pyarrow, which is not installed: "
        "`pip install 'imbench[parquet]'`, or use CSV\n"
    )
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ([], 2, "nothing to write"),
        (["--csv", "x.csv", "--metric", "f1_balance"], 2, "did you mean f1_balanced"),
        (["--csv", "x.csv", "--metric", ","], 2, "list of metrics is empty"),
        (["--csv", "/proc/no/x.csv"], 4, "/proc/no"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(results, options, code, said, monkeypatch):
    monkeypatch.chdir(results.parent)
    done = refused("export", results, *options, code=code)
    assert said in done
    assert len(done.splitlines()) == 1
    assert not (results.parent / "x.csv").exists()


def test_nothing_to_load_is_said(tmp_path, make_record):
    with pytest.raises(NotComparable, match="name a results folder"):
        load_results(tmp_path / "no")
    with pytest.raises(NotComparable, match="holds no records"):
        load_results(tmp_path)
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(UsageError, match="neither a folder"):
        load_results(tmp_path / "a.txt")
    for name, content in {"a.csv": b"a,b\n1,2\n", "b.csv": b"", "a.parquet": b"PAR1"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(NotComparable):
            load_results(tmp_path / name)


def test_records_without_outputs_have_none_to_write(tmp_path, make_record):
    Store(tmp_path / "results").put(make_record())
    done = refused("export", tmp_path / "results", "--npz", tmp_path / "x.npz", code=3)
    assert "no record has outputs" in done
    assert not (tmp_path / "x.npz").exists()
