"""Losses of the rivals: known answers, other ways to compute them, what switches them off."""

import math

import numpy as np
import pytest
import torch
from small import assert_at_work, assert_switched_off, images, part
from torch.nn import functional

from imbench import Method, UsageError, check_part, parse_recipe
from imbench.commands.cli import exit_code
from imbench.methods._head import CosineHead, find_head
from imbench.training.budget import Budget
from imbench.training.building import build_network
from imbench.training.examples import Examples
from imbench.training.forward import probabilities
from imbench.training.state import TrainState

COUNTS = np.array([10000.0, 50.0])
MANY = np.array([400.0, 90, 30, 8, 3])


def losses(recipe, logits, y, counts=COUNTS):
    rows = torch.tensor(logits)
    return part(recipe).losses(rows, torch.tensor(y), counts).numpy()


def drawn(k=5, m=40):
    rng = np.random.default_rng(1)
    logits = torch.from_numpy(rng.normal(size=(m, k)).astype(np.float32) * 3)
    return logits, torch.from_numpy(rng.integers(0, k, m))


OFF = [
    *("la:tau=0", "focal:gamma=0", "vs:gamma=0,tau=0", "ldam:margin=0,scale=1,head=plain"),
    *("drw:start=1", "drw:beta=0,start=0", "smooth:eps=0", "la-post:tau=0"),
]


@pytest.mark.parametrize("k", [2, 5])
def test_what_a_parameter_switches_off_is_vanilla_bit_for_bit(k):
    for recipe in OFF:
        assert_switched_off(recipe, k, steps=6)


@pytest.mark.parametrize("k", [2, 5])
def test_what_is_switched_on_is_not_vanilla_and_the_same_twice(k):
    for recipe in ("la", "focal", "focal:form=sigmoid", "vs", "ldam", "drw:start=0.5", "smooth"):
        assert_at_work(recipe, k, steps=6)


@pytest.mark.parametrize(
    "recipe",
    [
        *("ldam+drw", "us+la", "us+drw", "cbl:beta=0.9+focal:gamma=0,form=sigmoid+ts"),
        *("os+ldam:head=plain", "smote+vs", "la+la-post", "cs+smooth"),
    ],
)
def test_losses_go_with_other_parts(recipe):
    check_part(recipe)


def test_two_losses_are_refused_before_anything_is_trained():
    with pytest.raises(UsageError, match="la and focal both change `losses`"):
        parse_recipe("la+focal")


def test_logit_adjustment_of_a_network_that_knows_nothing():
    found = losses("la", [[0.0, 0.0]] * 2, [0, 1])
    assert found == pytest.approx([0.004988, 5.303305], abs=1e-6)
    # By the definition, a class's exponential times its count: tau 2 squares the counts.
    assert losses("la:tau=2", [[1.0, 0.0]], [1]) == pytest.approx(
        [math.log(1 + math.e * 200**2)], abs=1e-5
    )


def test_balanced_softmax_weighs_the_exponentials_by_the_counts():
    logits, y = drawn()
    powers = logits.double().exp() * torch.from_numpy(MANY)
    expected = -(powers[torch.arange(40), y] / powers.sum(1)).log()
    assert losses("la", logits.tolist(), y.tolist(), MANY) == pytest.approx(expected, abs=1e-5)


def test_logit_adjustment_after_training_is_threshold_scaling_at_tau_1():
    logits, priors = np.random.default_rng(0).normal(size=(9, 5)), MANY / MANY.sum()
    ours, ts = (
        probabilities(parse_recipe(recipe).parts, logits, priors) for recipe in ("la-post", "ts")
    )
    assert (ours == ts).all()
    p = np.array([0.5, 0.1, 0.01, 1 / 201, 0.001, 0.0001])
    rows = np.log(np.stack([1 - p, p], 1))
    found = probabilities(parse_recipe("la-post").parts, rows, COUNTS / COUNTS.sum())[:, 1]
    expected = [0.995025, 0.956938, 0.668896, 0.5, 0.166806, 0.019610]
    assert found == pytest.approx(expected, abs=1e-6)
    assert str(parse_recipe("us+la-post:tau=2").training) == "us"


@pytest.mark.parametrize(
    ("p", "gamma", "expected"), [(0.9, 2, 0.00105361), (0.6, 2, 0.0817321), (0.9, 1, 0.0105361)]
)
def test_focal_loss(p, gamma, expected):
    row = [[math.log(p), math.log(1 - p)]]
    assert losses(f"focal:gamma={gamma}", row, [0]) == pytest.approx([expected], rel=1e-5)


def test_focal_weights_stand_outside_the_power():
    # The known traps: LDAM-DRW's focal loss has the weight inside, .04004 for w 2, p .9, gamma 1.
    row = [[math.log(0.9), math.log(0.1)]]
    assert 2 * losses("focal:gamma=1", row, [0]) == pytest.approx([0.02107], abs=1e-5)


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ("focal:gamma=0", 1.056629),
        ("focal:gamma=0,form=sigmoid", 1.408629),
        ("focal:gamma=2,form=sigmoid", 0.906601),
        ("focal:gamma=1,form=sigmoid", 1.105541),
    ],
)
def test_forms_of_the_class_balanced_loss(recipe, expected):
    y = [0, 0, 0, 1]
    weights = part("cbl:beta=0.9999,norm=sum_C").class_weights(COUNTS, COUNTS)
    found = losses(recipe, [[2.0, 0.0]] * 4, y) * weights[y]
    assert found.mean() == pytest.approx(expected, abs=2e-5)


def test_the_sigmoid_form_starts_at_one_in_k():
    net = build_network("cnn:width=4", (3, 8, 8), 5)
    made = part("focal:form=sigmoid").build(net, MANY)
    assert find_head(made, 5, "x").bias.sigmoid().tolist() == pytest.approx([0.2] * 5)


def test_focal_loss_of_an_image_without_doubt_has_a_finite_gradient():
    logits = torch.tensor([[200.0, 0.0], [0.0, 200.0]], requires_grad=True)
    for recipe in ("focal:gamma=0.5", "focal:gamma=0.5,form=sigmoid"):
        part(recipe).losses(logits, torch.tensor([0, 0]), COUNTS).sum().backward()
        assert torch.isfinite(logits.grad).all()
        logits.grad = None


def test_vector_scaling_by_its_definition():
    logits, y = drawn()
    temperature = (MANY.max() / MANY) ** 0.3
    rows = logits.double().numpy() / temperature + np.log(MANY / MANY.sum())
    expected = np.log(np.exp(rows).sum(1)) - rows[np.arange(40), y]
    assert losses("vs", logits.tolist(), y.tolist(), MANY) == pytest.approx(expected, abs=1e-5)
    assert losses("vs:gamma=0,tau=2", logits.tolist(), y.tolist(), MANY) == pytest.approx(
        losses("la:tau=2", logits.tolist(), y.tolist(), MANY)
    )


@pytest.mark.parametrize(
    ("counts", "expected"), [((10000, 50), (0.132957, 0.5)), ((100, 1), (0.158114, 0.5))]
)
def test_margins(counts, expected):
    assert part("ldam").margins(np.array(counts, float)) == pytest.approx(expected, abs=1e-6)


def test_margin_loss():
    counts = np.array([100.0, 1.0])
    found = losses("ldam", [[30 * 0.2, 30 * 0.1]] * 2, [0, 1], counts)
    assert found == pytest.approx(
        [math.log1p(math.exp(3 - 30 * (0.2 - 0.5 * 100**-0.25))), 18.0], abs=1e-5
    )
    found = losses("ldam", [[30 * 0.2, 30 * 0.1]] * 2, [0, 1])
    assert found == pytest.approx([1.305029, 18.0], abs=1e-5)


@pytest.mark.parametrize(
    "recipe", ["la", "focal", "focal:form=sigmoid", "vs", "ldam:head=plain", "smooth"]
)
def test_a_soft_label_is_the_mean_of_hard_ones(recipe):
    logits, y = drawn()
    other = (y + 1) % 5
    soft = 0.3 * functional.one_hot(y, 5) + 0.7 * functional.one_hot(other, 5)
    found = part(recipe).losses(logits, soft, MANY)
    one, two = (part(recipe).losses(logits, labels, MANY) for labels in (y, other))
    assert found.numpy() == pytest.approx((0.3 * one + 0.7 * two).numpy(), abs=2e-5)


@pytest.mark.parametrize("network", ["linear", "cnn", "resnet20", "torchvision:resnet18"])
def test_a_cosine_layer_takes_the_place_and_the_directions_of_the_last(network):
    net = build_network(network, (3, 32, 32), 2)
    rows = find_head(net, 2, "x").weight.detach().clone()
    changed = part("ldam").build(net, COUNTS)
    head = find_head(changed, 2, "x")
    assert isinstance(head, CosineHead)
    assert torch.allclose(head.weight, functional.normalize(rows))
    with torch.no_grad():
        cosines = changed.eval()(torch.rand(4, 3, 32, 32))
    assert 0.3 < cosines.abs().max() <= 30 + 1e-4
    assert torch.allclose(
        part("ldam").build(torch.nn.Linear(5, 2), COUNTS)(torch.zeros(1, 5)), torch.zeros(1, 2)
    )


def test_a_network_without_a_last_linear_layer_is_refused_in_a_sentence():
    x, y = images(2, side=32)
    with pytest.raises(UsageError, match="ends in a linear layer with 2 outputs"):
        Method("ldam", network="torchvision:squeezenet1_1", steps=1).fit(x, y)


@pytest.mark.parametrize("recipe", ["ldam+drw", "crt", "us+lws", "tau-norm", "focal:form=sigmoid"])
def test_a_plan_refuses_what_the_network_has_no_layer_for(recipe, capsys):
    words = ("--datasets", "digits", "--minority", "20", "--methods", f"vanilla,{recipe}")
    network = ("--network", "torchvision:squeezenet1_1", "--size", "32", "--dry-run")
    assert exit_code(["run", *words, *network]) == 2
    assert "needs a network that ends in a linear layer with 2 outputs" in capsys.readouterr().err
    network = ("--network", "torchvision:resnet18", "--size", "32", "--dry-run")
    assert exit_code(["run", *words, *network]) == 0


def test_deferred_weights_act_in_the_last_steps_alone():
    net = torch.nn.Linear(4, 2)
    state = TrainState(
        net,
        torch.optim.SGD(net.parameters(), lr=1.0),
        Examples(np.zeros((4, 4), np.float32)),
        np.array([0, 0, 0, 1]),
        COUNTS,
        Budget(steps=10),
        torch.device("cpu"),
        seed=0,
    )
    x, y = torch.zeros(4, 4), torch.tensor([0, 0, 0, 1])
    drw, seen = part("drw:norm=sum_C"), []
    for state.step in range(10):
        weights = drw.weigh(state, x, y, np.arange(4))
        seen.append(None if weights is None else weights.tolist())
    assert seen[:8] == [None] * 8
    assert seen[8] == seen[9] == pytest.approx([0.015657] * 3 + [1.984343], abs=1e-6)
    soft = torch.tensor([[0.5, 0.5]])
    assert drw.weigh(state, x[:1], soft, np.arange(1)).tolist() == pytest.approx([1.0])
    cs = part("drw:beta=1,norm=mean1").weights(COUNTS)
    assert cs == pytest.approx(part("cs").class_weights(COUNTS, COUNTS))


def test_us_stops_half_way_beside_deferred_weights():
    assert parse_recipe("us+drw").parts[0].rho == 0.5
    assert parse_recipe("us+drw:start=1").parts[0].rho == 1


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("la+ts", "la and ts"),
        ("cs+la", "cs and la"),
        ("vs+cs", "vs and cs"),
        ("cs+drw", "cs and drw"),
        ("la+la-post", "la and la-post"),
    ],
)
def test_correcting_twice_is_said(recipe, said):
    (caution,) = parse_recipe(recipe).cautions
    assert caution.startswith(f"{said} each correct for the same imbalance")
    for fine in ("ldam+drw", "la:tau=0+ts", "focal+ts", "ldam+ts", "us+la", "smooth+ts"):
        assert parse_recipe(fine).cautions == ()
