"""Images made elsewhere: read, refused, and counted in the cell."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from imbench import run
from imbench.errors import DataError, UsageError
from imbench.images.decode import decode
from imbench.methods.generated import Generated
from imbench.records.store import Store
from imbench.training.checks import check_part
from imbench.training.examples import Examples
from imbench.training.method import Method
from imbench.training.part import Context, begin_fit
from imbench.training.recipe import parse_recipe


def images(*counts):
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(len(counts)), counts)
    x = rng.integers(0, 80, (len(y), 8, 8, 3)) + 60 * y[:, None, None, None]
    return x.astype(np.uint8), y


def part_of(folder, options=""):
    part = parse_recipe(f"generated:{folder}{options}").parts[0]
    begin_fit(part, Context())
    return part


def resampled(folder, counts=(10, 3), options=""):
    part, (x, y) = part_of(folder, options), images(*counts)
    changed, labels = part.resample(Examples(x), y, np.random.default_rng(0))
    return part, changed, labels


def test_a_folder_of_minority_images(data_folder):
    folder = data_folder({"made": 4}) / "made"
    part, changed, labels = resampled(folder)
    assert np.bincount(labels).tolist() == [10, 7]
    assert part.fake_.tolist() == [False] * 13 + [True] * 4
    for row, name in enumerate(("0.png", "1.png", "2.png", "3.png")):
        expected = decode((folder / name).read_bytes(), size=8).pixels
        assert (changed.take(np.array([13 + row]))[0] == expected).all()
    added, cropped = part.notes_
    assert added.startswith("generated images added: 4 of class 1 (content ")
    assert cropped.startswith("of the generated images cropped: 4 of 4 images are not square")


@pytest.mark.parametrize(
    ("geometry", "says"), [("stretch", "stretched"), ("pad", "padded"), ("crop", "cropped")]
)
def test_images_become_squares_as_those_of_the_data_set_did(data_folder, geometry, says):
    folder = data_folder({"made": 2}) / "made"
    part, (x, y) = part_of(folder), images(10, 3)
    begin_fit(part, Context(geometry=geometry))
    changed, _ = part.resample(Examples(x), y, np.random.default_rng(0))
    raw = (folder / "0.png").read_bytes()
    found = changed.take(np.array([13]))[0]
    assert (found == decode(raw, size=8, geometry=geometry).pixels).all()
    others = {"stretch", "pad", "crop"} - {geometry}
    assert all((found != decode(raw, size=8, geometry=one).pixels).any() for one in others)
    assert part.notes_[1].startswith(f"of the generated images {says}: 2 of 2 images are not squ")


def test_a_run_tells_what_became_of_the_images_of_its_data_set(tmp_path, data_folder, jobs_here):
    root = data_folder({f"{part}/{name}": 6 for part in ("train", "test") for name in "ab"})
    made = data_folder({"made": 2}) / "made"
    for option, says in (("", "stretched"), (",geometry=pad", "padded")):
        frame = run(
            datasets=f"folder:{root}{option}",
            minority=3,
            methods=f"generated:{made}",
            seeds=[0],
            settings={"network": "linear", "size": 8, "steps": 2},
            jobs=1,
            results=tmp_path / says,
            quiet=True,
        )
        assert set(frame["status"]) == {"ok"}
        (record,) = Store(tmp_path / says).records()
        assert any(f"of the generated images {says}: " in note for note in record.notes)


def test_folders_named_by_label(data_folder):
    folder = data_folder({"0": 1, "2/deeper": 5, "1": 2, "notes": 0})
    _, _, labels = resampled(folder, (10, 3, 3))
    assert labels[16:].tolist() == [0] + [1] * 2 + [2] * 5
    _, _, labels = resampled(data_folder({"two/1": 3}) / "two")
    assert labels[13:].tolist() == [1, 1, 1]


def test_grey_images(data_folder):
    folder = data_folder({"made": 2}) / "made"
    part, (x, y) = part_of(folder), images(6, 3)
    changed, _ = part.resample(Examples(x[..., :1]), y, np.random.default_rng(0))
    assert changed.take(np.arange(11)).shape == (11, 8, 8, 1)


def test_it_trains_as_aug_does(data_folder):
    folder = data_folder({"made/1": 6, "made/2": 3}) / "made"
    check = f"generated:{folder},kappa=0.5,gamma=2"
    method = Method(check, network="linear", steps=4, batch_size=8).fit(*images(10, 3, 3))
    assert method.priors_ == pytest.approx([1 / 3] * 3)
    flat = data_folder({"flat": 5}) / "flat"
    beside = Method(f"generated:{flat}+cs", network="linear", steps=2, batch_size=8)
    beside.fit(*images(10, 3))
    assert beside.sampled_counts_ == pytest.approx([10, 3 + 0.1 * 5])
    for rule in ("ir", "effective", "learned"):
        Method(f"generated:{flat},gamma={rule}", network="linear", steps=4).fit(*images(10, 4))


def test_the_contract(data_folder):
    # For two classes and for three, as the contract tries both.
    check_part(f"generated:{data_folder({'1': 3})},filter=0.2")


MISSING = "there is no folder"


@pytest.mark.parametrize(
    ("counts", "below", "classes", "says"),
    [
        ({}, "none", 2, MISSING),
        ({"made": 0}, "made", 2, "holds no images"),
        ({"made": 2}, "made", 3, "a folder of images for each label, named 1 to 2"),
        ({"made": 2, "made/1": 2}, "made", 2, "no image beside them"),
        ({"made/1": 2, "made/2": 0}, "made", 3, "2 holds no images"),
        ({"made/1": 2, "made/3": 1}, "made", 3, "labels go from 0 to 2"),
    ],
)
def test_folders_that_do_not_fit_are_refused(data_folder, counts, below, classes, says):
    root = data_folder({"other": 1, **counts})
    with pytest.raises(DataError, match=says):
        resampled(root / below, (10, 3, 3)[:classes])


def test_a_damaged_image_is_named(data_folder):
    folder = data_folder({"made": 3}) / "made"
    whole = (folder / "1.png").read_bytes()
    (folder / "1.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"1\.png: damaged"):
        resampled(folder)


def test_what_it_cannot_take(data_folder):
    folder = data_folder({"made": 3}) / "made"
    part, (x, y) = part_of(folder), images(10, 3)
    for wrong, says in ((x[:, :6], "square images"), (x[:, 0, 0].astype(float), "not rows")):
        with pytest.raises(UsageError, match=says):
            part.resample(Examples(wrong), y, np.random.default_rng(0))
    with pytest.raises(UsageError, match="needs path"):
        parse_recipe("generated")
    with pytest.raises(UsageError, match=r"^generated: path= must be a text$"):
        parse_recipe("generated:path=")
    with pytest.raises(DataError, match=r"there is no folder '2024\.0' of images"):
        resampled("2024.0")


def version(folder):
    (number,) = parse_recipe(f"generated:{folder}").versions.values()
    return number


def test_the_content_of_the_folder_is_part_of_the_cell(data_folder, tmp_path):
    folder = data_folder({"made/1": 3}) / "made"
    first = version(folder)
    assert first // 10**8 == Generated.version
    assert version(folder) == first

    def change(name, content):
        (folder / "1" / name).write_bytes(content)

    old = (folder / "1" / "0.png").read_bytes()
    other = (folder / "1" / "1.png").read_bytes()
    seen = {first}
    change("new.png", old)
    seen.add(version(folder))
    (folder / "1" / "new.png").unlink()
    assert version(folder) == first
    change("0.png", other)
    seen.add(version(folder))
    change("0.png", old)
    os.utime(folder / "1" / "0.png", (1, 1))
    assert version(folder) == first
    (folder / "1" / "0.png").rename(folder / "1" / "zero.png")
    seen.add(version(folder))
    assert len(seen) == 4
    # The same content elsewhere is the same; what is no image does not count.
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "readme.txt").write_text("made by hand")
    assert version(copy) == version(folder)


def test_a_recipe_is_read_without_its_folder():
    recipe = parse_recipe("generated:nowhere+cs")
    assert str(recipe) == "generated:path=nowhere+cs"
    assert recipe.title == "Generated nowhere+CS"
    with pytest.raises(DataError, match=MISSING):
        _ = recipe.versions


def test_k4_what_is_left_out_of_the_folder_is_said(data_folder):
    folder = data_folder({"made": 4}) / "made"
    for number in range(3):
        (folder / f"{number}.heic").write_bytes(b"\0\0\0\x18ftypheic")
    part, _, labels = resampled(folder)
    assert np.bincount(labels).tolist() == [10, 7]
    assert part.notes_[1] == (
        "of the generated images left out: 3 files of a format that is not read (3 .heic); "
        "to change it: convert to PNG or JPEG"
    )


def test_a_folder_for_each_seed_and_count(data_folder):
    root = data_folder({"made/3/0": 4, "made/3/1": 5, "made/6/0": 7, "made/3/first": 1})
    path = f"{root}/made/{{minority}}/{{seed}}"
    for minority, seed, made in ((3, 0, 4), (3, 1, 5), (6, 0, 7)):
        method = Method(f"generated:{path}", network="linear", steps=1, random_state=seed)
        method.fit(*images(10, minority))
        assert method.notes_[0].startswith(f"generated images added: {made} of class 1")
    with pytest.raises(DataError, match=r"no folder '.*made/6/1' of images$"):
        Method(f"generated:{path}", network="linear", steps=1, random_state=1).fit(*images(10, 6))


@pytest.mark.parametrize(
    ("minority", "seeds", "says"),
    [([3, 4], [0], "made/4/0' of images$"), ([3], [0, 1], "made/3/1' of images$")],
)
def test_a_plan_refuses_what_no_folder_was_made_for(data_folder, tmp_path, minority, seeds, says):
    made = data_folder({"made/3/0": 4}) / "made"
    with pytest.raises(DataError, match=says):
        run(
            datasets="digits",
            minority=minority,
            methods=f"generated:{made}/{{minority}}/{{seed}}",
            seeds=seeds,
            settings={"network": "linear", "size": 8, "steps": 2},
            jobs=1,
            results=tmp_path / "results",
            quiet=True,
        )
    assert not list((tmp_path / "results").rglob("*.json"))


def test_all_folders_of_a_path_are_part_of_the_cell(data_folder):
    made = data_folder({"made/3-0": 2, "made/3-1": 2}) / "made"
    path = f"{made}/{{minority}}-{{seed}}"
    first = version(path)
    assert version(path) == first
    swapped = made / "swapped"
    (made / "3-0").rename(swapped)
    seen = {first, version(path)}
    (made / "3-1").rename(made / "3-0")
    swapped.rename(made / "3-1")
    seen.add(version(path))
    assert len(seen) == 3
    shutil.copytree(made / "3-1", made / "notes")
    assert version(path) in seen - {first}


def test_the_example_of_its_page_makes_a_folder_for_each_cell(tmp_path, monkeypatch, jobs_here):
    page = Path(__file__).parents[1] / "docs" / "methods" / "generated.md"
    (script,) = re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.S | re.M)
    monkeypatch.chdir(tmp_path)
    exec(compile(script, str(page), "exec"), {})
    path = "made/{minority}/{seed}"
    scores = run(
        datasets="digits",
        minority=[10, 20],
        methods=f"os,generated:{path}",
        seeds=range(2),
        settings={"network": "linear", "size": 16, "steps": 2},
        jobs=1,
        results=tmp_path / "results",
        quiet=True,
    )
    seeds = scores.groupby("recipe").seed.nunique()
    assert seeds.to_dict() == {"os": 2, f"generated:path={path}": 2}
    records = Store(tmp_path / "results").records()
    assert len({note for record in records for note in record.notes if "content" in note}) == 4
