"""One generator for all classes: resumed bit for bit, trained once, and no file of it trusted."""

import numpy as np
import pytest
import torch
from kept_trainings import KeptCase, whole
from states import assert_same
from traps import malicious, truncated

from imbench.errors import Diverged
from imbench.files import checkpoint
from imbench.methods._kept import trained
from imbench.methods._star_training import OneMinority, StarTraining
from imbench.methods._stargan import StarSettings
from imbench.training.device import fixed_threads
from imbench.training.method import Method
from imbench.training.part import Context

STEPS = 24
SETTINGS = StarSettings(
    steps=STEPS, batch=2, lr=1e-3, classify=1.0, reconstruct=10.0, penalty=10.0, critics=2
)
MAKE = f"""
from imbench.methods._star_training import StarTraining
from imbench.methods._stargan import StarSettings

rng = np.random.default_rng(0)
y = np.repeat([0, 1, 2], [9, 4, 3])
x = (rng.integers(0, 80, (16, 8, 8, 3)) + 60 * y[:, None, None, None]).astype(np.uint8)

def make(folder):
    return StarTraining(x, y, {SETTINGS!r}, Context(seed=3, folder=folder))
"""
CASE = KeptCase(MAKE, "generator_step")
make, x, y = CASE.make, CASE.scope["x"], CASE.scope["y"]


@pytest.fixture(autouse=True)
def one_thread():
    with fixed_threads(1):
        yield


@pytest.fixture(scope="module")
def straight():
    return CASE.straight()


@pytest.mark.parametrize("split", [1, 7])
def test_row_24_a_training_in_two_pieces_is_bitwise_one_training(tmp_path, straight, split):
    CASE.check_pieces(split, straight, tmp_path)


def test_row_24_a_killed_training_goes_on_bitwise(tmp_path, straight):
    CASE.kill(23, tmp_path)
    training, steps = CASE.watched(tmp_path)
    assert [file.name for file in tmp_path.glob("*.pt")] == [f"{training.key}-part.pt"]
    assert trained(training, STEPS) is training
    # From the last checkpoint, after twenty steps.
    assert steps == [20, 21, 22, 23]
    assert not training.reused
    assert_same(whole(training), whole(straight))
    assert [file.name for file in tmp_path.glob("*.pt")] == [f"{training.key}-{STEPS}.pt"]


@pytest.mark.slow
def test_two_processes_that_need_one_generator_train_it_once(tmp_path, straight):
    assert CASE.two_at_once(tmp_path) == ["0 True", f"{STEPS} False"]
    mine = trained(make(tmp_path), STEPS)
    assert mine.reused
    assert (mine.translate(x, 2) == straight.translate(x, 2)).all()


@pytest.mark.slow
def test_row_02_one_killed_at_any_change_of_the_disk_goes_on_bitwise():
    assert CASE.killed_at_each_change(STEPS) > 15, "nothing was killed"


@pytest.mark.parametrize("spoil", [malicious, truncated])
def test_row_18_a_file_that_cannot_be_trusted_is_trained_again(tmp_path, straight, spoil, caplog):
    trained(make(tmp_path), STEPS)
    spoil(tmp_path / f"{straight.key}-{STEPS}.pt", tmp_path / "ran")
    again = trained(make(tmp_path), STEPS)
    assert not (tmp_path / "ran").exists()
    assert caplog.text.count("is not a checkpoint") == 1
    assert not again.reused
    assert_same(whole(again), whole(straight))
    assert trained(make(tmp_path), STEPS).reused


def test_a_file_that_claims_to_be_it_is_named(tmp_path, straight):
    trained(make(tmp_path), STEPS)
    CASE.check_forged(tmp_path / f"{straight.key}-{STEPS}.pt")


def test_a_kept_end_holds_the_generator_alone(tmp_path, straight):
    kept = trained(make(tmp_path), STEPS)
    assert kept.file == f"{straight.key}-{STEPS}.pt"
    assert set(checkpoint.load_tensors(tmp_path / kept.file)["gan"]["nets"]) == {"generator"}
    again = trained(make(tmp_path), STEPS)
    assert again.reused
    assert again.history == straight.history
    assert (again.translate(x, 1) == straight.translate(x, 1)).all()


def test_what_another_torch_trained_is_not_used(tmp_path, monkeypatch):
    CASE.check_torch(tmp_path, monkeypatch)


def variant(*, pixels=x, labels=y, settings=SETTINGS, **context):
    return StarTraining(pixels, labels, settings, Context(**{"seed": 3, **context}))


def test_the_key_follows_whatever_training_depends_on(straight):
    assert variant().key == straight.key
    # How long the classifier trains, how it augments and where things are kept change nothing.
    assert variant(steps=7, augment="flip").key == straight.key
    changed = {**vars(SETTINGS), "critics": 1}
    others = [
        variant(seed=4),
        variant(pixels=x[::-1]),
        variant(labels=np.repeat([0, 1, 2], [8, 5, 3])),
        variant(settings=StarSettings(**changed)),
    ]
    torch.set_num_threads(2)
    others.append(variant())
    keys = {training.key for training in others}
    assert len(keys) == len(others)
    assert straight.key not in keys


def test_losses_are_logged_along_the_way(straight):
    assert [line[0] for line in straight.history] == list(range(2, STEPS + 1, 2))
    assert all(len(line) == 1 + len(straight.LOSSES) for line in straight.history)
    assert all(np.isfinite(line).all() for line in straight.history)


def test_divergence_is_noticed_at_its_step():
    training = variant(settings=StarSettings(**{**vars(SETTINGS), "lr": 1e30}))
    with pytest.raises(Diverged, match="generator loss is not finite at step"):
        training.run(9)


def test_one_of_its_minorities_stands_as_a_pair(straight):
    pair = OneMinority(straight, 0, 2)
    assert (pair.a == x[y == 0]).all()
    assert (pair.b == x[y == 2]).all()
    for to_minority, label in ((True, 2), (False, 0)):
        assert (pair.translate(x, to_minority=to_minority) == straight.translate(x, label)).all()


def test_fits_that_agree_share_it_and_their_scores_are_those_of_one_that_keeps_nothing(tmp_path):
    def fitted(recipe, **given):
        options = {"network": "linear", "steps": 3, "batch_size": 8, "augment": "none"}
        return Method(recipe, **options, **given).fit(x, y)

    alone = fitted("aug-star:steps=4,batch=2")
    first, other = (
        fitted(recipe, keep=tmp_path)
        for recipe in ("aug-star:steps=4,batch=2", "aug-star:steps=4,batch=2,gamma=ir")
    )
    assert (first.predict_proba(x) == alone.predict_proba(x)).all()
    assert [one.cost_["generator_reused"] for one in (alone, first, other)] == [0, 0, 1]
    assert set(first.artifacts_) == {"samples-1.png", "samples-2.png", "losses.png"}
    (name,) = set(first.kept_.values()) | set(other.kept_.values())
    assert (tmp_path / name).exists()
    assert set(first.kept_) == {"generator-1", "generator-2"}
    assert alone.kept_ == {}
