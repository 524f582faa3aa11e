"""Steps as differences from earlier outputs of the same images: lossless, and smaller."""

from __future__ import annotations

import lzma

import numpy as np
import pytest

from imbench.records.predicted_steps import Block, differences, steps_of
from imbench.records.rounded_outputs import DamagedOutputs


def wide(rng, n):
    return rng.integers(-(1 << 15), 1 << 15, n).astype(np.int16)


def narrow(rng, n):
    return rng.integers(-90, 90, n).astype(np.int16)


def constant(rng, n):
    return np.full(n, rng.integers(-9, 9), np.int16)


def ends(rng, n):
    return rng.choice(np.array([-(1 << 15), (1 << 15) - 1, 0], np.int16), n)


@pytest.mark.parametrize("draw", [wide, narrow, constant, ends])
@pytest.mark.parametrize("seed", range(5))
def test_steps_come_back_whatever_they_are(draw, seed):
    rng = np.random.default_rng(seed)
    kinds = [(kind, int(size)) for kind, size in enumerate(rng.integers(0, 40, 3))]
    blocks = [Block(*kinds[kind]) for kind in rng.integers(3, size=25)]
    steps = draw(rng, sum(block.size for block in blocks))
    made, lines = differences(steps, blocks)
    found = steps_of(made, lines, blocks)
    np.testing.assert_array_equal(found, steps)
    assert found.dtype == np.int16


def test_nothing_is_nothing():
    made, lines = differences(np.empty(0, np.int16), [])
    assert (len(made), lines) == (0, b"")
    assert len(steps_of(made, lines, [])) == 0


def test_a_line_through_another_block_leaves_nothing():
    first = np.random.default_rng(0).integers(-400, 400, 300).astype(np.int16)
    far = np.random.default_rng(1).integers(-400, 400, 300).astype(np.int16)
    steps = np.concatenate([first, far, 2 * first + 7, 40 - first, far])
    made, lines = differences(steps, [Block("images", 300)] * 5)
    assert not made[600:].any()
    back = np.frombuffer(lines, np.uint16).reshape(5, 4)[:, 0]
    assert back[2:].tolist() in ([2, 3, 3], [2, 1, 3])
    np.testing.assert_array_equal(steps_of(made, lines, [Block("images", 300)] * 5), steps)


def test_blocks_of_other_images_are_no_reference():
    steps = np.arange(60, dtype=np.int16).repeat(2)
    made, lines = differences(steps, [Block("one", 60), Block("other", 60)])
    assert not any(lines)
    np.testing.assert_array_equal(made, np.where(steps < 0, -2 * steps - 1, 2 * steps))


def test_outputs_that_are_alike_take_half_of_the_bytes():
    rng = np.random.default_rng(0)
    images = rng.normal(0, 60, 2000)
    blocks = [Block("images", 2000)] * 20
    steps = np.concatenate([images * rng.uniform(0.5, 2) + rng.normal(0, 8, 2000) for _ in blocks])
    steps = steps.round().astype(np.int16)
    made, _ = differences(steps, blocks)
    raw, left = (len(lzma.compress(x.tobytes())) for x in (steps, made))
    assert left < 0.65 * raw


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda made, lines, blocks: (made[:-1], lines, blocks), "another number of images"),
        (lambda made, lines, blocks: (made, lines[:-8], blocks), "another number of outputs"),
        (lambda made, lines, blocks: (made, b"\x02" + lines[1:], blocks), "that there are not"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    blocks = [Block("images", 50)] * 2
    made, lines = differences(np.arange(100, dtype=np.int16), blocks)
    with pytest.raises(DamagedOutputs, match=words):
        steps_of(*change(made, lines, blocks))
