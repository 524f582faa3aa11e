"""A pair of generators: resumed bit for bit, trained once, and no file of it is trusted."""

import os

import numpy as np
import pytest
import torch
from kept_trainings import KeptCase, whole
from states import assert_same
from traps import malicious, malicious_pickle, truncated

from imbench.errors import Diverged
from imbench.files import checkpoint
from imbench.methods import _pair
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
from imbench.methods._gan_settings import GanSettings
from imbench.methods._pair import GeneratorPair

rng = np.random.default_rng(0)
a = rng.integers(0, 130, (9, 8, 8, 3), dtype=np.uint8)
b = rng.integers(120, 256, (4, 8, 8, 3), dtype=np.uint8)

def make(folder):
    context = Context(seed=3, augment="flip+crop", folder=folder)
    return GeneratorPair(a, b, {SETTINGS!r}, context)
"""
CASE = KeptCase(MAKE, "step")
make = CASE.make


@pytest.fixture(autouse=True)
def one_thread():
    with fixed_threads(1):
        yield


@pytest.fixture(scope="module")
def straight():
    return CASE.straight()


@pytest.mark.parametrize("split", [1, 7, STEPS // 2])
def test_row_24_a_training_in_two_pieces_is_bitwise_one_training(tmp_path, straight, split):
    CASE.check_pieces(split, straight, tmp_path)


def test_row_24_a_killed_training_goes_on_bitwise(tmp_path, straight):
    CASE.kill(23, tmp_path)
    pair, steps = CASE.watched(tmp_path)
    left = {file.name for file in tmp_path.glob("*.pt")}
    assert left == {f"{pair.key}-{STEPS // 2}.pt", f"{pair.key}-part.pt"}
    assert trained(pair, STEPS) is pair
    # From the last checkpoint, ten steps after the middle, and not from there or the start.
    assert steps == [22, 23]
    assert not pair.reused
    assert_same(whole(pair), whole(straight))
    left = {file.name for file in tmp_path.glob("*.pt")}
    assert left == {f"{pair.key}-{STEPS // 2}.pt", f"{pair.key}-{STEPS}.pt"}


@pytest.mark.slow
def test_two_processes_that_need_one_pair_train_it_once(tmp_path, straight):
    assert CASE.two_at_once(tmp_path) == ["0 True", f"{STEPS} False"]
    mine = trained(make(tmp_path), STEPS)
    assert mine.reused
    x = straight.a
    assert (mine.translate(x, to_minority=True) == straight.translate(x, to_minority=True)).all()


@pytest.mark.parametrize("spoil", [malicious, malicious_pickle, truncated])
def test_row_18_a_file_that_cannot_be_trusted_is_trained_again(tmp_path, straight, spoil, caplog):
    trained(make(tmp_path), STEPS)
    for name in (STEPS, STEPS // 2):
        spoil(tmp_path / f"{straight.key}-{name}.pt", tmp_path / "ran")
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
    pair, steps = CASE.watched(tmp_path)
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
    code = """
pair = trained(make(Path(sys.argv[1])), 2)
print(pair.file, pair.environment["numerics"])
"""
    plain = {**os.environ, "ATEN_CPU_CAPABILITY": "default"}
    done = CASE.process(code, tmp_path, env=plain, check=True)
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
    CASE.check_torch(tmp_path, monkeypatch)


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


@pytest.mark.slow
def test_row_02_a_pair_killed_at_any_change_of_the_disk_goes_on_bitwise():
    assert CASE.killed_at_each_change(STEPS // 2, STEPS) > 20, "nothing was killed"


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
    CASE.check_forged(path)
