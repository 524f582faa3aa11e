"""Learning gamma: held-out images, the search, and the derivative through a step of training."""

import copy
import math

import numpy as np
import pytest
import torch

from imbench.errors import UsageError
from imbench.methods._gamma import (
    Gamma,
    balanced_accuracy,
    class_factors,
    meta_gradient,
    search_gamma,
)
from imbench.methods._held_out import hold_out
from imbench.training.budget import Budget
from imbench.training.examples import Examples
from imbench.training.method import Method
from imbench.training.state import TrainState

BUDGET = Budget(
    steps=400, batch_size=32, lr=0.2, momentum=0.9, weight_decay=0.0, warmup=0.05, augment="none"
)


def state_of(net, x, y, chances=None, budget=BUDGET):
    counts = np.bincount(y, weights=chances).astype(float)
    optimiser = torch.optim.SGD(net.parameters(), lr=budget.lr, momentum=budget.momentum)
    return TrainState(net, optimiser, Examples(x), y, counts, budget, torch.device("cpu"), 0)


def overlapping(n_a, n_b, seed=0):
    """Return points on a line, N(0, 1) and N(2, 1)."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [n_a, n_b])
    return rng.normal(2.0 * y)[:, None].astype(np.float32), y


def as_it_is(state, x, rows):
    return x


def test_held_out_images_are_balanced_and_none_is_trained_on():
    y = np.repeat([0, 1, 2], [200, 30, 21])
    kept, held = hold_out(y, np.random.default_rng(0))
    assert np.bincount(y[held]).tolist() == [4, 4, 4]
    assert sorted([*kept, *held]) == list(range(len(y)))
    _, few = hold_out(np.repeat([0, 1], [20, 5]), np.random.default_rng(0))
    assert len(few) == 4


def test_three_images_are_too_few_to_hold_any_out():
    with pytest.raises(UsageError, match=r"one class has 3$"):
        hold_out(np.repeat([0, 1], [20, 3]), np.random.default_rng(0))


def test_factors_have_mean_1_over_the_counts():
    counts = np.array([90.0, 10.0, 30.0])
    factors = class_factors(4.0, counts)
    assert factors[1] == factors[2] == pytest.approx(4 * factors[0])
    assert factors @ counts == pytest.approx(counts.sum())


def test_balanced_accuracy_is_the_mean_recall():
    logits = np.array([[1.0, 0], [1, 0], [0, 1], [1, 0], [0, 1]])
    assert balanced_accuracy(logits, np.array([0, 0, 0, 1, 1])) == pytest.approx(
        (2 / 3 + 1 / 2) / 2
    )


def test_the_search_picks_the_gamma_that_is_clearly_better():
    # Drawn 50 : 1 without weights, the boundary lies at 3.0 and two thirds of class 1 are missed;
    # the largest gamma on offer, 50 ** 0.5, brings it to 2.0, nearer the middle.
    ratio = 50.0
    x, y = overlapping(1000, 20)
    net = torch.nn.Linear(1, 2)
    torch.nn.init.zeros_(net.weight)
    torch.nn.init.zeros_(net.bias)
    state = state_of(net, x, y)
    held = overlapping(300, 300, seed=1)
    before = copy.deepcopy(net.state_dict())
    chances = np.ones(len(y))
    assert search_gamma(state, chances, as_it_is, ratio, held) == pytest.approx(ratio**0.5)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert state.losses == []
    assert state.streams == {}


def test_where_nothing_is_to_gain_gamma_stays_1():
    # Far apart: every gamma separates them, and the nearest to 1 wins.
    x, y = overlapping(60, 60)
    x = x + 20.0 * y[:, None].astype(np.float32)
    state = state_of(torch.nn.Linear(1, 2), x, y)
    assert search_gamma(state, np.ones(len(y)), as_it_is, 50.0, (x, y)) == 1.0


def net_and_batches():
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Tanh(), torch.nn.Linear(4, 3)
    ).double()
    net[1].running_mean.uniform_(-1, 1)
    batch = torch.randn(12, 3).double(), torch.randint(0, 3, (12,))
    held = torch.randn(9, 3).double(), torch.arange(9) % 3
    return net, batch, held


def held_loss(net, log_gamma, batch, held, lr):
    """Return the held-out loss after one real step of SGD at a gamma."""
    moved = copy.deepcopy(net).eval()
    optimiser = torch.optim.SGD(moved.parameters(), lr=lr)
    weights = torch.tensor([math.exp(-log_gamma), 1.0, 1.0], dtype=torch.double)
    cross_entropy = torch.nn.functional.cross_entropy
    own = cross_entropy(moved(batch[0]), batch[1], reduction="none")
    (weights[batch[1]] * own).mean().backward()
    optimiser.step()
    with torch.no_grad():
        return float(cross_entropy(moved(held[0]), held[1]))


@pytest.mark.parametrize("log_gamma", [-1.0, 0.0, 2.0])
def test_the_meta_gradient_is_the_finite_difference(log_gamma):
    net, batch, held = net_and_batches()
    before = copy.deepcopy(net.state_dict())
    state = state_of(net, np.zeros((3, 3)), np.arange(3))
    found = meta_gradient(state, log_gamma, batch, held, 0.3)
    h = 1e-5
    up, down = (held_loss(net, log_gamma + d, batch, held, 0.3) for d in (h, -h))
    assert found == pytest.approx((up - down) / (2 * h), rel=1e-6)
    assert abs(found) > 1e-4
    # It looks, and leaves weights, statistics, gradients and mode as they were.
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    assert net.training


class Stand:
    """What `Gamma` asks of a part."""

    def __init__(self, y):
        self.fake_ = np.zeros(len(y), bool)

    def draw(self, y):
        return np.ones(len(y))

    compose = staticmethod(as_it_is)


def test_following_the_gradient_raises_gamma_where_the_minority_is_neglected():
    x, y = overlapping(1000, 20)
    net = torch.nn.Linear(1, 2)
    state = state_of(net, x, y)
    gamma = Gamma(*overlapping(100, 100, seed=1), meta=True)
    values = []
    for step in range(300):
        state.step = step
        gamma.before_step(state, Stand(y))
        values.append(gamma.value)
        factors = torch.from_numpy(gamma.factors(state.counts)).float()
        rows = state.rng("batch order").integers(0, len(y), 32)
        own = torch.nn.functional.cross_entropy(
            net(torch.from_numpy(x[rows])), torch.from_numpy(y[rows]), reduction="none"
        )
        state.optimiser.zero_grad()
        (factors[torch.from_numpy(y[rows])] * own).mean().backward()
        state.optimiser.step()
    assert len(set(values[:10])) == 1
    assert values[0] != 1
    assert values[-1] > 2.5
    assert (
        gamma.note == f"gamma {gamma.value:.3g}, followed on 200 training images that were held out"
    )


@pytest.mark.parametrize("rule", ["learned", "learned-meta"])
def test_a_learned_gamma_in_a_recipe(rule):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [40, 10])
    x = rng.integers(0, 120, (50, 8, 8, 3)) + 60 * y[:, None, None, None]
    method = Method(f"aug:gamma={rule},steps=4,batch=2", network="linear", steps=30, augment="none")
    method.fit(x.astype(np.uint8), y)
    (note,) = [note for note in method.notes_ if note.startswith("gamma")]
    assert note.endswith("on 4 training images that were held out")
    # What is held out reaches neither the generators nor the classifier.
    assert method.counts_.tolist() == [40, 10]
    again = Method(**method.get_params()).fit(x.astype(np.uint8), y)
    assert again.notes_ == method.notes_
    assert (
        again.predict_proba(x.astype(np.uint8)) == method.predict_proba(x.astype(np.uint8))
    ).all()
