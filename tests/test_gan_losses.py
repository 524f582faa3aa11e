"""Adversarial losses at known answers."""

import math

import pytest
import torch

from imbench.methods._gan_losses import adversarial, discriminator_loss, generator_loss


def scores(kind, probability):
    """Return a map of patches that all say one probability."""
    value = math.log(probability / (1 - probability)) if kind == "bce" else probability
    return torch.full((2, 1, 3, 3), value, dtype=torch.double)


@pytest.mark.parametrize(
    ("kind", "real", "fake", "critic", "generator"),
    [
        ("lsgan", 0.5, 0.5, 0.25, 0.25),
        ("lsgan", 0.9, 0.2, 0.025, 0.64),
        ("bce", 0.5, 0.5, 1.386294 / 2, 0.693147),
        ("bce", 0.9, 0.2, 0.328504 / 2, 1.609438),
    ],
)
def test_losses_of_a_discriminator_and_of_a_generator(kind, real, fake, critic, generator):
    given = scores(kind, real), scores(kind, fake)
    assert float(discriminator_loss(kind, *given)) == pytest.approx(critic, abs=1e-6)
    assert float(generator_loss(kind, given[1])) == pytest.approx(generator, abs=1e-6)


@pytest.mark.parametrize("kind", ["lsgan", "bce"])
def test_a_generator_gains_by_fooling_where_its_discriminator_gains_by_not_being_fooled(kind):
    fake = scores(kind, 0.3).requires_grad_()
    (of_generator,) = torch.autograd.grad(generator_loss(kind, fake), fake)
    (of_critic,) = torch.autograd.grad(discriminator_loss(kind, fake.detach(), fake), fake)
    assert (of_generator < 0).all()
    assert (of_critic > 0).all()


def test_cross_entropy_survives_certain_scores():
    sure = torch.tensor([200.0, -200.0])
    assert adversarial("bce", sure, True).isfinite()
    assert float(adversarial("bce", sure, True)) == pytest.approx(100)
