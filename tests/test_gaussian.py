"""Images drawn from a normal distribution, beside numpy's own draws and what AUG's fakes are."""

from __future__ import annotations

import numpy as np
import pytest

from imbench import Examples, Method
from imbench.errors import UsageError
from imbench.methods.gaussian import BLOCK, draw_like
from imbench.training.part import Context, begin_fit
from imbench.training.recipe import parse_recipe


def resampled(recipe, x, y, seed=0, weights=None):
    (part,) = parse_recipe(recipe).parts
    begin_fit(part, Context(counts=tuple(np.bincount(y).tolist())))
    return part, *part.resample(Examples(x, weights=weights), y, np.random.default_rng(seed))


def test_draws_have_the_mean_and_covariance_of_the_class():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(40, 3)) @ np.array([[2.0, 0, 0], [1, 1, 0], [0, -3, 0.5]]) + [
        5,
        0,
        -1,
    ]
    drawn = draw_like(points, 200_000, rng, as_pixels=False)
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(drawn.mean(0), points.mean(0), atol=0.03)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(points.T), atol=0.06)
    skew = ((drawn - drawn.mean(0)) ** 3).mean(0) / drawn.std(0) ** 3
    assert np.abs(skew).max() < 0.05, "a normal distribution is not skewed"


def test_draws_lie_in_the_plane_through_the_images_there_are():
    points = np.random.default_rng(1).normal(size=(4, 50))
    drawn = draw_like(points, 2 * BLOCK + 7, np.random.default_rng(2), as_pixels=False)
    assert drawn.shape == (2 * BLOCK + 7, 50)
    assert np.linalg.matrix_rank(drawn - points.mean(0), tol=1e-3) == 3
    assert len(np.unique(drawn, axis=0)) == len(drawn), "each block has numbers of its own"


def test_pixels_are_rounded_and_cut_as_numbers_by_hand_say():
    points = np.array([[[0.0, 250.0]], [[10.0, 255.0]]])
    z = np.random.default_rng(3).standard_normal((30, 2), np.float32)
    by_hand = [5, 252.5] + z @ np.array([[-5, -2.5], [5, 2.5]])
    found = draw_like(points.astype(np.uint8), 30, np.random.default_rng(3), as_pixels=True)
    np.testing.assert_array_equal(found[:, 0], by_hand.clip(0, 255).round())
    assert found.max() == 255, "none wraps around"


@pytest.mark.parametrize(("recipe", "wanted"), [("gaussian", 9), ("gaussian:images=4", 4)])
def test_every_minority_gets_images_under_its_label(recipe, wanted):
    x = np.random.default_rng(0).integers(0, 256, (16, 4, 4, 3), dtype=np.uint8)
    y = np.repeat([0, 1, 2], [3, 9, 4])
    part, more, labels = resampled(recipe, x, y)
    assert np.bincount(labels).tolist() == [3 + wanted, 9, 4 + wanted]
    np.testing.assert_array_equal(more.take(np.arange(16)), x)
    assert more.pixels.dtype == np.uint8
    assert part.fake_.tolist() == [False] * 16 + [True] * 2 * wanted
    chances = part.draw(labels)
    totals = [chances[labels == label].sum() for label in range(3)]
    np.testing.assert_allclose(totals, totals[0])
    assert chances[part.fake_ & (labels == 0)].sum() / totals[0] == pytest.approx(0.2)


def test_the_seed_decides():
    x = np.random.default_rng(0).normal(size=(12, 5)).astype(np.float32)
    y = np.repeat([0, 1], [8, 4])
    first, again, other = (np.asarray(resampled("gaussian", x, y, seed)[1]) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    assert first.dtype == np.float32


def test_both_views_of_an_image_are_drawn_together():
    x = np.random.default_rng(0).normal(size=(12, 1, 5)).repeat(2, axis=1).astype(np.float32)
    x[:, 1] *= -1
    _, more, _ = resampled("gaussian", x, np.repeat([0, 1], [8, 4]))
    drawn = more.take(np.arange(12, len(more)))
    np.testing.assert_allclose(drawn[:, 1], -drawn[:, 0], rtol=1e-5)


def test_it_can_join_other_changes_of_the_training_set():
    x = np.random.default_rng(0).integers(0, 256, (26, 6, 6, 3), dtype=np.uint8)
    y = np.repeat([0, 1], [20, 6])
    method = Method("smote+gaussian+cs+ts", network="linear", steps=3, device="cpu").fit(x, y)
    assert method.counts_.tolist() == [20, 6]


def test_it_finds_more_of_a_rare_class_than_plain_training():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [200, 5])
    x, new = (
        (100 + 6 * y[:, None, None, None] + rng.normal(0, 15, (205, 4, 4, 3))).astype(np.uint8)
        for _ in range(2)
    )
    new[:200] += 6
    recall = {}
    for name in ("vanilla", "gaussian"):
        method = Method(name, network="linear", steps=50, device="cpu", random_state=0).fit(x, y)
        recall[name] = method.predict(new[:200]).mean()
    assert recall["gaussian"] > recall["vanilla"] + 0.2, recall


def test_a_minority_of_one_image_is_refused():
    x, y = np.zeros((5, 4, 4, 3), np.uint8), np.repeat([0, 1], [4, 1])
    with pytest.raises(UsageError, match="gaussian needs at least 2 images of a class"):
        Method("gaussian", network="linear", steps=1, device="cpu").fit(x, y)
