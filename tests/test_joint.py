"""How real and generated images are drawn and weighed, at known answers."""

import math

import numpy as np
import pytest
import torch

from imbench.errors import UsageError
from imbench.methods._joint import draw_chances
from imbench.training.budget import Budget
from imbench.training.examples import Examples
from imbench.training.part import Context, begin_fit
from imbench.training.recipe import parse_recipe
from imbench.training.state import TrainState


def joint(real, fake):
    """Return labels and which are fakes: real images of each class, then fakes of each."""
    y = np.repeat(np.arange(len(real)), real)
    z = np.repeat(np.arange(len(fake)), fake)
    return np.concatenate([y, z]), np.arange(len(y) + len(z)) >= len(y)


def sampled(y, chances):
    """Return the counts that a sampler yields, as `Method` counts them."""
    return np.bincount(y, weights=chances) / chances.max()


def part_of(recipe, y, fake):
    part = next(p for p in parse_recipe(recipe).parts if hasattr(p, "kappa"))
    begin_fit(part, Context())
    part.fake_ = fake
    assert len(part.draw(y)) == len(y)
    return part


def weight_ratio(recipe, n_a, n_b):
    """Return the weight of the minority's loss over that of the majority's: gamma."""
    y, fake = joint((n_a, n_b), (n_b, n_a))
    part = part_of(recipe, y, fake)
    counts = sampled(y, part.draw(y))
    product = np.ones(2)
    for one in parse_recipe(recipe).parts:
        one = part if hasattr(one, "kappa") else one
        weights = one.class_weights(counts, np.array([n_a, n_b], float))
        product = product if weights is None else product * weights
    return product[1] / product[0]


@pytest.mark.parametrize("kappa", [1.0, 0.25])
def test_the_four_parts_are_drawn_alike_whatever_their_sizes(kappa):
    y, fake = joint((1000, 20), (20, 1000))
    chances = draw_chances(y, fake, kappa, summed=False)
    assert chances.max() == 1
    mass = [chances[(y == c) & (fake == f)].sum() for c in (0, 1) for f in (False, True)]
    share = np.array(mass) / np.sum(mass)
    expected = np.array([1, kappa, 1, kappa]) / (2 + 2 * kappa)
    assert share == pytest.approx(expected)
    for c in (0, 1):
        for f in (False, True):
            assert len(set(chances[(y == c) & (fake == f)])) == 1


def test_three_classes_are_drawn_alike_and_one_without_fakes_too():
    y, fake = joint((50, 5, 7), (12, 50, 0))
    counts = sampled(y, draw_chances(y, fake, 1.0, summed=False))
    assert counts == pytest.approx(np.full(3, counts[0]))


def test_fakes_worth_nothing_are_never_drawn():
    y, fake = joint((10, 2), (2, 10))
    for summed in (False, True):
        chances = draw_chances(y, fake, 0.0, summed=summed)
        assert not chances[fake].any()
        assert chances[~fake].all()


@pytest.mark.parametrize("kappa", [0.0, 0.01, 0.1, 0.5, 1.0])
def test_summed_counts_are_those_of_a_sum_over_images(kappa):
    y, fake = joint((10_000, 50), (50, 10_000))
    counts = sampled(y, draw_chances(y, fake, kappa, summed=True))
    assert counts == pytest.approx([10_000 + kappa * 50, 50 + kappa * 10_000])


GAMMA = {0: 200.0, 0.01: 66.67, 0.1: 9.529, 0.5: 1.985, 1: 1.0}


@pytest.mark.parametrize("kappa", GAMMA)
def test_the_gamma_that_balances(kappa):
    assert weight_ratio(f"aug:gamma=effective,kappa={kappa}", 10_000, 50) == pytest.approx(
        GAMMA[kappa], rel=1e-4
    )
    # The same from cost-sensitive weights beside it.
    assert weight_ratio(f"aug:kappa={kappa}+cs", 10_000, 50) == pytest.approx(
        GAMMA[kappa], rel=1e-4
    )


@pytest.mark.parametrize(("beta", "gamma"), [(0.99, 1.0), (0.999, 1.5378), (0.9999, 6.3435)])
def test_gamma_of_effective_numbers(beta, gamma):
    for recipe in (f"aug:gamma=cbl,beta={beta}", f"alt+cbl:beta={beta}"):
        assert weight_ratio(recipe, 10_000, 50) == pytest.approx(gamma, abs=1e-4)


@pytest.mark.parametrize(
    ("recipe", "gamma"),
    [("aug", 1), ("alt", 1), ("aug+ts", 1), ("aug:gamma=3.5", 3.5), ("alt:gamma=ir", 200)],
)
def test_gamma_as_given(recipe, gamma):
    assert weight_ratio(recipe, 10_000, 50) == pytest.approx(gamma)


def test_at_gamma_1_the_classes_are_balanced():
    y, fake = joint((10_000, 50), (50, 10_000))
    part = part_of("aug", y, fake)
    counts = sampled(y, part.draw(y))
    assert counts[0] == pytest.approx(counts[1])
    assert part.class_weights(counts, np.array([10_000.0, 50.0])) is None


@pytest.mark.parametrize("recipe", ["aug:gamma=7", "aug:gamma=ir", "aug:gamma=cbl,beta=0.9999"])
def test_weights_have_mean_1_over_the_sampler(recipe):
    y, fake = joint((300, 12), (12, 300))
    part = part_of(recipe, y, fake)
    counts = sampled(y, part.draw(y))
    weights = part.class_weights(counts, np.array([300.0, 12.0]))
    assert (weights @ counts) / counts.sum() == pytest.approx(1)


@pytest.mark.parametrize(("gamma", "total"), [(1, 1.196005), (4, 0.849478)])
def test_the_loss_of_a_classifier_at_known_outputs(gamma, total):
    # z(b) = .8, z(G_AB(a)) = .6, z(a) = .1, z(G_BA(b)) = .3; one image of each part.
    y, fake = joint((1, 1), (1, 1))
    z = np.array([0.1, 0.8, 0.3, 0.6])
    chances = draw_chances(y, fake, 1.0, summed=False)
    assert set(chances) == {1.0}
    part = part_of(f"aug:gamma={gamma}", y, fake)
    weights = part.class_weights(np.array([2.0, 2.0]), np.array([1.0, 1.0]))
    weights = np.ones(2) if weights is None else weights
    logits = torch.from_numpy(np.stack([np.log(1 - z), np.log(z)], axis=1))
    own = torch.nn.functional.cross_entropy(logits, torch.from_numpy(y), reduction="none").numpy()
    # What the loop descends is the mean of four, with weights of mean 1.
    assert 4 * (weights[y] * own).mean() / weights[1] == pytest.approx(total, abs=1e-6)


def test_at_even_odds_the_loss_is_four_log_2():
    own = -math.log(0.5)
    assert 4 * own == pytest.approx(2.772589, abs=1e-6)
    y, fake = joint((1, 1), (1, 1))
    weights = part_of("aug:gamma=200", y, fake).class_weights(np.full(2, 2.0), np.ones(2))
    assert (weights[y] * own).sum() / weights[1] == pytest.approx(1.393226, abs=1e-6)


def settled(recipe):
    return next(p for p in parse_recipe(recipe).parts if hasattr(p, "kappa"))


@pytest.mark.parametrize(
    ("recipe", "kappa", "summed"),
    [
        ("aug", 0.25, False),
        ("aug+ts", 0.25, False),
        ("aug:gamma=ir", 0.25, False),
        ("aug:kappa=1", 1.0, False),
        ("aug:gamma=2,kappa=0.5", 0.5, False),
        ("aug:summed=true", 1.0, True),
        ("aug:gamma=effective", 0.1, True),
        ("aug:gamma=cbl", 0.1, True),
        ("aug+cbl:beta=0.999", 0.1, True),
        ("alt+cs", 0.1, True),
        ("aug:kappa=1+cs", 1.0, True),
    ],
)
def test_what_is_drawn_depends_on_what_weighs(recipe, kappa, summed):
    part = settled(recipe)
    assert (part.kappa, part.summed) == (kappa, summed)


def test_settling_leaves_the_recipe_as_it_was_written():
    for text in ("aug", "alt+cs", "aug:gamma=effective+ts", "aug+cbl:beta=0.999"):
        assert str(parse_recipe(text)) == text
    assert str(parse_recipe("aug+ts").training) == "aug"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("gamma=cs", r"a number in \(0, 1000000\] or ir, effective, cbl, learned or learned-meta$"),
        ("gamma=0", "or ir"),
        ("gamma=-1", "or ir"),
        ("kappa=1.5", r"a number in \[0, 1\] or none$"),
        ("kappa=half", r"a number in \[0, 1\] or none$"),
        ("filter=2", r"a number in \[0, 1\]$"),
        ("beta=-0.1", r"a number in \[0, 1\]$"),
        ("summed=1", "true or false$"),
        ("variant=b2a", "both or a2b$"),
        ("ratio=-1", r"a number in \[0, 1000\]$"),
        ("gan=wgan", "lsgan or bce$"),
        ("steps=-1", "a whole number from 0 to 100000000$"),
        ("batch=0", "a whole number from 1 to 10000$"),
        ("batch=2.5", "a whole number from 1 to 10000$"),
        ("pool=-1", "a whole number from 0 to 100000$"),
        ("width=-8", "a whole number from 0 to 1024$"),
        ("lr=0", r"a number in \(0, 100\] or none$"),
        ("lr=fast", r"a number in \(0, 100\] or none$"),
        ("lr=true", r"a number in \(0, 100\] or none$"),
        ("cycle=-1", r"a number in \[0, 1000000\] or none$"),
        ("identity=half", r"a number in \[0, 1000000\] or none$"),
        ("ema=1", r"a number in \[0, 1\)$"),
        ("da=1", "true or false or none$"),
    ],
)
@pytest.mark.parametrize("name", ["aug", "alt", "aug-da"])
def test_what_cannot_be_meant_is_refused_before_anything_is_trained(name, options, says):
    with pytest.raises(UsageError, match=f"^{name}: {options} must be .*{says}"):
        parse_recipe(f"{name}:{options}")


@pytest.mark.parametrize("recipe", ["aug+alt", "aug+aug-da", "aug+generated:here"])
def test_one_recipe_has_one_sampler(recipe):
    with pytest.raises(UsageError, match="choose one"):
        parse_recipe(recipe)


def test_a_part_that_resamples_afterwards_is_refused():
    y, fake = joint((10, 2), (2, 10))
    part = part_of("aug", y, fake)
    with pytest.raises(
        UsageError, match=r"^AUG must be the last part that changes the training set"
    ):
        part.draw(y[:-3])


def state_of(net, y, steps=10):
    budget = Budget(steps, 4, 0.1, 0.0, 0.0, 0.0, "none")
    x = np.zeros((len(y), 4, 4, 3), np.uint8)
    x[y == 1] = 255
    counts = np.bincount(y).astype(float)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    return TrainState(net, optimiser, Examples(x), y, counts, budget, torch.device("cpu"), 0)


class Bright(torch.nn.Module):
    """Takes bright images for class 1."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(20.0))

    def forward(self, x):
        score = self.scale * (x.mean(dim=(1, 2, 3)) - 0.5)
        return torch.stack([-score, score], dim=1)


def test_fakes_that_the_teacher_takes_for_another_class_are_left_out():
    # Rows: real dark 0, real bright 1, fake dark as 1 (bad), fake bright as 1 (good).
    y, fake = np.array([0, 1, 1, 1]), np.array([False, False, True, True])
    state = state_of(Bright(), y)
    part = part_of("aug:filter=0.5", y, fake)
    x = torch.tensor([0.0, 0.0, 0.0, 1.0]).view(-1, 1, 1, 1).expand(-1, 3, 4, 4)
    rows = np.arange(4)
    found = []
    for step in range(10):
        state.step = step
        part.before_step(state)
        found.append(part.weigh(state, x, torch.from_numpy(y), rows))
    # A real image stays even where the teacher is wrong about it; the start is left alone.
    assert found[:2] == [None, None]
    assert all(weights.tolist() == [1, 1, 0, 1] for weights in found[2:])
    part.finish(state)
    assert part.notes_ == ["the teacher left out 50.0% of the fakes it judged"]
    assert part.teacher_ is None


def test_without_a_filter_nothing_is_weighed():
    y, fake = np.array([0, 1, 1]), np.array([False, False, True])
    state = state_of(Bright(), y)
    part = part_of("aug", y, fake)
    part.before_step(state)
    assert part.weigh(state, torch.zeros(3, 3, 4, 4), torch.from_numpy(y), np.arange(3)) is None
    part.finish(state)
    assert part.notes_ == []


def test_the_teacher_is_a_running_mean_of_the_classifier():
    from imbench.methods._teacher import Teacher

    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2))
    teacher = Teacher(net, decay=0.9)
    expected = [parameter.detach().clone() for parameter in net.parameters()]
    for step in range(1, 120):
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(torch.rand_like(parameter))
            net[1].running_mean.add_(1)
        teacher.update(net)
        # The start is forgotten sooner than at 0.9 from the first step on.
        share = 1 - min(0.9, step / (step + 9))
        for mean, parameter in zip(expected, net.parameters(), strict=True):
            mean.lerp_(parameter.detach(), share)
    found = list(teacher.mean.parameters())
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
    assert torch.equal(teacher.mean.module[1].running_mean, net[1].running_mean)
    assert not teacher.mean.module.training
    assert not any(parameter.requires_grad for parameter in found)
    assert all(parameter.requires_grad for parameter in net.parameters())
