"""One generator for all classes: what each loss asks for, and that it learns to translate."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imbench.errors import Diverged, UsageError
from imbench.methods._stargan import LabelCritic, StarGAN, StarSettings, drawn_alike
from imbench.methods.aug_star import StarAugmented
from imbench.training.examples import Examples
from imbench.training.method import Method
from imbench.training.part import Context, begin_fit
from imbench.training.recipe import parse_recipe

CPU = torch.device("cpu")


def settings(**given):
    known = {"steps": 4, "batch": 4, "lr": 1e-3, "classify": 1.0, "reconstruct": 10.0}
    return StarSettings(**{**known, "penalty": 10.0, "critics": 1, **given})


def made(classes=3, **given):
    return StarGAN((3, 8, 8), classes, settings(**given), 0, CPU)


def test_its_weights_are_drawn_from_the_seed_alone():
    torch.manual_seed(1)
    one = made()
    torch.manual_seed(2)
    two = made()
    for a, b in zip(one.critic.parameters(), two.critic.parameters(), strict=True):
        assert torch.equal(a, b)
    assert float(one.critic.labels.weight.detach().std()) == pytest.approx((2 / 64) ** 0.5, rel=0.2)
    assert not bool(one.critic.labels.bias.any())


def bright(y, rng):
    """Return images (m, 3, 8, 8) that are brighter with the label."""
    middle = torch.tensor([-0.6, 0.0, 0.6])[y][:, None, None, None]
    return middle + torch.from_numpy(rng.uniform(-0.2, 0.2, (len(y), 3, 8, 8))).float()


def test_it_learns_to_translate_to_the_class_that_is_asked_for():
    gan, rng = made(lr=2e-3, reconstruct=1.0), np.random.default_rng(0)
    for _ in range(60):
        y = torch.from_numpy(rng.integers(0, 3, 8))
        gan.critic_step(bright(y, rng), y, 1.0)
        gan.generator_step(bright(y, rng), y, 1.0)
    x = bright(torch.ones(16, dtype=torch.long), rng)
    dark, same, light = (float(gan.translate(x, c).mean()) for c in range(3))
    assert dark < -0.2 < same < 0.25 < light


def test_the_penalty_of_a_critic_whose_slope_is_known():
    gan = made()
    x, fakes = torch.zeros(2, 3, 8, 8), torch.ones(2, 3, 8, 8)

    class Slope(torch.nn.Module):
        def forward(self, x):
            return 3 * x[:, 0, 0, 0] + 4 * x[:, 1, 2, 2], None  # a gradient of length 5

    gan.critic = Slope()
    assert float(gan.steepness(x, fakes)) == pytest.approx(16)


def test_each_step_moves_its_own_network():
    gan, rng = made(), np.random.default_rng(0)
    y = torch.tensor([0, 1, 2, 0])
    x = bright(y, rng)
    for step, moved in ((gan.critic_step, gan.critic), (gan.generator_step, gan.generator)):
        before = [p.clone() for net in (gan.critic, gan.generator) for p in net.parameters()]
        step(x, y, 1.0)
        after = [p for net in (gan.critic, gan.generator) for p in net.parameters()]
        owners = [net for net in (gan.critic, gan.generator) for _ in net.parameters()]
        for old, new, owner in zip(before, after, owners, strict=True):
            if owner is not moved:
                assert torch.equal(old, new)
        assert any(not torch.equal(o, n) for o, n in zip(before, after, strict=True))


def test_the_terms_of_the_generator():
    gan, rng = made(classify=2.0, reconstruct=3.0), np.random.default_rng(0)
    y = torch.tensor([0, 1, 2, 0])
    x = bright(y, rng)
    gan.targets = lambda m: torch.tensor([1, 2, 0, 1])
    with torch.no_grad():
        fakes = gan.made(x, gan.targets(4))
        scores, logits = gan.critic(fakes)
        expected = [
            -scores.mean(),
            2 * torch.nn.functional.cross_entropy(logits, gan.targets(4)),
            3 * (gan.made(fakes, y) - x).abs().mean(),
        ]
    assert torch.allclose(gan.generator_step(x, y, 1.0), torch.stack(expected), rtol=1e-4)


def test_the_class_wanted_stands_beside_the_image():
    gan = made()
    x = torch.zeros(2, 3, 8, 8)
    seen = []
    gan.generator.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    gan.made(x, torch.tensor([2, 0]))
    assert seen[0].shape == (2, 6, 8, 8)
    assert seen[0][:, 3:, 0, 0].tolist() == [[0, 0, 1], [1, 0, 0]]


def test_classes_are_drawn_alike():
    y = np.repeat([0, 1, 2], [900, 90, 10])
    rows = drawn_alike(y, 3000, np.random.default_rng(0))
    assert np.bincount(y[rows]) / 3000 == pytest.approx(np.full(3, 1 / 3), abs=0.05)


def test_a_critic_takes_small_images():
    scores, logits = LabelCritic(1, 5)(torch.zeros(3, 1, 7, 9))
    assert scores.shape == (3,)
    assert logits.shape == (3, 5)


def images(*counts):
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(len(counts)), counts)
    x = rng.integers(0, 80, (len(y), 8, 8, 3)) + 60 * y[:, None, None, None]
    return x.astype(np.uint8), y


@pytest.mark.parametrize(
    ("counts", "expected"), [((20, 6), (26, 26)), ((20, 6, 4), (30, 26, 24)), ((5, 30), (35, 35))]
)
def test_how_many_fakes_there_are(counts, expected):
    (part,) = parse_recipe("aug-star:steps=1,batch=2").parts
    begin_fit(part, Context(steps=2))
    x, y = images(*counts)
    changed, labels = part.resample(Examples(x), y, np.random.default_rng(0))
    assert tuple(np.bincount(labels)) == expected
    assert len(changed) == len(labels)
    assert part.fake_.sum() == len(labels) - len(y)


def test_the_seed_decides():
    x, y = images(20, 6, 5)
    options = {"network": "linear", "steps": 3, "batch_size": 8, "augment": "none"}
    one, same, other = (
        Method("aug-star:steps=2,batch=2", random_state=seed, **options).fit(x, y)
        for seed in (0, 0, 1)
    )
    assert (one.predict_proba(x) == same.predict_proba(x)).all()
    assert (one.predict_proba(x) != other.predict_proba(x)).any()
    assert one.cost_["generator_steps"] == 2


def test_what_it_cannot_take_is_said(monkeypatch):
    with pytest.raises(UsageError, match="AUG-star translates images"):
        Method("aug-star:steps=1", network="linear", steps=2).fit(
            np.random.default_rng(0).random((20, 5), np.float32), np.arange(20) % 2
        )
    with pytest.raises(UsageError, match="critics=0 must be a whole number from 1 to 100"):
        parse_recipe("aug-star:critics=0")
    monkeypatch.setattr(StarAugmented, "constraints", {})
    with pytest.raises(Diverged, match="generator loss is not finite"):
        Method("aug-star:steps=9,lr=1e30", network="linear", steps=2).fit(*images(20, 6))
