"""Swapped backgrounds on savanna: the more the ground tells in training, the more it moves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imbench.explain.context import z_of_swaps
from imbench.explain.trained import TrainedNetwork
from imbench.images.cache import prepare
from imbench.training.device import fixed_threads
from imbench.training.method import Method

# In the test split solid animals stand on grass and striped ones on sand, without exception: the
# background of the other class is always the other ground.
DATA = "savanna:correlation={},test_correlation=1,train=60,test=24,size=24"
CORRELATIONS = (0, 0.5, 0.9)


@pytest.fixture(scope="module")
def moved() -> dict[float, dict[str, float]]:
    """Return how far z falls, by correlation and swap, mean over images and two seeds.

    Ten steps in: the ground is learned before the stripes are, and both are by step 40.
    """
    found = {}
    for correlation in CORRELATIONS:
        data = prepare(DATA.format(correlation), root=Path(), size=24)
        test, changes = data.test, []
        for seed in (0, 1):
            method = Method("vanilla", network="cnn", steps=10, random_state=seed)
            with fixed_threads(1):
                method.fit(data.train.pixels, data.train.labels)
                network = TrainedNetwork(method.network_.eval(), method.parts_, method.priors_)
                z = z_of_swaps(network, test.pixels, test.masks, test.labels)
            rows = np.arange(len(test.labels))
            true = {name: values[rows, test.labels] for name, values in z.items()}
            changes.append({name: (true["plain"] - true[name]).mean() for name in true})
        found[correlation] = {
            name: float(np.mean([one[name] for one in changes])) for name in changes[0]
        }
    return found


def test_context_sensitivity_rises_with_the_correlation_of_class_and_ground(moved):
    other = [moved[correlation]["other"] for correlation in CORRELATIONS]
    assert abs(other[0]) < 0.03
    assert other[0] + 0.03 < other[1]
    assert other[1] + 0.1 < other[2]


def test_another_background_of_the_same_ground_moves_nothing(moved):
    for correlation in CORRELATIONS:
        assert abs(moved[correlation]["same"]) < 0.03


def test_erasing_the_object_matters_less_where_the_ground_tells_the_class(moved):
    erased = [moved[correlation]["erased"] for correlation in CORRELATIONS]
    assert erased[0] > erased[2] + 0.1
