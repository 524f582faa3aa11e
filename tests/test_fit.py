"""`bench fit`: what is trained, tuned, expected and written, and what is refused before that."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from bench_process import started
from in_process import ended
from PIL import Image
from waiting import until

from imbench import Method, load_model, prepare
from imbench.commands.cli import exit_code
from imbench.models.expected import SHOWN
from imbench.models.fitting import find_source
from imbench.models.unfinished import Unfinished
from imbench.training.cross_validation import assign_folds

FAST = ("--network", "linear", "--size", "8", "--steps", "30", "--set", "augment=none")
SMALL = ("--members", "2", "--folds", "3", "--jobs", "1")
SPEC = "digits"


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    out = tmp_path_factory.mktemp("fit") / "MODEL"
    assert exit_code(["fit", SPEC, "--method", "cs", *FAST, *SMALL, "--out", str(out)]) == 0
    return out


@pytest.fixture
def pictures(tmp_path):
    """Write a folder of pictures of three classes, with a table of them and of who shot them."""
    rng, rows = np.random.default_rng(0), ["path,label,person"]
    for label, name in enumerate(("ok", "scratch", "dent")):
        for number in range(24 if label == 0 else 12):
            path = tmp_path / "pictures" / name / f"{number:02d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(60 * label, 60 * label + 80, (12, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
            rows.append(f"{path.relative_to(tmp_path)},{name},{name}{number // 2}")
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_the_folder_holds_what_was_trained_on_all_training_images(fitted):
    model = load_model(fitted)
    description = model.description
    train = prepare(SPEC, root=Path("data"), size=8).train
    assert description.trained_on.counts == tuple(train.counts(2).tolist())
    assert len(model.networks) == len(description.train_loss) == 2
    assert [member.seed for member in description.core.members] == [0, 1]
    assert (description.dataset, description.core.recipe) == (SPEC, "cs")
    assert len(model.seen) == len(train)
    assert sorted(path.name for path in fitted.iterdir()) == [
        "README.md",
        "model.json",
        "weights.safetensors",
    ]


def test_the_scores_are_those_of_cross_validation_and_of_the_test_images(fitted):
    model = load_model(fitted)
    found = {(one.source, one.metric): one for one in model.description.expected}
    assert set(found) == {
        (source, name) for source in ("cross-validation", "test images") for name in SHOWN
    }
    test = prepare(SPEC, root=Path("data"), size=8).test
    said = model.decision.said(model.predict_proba(np.array(test.pixels)))
    recall = float((said[test.labels == 1] == 1).mean())
    assert found["test images", "recall"].value == pytest.approx(recall)
    for name in SHOWN:
        one = found["cross-validation", name]
        assert one.low <= one.value <= one.high
        assert one.sample == len(test)
        assert one.sample_low < one.sample_high
    card = (fitted / "README.md").read_text("utf-8")
    for one in found.values():
        assert f"{one.value:.3f}" in card


def test_the_same_command_gives_the_same_weights_in_any_number_of_processes(fitted, tmp_path):
    again = tmp_path / "AGAIN"
    words = ["fit", SPEC, "--method", "cs", *FAST, *SMALL[:-1], "2", "--out", str(again)]
    assert exit_code(words) == 0
    for name in ("weights.safetensors", "README.md"):
        assert (again / name).read_bytes() == (fitted / name).read_bytes()


def test_costs_move_the_threshold_and_are_told(fitted, tmp_path, capsys):
    words = ["fit", SPEC, "--method", "cs", *FAST, *SMALL, "--cost", "50:1"]
    code, out, _ = ended(capsys, *words, "--out", tmp_path / "M")
    assert code == 0
    model = load_model(tmp_path / "M")
    assert model.threshold < load_model(fitted).threshold
    assert str(model.decision.costs) == "50:1"
    assert "least cost at 50:1 in cross-validation" in out
    assert "cost" in {one.metric for one in model.description.expected}


def test_it_says_what_it_does_what_to_expect_and_what_to_type_next(tmp_path, capsys):
    out = tmp_path / "a model"
    code, said, _ = ended(capsys, "fit", SPEC, "--method", "us+cs", *FAST, *SMALL, "--out", out)
    assert code == 0
    assert "8 trainings, 1 at a time" in said
    assert "Expected   by cross-validation, 1078 images:" in said
    assert "on 719 images, in 95 of 100 cases: f1 " in said
    assert "Met        on 719 test images" in said
    assert "Decision   8 where its probability is above" in said
    assert "note: F1 and precision are those of images of which 70 in 719 are 8" in said
    assert f"bench predict '{out}' FOLDER --csv predictions.csv" in said


def test_records_give_the_settings_and_their_scores(tmp_path, capsys, jobs_here):
    results = tmp_path / "results"
    run = ["run", "--datasets", SPEC, "--minority", "20,40", "--methods", "vanilla,cs", *FAST]
    assert exit_code([*run, "--seeds", "0-2", "--jobs", "1", "--quiet", "--out", str(results)]) == 0
    fit = ["fit", SPEC, "--method", "cs", "--from", results, *SMALL]
    code, out, _ = ended(capsys, *fit, "--out", tmp_path / "M")
    assert code == 0
    assert "by 3 records of single networks" in out
    description = load_model(tmp_path / "M").description
    assert description.core.settings.network == "linear"
    assert description.core.settings.steps == 30
    recorded = [one for one in description.expected if one.source == "records"]
    assert {(one.minority, one.seeds) for one in recorded} == {(40, 3)}
    assert all(one.low <= one.value <= one.high for one in recorded)
    for words, says in (
        (["--method", "os"], "has no record of os on digits"),
        (["--method", "cs", "--steps", "31"], "none with these settings"),
    ):
        fit = ["fit", SPEC, *words, "--from", results, *SMALL, "--out", tmp_path / "N"]
        code, _, err = ended(capsys, *fit)
        assert (code, says in err) == (3, True), err
    more = [*run[:-1], "augment=flip", "--seeds", "0", "--jobs", "1", "--quiet", "--out", results]
    assert exit_code(list(map(str, more))) == 0
    fit = ["fit", SPEC, "--method", "cs", "--from", results, *SMALL, "--out", tmp_path / "N"]
    code, _, err = ended(capsys, *fit)
    assert (code, "several values of augment" in err) == (2, True), err


def test_more_than_two_classes_are_decided_by_the_highest_probability(pictures, capsys):
    spec = f"folder:{pictures / 'pictures'},majority=ok,minority=scratch/dent"
    out = pictures / "M"
    words = ["fit", spec, "--method", "vanilla", *FAST, *SMALL]
    code, _, err = ended(capsys, *words, "--out", out)
    assert code == 0, err
    model = load_model(out)
    assert model.classes == ("ok", "scratch", "dent")
    assert model.decision.rule == "highest"
    code, _, err = ended(capsys, *words, "--cost", "2:1", "--out", pictures / "N")
    assert (code, "--cost is for two classes" in err) == (2, True)
    assert not (pictures / "N").exists()


def test_images_of_one_person_stay_in_one_fold(pictures):
    spec = f"csv:{pictures / 'table.csv'},group=person,majority=ok,minority=dent"
    source = find_source(spec, size=8, root=pictures)
    train = source.decoded.train
    assert source.groups == [
        f"{Path(name).parent.name}{int(Path(name).stem) // 2}" for name in train.names
    ]
    folds = assign_folds(train.labels, 3, source.groups)
    together: dict[str, set[int]] = {}
    for group, fold in zip(source.groups, folds.tolist(), strict=True):
        together.setdefault(group, set()).add(fold)
    assert {len(found) for found in together.values()} == {1}


def test_equal_images_stay_in_one_fold(pictures):
    file = pictures / "pictures" / "ok" / "00.png"
    for number in range(30, 36):
        (file.parent / f"{number}.png").write_bytes(file.read_bytes())
    spec = f"folder:{pictures / 'pictures'},majority=ok,minority=dent"
    groups = find_source(spec, size=8, root=pictures, drop_leaks=False).groups
    assert max(groups.count(group) for group in set(groups)) >= 4


def test_a_joint_method_is_fitted_too(tmp_path, capsys):
    method = "aug:steps=2,width=4,blocks=1"
    words = ["fit", SPEC, "--method", method, *FAST, "--members", "1", "--folds", "2"]
    code, _, err = ended(capsys, *words, "--jobs", "1", "--out", tmp_path / "M")
    assert code == 0, err
    assert load_model(tmp_path / "M").description.core.recipe.startswith("aug:")


REFUSED = [
    (["--method", "nosuch"], 2, "nosuch"),
    (["--method", "us+tuned"], 2, "leave Tuned out of us+tuned"),
    (["--method", "cs", "--members", "0"], 2, "--members"),
    (["--method", "cs", "--folds", "1"], 2, "--folds"),
    (["--method", "cs", "--cost", "0:1"], 2, "is no ratio"),
    (["--method", "cs", "--steps", "0"], 2, "steps"),
    (["--method", "cs", "--set", "nosuch=1"], 2, "nosuch"),
    (["--method", "cs", "--network", "nosuch"], 2, "nosuch"),
    (["--method", "cs", "--jobs", "0"], 2, "jobs"),
    (["--method", "cs", "--from", "nosuch"], 3, "no results folder"),
]


@pytest.mark.parametrize(("words", "code", "says"), REFUSED)
def test_what_cannot_be_is_refused_in_a_sentence_and_leaves_nothing(
    words, code, says, tmp_path, capsys
):
    there = tmp_path / "there"
    got, _, err = ended(capsys, "fit", SPEC, *words, "--out", there / "M")
    assert (got, says in err) == (code, True), err
    assert len(err.splitlines()) == 1
    assert not there.exists() or not list(there.iterdir())


def test_more_folds_than_a_class_has_images_are_refused(pictures, capsys):
    spec = f"folder:{pictures / 'pictures'},majority=ok,minority=dent"
    words = ["fit", spec, "--method", "cs", "--folds", "50", *FAST, "--out", pictures / "M"]
    code, _, err = ended(capsys, *words)
    assert (code, "images, too few or too alike for 50 folds" in err) == (2, True), err


def test_code_of_a_file_is_refused_before_anything_is_trained(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(
        "from imbench import Part\nfrom torch import nn\n"
        "class Mine(Part):\n    pass\n"
        "def net(shape, classes):\n    return nn.Linear(1, 1)\n"
    )
    mine = tmp_path / "mine.py"
    for words in (["--method", f"{mine}:Mine"], ["--method", "cs", "--network", f"{mine}:net"]):
        code, _, err = ended(capsys, "fit", SPEC, *words, "--out", tmp_path / "M")
        assert code == 2
        assert "not installed here" in err or "a model holds no code" in err


def test_a_folder_that_is_there_is_refused_before_anything_is_trained(
    fitted, tmp_path, capsys, monkeypatch
):
    before = {path.name: path.read_bytes() for path in fitted.iterdir()}
    monkeypatch.setattr(Method, "fit", lambda *_, **__: pytest.fail("it was trained"))
    code, _, err = ended(capsys, "fit", SPEC, "--method", "cs", "--out", fitted)
    assert (code, "holds a model already" in err) == (2, True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("mine")
    words = ["fit", SPEC, "--method", "cs", "--replace", "--out", tmp_path / "mine"]
    code, _, err = ended(capsys, *words)
    assert (code, "holds files that are no model's" in err) == (2, True)
    assert {path.name: path.read_bytes() for path in fitted.iterdir()} == before


def test_a_training_that_diverges_leaves_nothing(tmp_path, capsys):
    words = ["fit", SPEC, "--method", "cs", *FAST, *SMALL, "--set", "lr=1e6", "--out"]
    code, _, err = ended(capsys, *words, tmp_path / "there" / "M")
    assert (code, "is not finite at step" in err) == (1, True)
    assert not list((tmp_path / "there").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_leaves_nothing_half_written(jobs, tmp_path):
    words = ["fit", SPEC, "--method", "cs", "--network", "cnn", "--size", "8", "--steps", "100000"]
    process = started(tmp_path, *words, "--jobs", jobs, "--out", "there/M")
    there = tmp_path / "there"
    until(lambda: there.exists() and list(there.iterdir()))
    time.sleep(3)  # into the training, as a rule; nothing depends on it
    process.send_signal(signal.SIGINT)
    try:
        _, err = process.communicate(timeout=240)
    finally:
        process.kill()  # where it heard nothing
    assert process.returncode == 130
    assert err.strip().splitlines()[-1].startswith("bench: interrupted")
    assert not list(there.iterdir())


def test_the_description_is_plain_json(fitted):
    plain = json.loads((fitted / "model.json").read_text("utf-8"))
    assert plain["core"]["classes"] == ["rest", "8"]
    assert set(plain["files"]) == {"README.md", "weights.safetensors"}
    assert len(plain["fingerprint"]) == 32


@pytest.mark.slow
def test_workers_of_a_fit_that_was_killed_end_too(tmp_path):
    words = ["fit", SPEC, "--method", "cs", "--network", "cnn", "--size", "8", "--steps", "100000"]
    process = started(tmp_path, *words, "--jobs", "2", "--out", "M")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    try:
        until(lambda: sum(map(trains, children.read_text().split())) == 2)
        workers = [pid for pid in children.read_text().split() if trains(pid)]
    finally:
        process.kill()
        process.communicate(timeout=240)  # until the workers have closed their ends
    until(lambda: not any(map(trains, workers)))


def trains(pid: str) -> bool:
    """Whether a process is a worker that has used two seconds of a processor."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return b"popen_loky" in command and fields[0] != "Z" and int(fields[11]) > 200


def test_a_fit_that_was_killed_takes_up_what_was_trained(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    words = ["fit", SPEC, "--method", "cs", *FAST, *SMALL, "--set", "steps=31"]
    whole = tmp_path / "WHOLE"
    assert exit_code([*words, "--out", str(whole)]) == 0
    fits = tmp_path / "cache" / "fits"
    assert list(fits.iterdir()) == [], "nothing is left of a fit that ended"
    script = (
        "import os, signal, sys\n"
        "from imbench.commands.cli import main\n"
        "from imbench.models.unfinished import Unfinished\n"
        "put = Unfinished.put\n"
        "def deadly(self, name, content):\n"
        "    put(self, name, content)\n"
        "    if name == 'all-seed-0':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "Unfinished.put = deadly\n"
        "main(sys.argv[1:])\n"
    )
    cut = tmp_path / "CUT"
    done = subprocess.run([sys.executable, "-P", "-c", script, *words, "--out", str(cut)])
    assert done.returncode == -signal.SIGKILL
    (folder,) = fits.iterdir()
    kept = sorted(path.name for path in folder.iterdir())
    assert len(kept) == 7  # three folds of two networks, and the first member
    damaged = folder / kept[1]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    capsys.readouterr()
    other = [*words[:-1], "steps=32", "--out", str(tmp_path / "OTHER")]
    code, out, _ = ended(capsys, *other)
    assert (code, "taking up" in out) == (0, False), "another fit takes nothing of it"
    trained = []
    monkeypatch.setattr(Unfinished, "put", lambda self, name, content: trained.append(name))
    code, out, _ = ended(capsys, *words, "--out", cut)
    assert code == 0
    assert "taking up   7 trainings that a call before this one had finished" in out
    assert trained == [damaged.name.removesuffix(".done"), "all-seed-1"]
    assert list(fits.iterdir()) == []
    weights = "weights.safetensors"
    assert (cut / weights).read_bytes() == (whole / weights).read_bytes()
    expected = [json.loads((one / "model.json").read_text())["expected"] for one in (cut, whole)]
    assert expected[0] == expected[1]
