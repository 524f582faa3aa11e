"""`bench run --keep models`: networks beside records that predict what the records hold."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from in_process import jobs_here

import imbench
from imbench import UsageError, load_model, prepare
from imbench.commands.cli import exit_code
from imbench.records.record import checksum
from imbench.records.store import Store

RUN = ["run", "--datasets", "digits", "--minority", "20", "--methods", "vanilla,ts", "--seeds", "0"]
RUN += ["--network", "linear", "--size", "8", "--steps", "20", "--set", "augment=none", "--quiet"]
pytestmark = pytest.mark.usefixtures("jobs_here")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept") / "results"
    words = [*RUN, "--jobs", "1", "--keep", "models", "--out", str(folder)]
    with jobs_here():
        assert exit_code(words) == 0
    return folder


def test_a_kept_network_gives_the_outputs_of_its_record(results):
    records = {record.cell.recipe: record for record in Store(results).records()}
    assert set(records) == {"vanilla", "ts"}
    for record in records.values():  # they share one training, and so one network
        name = record.files["model.safetensors"]
        assert name.endswith("-model.safetensors")
        assert record.intact
    vanilla = records["vanilla"]
    model = load_model(results / vanilla.files["model.safetensors"])
    test = prepare("digits", root=Path("data"), size=8).test
    _, _, proba = vanilla.scores.arrays()
    assert np.abs(model.predict_proba(np.array(test.pixels)) - proba).max() < 1e-6
    assert model.classes == ("rest", "8")
    assert model.decision.rule == "highest"
    assert model.core.settings == vanilla.cell.settings


def test_records_without_it_are_as_ever_and_no_cell_is_another(results, tmp_path):
    assert exit_code([*RUN, "--jobs", "1", "--out", str(tmp_path / "plain")]) == 0
    plain = {record.key: record for record in Store(tmp_path / "plain").records()}
    kept = {record.key: record for record in Store(results).records()}
    assert plain.keys() == kept.keys()
    for key, record in plain.items():
        assert record.files == {}
        assert record.metrics == kept[key].metrics
        assert record.scores == kept[key].scores


def test_tidying_and_a_second_run_leave_it_alone(results):
    before = {path: path.read_bytes() for path in results.rglob("*.safetensors")}
    assert len(before) == 1
    Store(results, own=True).tidy()
    assert exit_code([*RUN, "--jobs", "1", "--keep", "models", "--out", str(results)]) == 0
    assert {path: path.read_bytes() for path in results.rglob("*.safetensors")} == before
    assert exit_code(["report", str(results), "--html", str(results / "p.html")]) == 0


def test_a_damaged_one_is_refused(results, tmp_path):
    (path,) = results.rglob("*.safetensors")
    (tmp_path / "m.safetensors").write_bytes(path.read_bytes()[:-9])
    with pytest.raises(imbench.DataError):
        load_model(tmp_path / "m.safetensors")


def test_one_of_another_training_is_refused_beside_its_record(results, tmp_path):
    record = next(one for one in Store(results).records() if one.cell.recipe == "vanilla")
    path = results / record.files["model.safetensors"]
    content = path.read_bytes()
    assert record.file_hashes == {"model.safetensors": hashlib.sha256(content).hexdigest()}
    copied = tmp_path / path.name
    other = bytearray(content)
    other[-1] ^= 1  # a weight that is a number all the same
    copied.write_bytes(other)
    load_model(copied)  # no record stands beside it
    beside = copied.with_name(f"{path.name.removesuffix('-model.safetensors')}.json")
    beside.write_text(record.line())
    with pytest.raises(imbench.DataError, match="is not the network that its record was scored"):
        load_model(copied)
    copied.write_bytes(content)
    load_model(copied)
    plain = record.plain()
    del plain["file_hashes"]  # as an older imbench wrote it
    plain["schema"] = 4
    plain["checksum"] = checksum(plain)
    beside.write_text(json.dumps(plain))
    copied.write_bytes(other)
    load_model(copied)
    (old,) = [Store(tmp_path).read(beside)]
    assert (old.file_hashes, old.intact, old.done) == ({}, True, True)


def test_code_of_a_file_is_not_kept_and_the_score_stands(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from imbench import Part\nclass Mine(Part):\n    title = 'Mine'\n"
        "    def class_weights(self, counts, original):\n        return counts / counts.sum()\n"
    )
    words = [*RUN, "--methods", f"{tmp_path / 'mine.py'}:Mine", "--jobs", "1", "--keep", "models"]
    words[words.index("vanilla,ts")] = "vanilla"
    assert exit_code([*words, "--out", str(tmp_path / "r")]) == 0
    records = {record.cell.recipe: record for record in Store(tmp_path / "r").records()}
    (mine,) = [record for recipe, record in records.items() if "Mine" in recipe]
    assert mine.done
    assert mine.files == {}
    assert [note for note in mine.notes if note.startswith("the model is not kept: ")]
    assert "model.safetensors" in records["vanilla"].files


def test_nothing_else_can_be_kept():
    with pytest.raises(UsageError, match="keep=all must be"):
        imbench.RunOptions(keep=("all",))
