"""`bench explain` on real runs: kept and retrained networks, resuming, and what is wrong."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clicked import bench, refused
from in_process import jobs_here
from PIL import Image

from imbench.commands.explain import _say
from imbench.errors import DataError
from imbench.explain import networks, session
from imbench.explain.chosen import choose
from imbench.explain.claims import measured_of
from imbench.explain.gradcam import GradCAM
from imbench.explain.numbers import KINDS, differences, explained_of
from imbench.explain.saliency import Maps
from imbench.explain.stored import Kept, kept
from imbench.images.cache import prepare
from imbench.page.explained import draw_features
from imbench.page.page import render_page
from imbench.records.groups import group_records
from imbench.records.image_names import read_names
from imbench.records.record import Record
from imbench.records.store import Store, read_records
from imbench.training.device import fixed_threads

DATA = "savanna:train=24,test=10,size=16"
OPTIONS = ("--network", "cnn", "--size", "16", "--steps", "6", "--jobs", "1", "--quiet")
FEW = ("--images", "4", "--swaps", "4")
pytestmark = pytest.mark.usefixtures("jobs_here")


@pytest.fixture(autouse=True)
def one_thread():
    """Train on one thread: several that share a core wait for each other in turns."""
    with fixed_threads(1):
        yield


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a results folder with kept networks: Vanilla, TS and CS, two seeds."""
    where = tmp_path_factory.mktemp("explain") / "results"
    os.environ["IMBENCH_CACHE"] = str(tmp_path_factory.getbasetemp() / "imbench-cache")
    cells = ("--minority", 6, "--methods", "vanilla,ts,cs", "--seeds", "0-1")
    with jobs_here():
        bench("run", "--datasets", DATA, *cells, *OPTIONS, "--keep", "models", "--out", where)
    bench("explain", where, *FEW)
    return where


@pytest.fixture
def copy(ran: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ran, tmp_path / "copy"))


def files(results: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(results.rglob("*explained*"))}


def without_maps(results: Path) -> Path:
    for path in results.rglob("*explained*"):
        path.unlink()
    return results


def test_arrays_lie_beside_every_record_and_records_stay(ran):
    records = read_records(ran)
    assert len(records) == 6
    for record in records:
        assert record.intact
        found = {what: kept(Store(ran), record, what) for what in ("gradcam", "rise", "context")}
        for what in ("gradcam", "rise"):
            arrays = found[what].arrays
            assert arrays["maps"].shape == (4, 16, 16)
            assert sorted(arrays["labels"]) == [0, 0, 1, 1]
        assert found["context"].arrays["z_other"].shape == (8, 2)


def test_all_methods_and_seeds_are_shown_the_same_images(ran):
    rows = {
        tuple(kept(Store(ran), record, "rise").arrays["rows"].tolist())
        for record in read_records(ran)
    }
    assert len(rows) == 1


def test_scaled_thresholds_change_the_probabilities_of_the_same_network(ran):
    by_recipe = {
        one.cell.recipe: kept(Store(ran), one, "context").arrays["z_plain"]
        for one in read_records(ran)
        if one.cell.seed == 0
    }
    odds = {name: np.log(z[:, 1] / z[:, 0]) for name, z in by_recipe.items()}
    shift = odds["ts"] - odds["vanilla"]
    np.testing.assert_allclose(shift, np.log(24 / 6), atol=1e-3)  # float32 shares near 1


def test_the_same_command_computes_nothing_again(copy, monkeypatch):
    before = files(copy)
    monkeypatch.setattr(session, "trained_network", None)
    done = bench("explain", copy, *FEW)
    assert files(copy) == before
    assert "where they look at 6 minority images" in done.stdout
    monkeypatch.undo()
    lost = next(copy.rglob("*explained-rise.npz"))
    lost.write_bytes(b"no arrays")
    bench("explain", copy, *FEW)
    assert len(files(copy)) == len(before)
    assert lost.stat().st_size > 1000


def test_a_cell_without_a_kept_network_is_trained_again_and_has_the_same_maps(copy):
    before = {path: np.load(path)["maps"] for path in sorted(copy.rglob("*explained-*d*.npz"))}
    assert len(before) == 6
    for path in without_maps(copy).rglob("*model*"):
        path.unlink()
    for path in copy.rglob("[0-9]*.json"):
        if "floors" not in path.parts:
            plain = json.loads(path.read_text())
            plain["files"] = {}
            path.write_text(json.dumps(plain))  # as a run without --keep leaves it
    done = bench("explain", copy, *FEW, "--maps", "gradcam")
    assert "4 networks were trained again" in done.stderr
    for path, maps in before.items():
        np.testing.assert_allclose(np.load(path)["maps"], maps, atol=2e-3)


def test_a_network_of_another_cell_is_refused_and_the_rest_goes_on(copy):
    without_maps(copy)
    vanilla, other = (
        next(iter(sorted(copy.rglob(f"{recipe}/{seed}-*model*"))))
        for recipe, seed in (("vanilla", 0), ("vanilla", 1))
    )
    vanilla.write_bytes(other.read_bytes())
    done = bench("explain", copy, *FEW, "--maps", "gradcam")
    assert "gives other outputs than the record" in done.stderr
    assert "Vanilla at 6, seed 0" in done.stderr
    assert len(list(copy.rglob("*explained-gradcam.npz"))) == 4  # TS shares it


def test_images_that_changed_are_told_once_and_nothing_is_explained(copy, monkeypatch):
    without_maps(copy)
    other = prepare("savanna:train=24,test=10,size=16,seed=1", root=Path(), size=16)
    monkeypatch.setattr(networks, "prepare", lambda *_, **__: other)
    assert "no cell could be explained" in refused("explain", copy, *FEW, code=3)
    assert not list(copy.rglob("*explained*"))


def test_what_an_earlier_command_left_is_called_so_where_images_are_gone(copy, monkeypatch):
    def gone(*_, **__):
        raise DataError("the folder is gone")

    monkeypatch.setattr(networks, "prepare", gone)
    done = bench("explain", copy, *FEW, "--methods", "vanilla")
    assert "the folder is gone (Vanilla at 6, seed 0; Vanilla at 6, seed 1)" in done.stderr
    assert "2 cells are shown as an earlier bench explain left them" in done.stderr
    assert "Vanilla" in done.stdout


def decoded(change: Callable):
    data = prepare(DATA, root=Path(), size=16)
    return replace(data, test=change(data.test), train=change(data.train))


def test_images_without_an_object_are_counted_and_left_out(ran):
    cell = read_records(ran)[0].cell

    def cleared(images):
        masks = np.array(images.masks)
        masks[::2] = False
        return replace(images, masks=masks)

    found = choose(decoded(cleared), cell, 50)
    assert found.split == "test"
    assert len(found.rows) == 10
    assert "5 solid images are left out: no object in the mask, or nothing else" in found.notes


def test_test_images_of_a_class_without_an_object_are_no_fault_of_the_run(ran):
    cell = read_records(ran)[0].cell

    found = choose(decoded(only_striped), cell, 50)
    assert set(found.labels) == {1}
    assert "no solid image has an object: they are backgrounds for the others" in found.notes
    assert found.scenes is not None
    assert set(found.scenes.labels) == {0}
    assert not any("--majority" in note for note in found.notes)


def test_masks_of_another_size_are_not_used(ran):
    cell = read_records(ran)[0].cell
    found = choose(
        decoded(lambda images: replace(images, masks=np.ones((len(images), 8, 8), bool))), cell, 5
    )
    assert found.masks is None
    assert "masks of 8x8 px do not fit images of 16x16 px: they are not used" in found.notes


def test_without_masks_of_test_images_those_held_out_of_training_are_taken(ran):
    cell = read_records(ran)[0].cell
    data = prepare(DATA, root=Path(), size=16)
    data = replace(data, test=replace(data.test, masks=None))
    found = choose(data, cell, 50)
    assert found.split == "train"
    assert (found.labels == 1).all()  # all 24 of the majority were trained on
    assert len(found.rows) == 18
    assert any("give the run --majority" in note for note in found.notes)
    half = choose(data, cell.model_copy(update={"majority": 12}), 50)
    assert np.bincount(half.labels).tolist() == [12, 18]


def masks_of(data, folder, *, label=None):
    """Write the masks of test images, of one class or of all, as files named like the images."""
    for name, mask, of in zip(data.names, data.masks, data.labels, strict=True):
        if label in (None, of):
            path = (folder / name).with_suffix(".png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.asarray(mask)).save(path)
    return folder


def test_masks_of_a_folder_are_those_of_the_data_set(copy, tmp_path):
    """Nothing is computed again, so images and masks are the same."""
    before = files(copy)
    folder = masks_of(prepare(DATA, root=Path(), size=16).test, tmp_path / "masks")
    Image.new("1", (16, 16)).save(folder / "another.png")
    done = bench("explain", copy, *FEW, "--masks", folder)
    assert files(copy) == before
    assert f"1 file in {folder} belongs to no image of the data set (all 6 cells)" in done.stderr


def test_where_one_class_has_objects_the_other_is_their_background(copy, tmp_path):
    data = prepare(DATA, root=Path(), size=16).test
    folder = masks_of(data, tmp_path / "masks", label=1)
    done = bench("explain", copy, *FEW, "--masks", folder, "--methods", "cs")
    assert "no solid image has an object: they are backgrounds for the others" in done.stderr
    record = next(one for one in read_records(copy) if one.cell.recipe == "cs")
    arrays = kept(Store(copy), record, "context").arrays
    assert (arrays["labels"] == 1).all()
    net = networks.trained_network(record, prepare(DATA, root=Path(), size=16), copy, "cpu")[0]
    seen = networks.with_recipe(net, record).of_pixels
    rows = arrays["rows"]
    scenes = choose(
        replace(prepare(DATA, root=Path(), size=16), test=only_striped(data)), record.cell, 4
    ).scenes
    placed = np.where(data.masks[rows][..., None], data.pixels[rows], scenes.pixels)
    np.testing.assert_allclose(arrays["z_other"], seen(placed), atol=1e-6)
    maps = kept(Store(copy), record, "rise").arrays
    assert (maps["masks"] == data.masks[maps["rows"]]).all()
    earlier = files(copy)
    bench("explain", copy, *FEW[:2], "--swaps", 3, "--masks", folder, "--methods", "cs")
    changed = {name for name, data in files(copy).items() if data != earlier[name]}
    assert changed == {n for n in earlier if "/cs/" in n and n.endswith("explained-context.npz")}
    # Other methods are still explained with both classes: no mean of nothing in any form.
    assert bench("report", copy, "--html", tmp_path / "page.html").exit_code == 0
    (group,) = json.loads(bench("explain", copy, *FEW, "--methods", "cs", "--json").stdout)[
        "groups"
    ]
    assert {cell["what"] for cell in group["cells"]} == {"gradcam", "rise", "context"}
    assert bench("explain", copy, *FEW, "--masks", folder, "--details").exit_code == 0


def only_striped(images):
    return replace(images, masks=np.array(images.masks) & (images.labels == 1)[:, None, None])


def test_swaps_of_an_explanation_with_masks_are_told_from_those_without(tmp_path):
    options = ("--network", "cnn", *OPTIONS[2:], "--keep", "models", "--out", tmp_path / "r")
    bench(
        "run", "--datasets", "digits", "--minority", 20, "--methods", "us", "--seeds", 0, *options
    )
    test = prepare("digits", root=Path(), size=16).test
    masks = np.asarray(test.pixels)[..., 0] > 128
    folder = masks_of(replace(test, masks=masks), tmp_path / "masks")
    given = bench("explain", tmp_path / "r", *FEW, "--masks", folder, "--maps", "gradcam")
    assert "Grad-CAM lift" in given.stdout
    without = bench("explain", tmp_path / "r", *FEW, "--maps", "gradcam")
    assert "swaps are those that an earlier bench explain, with masks, left" in without.stderr
    refused("explain", tmp_path / "r", "--masks", tmp_path / "none")


def test_a_network_without_a_convolution_has_rise_and_numbers_all_the_same(tmp_path):
    options = ("--network", "linear", *OPTIONS[2:], "--keep", "models", "--out", tmp_path / "r")
    bench(
        "run", "--datasets", DATA, "--minority", 6, "--methods", "vanilla", "--seeds", 0, *options
    )
    done = bench("explain", tmp_path / "r", *FEW)
    assert "gradcam: the network has no feature map that gradients reach" in done.stderr
    assert "RISE lift" in done.stdout
    assert "Grad-CAM" not in done.stdout


def test_without_masks_maps_are_drawn_and_nothing_is_said_of_objects(tmp_path):
    options = ("--network", "cnn", *OPTIONS[2:], "--keep", "models", "--out", tmp_path / "r")
    bench(
        "run", "--datasets", "digits", "--minority", 20, "--methods", "us", "--seeds", 0, *options
    )
    done = bench("explain", tmp_path / "r", *FEW, "--maps", "gradcam")
    assert "the data set has no object masks" in done.stderr
    assert "insertion" in done.stdout
    assert "lift" not in done.stdout
    assert "flips" not in done.stdout
    details = bench("explain", tmp_path / "r", *FEW, "--maps", "gradcam", "--details").stdout
    assert details.startswith(done.stdout.strip())
    assert "pointing " not in details.removeprefix(done.stdout.strip()).partition("right:")[0]
    assert "swapped" not in details


def test_differences_count_images_that_both_get_right(ran):
    (group,) = group_records(read_records(ran))
    explained = explained_of(group, Store(ran), "context")
    first, second = (explained[recipe, 6][0] for recipe in ("cs", "vanilla"))
    both = first.right & second.right
    apart = first.values["other_moved"] - second.values["other_moved"]
    means = [
        apart[both & (first.labels == c)].mean()
        for c in (0, 1)
        if (both & (first.labels == c)).any()
    ]
    found = differences(explained, ("cs", "vanilla"), 6, "other_moved")
    assert found[0] == pytest.approx(np.mean(means))


def test_json_has_every_cell(ran):
    body = json.loads(bench("explain", ran, *FEW, "--json").stdout)
    (group,) = body["groups"]
    assert len(group["cells"]) == 6 * 3
    assert set(group["cells"][0]["classes"]) == {"solid", "striped"}
    numbers = group["cells"][0]["classes"]["striped"]
    assert numbers["images"] == 2
    assert 0 <= numbers["energy"] <= 1


def test_one_table_a_count_says_of_each_method_what_the_details_say(ran):
    text = bench("explain", ran, *FEW, "--markdown").stdout
    assert text.count("### ") == 1
    head, _, *rows = [line for line in text.splitlines() if line.startswith("|")]
    columns = ["right", "Grad-CAM lift", "RISE lift", "flips", "same", "erased"]
    titles = [cell.strip() for cell in head.strip("|").split("|")]
    assert titles == ["method", *(f"{of}: {one}" for of in ("solid", "striped") for one in columns)]
    assert [row.strip("| ").split()[0] for row in rows] == ["Vanilla", "TS", "CS"]
    (group,) = group_records(read_records(ran))
    found = explained_of(group, Store(ran), "context")["cs", 6]
    wanted = [
        np.mean([x.mean(f"{name}_flips", 1) for x in found.values()])
        for name in ("other", "same", "erased")
    ]
    shown = rows[2].strip("| ").split("|")[-3:]
    assert list(map(float, shown)) == pytest.approx(wanted, abs=0.0051)
    assert "2 solid, 2 striped (test images); swaps: 4 solid, 4 striped" in text
    detailed = bench("explain", ran, *FEW, "--markdown", "--details").stdout
    assert detailed.count("### ") == 1 + 3 * 2 + 1
    assert "difference to Vanilla" in detailed


def returned(values: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Maps]:
    """Return a map method that gives what a function makes of ones."""

    def maps(_self, _network, pixels, _labels, _done=None):
        return Maps(values(np.ones(pixels.shape[:3], np.float32)))

    return maps


def test_maps_without_a_number_or_of_zeros_are_counted_below_the_table(copy, monkeypatch):
    without_maps(copy)

    def odd(made):
        made[0], made[1, 2, 2] = 0, np.nan
        return made

    monkeypatch.setattr(GradCAM, "maps", returned(odd))
    done = bench("explain", copy, *FEW, "--maps", "gradcam", "--methods", "vanilla")
    text = " ".join(done.stdout.split())
    assert "2 of 8 Grad-CAM maps are zero everywhere, and have no measures" in text
    assert "2 of 8 Grad-CAM maps are no numbers, and have no measures" in text


@pytest.mark.parametrize(
    ("change", "says"),
    [(lambda made: made[:, :3], "maps have shape (4, 3, 16), not (4, 16, 16)"),
     (lambda made: made.no_such, "has no attribute 'no_such'")],
    ids=["shape", "raises"],
)  # fmt: skip
def test_a_map_method_that_fails_is_told_and_the_others_go_on(copy, monkeypatch, change, says):
    without_maps(copy)
    monkeypatch.setattr(GradCAM, "maps", returned(change))
    done = bench("explain", copy, *FEW, "--methods", "vanilla")
    assert says in done.stderr
    assert "Vanilla at 6, seed 0; Vanilla at 6, seed 1" in done.stderr
    assert "RISE lift" in done.stdout
    assert "Grad-CAM" not in done.stdout


def test_a_record_without_outputs_says_so_and_one_whose_network_is_gone_is_trained_again(copy):
    without_maps(copy)
    first, second = (
        next(copy.rglob(f"{recipe}/0-*-model.safetensors")) for recipe in ("vanilla", "cs")
    )
    first.unlink()
    path = second.with_name(second.name.replace("-model.safetensors", ".json"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "scores": None}))
    done = bench("explain", copy, *FEW, "--maps", "gradcam", "--methods", "vanilla,cs")
    told = " ".join(done.stderr.split())
    assert "1 network was trained again, with the outputs of the records" in told
    assert "the record keeps no outputs to compare its network with (CS at 6, seed 0)" in told
    assert len(list(copy.rglob("*explained-gradcam.npz"))) == 3


def test_sentences_name_the_data_where_there_are_several_and_count_where_all_are_meant(
    make_record, capsys
):
    def made(dataset: str, seed: int) -> Record:
        return make_record(seed=seed, cell={"dataset": dataset, "fingerprint": dataset})

    records = [made(dataset, seed) for dataset in ("digits", "savanna") for seed in (0, 1)]
    _say({"first": records[1:3], "second": records}, records)
    assert capsys.readouterr().err.splitlines() == [
        "first (digits: Vanilla at 50, seed 1; savanna: Vanilla at 50, seed 0)",
        "second (all 4 cells)",
    ]
    _say({"third": records[:1]}, records[:1])
    assert capsys.readouterr().err == "third (Vanilla at 50, seed 0)\n"


def test_images_that_are_gone_are_told(ran, tmp_path):
    record = read_records(ran)[0]
    for spec, why in ((f"folder:{tmp_path}/gone", "gone"), ("no-such-set", "not installed here")):
        cell = record.cell.model_copy(update={"dataset": spec})
        with pytest.raises(DataError, match=why):
            networks.read_images(record.model_copy(update={"cell": cell}), tmp_path)


def test_a_pack_has_no_networks_to_explain(ran, tmp_path):
    bench("pack", ran, tmp_path / "all.pack")
    said = refused("explain", tmp_path / "all.pack", code=3)
    assert "is a pack, and this takes a results folder" in said


def test_unknown_maps_and_methods_are_told_before_anything_is_done(ran):
    assert "gradcam" in refused("explain", ran, "--maps", "gradcm")
    said = refused("explain", ran, "--methods", "us", code=3)
    assert "no finished cell has the method 'us'" in said


def test_the_claims_take_the_numbers_of_the_results_folder(ran):
    records = read_records(ran)
    (group,) = group_records(records)
    found = measured_of(records, Store(ran))[group.code]
    assert set(found) <= {"lift", "flips"}
    apart = found["flips"]["cs - vanilla", 6]
    explained = explained_of(group, Store(ran), "context")
    assert apart == differences(explained, ("cs", "vanilla"), 6, "other_flips")
    other = found["flips"]["vanilla - cs", 6]
    assert other == pytest.approx({seed: -value for seed, value in apart.items()})


def test_the_page_has_a_wall_of_the_same_images_by_all_methods(copy):
    bench("explain", copy, *FEW, "--methods", "vanilla", "--tsne")
    text = render_page(read_records(copy), folder=copy, names=read_names(copy))
    data = json.loads(text.rpartition('id="data">')[2].partition("</script>")[0])
    assert [(wall["map"], wall["seed"]) for wall in data["walls"]] == [
        ("Grad-CAM", 0),
        ("RISE", 0),
        ("Grad-CAM", 1),
        ("RISE", 1),
    ]
    wall = data["walls"][1]
    assert wall["titles"] == ["Vanilla", "TS", "CS"]
    assert sorted(row["class"] for row in wall["rows"]) == ["solid", "solid", "striped", "striped"]
    spread = [row["apart"] for row in wall["rows"]]
    assert spread == sorted(spread, reverse=True)
    record = next(one for one in read_records(copy) if one.cell.recipe == "cs")
    arrays = kept(Store(copy), record, "rise").arrays
    name = wall["rows"][0]["name"]
    pairs = zip(arrays["labels"], arrays["rows"], strict=True)
    # Ten test images of each class, one class after another.
    place = [f"test/{DRAWN[label]}/{row - 10 * label:05d}" for label, row in pairs]
    shown = wall["cells"][0][2]
    assert shown[1] == pytest.approx(float(arrays["z"][place.index(name)]), rel=0.01)
    pixels = np.frombuffer(base64.b64decode(shown[0]), np.uint8).reshape(16, 16)
    kept_map = arrays["maps"][place.index(name)].astype(float)
    assert np.abs(pixels / 255 - kept_map / kept_map.max()).max() < 0.01
    assert "Where the classifiers look" in text
    before, folded, after = text.partition("<summary>Every measure of each map and class")
    assert folded
    assert "where they look at 6 minority images" in before
    assert "RISE, striped" in after
    assert "features at 6 minority images" in text


DRAWN = ("solid", "striped")


def test_tsne_places_training_and_test_images(copy):
    bench("explain", copy, *FEW, "--maps", "gradcam", "--methods", "vanilla", "--tsne")
    record = next(one for one in read_records(copy) if one.cell.recipe == "vanilla")
    arrays = kept(Store(copy), record, "features").arrays
    assert arrays["xy"].shape == (30 + 20, 2)
    assert np.isfinite(arrays["xy"]).all()
    assert np.bincount(arrays["kinds"]).tolist() == [30, 20]
    assert np.isnan(arrays["purity"])


def test_the_picture_of_features_names_classes_and_kinds_of_all_panels(ran):
    record = read_records(ran)[0]

    def placed(kinds: list[int]) -> Kept:
        arrays = {"xy": np.zeros((6, 2)), "labels": np.array([0, 1, 2] * 2)}
        return Kept(record, "features", {}, {**arrays, "kinds": np.repeat(kinds, 3)})

    figure = draw_features([placed([0, 1]), placed([0, 2])], ("shirt", "hat", "skirt"))
    (legend,) = figure.legends
    shown = [text.get_text() for text in legend.get_texts()]
    names = [f"{name}, {kind}" for kind in KINDS for name in ("shirt", "hat", "skirt")]
    assert sorted(shown) == sorted(names)


def test_every_block_of_a_table_that_is_cut_says_whose_columns_it_has(ran, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    text = bench("explain", ran, *FEW).stdout
    blocks = [block for block in text.split("\n\n") if "\nmethod " in block]
    assert len(blocks) > 2
    for block in blocks:
        over = block.splitlines()[0]
        assert over.strip().strip("-").split()[0] in DRAWN
        assert len(over) <= 60


def test_a_method_explained_on_other_images_is_not_compared_and_that_is_said(copy):
    bench("explain", copy, "--images", 6, "--swaps", 4, "--maps", "gradcam", "--methods", "cs")
    text = " ".join(bench("explain", copy, *FEW, "--methods", "vanilla,ts").stdout.split())
    assert "other images" not in text
    page = render_page(read_records(copy), folder=copy, names=read_names(copy))
    assert "Grad-CAM: 2-3 solid, 2-3 striped (test images)" in page
    assert (
        "Grad-CAM maps of CS are of other images than Vanilla&#39;s, and not compared with them: "
        "explain all with one --images"
    ) in page
