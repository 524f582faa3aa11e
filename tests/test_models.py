"""A model's folder: what is saved predicts the same, and what was tampered with is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from hostile import HOSTILE, assert_shown
from mutations import damaged_bytes, damaged_json
from PIL import Image

from imbench import DataError, EnvironmentFault, ImbenchError, Method, UsageError, prepare
from imbench import load_model as load
from imbench import save_model as save
from imbench.models.core import View
from imbench.models.description import SCHEMA, Description
from imbench.models.folder import DESCRIPTION, WEIGHTS, new_folder, read_folder
from imbench.models.weights import pack, unpack
from imbench.registry import registered_names
from imbench.safe_text import json_document

SIZE = 8
RNG = np.random.default_rng(0)


def fitted(recipe="us+cs", *, seed=0, channels=3, classes=2, **settings):
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(classes), 40 // np.arange(1, classes + 1))
    pixels = rng.integers(0, 200, (len(labels), SIZE, SIZE, channels), dtype=np.uint8)
    pixels[labels == 1, :4] //= 2
    given = {"network": "cnn:width=4", "steps": 5, "batch_size": 16, **settings}
    return Method(recipe, **given, random_state=seed).fit(pixels, labels)


@pytest.fixture(scope="module")
def methods():
    return [fitted(seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def saved(methods, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "MODEL"
    save(path, methods, classes=["ok", "defect"], threshold=0.3)
    return path


@pytest.fixture
def model_folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")


def images(n=20, channels=3):
    shape = (n, SIZE, SIZE, channels)
    return np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)


def reseal(folder, change):
    """Change the description of a model and give it a checksum that holds."""
    plain = json.loads((folder / DESCRIPTION).read_text("utf-8"))
    change(plain)
    text = json_document(Description.model_validate(plain).sealed().plain())
    (folder / DESCRIPTION).write_text(text, "utf-8")


def test_a_loaded_model_predicts_what_the_methods_did_bit_for_bit(saved, methods):
    model = load(saved)
    expected = (methods[0].predict_proba(images()) + methods[1].predict_proba(images())) / 2
    assert np.array_equal(model.predict_proba(images()), expected)
    assert model.classes == ("ok", "defect")
    said = np.where(expected[:, 1] > 0.3, "defect", "ok")
    assert model.predict(images()).tolist() == said.tolist()


SLOW_OR_BOUND = {"alt", "aug", "aug-da", "aug-star", "cbl", "generated", "imblearn"}
"""Parts that train generators, or need an argument."""
RECIPES = [name for name in registered_names("methods") if name not in SLOW_OR_BOUND]


@pytest.mark.parametrize(
    "recipe", ["vanilla", "cs+ts", "cbl:beta=0.99", "imblearn:RandomOverSampler", *RECIPES]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_recipe_and_grey_and_colour_come_back(recipe, channels, tmp_path):
    method = fitted(recipe, channels=channels, classes=3)
    save(tmp_path / "M", method, classes=["a", "b", "c"])
    model = load(tmp_path / "M")
    pixels = images(channels=channels)
    assert np.array_equal(model.predict_proba(pixels), method.predict_proba(pixels))
    assert model.predict(pixels).tolist() == ["abc"[label] for label in method.predict(pixels)]


@pytest.mark.parametrize("network", ["resnet20", "linear", "torchvision:squeezenet1_1"])
def test_every_kind_of_network_comes_back(network, tmp_path):
    size = 32 if "torchvision" in network else SIZE
    pixels = np.random.default_rng(0).integers(0, 256, (12, size, size, 3), dtype=np.uint8)
    method = Method("vanilla", network=network, steps=2, batch_size=4)
    method.fit(pixels, np.arange(12) % 2)
    save(tmp_path / "M", method, classes=["a", "b"])
    assert np.array_equal(load(tmp_path / "M").predict_proba(pixels), method.predict_proba(pixels))


@pytest.mark.parametrize("geometry", ["stretch", "pad", "crop"])
def test_files_are_seen_as_the_cache_decodes_them(geometry, tmp_path, methods):
    for split, count in (("train", 6), ("test", 4)):
        for name in ("ok", "defect"):
            folder = tmp_path / "data" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = RNG.integers(0, 256, (20 + number, 30, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.{('png', 'jpg')[number % 2]}")
    spec = f"folder:{tmp_path / 'data'},majority=ok,minority=defect,geometry={geometry}"
    test = prepare(spec, root=tmp_path, size=SIZE).test
    save(tmp_path / "M", methods, classes=["ok", "defect"], geometry=geometry)
    model = load(tmp_path / "M")
    paths = [tmp_path / "data" / name for name in test.names]
    assert np.array_equal(model.squares(paths), test.pixels)
    assert np.array_equal(model.predict_proba(paths), model.predict_proba(np.array(test.pixels)))
    assert np.array_equal(model.predict_proba(str(paths[0])), model.predict_proba(paths)[:1])


def test_arrays_of_other_sizes_are_brought_to_what_the_network_sees(saved):
    model = load(saved)
    grey = RNG.integers(0, 256, (2, 16, 24), dtype=np.uint8)
    assert model.predict_proba(grey).shape == (2, 2)
    assert model.predict_proba(images(0)).shape == (0, 2)
    assert model.predict([]).tolist() == []
    for wrong in (images().astype(float), images()[0, 0], images(channels=2)[..., :2], "x" * 3):
        with pytest.raises(ImbenchError):
            model.predict_proba(wrong)


def test_a_file_that_is_no_image_is_named(saved, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"a\.png: not an image"):
        load(saved).predict_proba([tmp_path / "a.png"])
    with pytest.raises(DataError, match=r"b\.png cannot be read"):
        load(saved).predict_proba([tmp_path / "b.png"])


def test_the_card_says_what_was_measured_and_nothing_else(saved):
    card = (saved / "README.md").read_text("utf-8")
    assert "2 networks (cnn:width=4), trained with `us+cs`" in card
    assert "Classes: ok, defect" in card
    assert "None was measured." in card


@pytest.mark.parametrize("name", [DESCRIPTION, WEIGHTS])
def test_a_missing_or_cut_file_is_refused(name, model_folder):
    raw = (model_folder / name).read_bytes()
    for cut in (raw[:-2], raw[: len(raw) // 2], raw[:7], b""):
        (model_folder / name).write_bytes(cut)
        with pytest.raises(DataError) as raised:
            load(model_folder)
        assert raised.value.exit_code == 4
    (model_folder / name).unlink()
    expected = UsageError if name == DESCRIPTION else DataError
    with pytest.raises(expected, match=r"holds no model|is missing"):
        load(model_folder)


def test_an_edited_description_is_refused(model_folder):
    path = model_folder / DESCRIPTION
    text = path.read_text("utf-8")
    for old, new in (('"geometry": "stretch"', '"geometry": "crop"'), ("0.3", "0.4")):
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")
        with pytest.raises(DataError, match="was edited since it was written"):
            load(model_folder)


def test_another_geometry_than_that_of_the_weights_is_refused_even_with_a_checksum(model_folder):
    reseal(model_folder, lambda plain: plain["core"]["view"].update(geometry="crop"))
    with pytest.raises(DataError, match="describes another model than its weights"):
        load(model_folder)


def test_weights_with_another_checksum_are_refused_and_a_card_may_be_added_to(model_folder):
    (model_folder / "README.md").write_text("Ask Kim.")
    load(model_folder)
    raw = bytearray((model_folder / WEIGHTS).read_bytes())
    raw[-1] ^= 1
    (model_folder / WEIGHTS).write_bytes(raw)
    with pytest.raises(DataError, match="its checksum is wrong"):
        load(model_folder)


def test_a_model_of_a_newer_version_is_refused(model_folder):
    plain = json.loads((model_folder / DESCRIPTION).read_text("utf-8"))
    for schema in (SCHEMA + 1, 10**30):
        (model_folder / DESCRIPTION).write_text(json.dumps(plain | {"schema": schema}), "utf-8")
        with pytest.raises(EnvironmentFault, match="this imbench reads up to"):
            load(model_folder)


def test_weights_of_another_network_are_refused(model_folder, methods):
    core = read_folder(model_folder)[0].core
    other = pack(core, [fitted(network="linear").network_] * 2, {})
    with pytest.raises(DataError, match="does not fit the network cnn:width=4"):
        unpack(other, "file")
    broken = fitted(seed=0)
    with torch.no_grad():
        next(broken.network_.parameters()).fill_(torch.nan)
    with pytest.raises(DataError, match="is not finite"):
        unpack(pack(core, [broken.network_] * 2, {}), "file")


def test_damage_of_any_kind_ends_in_a_sentence(model_folder):
    """Bytes of both files changed at random: refused, never another error."""
    originals = {name: (model_folder / name).read_bytes() for name in (DESCRIPTION, WEIGHTS)}
    plain, rng = json.loads(originals[DESCRIPTION]), np.random.default_rng(0)
    texts = [json.dumps(damaged_json(plain, rng)) for _ in range(150)]
    damaged = [(DESCRIPTION, text.encode("utf-8", "surrogatepass")) for text in texts]
    damaged += [
        (name, damaged_bytes(originals[name], rng)) for name in originals for _ in range(40)
    ]
    refused = 0
    for name, raw in damaged:
        for other, content in originals.items():
            (model_folder / other).write_bytes(content)
        (model_folder / name).write_bytes(raw)
        fault = refusal(model_folder)
        if fault is not None:
            refused += 1
            assert fault.exit_code in (2, 4)
            assert_shown(str(fault))
    assert refused > 200


def refusal(folder):
    """Return the error that loading a model ends with, None if it loads."""
    try:
        load(folder)
    except ImbenchError as error:
        return error
    return None


@pytest.mark.parametrize("place", ["classes", "recipe", "network", "notes", "dataset"])
def test_hostile_text_and_giant_numbers_do_nothing(place, model_folder):
    def change(plain):
        if place == "classes":
            plain["core"]["classes"][0] = HOSTILE
        elif place == "recipe":
            plain["core"]["recipe"] = HOSTILE
        elif place == "network":
            plain["core"]["settings"]["network"] = "evil.py:run"
        else:
            plain[place] = [HOSTILE] if place == "notes" else HOSTILE

    reseal(model_folder, change)
    if place in ("notes", "dataset"):
        load(model_folder)
    else:
        with pytest.raises(ImbenchError):
            load(model_folder)
    text = (model_folder / DESCRIPTION).read_text("utf-8")
    for giant in ("1e999", "9" * 5000, "-1", "true", '"x"'):
        (model_folder / DESCRIPTION).write_text(text.replace('"size": 8', f'"size": {giant}'))
        with pytest.raises(ImbenchError) as raised:
            load(model_folder)
        assert len(str(raised.value)) < 1000


def test_a_network_or_method_of_a_file_is_never_run_by_a_folder(model_folder, tmp_path):
    """Nor can a model of one be saved: it would not be whole."""
    code = tmp_path / "evil.py"
    code.write_text("raise SystemExit('ran')")
    core = read_folder(model_folder)[0].core
    evil = core.model_copy(
        update={"settings": core.settings.model_copy(update={"network": f"{code}:run"})}
    )
    with pytest.raises(UsageError, match="a model holds no code"):
        unpack(pack(evil, [], {}), "file")
    with pytest.raises(UsageError, match="is not installed here"):
        unpack(pack(core.model_copy(update={"recipe": f"{code}:Run"}), [], {}), "file")
    own = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * SIZE**2, 2))
    with pytest.raises(UsageError, match="a model holds no code"):
        save(tmp_path / "M", fitted(network=own), classes=["a", "b"])
    assert not (tmp_path / "M").exists()


def test_a_part_that_predicts_in_another_version_is_refused(tmp_path):
    method = fitted("ts")
    save(tmp_path / "M", method, classes=["a", "b"])
    core, networks, _ = unpack(read_folder(tmp_path / "M")[1], "file")
    older = core.model_copy(update={"versions": {"ts": 0}})
    with pytest.raises(UsageError, match="made with version 0 of ts, here is version 1"):
        unpack(pack(older, networks, {}), "file")


def test_methods_that_do_not_fit_together_are_refused(methods, tmp_path):
    for wrong, says in (
        ([methods[0], fitted("cs")], "same recipe and settings"),
        ([methods[0], fitted(steps=6)], "same recipe and settings"),
        ([], "no method is given"),
    ):
        with pytest.raises(UsageError, match=says):
            save(tmp_path / "M", wrong, classes=["a", "b"])
    with pytest.raises(UsageError, match=r"labels of fit are not 0\.\.2"):
        save(tmp_path / "M", methods, classes=["a", "b", "c"])
    with pytest.raises(UsageError, match="a threshold lies between 0 and 1"):
        save(tmp_path / "M", methods, classes=["a", "b"], threshold=2)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_others_is_never_replaced(saved, methods, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    save(other, methods, classes=["a", "b"])  # an empty one is filled
    with pytest.raises(UsageError, match="holds a model already"):
        save(other, methods, classes=["c", "d"])
    save(other, methods, classes=["c", "d"], replace=True)
    assert load(other).classes == ("c", "d")
    (other / "notes.txt").write_text("mine")
    before = sorted(other.iterdir())
    with pytest.raises(UsageError, match="files that are no model's"):
        save(other, methods, classes=["e", "f"], replace=True)
    assert sorted(other.iterdir()) == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="is no folder"):
        save(tmp_path / "file", methods, classes=["a", "b"], replace=True)
    (tmp_path / "link").symlink_to(other)
    with pytest.raises(UsageError, match="is no folder"):
        save(tmp_path / "link", methods, classes=["a", "b"], replace=True)


def test_what_is_not_published_leaves_nothing(tmp_path):
    def interrupted():
        with new_folder(tmp_path / "M") as folder:
            (folder.part / "half").write_text("")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path, methods):
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from imbench.models.folder import new_folder\n"
        "with new_folder(Path(sys.argv[1])):\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-P", "-c", code, str(tmp_path / "M")], check=False)
    assert [entry.suffix for entry in tmp_path.iterdir()] == [".part"]
    save(tmp_path / "M", methods, classes=["a", "b"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["M"]


def test_a_folder_that_cannot_be_written_is_said(methods, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="cannot be written"):
        save(tmp_path / "file" / "M", methods, classes=["a", "b"])


def test_a_view_has_a_range_that_rises():
    with pytest.raises(ValueError, match="the first number has to be the lower one"):
        View(size=8, channels=1, geometry="crop", value_range=(5, 5))
