"""The counts decide which class is the majority, however labels sort: in every joint part."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from imbench.methods._gamma import Gamma
from imbench.training.examples import Examples
from imbench.training.method import Method
from imbench.training.part import Context, begin_fit
from imbench.training.recipe import parse_recipe

SMALL = "steps=4,batch=2,width=4,blocks=1,layers=1,patch_width=4"
COUNTS = (9, 60)
"""Of label 0 and label 1: class names sorted the other way round."""


def images(counts=COUNTS):
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(len(counts)), counts)
    x = rng.integers(0, 80, (len(y), 8, 8, 3)) + 60 * y[:, None, None, None]
    return x.astype(np.uint8), y


def resampled(recipe, x, y, **context):
    (part,) = parse_recipe(recipe).parts
    begin_fit(part, Context(steps=4, **context))
    _, labels = part.resample(Examples(x), y, np.random.default_rng(0))
    return part, labels


@pytest.mark.parametrize("name", ["aug", "aug-da", "alt"])
@pytest.mark.parametrize(("variant", "expected"), [("both", (69, 69)), ("a2b", (60, 60))])
def test_the_minority_is_what_is_made(name, variant, expected):
    part, labels = resampled(f"{name}:variant={variant},{SMALL}", *images())
    assert tuple(np.bincount(labels)) == expected
    made = np.bincount(labels[part.fake_], minlength=2)
    assert made.tolist() == [expected[0] - 9, expected[1] - 60]


@pytest.mark.parametrize("name", ["aug", "alt"])
def test_gamma_divides_the_majoritys_loss(name):
    for counts, expected in ((COUNTS, [1, 0.25]), (COUNTS[::-1], [0.25, 1])):
        (part,) = parse_recipe(f"{name}:gamma=4").parts
        original = np.array(counts, float)
        weights = part.class_weights(np.full(2, 69.0), original)
        assert weights / weights.max() == pytest.approx(expected)


def test_a_learned_gamma_divides_it_too():
    x, y = images()
    part, _ = resampled(f"aug:gamma=learned-meta,{SMALL}", x, y)
    part.gamma_.value = 4.0
    factors = part.gamma_.factors(np.full(2, 10.0))
    assert factors / factors.max() == pytest.approx([1, 0.25])
    assert isinstance(part.gamma_, Gamma)


def test_the_original_counts_decide_where_others_have_levelled_them():
    x, y = images((8, 8))
    part, _ = resampled(f"aug:variant=a2b,ratio=1,{SMALL}", x, y, counts=(8, 60))
    assert part.majority_ == 1
    method = Method(f"us+aug:{SMALL}", network="linear", steps=2, batch_size=4, augment="none")
    method.fit(*images())
    assert method.parts_[-1].majority_ == 1


def test_the_judge_asks_for_the_right_labels():
    """ALT's judge asks fakes of the minority for label 0 here, and those of the majority for 1."""
    from imbench.training.budget import Budget
    from imbench.training.state import TrainState

    x, y = images()
    part, _ = resampled(f"alt:{SMALL}", x, y)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2))
    net[1].weight.data = torch.tensor([[0.1], [-0.1]]).expand(2, 192).clone()
    net[1].bias.data = torch.tensor([-9.6, 9.6])  # takes bright images for label 0
    budget = Budget(4, 4, 0.1, 0.0, 0.0, 0.0, "none")
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    counts = np.array([69.0, 69.0])
    device = torch.device("cpu")
    state = TrainState(net, optimiser, Examples(x), y, counts, budget, device, 0)
    judge = part._judge(state, state.net, 0, 1.0)
    bright, dark = torch.ones(2, 3, 8, 8), -torch.ones(2, 3, 8, 8)
    with torch.no_grad():
        assert float(judge(bright, dark)) < 0.01 < 10 < float(judge(dark, bright))
    assert set(part.pairs_) == {0}


def test_images_of_a_folder_are_of_the_minority(tmp_path):
    for number in range(3):
        Image.new("RGB", (8, 8), "white").save(tmp_path / f"{number}.png")
    for counts, minority in ((COUNTS, 0), (COUNTS[::-1], 1)):
        part, labels = resampled(f"generated:{tmp_path}", *images(counts))
        assert set(labels[part.fake_]) == {minority}
        assert f"3 of class {minority}" in part.notes_[0]


def test_three_classes_of_which_the_last_is_the_majority():
    part, labels = resampled(f"aug:{SMALL}", *images((5, 7, 30)))
    assert np.bincount(labels[part.fake_]).tolist() == [30, 30, 12]
    assert sorted(name for name in part.artifacts_ if name.startswith("samples")) == [
        "samples-0.png",
        "samples-1.png",
    ]


@pytest.mark.parametrize("recipe", ["aug", "alt"])
def test_names_that_sort_the_other_way_round_train_the_same_classifier(recipe):
    x, y = images((60, 9))
    named = np.array(["zebra", "aaa_minor"])[y]
    options = {"network": "linear", "steps": 6, "batch_size": 8, "augment": "none"}
    one = Method(f"{recipe}:gamma=4,{SMALL}", **options).fit(x, y)
    other = Method(f"{recipe}:gamma=4,{SMALL}", **options).fit(x, named)
    assert other.parts_[0].majority_ == 1
    assert other.priors_.tolist() == one.priors_[::-1].tolist()
    made = [m.sampled_counts_ / m.sampled_counts_.sum() for m in (one, other)]
    assert made[1][::-1] == pytest.approx(made[0])
