"""Parts and methods in small: a part by its recipe, bright and dark noise, a quick training."""

from functools import cache

import numpy as np

from imbench import Method, parse_recipe
from imbench.training.budget import Budget
from imbench.training.part import Context, begin_fit


def part(recipe, **context):
    """Return the only part of a recipe, as at the beginning of a fit."""
    (found,) = parse_recipe(recipe).parts
    begin_fit(found, Context(**context))
    return found


def images(k, per=(60, 20, 12, 9, 6), side=8):
    """Return noise that is brighter for higher labels, so that a few steps separate the classes."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(k), per[:k])
    x = rng.integers(0, 60, (len(y), side, side, 3)) + 40 * y[:, None, None, None]
    return x.astype(np.uint8), y


def fitted(recipe, k, **changes):
    """Return a method trained for some steps on `images`."""
    settings = {"network": "cnn:width=4", "steps": 10, "batch_size": 16, **changes}
    return Method(recipe, **settings).fit(*images(k))


def outputs(recipe, k, **changes):
    """Return the outputs of such a method on what it was trained on."""
    return fitted(recipe, k, **changes).logits(images(k)[0])


def assert_switched_off(recipe, k, **changes):
    """Assert that a recipe is plain training, bit for bit."""
    assert (outputs(recipe, k, **changes) == _plain(k, *changes.items())).all()


def assert_at_work(recipe, k, **changes):
    """Assert that a recipe is not plain training, finite, and the same twice."""
    first = outputs(recipe, k, **changes)
    assert (first != _plain(k, *changes.items())).any()
    assert (first == outputs(recipe, k, **changes)).all()
    assert np.isfinite(first).all()


@cache
def _plain(k, *changes):
    return outputs("vanilla", k, **dict(changes))


def plain_budget(**changes):
    """Return a budget of a few steps of plain gradient descent, without augmentation."""
    settings = {
        "steps": 3,
        "batch_size": 4,
        "lr": 0.1,
        "momentum": 0.0,
        "weight_decay": 0.0,
        "warmup": 0.0,
        "augment": "none",
    }
    return Budget(**{**settings, **changes})
