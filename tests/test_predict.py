"""Predictions of many files: the same outputs as in training, rows that can be continued, notes."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hostile import HOSTILE, Elements, assert_shown
from in_process import ended
from PIL import Image

from imbench import Method, UsageError, load_model, prepare, save_model
from imbench.commands.cli import exit_code
from imbench.images.properties import Properties
from imbench.models import predicting
from imbench.models.description import TrainedOn
from imbench.models.predicting import Prediction, predict_files
from imbench.models.prediction_csv import Row, header_of, open_rows
from imbench.models.sheet import sheet_of
from imbench.models.summary import Summary
from imbench.models.unlike import Unlike

SIZE = 8


def picture(path: Path, value: int, *, size=(20, 20), mode="RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(value)
    pixels = rng.integers(value, value + 60, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a folder of dark and bright pictures, with test images."""
    root = tmp_path_factory.mktemp("predict")
    for split, numbers in (("train", range(24)), ("test", range(24, 32))):
        for number in numbers:
            picture(root / "data" / split / "dark" / f"{number:02d}.png", number)
            if number % 2:
                picture(root / "data" / split / "bright" / f"{number:02d}.jpg", 120 + number)
    return root / "data"


def spec_of(data):
    return f"folder:{data},majority=dark,minority=bright"


@pytest.fixture(scope="module")
def saved(data, tmp_path_factory):
    """Return a model that `bench fit` wrote."""
    out = tmp_path_factory.mktemp("fitted") / "MODEL"
    words = ["--network", "cnn:width=4", "--size", SIZE, "--steps", 20, "--set", "batch_size=16"]
    words += ["--members", 2, "--folds", 2, "--jobs", 1, "--out", out]
    code = exit_code(["fit", spec_of(data), "--method", "us+cs", *map(str, words)])
    assert code == 0
    return out


@pytest.fixture(scope="module")
def model(saved):
    return load_model(saved)


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_predicting_a_test_image_gives_the_networks_own_output(saved, data, tmp_path, capsys):
    """Bit for bit as `Method` trained by hand gives it for the cached pixels of the same file."""
    decoded = prepare(spec_of(data), root=data, size=SIZE)
    train, test = decoded.train, decoded.test
    settings = {"network": "cnn:width=4", "steps": 20, "batch_size": 16}
    members = [
        Method("us+cs", **settings, random_state=seed).fit(train.pixels, train.labels)
        for seed in (0, 1)
    ]
    expected = np.mean([method.predict_proba(test.pixels) for method in members], axis=0)
    files = [data / name for name in test.names]
    found = list(predict_files(load_model(saved), files))
    assert np.array_equal(np.stack([one.proba for one in found]), expected)
    code, _, _ = ended(capsys, "predict", saved, data / "test", "--csv", tmp_path / "p.csv")
    assert code == 0
    rows = {row["path"]: row for row in rows_of(tmp_path / "p.csv")}
    assert set(rows) == set(map(str, files))
    threshold = load_model(saved).threshold
    for file, proba in zip(files, expected, strict=True):
        row = rows[str(file)]
        assert float(row["p(bright)"]) == pytest.approx(proba[1], rel=1e-8)
        assert row["decision"] == ("bright" if proba[1] > threshold else "dark")


def test_batches_change_no_output(model, data, monkeypatch):
    files = sorted(data.rglob("*.png"))
    whole = [one.proba.tolist() for one in predict_files(model, files)]
    monkeypatch.setattr(predicting, "BATCH", 5)
    monkeypatch.setattr(predicting, "_CHUNK", 2)
    pieces = [one.proba.tolist() for one in predict_files(model, files, threads=3)]
    assert pieces == whole


def test_files_are_taken_when_they_are_needed(model, data):
    """So memory does not grow with their number."""
    file, taken = next(data.rglob("*.png")), 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield file

    predictions = predict_files(model, endless())
    for _ in range(predicting.BATCH):
        next(predictions)
    assert taken <= 4 * predicting.BATCH
    predictions.close()


def test_bad_files_are_named_and_skipped(saved, data, tmp_path, capsys):
    folder = tmp_path / "images"
    picture(folder / "a.png", 10)
    (folder / "b.png").write_bytes(b"")
    (folder / "c.jpg").write_bytes(b"<!doctype html>")
    (folder / "d.heic").write_bytes(b"x")
    code, out, _ = ended(capsys, "predict", saved, folder, "--csv", tmp_path / "p.csv")
    assert code == 0
    assert "1 images: 1 dark" in out
    assert "2 files cannot be used and were skipped: " in out
    assert f"{folder / 'b.png'}: the file is empty (0 bytes)" in out
    assert "1 file of a format that is not read (1 .heic)" in out
    faults = {Path(row["path"]).name: row["fault"] for row in rows_of(tmp_path / "p.csv")}
    assert faults == {
        "a.png": "",
        "b.png": "the file is empty (0 bytes)",
        "c.jpg": "an HTML page, not an image",
    }
    code, _, err = ended(capsys, "predict", saved, folder / "b.png", "--csv", tmp_path / "q.csv")
    assert (code, "none of the files can be used" in err) == (4, True)
    (tmp_path / "empty").mkdir()
    code, _, err = ended(capsys, "predict", saved, tmp_path / "empty", "--csv", tmp_path / "q.csv")
    assert (code, "there is no image" in err) == (4, True)


def test_without_a_file_rows_go_to_standard_output(saved, data, capsys):
    code, out, err = ended(capsys, "predict", saved, data / "test" / "dark")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert len(rows) == 8
    assert "8 images: " in err


def noting(looked):
    """Return the decoder of a file that notes which it was given."""
    real = predicting._decode

    def decode(path, view):
        looked.append(path)
        return real(path, view)

    return decode


def test_an_interrupted_run_goes_on_where_it_stopped(saved, data, tmp_path, capsys, monkeypatch):
    whole, part = tmp_path / "whole.csv", tmp_path / "part.csv"
    assert ended(capsys, "predict", saved, data, "--csv", whole)[0] == 0
    lines = whole.read_bytes().splitlines(keepends=True)
    for kept in (b"", b"".join(lines[:1]), b"".join(lines[:7]), b"".join(lines[:7]) + lines[7][:9]):
        part.write_bytes(kept)
        looked: list[Path] = []
        monkeypatch.setattr(predicting, "_decode", noting(looked))
        code, out, _ = ended(capsys, "predict", saved, data, "--csv", part)
        monkeypatch.undo()
        assert code == 0
        assert part.read_bytes() == whole.read_bytes()
        assert len(looked) == len(lines) - 1 - max(0, kept.count(b"\n") - 1)
        assert f"{len(lines) - 1} images: " in out  # those of the earlier run counted
    assert ended(capsys, "predict", saved, data, "--csv", whole)[0] == 0
    assert part.read_bytes() == whole.read_bytes()


def test_a_killed_run_is_continued(saved, data, tmp_path):
    out = tmp_path / "p.csv"
    code = (
        "import os, signal, sys\n"
        "from imbench.models import prediction_csv\n"
        "from imbench.models import predicting\n"
        "predicting.BATCH = 8\n"
        "add = prediction_csv.PredictionRows.add\n"
        "def once(self, rows):\n    add(self, rows)\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "if sys.argv[1] == 'kill':\n    prediction_csv.PredictionRows.add = once\n"
        "from imbench.commands.cli import main\n"
        "main(['predict', *sys.argv[2:]])"
    )
    words = [str(saved), str(data), "--csv", str(out)]
    killed = subprocess.run([sys.executable, "-P", "-c", code, "kill", *words], check=False)
    assert killed.returncode == -9
    begun = out.read_bytes()
    assert begun.count(b"\n") > 1
    done = subprocess.run([sys.executable, "-P", "-c", code, "go", *words], check=False)
    assert done.returncode == 0
    assert out.read_bytes().startswith(begun)
    names = Counter(row["path"] for row in rows_of(out))
    assert set(names.values()) == {1}
    assert len(names) == len(list(data.rglob("*.*")))


def test_rows_of_another_model_and_files_of_others_are_not_touched(saved, data, tmp_path, capsys):
    other = tmp_path / "OTHER"
    pixels = np.random.default_rng(0).integers(0, 256, (8, SIZE, SIZE, 3), dtype=np.uint8)
    method = Method("vanilla", network="linear", steps=1, batch_size=4)
    method.fit(pixels, np.arange(8) % 2)
    save_model(other, method, classes=["dark", "bright"])
    out = tmp_path / "p.csv"
    assert ended(capsys, "predict", other, data / "test", "--csv", out)[0] == 0
    contents = [
        (out.read_bytes(), "holds predictions of another model"),
        (b"name,age\nKim,7\n", "holds no predictions"),
        (b"mine", "holds no predictions"),
        (b"\0" * 3_000_000, "holds no predictions"),
        (",".join(header_of(load_model(saved))).encode() + b'\n"a\n', "another model"),
    ]
    for content, says in contents:
        out.write_bytes(content)
        code, _, err = ended(capsys, "predict", saved, data / "test", "--csv", out)
        assert (code, says in err) == (2, True), err
        assert out.read_bytes() == content


def test_two_processes_do_not_write_one_file(model, tmp_path):
    with open_rows(tmp_path / "p.csv", model), pytest.raises(UsageError, match="another process"):
        open_rows(tmp_path / "p.csv", model).__enter__()


def test_hostile_names_do_nothing(saved, model, tmp_path, capsys):
    folder = tmp_path / "images"
    name = HOSTILE.replace("/", "_").replace("\0", "")[:120]
    picture(tmp_path / "plain.png", 5)
    folder.mkdir()
    target = os.fsencode(folder) + b"/" + name.encode()[:200].decode("utf-8", "ignore").encode()
    os.link(tmp_path / "plain.png", target + b".png")
    os.link(tmp_path / "plain.png", os.fsencode(folder) + b"/\xff\xfe.png")
    out, sheet = tmp_path / "p.csv", tmp_path / "s.html"
    code, said, err = ended(capsys, "predict", saved, folder, "--csv", out, "--html", sheet)
    assert code == 0
    assert_shown(said)
    assert_shown(err)
    assert_shown(out.read_text("utf-8"))
    assert len(rows_of(out)) == 2
    found = Elements(sheet.read_text("utf-8")).found
    assert not [tag for tag, given in found if any(key.startswith("on") for key in given)]
    assert sum(tag == "script" for tag, _ in found) == 0
    again = out.read_bytes()
    assert ended(capsys, "predict", saved, folder, "--csv", out)[0] == 0
    assert out.read_bytes() == again


def test_what_differs_from_training_is_said(saved, data, tmp_path, capsys):
    picture(tmp_path / "i" / "large.png", 10, size=(400, 300))
    picture(tmp_path / "i" / "small.png", 10, size=(10, 10))
    picture(tmp_path / "i" / "grey.png", 10, mode="L")
    Image.new("RGB", (20, 20), (255, 250, 255)).save(tmp_path / "i" / "white.png")
    Image.fromarray(np.full((20, 20), 900, np.uint16)).save(tmp_path / "i" / "deep.png")
    _, out, _ = ended(capsys, "predict", saved, tmp_path / "i", "--csv", tmp_path / "p.csv")
    notes = [line for line in out.splitlines() if line.startswith("note: ")]
    for says in (
        "1 of 5 images are smaller than any in training: the smallest had 20 px",
        "1 of 5 images are larger than any in training: the largest had 20 px",
        "1 of 5 images are brighter than any in training",
        "1 of 5 images are darker than any in training",
        "2 of 5 images have no colour; all in training had",
        "1 of 5 images have more than 8 bits a value, none in training had",
    ):
        assert [line for line in notes if says in line], (says, notes)
    _, out, _ = ended(capsys, "predict", saved, data / "test", "--csv", tmp_path / "q.csv")
    assert "px on its" not in out


def test_images_that_it_was_trained_on_are_noticed(saved, data, tmp_path, capsys):
    _, out, _ = ended(capsys, "predict", saved, data, "--csv", tmp_path / "p.csv")
    training = len(list((data / "train").rglob("*.*")))
    every = len(list(data.rglob("*.*")))
    found = int(out.partition("note: ")[2].split()[0])
    assert training <= found < every
    assert f"of {every} images look to the network exactly like images it was trained on" in out


def test_grey_models_notice_colour():
    seen = TrainedOn(
        counts=(3, 2), short_side=(8, 8), long_side=(8, 8), grey=5, deep=5, brightness=(0, 255)
    )
    unlike = Unlike(seen)
    unlike.count(Prediction(Path("a"), properties=Properties(8, 8, "RGB", clipped=True)))
    assert list(unlike.notes) == [
        "1 of 1 images have values beyond the range of training, which were cut off",
        "1 of 1 images have colour; none in training had",
        "1 of 1 images have 8 bits; all in training had more",
    ]


def test_those_nearest_to_the_threshold_come_first():
    summary = Summary(keep=3)
    for number, margin in enumerate((5, 0.5, 3, 0.25, 4, 0.5)):
        summary.add(Row(f"{number}.png", "ok", f"{margin}", ("0.5", "0.5"), "", "m"))
    assert [row.path for row in summary.nearest] == ["3.png", "1.png", "5.png"]
    assert "6 images: 6 ok" in summary.lines


def test_the_page_shows_pictures_and_says_where_one_is_gone(model, data, tmp_path):
    file = next(data.rglob("*.png"))
    (one,) = predict_files(model, [file])
    rows = [Row.of(model, one), Row("gone.png", "<b>", "0.1", ("0.5", "0.5"), "", "m")]
    page = sheet_of(model, rows, 2)
    sources = [given["src"] for tag, given in Elements(page).found if tag == "img"]
    assert len(sources) == 1
    assert sources[0].startswith("data:image/jpeg;base64,")
    assert "no picture" in page
    assert "&lt;b&gt;" in page
    assert str(file) in page


def test_a_pipe_takes_the_rows(saved, data, tmp_path):
    code = "from imbench.commands.cli import main; import sys; main(sys.argv[1:])"
    words = ["predict", str(saved), str(data / "test" / "dark"), "--csv", "/dev/stdout"]
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") >= 9
    assert done.stdout.startswith("path,decision,margin,p(dark),p(bright),fault,model\n")
