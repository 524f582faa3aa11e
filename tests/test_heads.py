"""Last layers trained again or rescaled, SAM and weight decay: known answers and switches."""

import numpy as np
import pytest
import torch
from small import assert_at_work, assert_switched_off, fitted, images, part, plain_budget
from torch import nn

from imbench import Method, UsageError, check_part, parse_recipe
from imbench.methods._head import find_head
from imbench.training.examples import Examples
from imbench.training.loop import train
from imbench.training.state import TrainState


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize(
    "recipe",
    [
        *("crt:share=0", "lws:share=0", "tau-norm:tau=0,bias=keep", "sam:rho=0"),
        *("wd:decay=0.0002", "wd:decay=0.0002,layers=head", "wd:decay=0.0002,maxnorm=1000000"),
    ],
)
def test_what_a_parameter_switches_off_is_vanilla_bit_for_bit(k, recipe):
    assert_switched_off(recipe, k)


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize(
    "recipe",
    [
        *("crt:share=0.5", "lws:share=0.5", "tau-norm", "sam", "wd:decay=0.1"),
        *("wd:decay=0.1,layers=head", "wd:decay=0.1,layers=body", "wd:decay=0,maxnorm=0.2"),
    ],
)
def test_what_is_switched_on_is_not_vanilla_and_the_same_twice(k, recipe):
    assert_at_work(recipe, k)


@pytest.mark.parametrize(
    "recipe",
    [
        *("crt:share=0.5+sqrt", "ldam+drw+crt:share=0.5", "lws:share=0.5+us", "mixup+tau-norm"),
        *("sam+la", "sam+wd:decay=0.01", "cas+sam+ldam", "wd:layers=head+crt:share=0.5"),
        *("focal:form=sigmoid+tau-norm", "smote+sam"),
    ],
)
def test_heads_go_with_other_parts(recipe):
    check_part(recipe)


@pytest.mark.parametrize("recipe", ["ldam+lws", "tau-norm+ldam+drw"])
def test_class_vectors_without_a_length_are_not_scaled(recipe):
    with pytest.raises(UsageError, match="scales class vectors, of which ldam:head=cosine takes"):
        parse_recipe(recipe)
    assert parse_recipe(recipe.replace("ldam", "ldam:head=plain")).parts


def test_margins_leave_logits_of_a_size_that_priors_can_be_added_to():
    # Cosines lie between -1 and 1: log priors would decide alone.
    x, y = images(2)
    found = fitted("ldam", 2, steps=60)
    assert np.abs(found.logits(x)).max() > 3
    assert (fitted("ldam+ts", 2, steps=60).predict(x) == y).mean() > 0
    wide = fitted("ldam:head=plain", 2, steps=60)
    assert np.ptp(wide.logits(x)) > 1


def features_of(model):
    return {
        name: value.clone()
        for name, value in model.network_.state_dict().items()
        if "head" not in name
    }


@pytest.mark.parametrize("recipe", ["crt:share=0.5", "lws:share=0.5", "tau-norm"])
def test_only_the_last_layer_differs_from_plain_training(recipe):
    plain, changed = fitted("vanilla", 2), fitted(recipe, 2)
    kept = features_of(plain)
    assert all(torch.equal(value, kept[name]) for name, value in features_of(changed).items())
    heads = [find_head(model.network_, 2, "x").weight for model in (plain, changed)]
    assert not torch.equal(*heads)
    assert all(parameter.requires_grad for parameter in changed.network_.parameters())


def test_a_second_stage_costs_what_the_record_says():
    found = fitted("crt:share=0.3", 2)
    assert found.cost_["head_steps"] == 3
    assert found.cost_["head_seconds"] > 0
    assert found.cost_["steps"] == 10
    assert "head_steps" not in fitted("crt:share=0", 2).cost_


def test_retraining_finds_the_boundary_that_imbalance_had_moved():
    # One feature, the majority at -1 and the minority at 1, IR 100; too few steps to separate.
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [1000, 10])
    x = (rng.normal(size=(len(y), 1)) + 2 * y[:, None] - 1).astype(np.float32)
    settings = {"network": "linear", "steps": 200, "batch_size": 64}
    recalls = {
        recipe: Method(recipe, **settings).fit(x, y).predict_proba(x)[y == 1, 1].mean()
        for recipe in ("vanilla", "crt:share=1", "lws:share=1")
    }
    assert recalls["vanilla"] < 0.3
    assert recalls["crt:share=1"] > 0.7
    assert recalls["lws:share=1"] > recalls["vanilla"]


def test_scales_are_multiplied_into_weights_and_bias():
    x, _ = images(5)
    plain, scaled = fitted("vanilla", 5), fitted("lws:share=0.5", 5)
    factors = scaled.logits(x) / plain.logits(x)
    assert factors == pytest.approx(np.broadcast_to(factors[:1], factors.shape), rel=1e-3)
    assert np.ptp(factors[0]) > 1e-3


@pytest.mark.parametrize(
    ("tau", "expected"),
    [(0.5, [[1.341641, 1.788854], [0.6, 0.8]]), (1, [[0.6, 0.8], [0.6, 0.8]]), (0, None)],
)
def test_tau_normalisation(tau, expected):
    rows = torch.tensor([[3.0, 4.0], [0.6, 0.8]])
    found = part(f"tau-norm:tau={tau}").normalised(rows)
    assert found.numpy() == pytest.approx(np.array(expected or rows.tolist()), abs=1e-6)


def test_tau_normalisation_drops_the_bias_as_its_authors_do():
    for recipe, left in (("tau-norm", 0.0), ("tau-norm:bias=keep", 1.0)):
        net = nn.Sequential(nn.Linear(3, 2))
        nn.init.ones_(net[0].bias)
        state = new_state(net)
        part(recipe).finish(state)
        assert net[0].bias.tolist() == [left] * 2
        assert net[0].weight.norm(dim=1).tolist() == pytest.approx([1, 1])


def new_state(net, **changes):
    rng = np.random.default_rng(0)
    y = np.array([0, 0, 0, 1] * 4)
    x = (rng.normal(size=(16, 3)) + y[:, None]).astype(np.float32)
    budget = plain_budget(**changes)
    optimiser = torch.optim.SGD(net.parameters(), budget.lr, weight_decay=budget.weight_decay)
    counts = np.bincount(y).astype(float)
    return TrainState(net, optimiser, Examples(x), y, counts, budget, torch.device("cpu"), seed=0)


def test_sam_steps_by_the_gradient_at_the_worst_point_nearby():
    torch.manual_seed(0)
    net = nn.Linear(3, 2)
    state = new_state(net, steps=1, batch_size=16)
    weight, bias = (p.detach().clone().requires_grad_() for p in net.parameters())
    x, y = torch.from_numpy(np.asarray(state.examples)), torch.from_numpy(state.labels)

    def gradients(w, b):
        loss = nn.functional.cross_entropy(x @ w.T + b, y)
        return torch.autograd.grad(loss, [w, b])

    first = gradients(weight, bias)
    length = torch.cat([g.flatten() for g in first]).norm()
    worst = [p + 0.5 * g / length for p, g in zip((weight, bias), first, strict=True)]
    expected = [
        p - 0.1 * g
        for p, g in zip(
            (weight, bias), gradients(*(w.detach().requires_grad_() for w in worst)), strict=True
        )
    ]
    sam = part("sam:rho=0.5")
    train(state, [sam], None, None)
    for p, wanted in zip(net.parameters(), expected, strict=True):
        assert torch.allclose(p, wanted, atol=1e-6)
    assert sam.cost_ == {"second_gradients": 1}


def test_sam_leaves_the_running_means_to_the_first_gradient():
    means = []
    for recipe in ("vanilla", "sam"):
        found = fitted(recipe, 2, steps=1)
        means.append(found.network_.state_dict()["1.body.1.running_mean"])
    assert torch.equal(*means)


@pytest.mark.parametrize(("layers", "changed"), [("all", 3), ("head", 1), ("body", 2)])
def test_weight_decay_acts_on_the_chosen_layers(layers, changed):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(3, 4, bias=False), nn.Linear(4, 4, bias=False), nn.Linear(4, 2, bias=False)
    )
    state = new_state(net)
    part(f"wd:decay=0.5,layers={layers}").begin(state)
    decays = {
        id(p): group["weight_decay"]
        for group in state.optimiser.param_groups
        for p in group["params"]
    }
    found = [decays[id(p)] for p in net.parameters()]
    assert len(found) == 3
    assert found.count(0.5) == changed
    assert (found[2] == 0.5) == (layers != "body")


def test_class_vectors_are_cut_to_the_largest_length_after_each_step():
    net = nn.Linear(3, 2)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[3.0, 4.0, 0.0], [0.1, 0.0, 0.0]]))
    state, wd = new_state(net), part("wd:decay=0,maxnorm=1.5")
    wd.after_step(state)
    expected = [[0.9, 1.2, 0.0], [0.1, 0.0, 0.0]]
    assert net.weight.detach().numpy() == pytest.approx(np.array(expected), abs=1e-6)
    with torch.no_grad():
        net.weight.mul_(4)
    train(state, [wd], None, None)
    assert net.weight.norm(dim=1).max().item() <= 1.5 + 1e-5
