"""M2m, DeepSMOTE and rotation pretraining: known answers, switches, budgets, what is refused."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small import assert_at_work, assert_switched_off, fitted, images, part
from torch import nn
from torch.nn import functional

from imbench import Method, UsageError, check_part, parse_recipe
from imbench.methods._autoencoder import Autoencoder
from imbench.methods._translation import Translator
from imbench.methods.m2m import accept_chances
from imbench.methods.rotation_pretraining import rotated
from imbench.training.device import fixed_threads
from imbench.training.examples import Examples

CPU = torch.device("cpu")


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("recipe", ["m2m:start=1", "deepsmote:rho=0", "ssl:share=0"])
def test_what_a_parameter_switches_off_is_vanilla_bit_for_bit(k, recipe):
    assert_switched_off(recipe, k)


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("recipe", ["m2m:gamma=0,beta=0,start=0.5", "deepsmote:width=4", "ssl"])
def test_what_is_switched_on_is_not_vanilla_and_the_same_twice(k, recipe):
    assert_at_work(recipe, k)


@pytest.mark.parametrize(
    "recipe",
    [
        *("m2m:start=0.5+ldam+drw", "us:rho=0.3+m2m:start=0", "ensemble:members=2+m2m"),
        *("deepsmote:width=4+cs", "smote+deepsmote:width=4", "deepsmote:width=4+ssl+crt:share=1"),
        *("ssl+ldam", "ssl+tuned:folds=2", "ensemble:members=2+ssl", "cas+ssl+mixup"),
    ],
)
def test_they_go_with_other_parts(recipe):
    check_part(recipe)


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ("m2m+mixup", "m2m cannot stand beside another part that mixes images"),
        ("m2m+cas", "m2m and cas both change `draw`"),
    ],
)
def test_what_they_cannot_stand_beside_is_refused_before_anything_is_trained(recipe, says):
    with pytest.raises(UsageError, match=says):
        parse_recipe(recipe)


@pytest.mark.parametrize("recipe", ["m2m:start=0", "deepsmote", "ssl"])
def test_rows_of_features_are_refused(recipe):
    x = np.random.default_rng(0).normal(size=(25, 5))
    with pytest.raises(UsageError, match=r"takes (images|square ones), not rows of features"):
        Method(recipe, network="linear", steps=2).fit(x, np.repeat([0, 1], [20, 5]))


def test_what_cannot_be_trained_is_refused_when_it_is_planned():
    with pytest.raises(UsageError, match="DeepSMOTE needs at least 2 images of class 1, there is"):
        part("deepsmote").foresee(np.array([50, 1]), (8, 8, 3))
    assert part("deepsmote:rho=0.5").foresee(np.array([10000, 50]), (8, 8, 3))[1] == 707
    with pytest.raises(UsageError, match="ssl turns images: it takes square ones"):
        part("ssl").foresee(np.array([50, 5]), (8, 6, 3))
    with pytest.raises(UsageError, match="ssl needs a network that ends in a linear layer"):
        part("ssl").build(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 7)), np.ones(2))


# M2m


def test_m2m_takes_images_of_much_larger_classes():
    assert accept_chances(np.array(10000), np.array(50), 0.999) == pytest.approx(0.9999525)
    assert accept_chances(np.array(150), np.array(50), 0.99) == pytest.approx(0.633968, abs=1e-6)
    assert accept_chances(np.array(50), np.array(10000), 0.999) == 0


def linear(rows):
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, len(rows), bias=False))
    with torch.no_grad():
        net[1].weight.copy_(torch.tensor(rows))
    return net


def test_a_translation_goes_down_the_gradient_of_both_networks_by_steps_of_one_length():
    earlier = linear([[0.0, 0, 0, 0], [1.0, 0, 0, 0]])
    present = linear([[0.0, 2.0, 0, 0], [0.0, 0, 0, 0]])
    x = torch.full((1, 1, 2, 2), 0.5)
    old, new = torch.tensor([0]), torch.tensor([1])
    made, sure = Translator(earlier, present, 0.5, 0.01, 1).translate(
        x, old, new, np.random.default_rng(0)
    )
    start, _ = Translator(earlier, present, 0.5, 1e-12, 1).translate(
        x, old, new, np.random.default_rng(0)
    )
    # d/dx0 of -log softmax(0, x0)_1 is softmax - 1; d/dx1 of 0.5 * 2 x1 is 1.
    down = torch.tensor([1 - start.flatten()[0].sigmoid(), -1.0, 0, 0])
    moved = (made - start).flatten()
    assert moved.norm().item() == pytest.approx(0.01, rel=1e-3)
    assert functional.cosine_similarity(moved, down, dim=0).item() == pytest.approx(1, abs=1e-5)
    assert sure.item() == pytest.approx(made.flatten()[0].sigmoid().item())
    assert (start - x).norm() <= 0.5
    assert present.training
    assert all(p.grad is None for net in (earlier, present) for p in net.parameters())


def state(y, **changes):
    rng = np.random.default_rng(0)
    counts = np.bincount(y).astype(float)
    return SimpleNamespace(
        labels=y, counts=counts, rng=lambda purpose: rng, steps=10, step=9, **changes
    )


@pytest.mark.parametrize(("gamma", "kept"), [(0, 1.0), (1, 0.0)])
def test_m2m_replaces_images_of_small_classes_and_no_others(gamma, kept):
    y = np.repeat([0, 1], [10000, 50])
    m2m = part(f"m2m:beta=0,gamma={gamma}")
    m2m.earlier_ = linear([[0.0, 0, 0, 0], [1.0, 0, 0, 0]])
    x, labels = torch.rand(64, 1, 2, 2), torch.tensor([0, 1] * 32)
    before = x.clone()
    mixed, same = m2m.mix(state(y, net=linear([[0.0] * 4] * 2)), x, labels)
    changed = (mixed != x).flatten(1).any(1)
    assert torch.equal(x, before)
    assert same is labels
    assert not changed[labels == 0].any()
    assert changed[labels == 1].float().mean() == pytest.approx(kept, abs=0.05)
    assert m2m.cost_["m2m_kept"] == changed.sum()
    assert m2m.cost_["m2m_tried"] >= 30


def test_m2m_leaves_equal_classes_alone_and_a_record_says_that_nothing_was_kept():
    y = np.repeat([0, 1], 20)
    m2m = part("m2m")
    m2m.earlier_ = linear([[0.0] * 4] * 2)
    x, labels = torch.rand(8, 1, 2, 2), torch.tensor([0, 1] * 4)
    assert m2m.mix(state(y), x, labels)[0] is x
    m2m.finish(state(y))
    assert m2m.notes_[0].startswith("M2m kept no translation: no class has fewer images, or")
    assert not hasattr(m2m, "earlier_")


def test_m2m_draws_images_alike_and_then_classes():
    y = np.repeat([0, 1], [900, 100])
    budget = SimpleNamespace(batch_size=5000)
    shares = [y[rows].mean() for rows in part("m2m").batches(state(y, budget=budget))]
    assert shares[:8] == pytest.approx([0.1] * 8, abs=0.02)
    assert shares[8:] == pytest.approx([0.5] * 2, abs=0.03)
    chances = part("m2m").draw(y)
    assert chances[y == 1].sum() / chances.sum() == pytest.approx(0.8 * 0.1 + 0.2 * 0.5)


# DeepSMOTE


@pytest.mark.parametrize(("side", "channels"), [(8, 3), (9, 1), (32, 3), (37, 1)])
def test_an_autoencoder_takes_images_of_any_size(side, channels):
    net = Autoencoder((channels, side, side), width=2, code=5)
    x = np.random.default_rng(0).integers(0, 256, (3, side, side, channels)).astype(np.uint8)
    codes = net.codes_of(x, CPU)
    assert codes.shape == (3, 5)
    made = net.images_of(codes, CPU)
    assert made.shape == x.shape
    assert made.dtype == np.uint8


def test_deepsmote_makes_images_that_look_like_those_of_the_class():
    # Class 1 is bright on the left.
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [40, 10])
    x = rng.integers(0, 30, (50, 8, 8, 1)).astype(np.uint8)
    x[y == 1, :, :4] += 200
    deep = part("deepsmote:width=8,code=8,batch=16", steps=150)
    with fixed_threads(1):
        more, labels = deep.resample(Examples(x), y, np.random.default_rng(0))
    made = np.asarray(more)[50:]
    assert np.bincount(labels).tolist() == [40, 40]
    assert (labels[50:] == 1).all()
    assert made[:, :, :4].mean() > 150
    assert made[:, :, 4:].mean() < 60
    assert (np.asarray(more)[:50] == x).all()
    assert deep.cost_["autoencoder_steps"] == 150
    assert deep.cost_["autoencoder_loss"] < 0.03
    assert deep.artifacts_["deepsmote-1.png"].startswith(b"\x89PNG")


def test_deepsmote_stops_halfway_beside_weights_and_lowers_k():
    (deep, _) = parse_recipe("deepsmote+cs").parts
    assert deep.rho == 0.5
    assert part("deepsmote").rho == 1
    x, y = images(2, per=(20, 3))
    deep = part("deepsmote:width=4,steps=2")
    deep.resample(Examples(x), y, np.random.default_rng(0))
    assert deep.notes_ == ["DeepSMOTE's k lowered from 5 to 2: class 1 has 3 images"]


# Rotation pretraining


def test_each_turn_comes_equally_often_and_is_what_its_label_says():
    x = torch.rand(8, 3, 5, 5)
    turned, turns = rotated(x, np.random.default_rng(0))
    assert turns.bincount().tolist() == [2, 2, 2, 2]
    for one, other, turn in zip(x, turned, turns.tolist(), strict=True):
        assert torch.equal(torch.rot90(one, turn, (1, 2)), other)


def test_pretraining_learns_turns_without_labels_and_leaves_the_last_layer_as_it_was():
    # Bright above and dark below: upright in all images, whatever their class.
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [60, 6])
    x = rng.integers(0, 60, (66, 8, 8, 3))
    x[:, :4] += 150
    x = x.astype(np.uint8)
    seen = []

    def network(shape, classes):
        net = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.ReLU(), nn.Linear(8, classes))
        seen.append({name: value.clone() for name, value in net.state_dict().items()})
        return net

    settings = {"network": network, "steps": 60, "batch_size": 16, "lr": 1e-30}
    found = Method("ssl", **{**settings, "lr": 0.05}).fit(x, y)
    assert found.cost_["ssl_steps"] == 60
    assert found.cost_["ssl_loss"] < 0.5 < np.log(4)
    # With a rate of nearly nothing the training after it leaves everything where it was.
    still = Method("ssl:share=10", **settings).fit(x, y).network_.state_dict()
    assert torch.equal(still["1.3.weight"], seen[-1]["3.weight"])


def test_pretraining_sees_the_images_that_undersampling_leaves_out(monkeypatch):
    taken = []
    take = Examples.take
    monkeypatch.setattr(
        Examples, "take", lambda self, rows: taken.append(len(self)) or take(self, rows)
    )
    fitted("us+ssl:share=0.5", 2, augment="none")
    assert taken[:5] == [80] * 5
    assert set(taken[5:]) == {40}


def test_what_they_cost_stands_in_the_plan_and_in_the_record():
    for recipe, steps in (
        ("ssl:share=0.5", 500),
        ("ssl:share=0", 0),
        ("deepsmote:steps=300", 300),
        ("deepsmote", 1000),
        ("deepsmote:rho=0", 0),
        ("m2m", 1000 + 200 * 10),
        ("m2m:start=1", 0),
    ):
        assert part(recipe).own_steps(1000) == steps, recipe
    cost = fitted("ensemble:members=2+ssl:share=0.5", 2).cost_
    assert (cost["steps"], cost["ssl_steps"]) == (20, 10)
    cost = fitted("m2m:start=0.5", 2).cost_
    assert (cost["steps"], cost["m2m_steps"]) == (10, 10)
    assert cost["m2m_seconds"] > 0
