"""Records, images and names that are not what they should be, through the commands themselves."""

from __future__ import annotations

import io
import json
import re

import pytest
from in_process import bench_here, jobs_here
from PIL import Image

from imbench.records.record import SCHEMA
from imbench.records.store import Store

FAST = ("--size", "8", "--network", "linear", "--steps", "3", "--seeds", "0", "--jobs", "1")


def bench(folder, *words):
    """Run a command in a folder; return exit code, standard output and error."""
    with jobs_here():
        done = bench_here(*words, cwd=folder, IMBENCH_CACHE=str(folder / "cache"), COLUMNS="80")
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("report",),
        ("status",),
        ("export", "--csv", "out.csv"),
        ("check", "--baseline", "results"),
        ("baseline", "update", "--from", "results", "--reason", "x"),
        ("run", "--datasets", "digits", "--minority", "20", "--methods", "vanilla", *FAST),
    ],
    ids=lambda words: words[0],
)
def test_row_11_every_command_refuses_records_of_a_newer_imbench_in_a_sentence(
    tmp_path, make_record, words
):
    path = Store(tmp_path / "results").put(make_record())
    text = path.read_text().replace(f'"schema":{SCHEMA}', f'"schema":{SCHEMA + 1},"more":1')
    path.write_text(text)
    code, out, err = bench(tmp_path, *words)
    assert (code, out) == (4, "")
    assert err.splitlines()[-1] == (
        f"bench: {path.relative_to(tmp_path)} has schema {SCHEMA + 1}, this imbench reads up to "
        f"{SCHEMA}: update imbench, or name another results folder"
    )
    assert "Traceback" not in err
    assert path.read_text() == text
    assert [file for file in (tmp_path / "results").rglob("*") if file.is_file()] == [path]


def spoilt(kind, image):
    """Return the bytes of an image file that cannot be used, and what is said of it."""
    out = io.BytesIO()
    if kind == "animated":
        image.save(out, "GIF", save_all=True, append_images=[image.rotate(90)])
        return out.getvalue(), "2 frames"
    image.save(out, "JPEG")
    whole = out.getvalue()
    return {
        "empty": (b"", "the file is empty (0 bytes)"),
        "truncated": (whole[:-200], "damaged: image file is truncated"),
        "page": (b"<!DOCTYPE html><html>Quota</html>", "an HTML page, not an image"),
    }[kind]


def test_row_15_bad_images_stop_a_run_or_are_counted_and_the_minority_count_is_checked_again(
    tmp_path, data_folder, data_picture
):
    root = data_folder({"train/ok": 12, "train/defect": 3, "test/ok": 4, "test/defect": 3})
    data_picture(90).convert("CMYK").save(root / "train/defect/cmyk.jpg")
    data_picture(91).convert("P").save(root / "train/defect/palette.png")
    grey = Image.effect_mandelbrot((48, 40), (-2, -1, 1, 1), 50).convert("I;16")
    grey.save(root / "train/defect/deep.png")
    said = {}
    for kind in ("empty", "truncated", "page", "animated"):
        content, said[kind] = spoilt(kind, data_picture(99))
        (root / f"train/defect/{kind}.jpg").write_bytes(content)
    spec = "folder:pictures,majority=ok,minority=defect"
    command = ("run", "--data", tmp_path, "--datasets", spec, "--methods", "vanilla,smote", *FAST)

    code, _, err = bench(tmp_path, *command, "--minority", "6")
    assert code == 4
    assert "4 images cannot be used" in err.splitlines()[-1]
    for kind, words in said.items():
        assert f"train/defect/{kind}.jpg: {words}" in err.splitlines()[-1]

    code, _, err = bench(tmp_path, *command, "--minority", "7", "--bad-images", "skip")
    assert code == 2, err
    assert err.splitlines()[-1] == (
        f"bench: {spec} at minority count 7: 7 minority images are requested; "
        "the training set has 6"
    )
    assert Store(tmp_path / "results").records() == []

    code, out, err = bench(tmp_path, *command, "--minority", "6", "--bad-images", "skip")
    assert code == 0, err
    found = {record.cell.recipe: record for record in Store(tmp_path / "results").records()}
    assert {record.images_skipped for record in found.values()} == {4}
    assert found["smote"].train_counts == [12, 6]
    assert "4 images left out" in " ".join(out.split())


def test_row_19_only_smote_adapts_to_a_small_minority_and_its_record_says_so(tmp_path):
    command = ("run", "--datasets", "digits", "--methods", "smote,os", *FAST, "--minority", "3")
    code, out, err = bench(tmp_path, *command)
    assert code == 0, err
    notes = {one.cell.recipe: one.notes for one in Store(tmp_path / "results").records()}
    assert notes["os"] == []
    (note,) = notes["smote"]
    assert "2" in note
    assert " ".join(note.split()[:3]) in " ".join(out.split())


AWKWARD = r"a b%_&ü#{~^}'$\<script>alert(1)"


def test_row_23_awkward_names_are_paths_latex_and_html_like_any_other(tmp_path, data_folder):
    root = data_folder({"train/ok": 6, "train/bad": 4, "test/ok": 3, "test/bad": 3})
    root.rename(tmp_path / AWKWARD)
    (tmp_path / "below").mkdir()
    part = "from imbench import Part\n\n\nclass Same(Part):\n    pass\n"
    (tmp_path / "m %_&<b>.py").write_text(part)
    spec = f"folder:../{AWKWARD},majority=ok,minority=bad"
    command = ("run", "--data", tmp_path / "below", "--datasets", spec, "--minority", "3", *FAST)
    code, out, err = bench(tmp_path, *command, "--methods", "vanilla,m %_&<b>.py:Same")
    assert code == 0, err
    before = {path.name for path in tmp_path.iterdir()}
    assert before == {AWKWARD, "below", "m %_&<b>.py", "cache", "results"} | (
        before & {"__pycache__"}
    )
    paths = [path.relative_to(tmp_path) for path in tmp_path.glob("results/*/*/*/*.json")]
    assert len(paths) == 2
    assert all(re.fullmatch(r"[\w.=+/-]+", str(path), flags=re.ASCII) for path in paths)

    code, out, err = bench(tmp_path, "report", "--latex", "--metric", "f1")
    assert code == 0, err
    body = "\n".join(line.partition("%")[0] for line in out.replace(r"\%", "").splitlines())
    assert r"\_\&" in body
    assert not re.search(r"(?<!\\)[_#&](?=ü|b>|\{)", body)
    assert "<script>" not in body

    code, out, err = bench(tmp_path, "report", "--html", "page.html")
    assert code == 0, err
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<script>alert" not in page
    assert "m %_&<b>" not in page
    code, out, err = bench(tmp_path, "report", "--json")
    assert code == 0, err
    assert AWKWARD in json.dumps(json.loads(out), ensure_ascii=False).replace("\\\\", "\\")
