"""One generator for all classes: resumed bit for bit, trained once, and no file of it trusted."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from killing import KILLING
from states import assert_same

from imbench.errors import DataError, Diverged
from imbench.files import checkpoint
from imbench.methods import _kept
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
import numpy as np
import torch
from pathlib import Path
from imbench.methods import _kept
from imbench.methods._kept import trained
from imbench.methods._star_training import StarTraining
from imbench.methods._stargan import StarSettings
from imbench.training.part import Context

torch.set_num_threads(1)
rng = np.random.default_rng(0)
y = np.repeat([0, 1, 2], [9, 4, 3])
x = (rng.integers(0, 80, (16, 8, 8, 3)) + 60 * y[:, None, None, None]).astype(np.uint8)

def make(folder):
    return StarTraining(x, y, {SETTINGS!r}, Context(seed=3, folder=folder))
"""
SCOPE = {}
exec(MAKE, SCOPE)  # the same lines as the processes below run
make, x, y = SCOPE["make"], SCOPE["x"], SCOPE["y"]


@pytest.fixture(autouse=True)
def one_thread():
    with fixed_threads(1):
        yield


@pytest.fixture(scope="module")
def straight():
    """Return a training without a break."""
    with fixed_threads(1):
        training = make(None)
        training.run(STEPS)
    return training


def whole(training):
    """Return all of a training's state but the time it took."""
    return {**training.state(), "gan": training.gan.state(), "seconds": 0}


@pytest.mark.parametrize("split", [1, 7])
def test_row_24_a_training_in_two_pieces_is_bitwise_one_training(tmp_path, straight, split):
    first = make(None)
    first.run(split)
    checkpoint.save_tensors(tmp_path / "part.pt", first.state())
    second = make(None)
    second.load(checkpoint.load_tensors(tmp_path / "part.pt"))
    assert second.done == split
    second.run(STEPS)
    assert_same(whole(second), whole(straight))


KILLED = (
    MAKE
    + """
import os, signal, sys
_kept.SAVE_EVERY = 0.0
training = make(Path(sys.argv[1]))
step = training.gan.generator_step
def last(*given):
    if training.done == 23:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(*given)
training.gan.generator_step = last
trained(training, training.steps)
"""
)


def run(code, *given, **options):
    command = [sys.executable, "-P", "-c", code, *map(str, given)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, **options)


def test_row_24_a_killed_training_goes_on_bitwise(tmp_path, straight):
    done = run(KILLED, tmp_path)
    assert done.returncode == -signal.SIGKILL, done.stderr
    training = make(tmp_path)
    assert [file.name for file in tmp_path.glob("*.pt")] == [f"{training.key}-part.pt"]
    steps = []
    step = training.gan.generator_step
    training.gan.generator_step = lambda *given: steps.append(training.done) or step(*given)
    assert trained(training, STEPS) is training
    # From the last checkpoint, after twenty steps.
    assert steps == [20, 21, 22, 23]
    assert not training.reused
    assert_same(whole(training), whole(straight))
    assert [file.name for file in tmp_path.glob("*.pt")] == [f"{training.key}-{STEPS}.pt"]


BOTH = (
    MAKE
    + """
import sys
training = make(Path(sys.argv[1]))
steps = []
step = training.gan.generator_step
training.gan.generator_step = lambda *given: steps.append(1) or step(*given)
print("ready", flush=True)
sys.stdin.readline()
trained(training, training.steps)
print(len(steps), training.reused)
"""
)


@pytest.mark.slow
def test_two_processes_that_need_one_generator_train_it_once(tmp_path, straight):
    command = [sys.executable, "-P", "-c", BOTH, str(tmp_path)]
    pipe = subprocess.PIPE
    both = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for one in both:
        assert one.stdout.readline() == "ready\n"
    for one in both:
        one.stdin.write("go\n")
        one.stdin.flush()
    said = sorted(one.communicate(timeout=250)[0].strip() for one in both)
    assert said == ["0 True", f"{STEPS} False"]
    mine = trained(make(tmp_path), STEPS)
    assert mine.reused
    assert (mine.translate(x, 2) == straight.translate(x, 2)).all()


KILLED_WRITING = (
    KILLING
    + MAKE
    + """
import sys, tempfile
from imbench.files.atomic import is_abandoned

def weights(training):
    return [tensor.tolist() for tensor in training.gan.generator.state_dict().values()]

_kept.SAVE_EVERY = 0.0  # a checkpoint each ten steps, and at the end
straight = make(None)
straight.run(24)
with tempfile.TemporaryDirectory() as made:
    trained(make(Path(made)), 1)  # all that is imported late is
number = 0
while True:
    number += 1
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if not killed_at(number, lambda: trained(make(folder), 24)):
            break
        training = trained(make(folder), 24)
        assert weights(training) == weights(straight), number
        left = {path.name for path in folder.glob("*.pt")}
        assert left == {f"{training.key}-24.pt"}, (number, left)
        assert all(is_abandoned(path) for path in folder.glob(".*.tmp"))
print(number)
"""
)


@pytest.mark.slow
def test_row_02_one_killed_at_any_change_of_the_disk_goes_on_bitwise():
    done = run(KILLED_WRITING)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 15, "nothing was killed"


class Trap:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (self.marker,)


def malicious(path, marker):
    torch.save({"key": Trap(marker)}, path)


def truncated(path, _):
    path.write_bytes(path.read_bytes()[:-1000])


@pytest.mark.parametrize("spoil", [malicious, truncated])
def test_row_18_a_file_that_cannot_be_trusted_is_trained_again(tmp_path, straight, spoil, caplog):
    trained(make(tmp_path), STEPS)
    spoil(tmp_path / f"{straight.key}-{STEPS}.pt", str(tmp_path / "ran"))
    again = trained(make(tmp_path), STEPS)
    assert not (tmp_path / "ran").exists()
    assert caplog.text.count("is not a checkpoint") == 1
    assert not again.reused
    assert_same(whole(again), whole(straight))
    assert trained(make(tmp_path), STEPS).reused


def test_a_file_that_claims_to_be_it_is_named(tmp_path, straight):
    trained(make(tmp_path), STEPS)
    path = tmp_path / f"{straight.key}-{STEPS}.pt"
    content = checkpoint.load_tensors(path)
    for forged in ({"key": straight.key}, {**content, "done": "x"}, {**content, "gan": 7}):
        checkpoint.save_tensors(path, forged)
        with pytest.raises(DataError, match="does not hold what its name says; delete it"):
            trained(make(tmp_path), STEPS)


def test_a_kept_end_holds_the_generator_alone(tmp_path, straight):
    kept = trained(make(tmp_path), STEPS)
    assert kept.file == f"{straight.key}-{STEPS}.pt"
    assert set(checkpoint.load_tensors(tmp_path / kept.file)["gan"]["nets"]) == {"generator"}
    again = trained(make(tmp_path), STEPS)
    assert again.reused
    assert again.history == straight.history
    assert (again.translate(x, 1) == straight.translate(x, 1)).all()


def test_what_another_torch_trained_is_not_used(tmp_path, monkeypatch):
    old = trained(make(tmp_path), 2)
    newer = {**old.environment, "torch": "99.0"}
    monkeypatch.setattr(_kept, "training_environment", lambda _device: newer)
    other = trained(make(tmp_path), 2)
    assert not other.reused
    assert other.key != old.key


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
