"""`bench generators` on the results of a real run, as a user types it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from in_process import bench_here, jobs_here

from imbench.commands.generators import generators
from imbench.errors import DataError, ImbenchError, NotComparable
from imbench.files import checkpoint
from imbench.generators.oracle import OracleSettings, images_digest, trained_oracle
from imbench.images.cache import cache_folder, prepare
from imbench.methods._gan_design import design_for
from imbench.methods._gan_networks import generator_of
from imbench.records.store import Store
from imbench.training.device import fixed_threads

DATA = "savanna:train=30,test=14,size=16"
ORACLE = ("--network", "cnn", "--steps", "40", "--oracles", "1")


@pytest.fixture(autouse=True)
def one_thread():
    """Train on one thread: several that share a core wait for each other in turns."""
    with fixed_threads(1):
        yield


def bench(*arguments: object, where: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    with fixed_threads(1), jobs_here():
        done = bench_here(*arguments, cwd=where, NO_COLOR="1", COLUMNS="100")
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which AUG, AUG with TS and ALT were run."""
    where = tmp_path_factory.mktemp("generators")
    os.environ["IMBENCH_CACHE"] = str(tmp_path_factory.getbasetemp() / "imbench-cache")
    methods = "aug:steps=6,aug:steps=6+ts,alt:steps=6"
    options = ("--minority", 8, "--seeds", "0-1", "--network", "cnn", "--size", 16, "--steps", 10)
    with mock.patch("imbench.methods._pictures.loss_curves", return_value=b""):
        bench("run", "--datasets", DATA, "--methods", methods, *options, "--jobs", 1, where=where)
    return where


@pytest.fixture(scope="module")
def report(ran: Path) -> dict:
    """Return the JSON of the first `bench generators` in that folder."""
    return json.loads(bench("generators", *ORACLE, "--json", where=ran).stdout)


def translated(results: Path, file: str, name: str, x: np.ndarray) -> np.ndarray:
    """Translate images with nothing but the network of a checkpoint."""
    net = generator_of(design_for("small", 16), 3)
    net.load_state_dict(checkpoint.load_tensors(results / file)["gan"]["nets"][name])
    given = torch.from_numpy(x.copy()).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        out = net(given)
    return ((out + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()


def test_the_numbers_are_those_of_the_generators_on_test_images(ran, report):
    data = prepare(DATA, root=Path(), size=16)
    oracle = trained_oracle(data.train, OracleSettings(network="cnn", steps=40))
    (group,) = report["groups"]
    rows = {row["recipe"]: row for row in group["rows"]}
    assert list(rows) == ["alt:steps=6", "aug:steps=6", "aug:steps=6+ts"]
    a, b = (data.test.pixels[data.test.labels == label] for label in (0, 1))
    for recipe in ("alt:steps=6", "aug:steps=6"):
        for path in (ran / "results").glob(f"*/8/{recipe.replace(':', '_')}-*/*.json"):
            record = json.loads(path.read_text())
            seed, file = str(record["cell"]["seed"]), record["files"]["generator-1"]
            forth = translated(ran / "results", file, "g_ab", a)
            back = translated(ran / "results", file, "g_ba", b)
            scores = {name: kept["scores"][seed] for name, kept in rows[recipe]["numbers"].items()}
            assert scores["forth"] == np.mean(oracle.classify(forth)[0] == 1)
            assert scores["back"] == np.mean(oracle.classify(back)[0] == 0)
            assert scores["seconds"] == pytest.approx(record["cost"]["generator_seconds"])
            assert scores["steps"] <= 6
    assert rows["alt:steps=6"]["seeds"] == [0, 1]
    standard = group["standards"]["1"]
    assert standard["ceiling"][0]["forth"] == np.mean(oracle.classify(b)[0] == 1)
    assert standard["floor"][0]["forth"] == np.mean(oracle.classify(a)[0] == 1)


def test_methods_that_share_generators_share_their_numbers(report):
    rows = {row["recipe"]: row for row in report["groups"][0]["rows"]}
    assert rows["aug:steps=6"]["numbers"] == rows["aug:steps=6+ts"]["numbers"]
    assert rows["aug:steps=6"]["distance_forth"] == rows["aug:steps=6+ts"]["distance_forth"]


def test_the_oracle_saw_all_training_images_and_no_test_image(ran, report):
    data = prepare(DATA, root=Path(), size=16)
    assert list(ran.glob("results/**/oracle-*")) == [], "the results are only read"
    kept = (cache_folder() / "oracles").glob("oracle-*.pt")
    seen = {checkpoint.load_tensors(path)["facts"]["seen"] for path in kept}
    assert images_digest(data.train) in seen
    assert len(data.train) == 60
    train = {image.tobytes() for image in data.train.pixels}
    assert not train & {image.tobytes() for image in data.test.pixels}


def test_the_table_has_a_row_for_each_and_the_standards_above(ran, report):
    done = bench("generators", *ORACLE, where=ran)
    assert "training an oracle" not in done.stderr
    lines = done.stdout.splitlines()
    starts = [line.split("  ")[0] for line in lines]
    for name in ("real images", "untranslated", "8 AUG steps=6", "8 ALT steps=6"):
        assert name in starts
    assert "KID-cnn" in done.stdout
    assert "Inception accuracy: not measured" in done.stdout
    (row,) = (row for row in report["groups"][0]["rows"] if row["recipe"] == "aug:steps=6")
    picture = row["samples"][0]
    assert (ran / "results" / picture).read_bytes().startswith(b"\x89PNG")
    assert picture in " ".join(done.stdout.split())


def here(*arguments: object) -> None:
    """Run the command in this process, which spares an import of torch each time."""
    generators.main(
        [str(argument) for argument in arguments], prog_name="generators", standalone_mode=False
    )


def test_markdown_and_two_oracles(ran, report, capsys):
    here(ran / "results", *ORACLE, "--oracles", 2, "--markdown")
    printed = capsys.readouterr()
    assert printed.err.count("training an oracle") == 1
    assert "| untranslated" in printed.out
    assert "the oracles differ by at most" in printed.out


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (("--json", "--markdown"), 2, "choose one of them"),
        (("--inception", "missing.pth"), 4, "cannot be read from missing.pth"),
        (("--network", "resnet21"), 2, "did you mean resnet20"),
        (("--device", "cuda:99"), 4, "cannot be used"),
    ],
)
def test_what_cannot_be_done_ends_with_a_sentence(ran, capsys, options, code, reason):
    with pytest.raises(ImbenchError, match=reason) as caught:
        here(ran / "results", *options)
    assert caught.value.exit_code == code
    assert capsys.readouterr().out == ""


def test_a_folder_that_is_not_there_ends_the_command_with_3(tmp_path):
    done = bench("generators", "nowhere", where=tmp_path, code=3)
    assert done.stderr.startswith("bench: there is no results folder")
    assert len(done.stderr.splitlines()) == 1


def test_other_images_than_the_generators_were_trained_on_are_refused(ran, tmp_path):
    shutil.copytree(ran / "results", tmp_path / "results")
    store = Store(tmp_path / "results")
    for record in store.records():
        store.path(record.cell).unlink()
        cell = record.cell.model_copy(update={"fingerprint": "f" * 32})
        store.put(record.model_copy(update={"cell": cell, "key": cell.key}))
    with pytest.raises(DataError, match="not those that the generators were trained on"):
        here(tmp_path / "results", *ORACLE)


def test_generators_that_are_gone_are_named_and_the_others_evaluated(ran, report, tmp_path, capsys):
    shutil.copytree(ran / "results", tmp_path / "results")
    for record in Store(tmp_path / "results").records():
        if record.cell.recipe.startswith("alt"):
            (tmp_path / "results" / record.files["generator-1"]).unlink()
    here(tmp_path / "results", *ORACLE, "--json")
    (group,) = json.loads(capsys.readouterr().out)["groups"]
    assert [row["recipe"] for row in group["rows"]] == ["aug:steps=6", "aug:steps=6+ts"]
    assert len(group["faults"]) == 2
    assert all("is missing" in fault for fault in group["faults"])
    for file in (tmp_path / "results" / "generators").glob("[!o]*.pt"):
        file.unlink()
    with pytest.raises(NotComparable, match="no generators could be evaluated"):
        here(tmp_path / "results", *ORACLE)


def test_records_without_generators_are_nothing_to_compare(tmp_path, make_record):
    Store(tmp_path / "results").put(make_record("us"))
    with pytest.raises(NotComparable, match="no finished cell stored generators"):
        here(tmp_path / "results")
