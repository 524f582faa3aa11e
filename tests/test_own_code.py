"""Networks and augmentation of the user, in files: loaded, tried, recorded, resumed, refused."""

import importlib.util
import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from clicked import printed
from small import images

import imbench
from imbench import Method, UsageError
from imbench.code_files import load_file, spec_of
from imbench.records.cell import Settings, code_of
from imbench.records.store import Store
from imbench.runs.gridfile import GridFile
from imbench.runs.outputs import _check_code
from imbench.runs.settling import GridOptions, settle_grid
from imbench.training.augment import augment, built_in_steps, parse_augment, steps_of
from imbench.training.transform import try_transform

CODE = """
import random
import numpy as np
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, shape, classes, width=4):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], width))
        self.head = nn.Linear(width, classes)
    def forward(self, x):
        return self.head(self.body(x))

def shade(image):
    return image * torch.rand(1)

def speckle(image):
    image[np.random.rand(*image.shape) < random.random()] = 0
    return image

class Invert:
    def __call__(self, image):
        return 255 - image

made = nn.Linear(2, 2)
number = 3
def one_less(image): return image[:, 1:]
def small(image): return image / 255
def negative(image): return image.float() - 300
def array(image): return image.numpy()
def fails(image): raise RuntimeError("no light")
def counts(image, seen=[0]):
    seen[0] += 1
    return image + seen[0] % 2
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(CODE)
    return tmp_path


def noise(m=6, dtype=np.uint8):
    return np.random.default_rng(0).integers(1, 256, (m, 8, 8, 3)).astype(dtype)


def changed(text, x, seed=0):
    return augment(x, parse_augment(text), np.random.default_rng(seed))


@pytest.mark.usefixtures("here")
def test_steps_of_the_user_follow_the_others_and_follow_the_random_stream():
    x = noise()
    before = x.copy()
    changed("mine.py:shade", x)  # importing the file draws from torch's stream
    state = random.getstate(), repr(np.random.get_state()), torch.get_rng_state()
    for text in ("mine.py:shade", "flip+mine.py:speckle", "mine.py:Invert"):
        first = changed(text, x)
        assert first.shape == x.shape
        assert (first == changed(text, x)).all()
        assert (first != changed(text, x, seed=1)).any() == (text != "mine.py:Invert")
    assert (x == before).all()
    after = random.getstate(), repr(np.random.get_state()), torch.get_rng_state()
    assert state[:2] == after[:2]
    assert torch.equal(state[2], after[2])
    assert (changed("flip+mine.py:Invert", x) == 255 - changed("flip", x)).all()
    assert changed("mine.py:Invert", noise(dtype=np.float32)).dtype == np.uint8
    assert changed("mine.py:shade", x).dtype == np.float32


@pytest.mark.usefixtures("here")
def test_each_image_of_a_batch_is_changed_on_its_own():
    shades = changed("mine.py:shade", np.full((8, 4, 4, 1), 200, np.uint8))
    assert len(np.unique(shades[:, 0, 0, 0])) == 8
    assert (np.ptp(shades, axis=(1, 2, 3)) == 0).all()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("one_less", r"gives shape \(3, 7, 8\) for an image \(3, 8, 8\)$"),
        ("small", r"gives values of 1 at most: images are 0\.\.255$"),
        ("negative", r"gives values outside 0\.\.255$"),
        ("array", r"gives ndarray, not a tensor$"),
        ("fails", r"cannot change images of shape \(8, 8, 3\): RuntimeError: no light$"),
        ("counts", r"changes an image differently under one random state: let it draw from"),
    ],
)
def test_a_step_that_cannot_be_used_is_refused_when_a_run_is_planned(name, says):
    (step,) = parse_augment(f"mine.py:{name}")
    with pytest.raises(UsageError, match=rf"^augment 'mine.py:{name}' {says}"):
        try_transform(step, (8, 8, 3))


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("flip+turn", r"augment='flip\+turn'; write flip, crop, trivial, FILE\.py:NAME of a func"),
        ("mine.py:shade+mine.py:shade", "write flip, crop"),
        ("mine.py:number", "augment 'mine.py:number' is int, not a function"),
        ("mine.py:nothing", "'mine.py' defines no 'nothing'"),
        ("no.py:shade", "no file 'no.py', which 'no.py:shade' names"),
    ],
)
def test_what_names_no_step_is_refused(text, says):
    with pytest.raises(UsageError, match=says):
        parse_augment(text)


def test_a_record_that_names_a_file_runs_no_code():
    assert steps_of("flip+evil.py:f") == ("flip", "evil.py:f")
    settings = Settings(augment="flip+evil.py:f", network="evil.py:Net", code="evil.py 12")
    assert "evil" not in sys.modules
    assert settings.model_dump()["code"] == "evil.py 12"
    assert "code" not in Settings().model_dump()
    assert built_in_steps("flip+evil.py:f") == "flip"
    assert built_in_steps("flip+crop") == "flip+crop"


def test_methods_take_functions_themselves():
    x, y = images(2)

    def dim(image):
        return image // 2

    settings = {"network": "cnn:width=4", "steps": 3, "batch_size": 16}
    plain = Method(augment="flip", **settings).fit(x, y)
    for steps in (["flip", dim], dim):
        found = Method("us+cmo", augment=steps, **settings).fit(x, y)
        assert np.isfinite(found.logits(x)).all()
    with_dim = Method(augment=["flip", dim], **settings).fit(x, y)
    assert (with_dim.logits(x) != plain.logits(x)).any()
    with pytest.raises(UsageError, match="augment='3'; write flip"):
        Method(augment=[3], **settings).fit(x, y)


def grid(**settings):
    given = {"datasets": "digits", "minority": 20, "seeds": 0, "settings": settings}
    return settle_grid(GridFile().changed(given), GridOptions())


def test_a_changed_file_makes_other_cells_and_the_same_file_the_same(here):
    settings = {"network": "mine.py:Net:width=3", "augment": "flip+mine.py:shade"}
    first, again = (grid(**settings).settings for _ in range(2))
    assert first == again
    assert first.code == code_of(first.network, first.augment)
    (here / "mine.py").write_text(CODE.replace("torch.rand(1)", "0"))
    later = grid(**settings).settings
    assert later.code != first.code
    assert later.code.startswith("mine.py ")
    # What was loaded before is not what is used now.
    assert not changed("mine.py:shade", noise()).any()
    assert grid(network="cnn").settings.code == ""


def test_a_worker_refuses_code_that_was_changed_after_the_plan(here, make_record):
    settings = grid(network="mine.py:Net").settings
    cell = make_record().cell.model_copy(update={"settings": settings})
    _check_code(cell)
    (here / "mine.py").write_text(CODE + "\n")
    with pytest.raises(UsageError, match="code was changed after the run was planned"):
        _check_code(cell)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("network", "says"),
    [
        ("mine.py:made", "network 'mine.py:made' is Linear: name a class, or a function of shape"),
        ("mine.py:number", "network 'mine.py:number' is int: name a class"),
        ("mine.py:Net:depth=2", "depth"),
    ],
)
def test_a_network_that_cannot_be_made_anew_is_refused(network, says):
    with pytest.raises(UsageError, match=says):
        grid(network=network)


def imported(path):
    description = importlib.util.spec_from_file_location("mine_of_the_user", path)
    module = importlib.util.module_from_spec(description)
    description.loader.exec_module(module)
    return module


def test_a_run_takes_classes_and_functions_and_the_command_goes_on_with_it(here, monkeypatch):
    mine = imported(here / "mine.py")
    monkeypatch.setitem(sys.modules, "mine_of_the_user", mine)
    assert spec_of(mine.Net, "network") == "mine.py:Net"
    settings = {"steps": 4, "size": 8}
    imbench.run(
        datasets="digits",
        minority=20,
        methods="vanilla",
        seeds=0,
        settings=settings,
        network=mine.Net,
        augment=["flip", mine.shade],
        jobs=1,
        quiet=True,
    )
    words = ("run", "--datasets", "digits", "--minority", "20", "--methods", "vanilla")
    words += ("--seeds", "0", "--size", "8", "--steps", "4", "--network", "mine.py:Net")
    told = printed(*words, "--set", "augment=flip+mine.py:shade", "--dry-run")
    assert "1 done, 0 to run" in told
    (record,) = [r for r in Store(here / "results").records() if r.cell.recipe == "vanilla"]
    assert record.done
    assert record.cell.settings.code == code_of("mine.py:Net", "none")
    assert record.cell.settings.augment == "flip+mine.py:shade"


def test_what_workers_could_not_load_is_refused():
    def inner(image):
        return image

    for thing, name in ((inner, "inner"), (torch.nn.Linear(2, 2), "Linear"), (len, "len")):
        with pytest.raises(UsageError, match=rf"augment: workers load it from a file.*{name}.* is"):
            spec_of(thing, "augment")
    with pytest.raises(UsageError, match="network is given twice, in settings and beside them"):
        imbench.run(datasets="digits", settings={"network": "cnn"}, network="linear")
    assert spec_of(Store, "network").endswith("store.py:Store")


@pytest.mark.parametrize("folder", ["a+b", "c, d", "e f"])
def test_awkward_paths_read_back(tmp_path, monkeypatch, folder):
    (tmp_path / folder).mkdir()
    file = tmp_path / folder / "mine.py"
    file.write_text(CODE)
    monkeypatch.chdir(tmp_path)
    mine = imported(file)
    monkeypatch.setitem(sys.modules, "mine_of_the_user", mine)
    (step,) = parse_augment(spec_of(mine.Invert, "augment"))
    assert (step(noise(), np.random.default_rng(0)) == 255 - noise()).all()
    assert grid(network=spec_of(mine.Net, "network")).settings.code.startswith(folder)
    assert Path(load_file(f"{folder}/mine.py:Net").__module__).name.startswith("imbench_file_mine")
