"""A pair of generators: resumed bit for bit, trained once, and no file of it is trusted."""

import os
import pickle
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
from imbench.methods import _kept, _pair
from imbench.methods._gan_settings import GanSettings
from imbench.methods._kept import trained
from imbench.methods._pair import GeneratorPair
from imbench.methods._pixels import to_pixels, to_signed
from imbench.training.device import fixed_threads
from imbench.training.part import Context

STEPS = 24
# A pool smaller than what passes through it, a running mean and augmentation: all have a state.
SETTINGS = GanSettings(
    steps=STEPS, batch=2, pool=5, width=4, blocks=1, layers=1, patch_width=4, da=True, ema=0.9
)
MAKE = f"""
import numpy as np
import torch
from pathlib import Path
from imbench.methods import _kept
from imbench.methods._gan_settings import GanSettings
from imbench.methods._kept import trained
from imbench.methods._pair import GeneratorPair
from imbench.training.part import Context

torch.set_num_threads(1)
rng = np.random.default_rng(0)
a = rng.integers(0, 130, (9, 8, 8, 3), dtype=np.uint8)
b = rng.integers(120, 256, (4, 8, 8, 3), dtype=np.uint8)

def make(folder):
    context = Context(seed=3, augment="flip+crop", folder=folder)
    return GeneratorPair(a, b, {SETTINGS!r}, context)
"""
SCOPE = {}
exec(MAKE, SCOPE)  # the same lines as the processes below run
make = SCOPE["make"]


@pytest.fixture(autouse=True)
def one_thread():
    with fixed_threads(1):
        yield


@pytest.fixture(scope="module")
def straight():
    """Return the state of a pair that was trained without a break."""
    with fixed_threads(1):
        pair = make(None)
        pair.run(STEPS)
    return pair


def whole(pair):
    """Return all of a pair's state but the time it took."""
    return {**pair.state(), "gan": pair.gan.state(), "seconds": 0}


@pytest.mark.parametrize("split", [1, 7, STEPS // 2])
def test_row_24_a_training_in_two_pieces_is_bitwise_one_training(tmp_path, straight, split):
    first = make(None)
    first.run(split)
    checkpoint.save_tensors(tmp_path / "half.pt", first.state())
    second = make(None)
    second.load(checkpoint.load_tensors(tmp_path / "half.pt"))
    assert second.done == split
    second.run(STEPS)
    assert_same(whole(second), whole(straight))


KILLED = (
    MAKE
    + """
import os, signal, sys
_kept.SAVE_EVERY = 0.0
pair = make(Path(sys.argv[1]))
step = pair.gan.step
def last(*given):
    if pair.done == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return step(*given)
pair.gan.step = last
trained(pair, pair.settings.steps)
"""
)


def test_row_24_a_killed_training_goes_on_bitwise(tmp_path, straight):
    command = [sys.executable, "-P", "-c", KILLED, str(tmp_path), "23"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert done.returncode == -signal.SIGKILL, done.stderr
    pair = make(tmp_path)
    left = {file.name for file in tmp_path.glob("*.pt")}
    assert left == {f"{pair.key}-{STEPS // 2}.pt", f"{pair.key}-part.pt"}
    steps = []
    step = pair.gan.step
    pair.gan.step = lambda *given: steps.append(pair.done) or step(*given)
    assert trained(pair, STEPS) is pair
    # From the last checkpoint, ten steps after the middle, and not from there or the start.
    assert steps == [22, 23]
    assert not pair.reused
    assert_same(whole(pair), whole(straight))
    left = {file.name for file in tmp_path.glob("*.pt")}
    assert left == {f"{pair.key}-{STEPS // 2}.pt", f"{pair.key}-{STEPS}.pt"}


BOTH = (
    MAKE
    + """
import sys
pair = make(Path(sys.argv[1]))
steps = []
step = pair.gan.step
pair.gan.step = lambda *given: steps.append(1) or step(*given)
print("ready", flush=True)
sys.stdin.readline()
trained(pair, pair.settings.steps)
print(len(steps), pair.reused)
"""
)


@pytest.mark.slow
def test_two_processes_that_need_one_pair_train_it_once(tmp_path, straight):
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
    x = straight.a
    assert (mine.translate(x, to_minority=True) == straight.translate(x, to_minority=True)).all()


class Bomb:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (self.marker,)


def malicious(path, marker):
    torch.save({"key": Bomb(marker)}, path)


def malicious_pickle(path, marker):
    path.write_bytes(pickle.dumps(Bomb(marker)))


def truncated(path, _):
    path.write_bytes(path.read_bytes()[:-1000])


@pytest.mark.parametrize("spoil", [malicious, malicious_pickle, truncated])
def test_row_18_a_file_that_cannot_be_trusted_is_trained_again(tmp_path, straight, spoil, caplog):
    trained(make(tmp_path), STEPS)
    for name in (STEPS, STEPS // 2):
        spoil(tmp_path / f"{straight.key}-{name}.pt", str(tmp_path / "ran"))
    pair = trained(make(tmp_path), STEPS)
    assert not (tmp_path / "ran").exists()
    assert caplog.text.count("is not a checkpoint") == 2
    assert not pair.reused
    assert_same(whole(pair), whole(straight))
    assert trained(make(tmp_path), STEPS).reused


def test_a_checkpoint_of_another_pair_is_not_taken(tmp_path, straight):
    trained(make(tmp_path), STEPS)
    path = tmp_path / f"{straight.key}-{STEPS}.pt"
    checkpoint.save_tensors(path, {**checkpoint.load_tensors(path), "key": "another"})
    (tmp_path / f"{straight.key}-{STEPS // 2}.pt").unlink()
    pair = trained(make(tmp_path), STEPS)
    assert not pair.reused
    assert_same(whole(pair), whole(straight))


def test_half_a_training_is_shared_with_a_whole_one(tmp_path, straight):
    half = trained(make(tmp_path), STEPS // 2)
    assert half.file == f"{half.key}-{STEPS // 2}.pt"
    pair = make(tmp_path)
    steps = []
    step = pair.gan.step
    pair.gan.step = lambda *given: steps.append(pair.done) or step(*given)
    trained(pair, STEPS)
    assert steps == list(range(STEPS // 2, STEPS))
    assert_same(whole(pair), whole(straight))
    # And the other way round: what a whole training left half way serves the next.
    again = trained(make(tmp_path), STEPS // 2)
    assert again.reused
    assert_same(whole(again), whole(half))


def test_a_kept_end_translates_and_is_smaller_than_what_training_needs(tmp_path, straight):
    trained(make(tmp_path), STEPS)
    end, middle = (tmp_path / f"{straight.key}-{steps}.pt" for steps in (STEPS, STEPS // 2))
    assert end.stat().st_size < 0.5 * middle.stat().st_size
    assert "optimisers" not in checkpoint.load_tensors(end)["gan"]


def test_keeping_names_generators_by_their_content(tmp_path):
    pair = make(tmp_path)
    pair.run(2)
    pair.keep()
    first = pair.file
    pair.keep()
    assert pair.file == first
    pair.run(3)
    pair.keep()
    assert pair.file != first
    assert first.startswith(pair.key)
    loaded = make(None)
    loaded.load(checkpoint.load_tensors(tmp_path / first))
    assert loaded.done == 2
    nowhere = make(None)
    nowhere.keep()
    assert nowhere.file == ""


def variant(*, a=None, label=1, settings=SETTINGS, **context):
    pair = make(None)
    given = {"seed": 3, "augment": "flip+crop", **context}
    return GeneratorPair(pair.a if a is None else a, pair.b, settings, Context(**given), label)


def test_what_another_processor_trained_is_not_used(tmp_path, straight):
    """The other one is this one without its vector instructions, in a process of its own."""
    code = (
        MAKE + "import sys\npair = trained(make(Path(sys.argv[1])), 2)\n"
        "print(pair.file, pair.environment['numerics'])\n"
    )
    command = [sys.executable, "-P", "-c", code, str(tmp_path)]
    plain = {**os.environ, "ATEN_CPU_CAPABILITY": "default"}
    done = subprocess.run(command, env=plain, capture_output=True, text=True, check=True)
    file, numerics = done.stdout.split()
    if numerics == straight.environment["numerics"]:
        pytest.skip("this processor rounds alike with and without vector instructions")
    theirs = (tmp_path / file).read_bytes()
    mine = trained(make(tmp_path), 2)
    assert not mine.reused
    assert mine.file != file
    assert (tmp_path / file).read_bytes() == theirs, "records of theirs still find it"
    kept = checkpoint.load_tensors(tmp_path / mine.file)
    assert kept["environment"] == mine.environment == straight.environment


def test_what_another_torch_trained_is_not_used(tmp_path, monkeypatch):
    old = trained(make(tmp_path), 2)
    newer = {**old.environment, "torch": "99.0"}
    monkeypatch.setattr(_kept, "training_environment", lambda _device: newer)
    pair = trained(make(tmp_path), 2)
    assert not pair.reused
    assert trained(make(tmp_path), 2).reused
    assert pair.key != old.key


@pytest.mark.parametrize("version", [1, 2])
def test_what_an_earlier_version_trained_is_not_used(tmp_path, monkeypatch, version):
    with monkeypatch.context() as patch:
        patch.setattr(_pair, "VERSION", version)
        older = trained(make(tmp_path), 2)
    theirs = (tmp_path / older.file).read_bytes()
    mine = trained(make(tmp_path), 2)
    assert not mine.reused
    assert mine.key != older.key
    assert (tmp_path / older.file).read_bytes() == theirs, "records of theirs still find it"


def test_the_key_follows_whatever_training_depends_on(straight):
    same = variant()
    assert same.key == straight.key
    # How long the classifier trains and where things are kept change no generator.
    assert variant(steps=7).key == straight.key
    others = [
        variant(seed=4),
        variant(augment="none"),
        variant(label=2),
        variant(a=straight.a[::-1]),
        variant(settings=GanSettings(steps=STEPS, width=4)),
    ]
    torch.set_num_threads(2)
    others.append(variant())
    keys = {pair.key for pair in others}
    assert len(keys) == len(others)
    assert straight.key not in keys


def test_divergence_is_noticed_at_its_step():
    settings = GanSettings(steps=9, batch=2, lr=1e25, width=4, blocks=1, layers=1, patch_width=4)
    probe = variant(settings=settings)
    first = next(
        step
        for step in range(9)
        if not bool(probe.gan.step(*probe._batches(), 1.0).isfinite().all())
    )
    assert 0 < first < 5
    pair = variant(settings=settings)
    with pytest.raises(Diverged, match=f"generator loss is not finite at step {first}") as caught:
        pair.run(9)
    assert caught.value.step == first


def test_the_minority_is_drawn_with_replacement_and_the_majority_in_passes(monkeypatch):
    seen = []
    monkeypatch.setattr(
        _pair, "augment", lambda x, steps, rng: seen.append(x[:, 0, 0, 0].tolist()) or x
    )
    a = np.arange(9, dtype=np.uint8)[:, None, None, None].repeat(8, 1).repeat(8, 2).repeat(3, 3)
    pair = GeneratorPair(a, a[:4] + 100, SETTINGS, Context())
    for _ in range(18):
        pair._batches()
    majority = np.concatenate([row[:2] for row in seen])
    minority = np.concatenate([row[2:] for row in seen])
    for start in range(0, 36, 9):
        assert sorted(majority[start : start + 9]) == list(range(9))
    assert set(minority) == {100, 101, 102, 103}
    assert len(set(np.bincount(minority)[100:])) > 1


def test_pixels_survive_the_way_there_and_back():
    x = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    signed = to_signed(x, torch.device("cpu"))
    assert (float(signed.min()), float(signed.max())) == (-1, 1)
    assert (to_pixels(signed) == x).all()
    assert (to_pixels(torch.full((1, 3, 2, 2), 1.7)) == 255).all()
    # A float image is the caller's: it is not scaled where it lies.
    given = np.full((1, 2, 2, 1), 255.0, np.float32)
    to_signed(given, torch.device("cpu"))
    assert (given == 255).all()


def test_translation_of_nothing_is_nothing(straight):
    assert straight.translate(straight.a[:0], to_minority=True).shape == (0, 8, 8, 3)
    pieces = straight.translate(straight.a, to_minority=True, m=4)
    assert pieces.shape == straight.a.shape
    assert pieces.dtype == np.uint8


def test_losses_are_logged_along_the_way(straight):
    steps = [line[0] for line in straight.history]
    assert steps == list(range(2, STEPS + 1, 2))
    assert all(len(line) == 6 and np.isfinite(line).all() for line in straight.history)
    assert straight.seconds > 0


KILLED_WRITING = (
    KILLING
    + MAKE
    + """
import hashlib, sys, tempfile
from imbench.files.atomic import is_abandoned

def digest(pair):
    # Of what is kept in the end: optimisers and critics are not read again then.
    told = hashlib.sha256()
    for net in pair.gan.state(ended=True)["nets"].values():
        for tensor in net.values():
            told.update(tensor.contiguous().numpy().tobytes())
    return told.hexdigest()

_kept.SAVE_EVERY = 0.0  # a checkpoint each ten steps, and at each end
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
        pair = trained(make(folder), 24)
        assert digest(pair) == digest(straight), number
        left = {path.name for path in folder.glob("*.pt")}
        assert left == {f"{pair.key}-{name}.pt" for name in (12, 24)}, (number, left)
        assert all(is_abandoned(path) for path in folder.glob(".*.tmp"))
print(number)
"""
)


@pytest.mark.slow
def test_row_02_a_pair_killed_at_any_change_of_the_disk_goes_on_bitwise():
    command = [sys.executable, "-P", "-c", KILLED_WRITING]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20, "nothing was killed"


def test_a_training_that_was_killed_before_its_end_was_stored_stores_it(tmp_path, straight):
    pair = make(tmp_path)
    for done in (STEPS // 2, STEPS):
        pair.run(done)
        checkpoint.save_tensors(tmp_path / f"{pair.key}-part.pt", pair.state())
        again = trained(make(tmp_path), STEPS)
        assert (tmp_path / again.file).exists()
        assert {path.name for path in tmp_path.glob("*.pt")} >= {f"{pair.key}-{STEPS}.pt"}
        assert not (tmp_path / f"{pair.key}-part.pt").exists()
        assert_same(again.gan.state(ended=True), straight.gan.state(ended=True))
        for path in tmp_path.glob("*.pt"):
            path.unlink()


def test_row_18_tensors_of_others_are_believed_and_what_does_not_fit_is_said(tmp_path, straight):
    trained(make(tmp_path), STEPS)
    path = tmp_path / f"{straight.key}-{STEPS}.pt"
    content = checkpoint.load_tensors(path)
    for tensor in content["gan"]["nets"]["g_ab"].values():
        tensor.zero_()
    checkpoint.save_tensors(path, content)
    pair = trained(make(tmp_path), STEPS)
    assert pair.reused
    assert all(not tensor.any() for tensor in pair.gan.state()["nets"]["g_ab"].values())
    for forged in ({"key": straight.key}, {**content, "done": "x"}, {**content, "gan": 7}):
        checkpoint.save_tensors(path, forged)
        with pytest.raises(DataError, match="does not hold what its name says; delete it"):
            trained(make(tmp_path), STEPS)
