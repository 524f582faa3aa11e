"""Which parameters each term moves, and that the fused step is the textbook's."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from imbench.methods import _cyclegan
from imbench.methods._cyclegan import CycleGAN, frozen
from imbench.methods._gan_losses import adversarial
from imbench.methods._gan_settings import GanSettings

SMALL = {"width": 4, "blocks": 1, "layers": 1, "patch_width": 4}
NETS = ("g_ab", "g_ba", "d_a", "d_b")


def make(**settings):
    chosen = GanSettings(**{"steps": 10, "batch": 2, "pool": 3, **SMALL, **settings})
    return CycleGAN((3, 8, 8), chosen, 5, torch.device("cpu"))


@pytest.fixture
def gan():
    return make()


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return [torch.from_numpy(rng.uniform(-1, 1, (2, 3, 8, 8))).float() for _ in range(2)]


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)
    )


def moved(loss, **nets):
    """Return the names of the networks into which a loss has a gradient."""
    found = set()
    for name, net in nets.items():
        parameters = [p for p in net.parameters() if p.requires_grad]
        if not parameters:
            continue
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        if any(g is not None and bool(g.any()) for g in gradients):
            found.add(name)
    return found


def nets(gan):
    return {name: getattr(gan, name) for name in NETS}


def silence(critic):
    """Let a critic say the same of every image."""
    for parameter in critic.parameters():
        nn.init.zeros_(parameter)


def test_adversarial_terms_move_one_generator_each(gan, images):
    with frozen(gan.d_a), frozen(gan.d_b):
        terms, *_ = gan.generator_losses(*images)
        assert moved(terms[0], **nets(gan)) == {"g_ab", "g_ba"}
        silence(gan.d_a)
        terms, *_ = gan.generator_losses(*images)
        assert moved(terms[0], **nets(gan)) == {"g_ab"}
        silence(gan.d_b)
        terms, *_ = gan.generator_losses(*images)
        assert moved(terms[0], **nets(gan)) == set()


def test_cycle_terms_move_both_generators_and_identity_terms_one(gan, images, monkeypatch):
    terms = []
    real = _cyclegan._l1

    def l1(x, y):
        terms.append(real(x, y))
        return terms[-1]

    monkeypatch.setattr(_cyclegan, "_l1", l1)
    gan.generator_losses(*images)
    same_b, same_a, cycle_a, cycle_b = terms
    assert moved(same_b, **nets(gan)) == {"g_ab"}
    assert moved(same_a, **nets(gan)) == {"g_ba"}
    assert moved(cycle_a, **nets(gan)) == {"g_ab", "g_ba"}
    assert moved(cycle_b, **nets(gan)) == {"g_ab", "g_ba"}


def test_a_discriminator_learns_from_its_own_loss_and_nothing_flows_into_the_generators(
    gan, images
):
    _, fake_b, fake_a = gan.generator_losses(*images)
    assert fake_b.requires_grad
    assert moved(gan.discriminator_losses(*images, fake_b, fake_a), **nets(gan)) == {"d_a", "d_b"}
    silence(gan.d_a)
    with frozen(gan.d_a):
        loss = gan.discriminator_losses(*images, fake_b, fake_a)
        assert moved(loss, **nets(gan)) == {"d_b"}


@pytest.mark.parametrize("da", [False, True])
def test_the_pools_hold_no_graph(images, da):
    gan = make(da=da)
    gan.step(*images, 1.0)
    assert not any(
        image.requires_grad for pool in (gan.pool_a, gan.pool_b) for image in pool.images
    )


def judge_of(classifier, weights=(1.0, 1.0)):
    def judge(fake_b, fake_a, _fooled):
        y = torch.ones(len(fake_b), dtype=torch.long)
        cross_entropy = nn.functional.cross_entropy
        return weights[0] * cross_entropy(classifier(fake_b), y) + weights[1] * cross_entropy(
            classifier(fake_a), 0 * y
        )

    return judge


def test_a_judge_moves_the_generator_whose_fakes_it_sees(gan, images, classifier):
    classifier.eval()
    for weights, expected in (((1, 1), {"g_ab", "g_ba"}), ((1, 0), {"g_ab"}), ((0, 1), {"g_ba"})):
        with frozen(classifier):
            terms, *_ = gan.generator_losses(*images, judge_of(classifier, weights))
        assert moved(terms[3], **nets(gan), m=classifier) == expected


def snapshot(net):
    return copy.deepcopy(net.state_dict())


def changed(net, before):
    return any(not torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_a_step_moves_all_four_networks_and_not_its_judge(gan, images, classifier):
    before = {name: snapshot(net) for name, net in nets(gan).items()}
    judge_before = snapshot(classifier)
    classifier.eval()
    with frozen(classifier):
        losses = gan.step(*images, 1.0, judge_of(classifier))
    assert losses.shape == (5,)
    assert losses[3] > 0
    assert all(changed(net, before[name]) for name, net in nets(gan).items())
    # Neither weights nor the running statistics of batch norm.
    assert not changed(classifier, judge_before)
    assert all(p.grad is None and p.requires_grad for p in classifier.parameters())


def test_without_a_judge_the_term_is_0(gan, images):
    assert float(gan.step(*images, 1.0)[3]) == 0


def test_in_training_mode_a_judge_would_change(gan, images, classifier):
    before = snapshot(classifier)
    with frozen(classifier):
        gan.step(*images, 1.0, judge_of(classifier))
    assert changed(classifier, before)


def test_a_rate_of_0_moves_nothing(gan, images):
    before = {name: snapshot(net) for name, net in nets(gan).items()}
    gan.step(*images, 0.0)
    assert not any(changed(net, before[name]) for name, net in nets(gan).items())


@pytest.mark.parametrize("kind", ["lsgan", "bce"])
@pytest.mark.parametrize("identity", [5.0, 0.0])
def test_the_terms_are_the_textbooks(images, kind, identity):
    gan = make(gan=kind, identity=identity, cycle=10.0)
    a, b = images
    terms, fake_b, fake_a = gan.generator_losses(a, b)

    def l1(x, y):
        return (x - y).abs().mean()

    assert torch.allclose(fake_b, gan.g_ab(a), atol=1e-6)
    assert torch.allclose(fake_a, gan.g_ba(b), atol=1e-6)
    expected = [
        adversarial(kind, gan.d_b(gan.g_ab(a)), True)
        + adversarial(kind, gan.d_a(gan.g_ba(b)), True),
        10 * (l1(gan.g_ba(gan.g_ab(a)), a) + l1(gan.g_ab(gan.g_ba(b)), b)),
        identity * (l1(gan.g_ab(b), b) + l1(gan.g_ba(a), a)),
        torch.zeros(()),
    ]
    assert torch.allclose(terms, torch.stack(expected), rtol=1e-4)
    critics = 0.5 * (
        adversarial(kind, gan.d_b(b), True)
        + adversarial(kind, gan.d_b(fake_b), False)
        + adversarial(kind, gan.d_a(a), True)
        + adversarial(kind, gan.d_a(fake_a), False)
    )
    assert torch.allclose(gan.discriminator_losses(a, b, fake_b, fake_a), critics, rtol=1e-4)


def test_as_many_images_of_each_class_are_not_needed(gan, images):
    a, b = images
    losses = gan.step(a, torch.cat([b, b[:1]]), 1.0)
    assert losses.isfinite().all()


def test_the_seed_fixes_the_networks_and_leaves_torchs_own_state_alone():
    before = torch.random.get_rng_state()
    first, second, other = (
        make(),
        make(),
        CycleGAN((3, 8, 8), GanSettings(**SMALL), 6, torch.device("cpu")),
    )
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not changed(second.g_ab, snapshot(first.g_ab))
    assert changed(other.g_ab, snapshot(first.g_ab))
    assert changed(first.g_ba, snapshot(first.g_ab))


def test_a_running_mean_follows_the_generators_and_translates(images):
    gan = make(ema=0.75)
    expected = [parameter.detach().clone() for parameter in gan.g_ab.parameters()]
    for _ in range(3):
        gan.step(*images, 1.0)
        for mean, parameter in zip(expected, gan.g_ab.parameters(), strict=True):
            mean.lerp_(parameter.detach(), 0.25)
    found = gan.ema_ab.parameters()
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
    # Stored under the names of the generator, as in files of earlier runs.
    assert gan.state()["nets"]["ema_ab"].keys() == gan.g_ab.state_dict().keys()
    out = gan.translate(images[0], to_minority=True)
    with torch.no_grad():
        assert torch.equal(out, gan.ema_ab(images[0]))
        assert not torch.equal(out, gan.g_ab(images[0]))
    assert not out.requires_grad


def test_differentiable_augmentation_is_for_the_discriminators_only(images, monkeypatch):
    seen = []
    real = _cyclegan.diff_augment
    monkeypatch.setattr(
        _cyclegan, "diff_augment", lambda x, rng: seen.append(len(x)) or real(x, rng)
    )
    make().step(*images, 1.0)
    assert seen == []
    gan = make(da=True)
    terms, *_ = gan.generator_losses(*images)
    assert moved(terms[0], **nets(gan)) >= {"g_ab", "g_ba"}
    gan.step(*images, 1.0)
    # The generators' fakes, then again; real and fake together, for each discriminator.
    assert seen == [2, 2, 2, 2, 4, 4]


def test_it_learns_to_translate_dark_into_bright():
    gan = make(lr=2e-3, identity=0.0, cycle=1.0)
    rng = np.random.default_rng(0)

    def batch(mean):
        return torch.from_numpy(rng.uniform(mean - 0.2, mean + 0.2, (4, 3, 8, 8))).float()

    for _ in range(60):
        gan.step(batch(-0.6), batch(0.6), 1.0)
    assert float(gan.translate(batch(-0.6), to_minority=True).mean()) > 0.3
    assert float(gan.translate(batch(0.6), to_minority=False).mean()) < -0.3
