"""ALT: who moves when, its schedule, and what it shares with AUG."""

import copy
import pickle

import numpy as np
import pytest
import torch

from imbench.errors import UsageError
from imbench.methods._judge import of_ratios, restrained
from imbench.training.budget import Budget
from imbench.training.building import build_network
from imbench.training.checks import check_part
from imbench.training.examples import Examples
from imbench.training.method import Method
from imbench.training.part import Context, begin_fit
from imbench.training.recipe import parse_recipe
from imbench.training.state import TrainState

SMALL = "steps=12,batch=2,width=4,blocks=1,layers=1,patch_width=4"
NETS = ("g_ab", "g_ba", "d_a", "d_b")


def images(*counts, seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    x = rng.integers(0, 80, (len(y), 8, 8, 3)) + 60 * y[:, None, None, None]
    return x.astype(np.uint8), y


def started(options="", counts=(20, 6), steps=20, **context):
    """Return a part with half-trained generators, and a run at its first step."""
    part = parse_recipe(f"alt:{options}{',' if options else ''}{SMALL}").parts[0]
    begin_fit(part, Context(**{"steps": steps, **context}))
    x, y = images(*counts)
    changed, labels = part.resample(Examples(x), y, np.random.default_rng(0))
    chances = part.draw(labels)
    sampled = np.bincount(labels, weights=chances) / chances.max()
    part.class_weights(sampled, np.bincount(y).astype(float))
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Identity(), build_network("cnn:width=4", (3, 8, 8), len(counts))
    )
    budget = Budget(steps, 8, 0.05, 0.9, 0.0, 0.0, "flip+crop")
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05)
    state = TrainState(
        net, optimiser, Examples.of(changed), labels, sampled, budget, torch.device("cpu"), 0
    )
    net.train()
    return part, state


def weights(pair):
    return {name: copy.deepcopy(getattr(pair.gan, name).state_dict()) for name in NETS}


def same(a, b):
    return all(torch.equal(value, b[key]) for key, value in a.items())


@pytest.mark.parametrize(
    "recipe",
    [
        f"alt:gamma=cbl,k_g=1,k_m=2,ema=0.9,da=true,filter=0.3,clip=0.5,teacher=0.9,{SMALL}",
        f"alt:variant=a2b,{SMALL}+cs",
    ],
)
def test_the_contract(recipe):
    check_part(recipe)


def test_generators_and_critics_move_before_a_step_and_the_classifier_does_not():
    part, state = started("warmup=0,ramp=0,k_g=1")
    (pair,) = part.pairs_.values()
    before, net = weights(pair), copy.deepcopy(state.net.state_dict())
    part.before_step(state)
    after = weights(pair)
    assert not any(same(before[name], after[name]) for name in NETS)
    # Weights, and the running statistics of batch norm: the classifier only judges.
    assert same(net, state.net.state_dict())
    assert state.net.training
    assert all(p.requires_grad and p.grad is None for p in state.net.parameters())


@pytest.mark.parametrize(
    ("options", "step", "judged"),
    [
        ("warmup=0,ramp=0", 0, True),
        ("warmup=0,ramp=0,judge=0", 0, False),
        ("warmup=0.5", 9, False),
        ("warmup=0.5,ramp=0", 10, True),
    ],
)
def test_the_classifier_is_heard_after_the_warm_up(options, step, judged):
    part, state = started(f"{options},k_g=1")
    (pair,) = part.pairs_.values()
    heard = []
    run = pair.run
    pair.run = lambda until, judge: heard.append(judge is not None) or run(until, judge)
    state.step = step
    part.before_step(state)
    assert heard == [judged]
    assert (pair.history[-1][4] > 0) == judged


def test_a_judge_asks_fakes_of_b_to_be_b_and_fakes_of_a_to_be_a():
    part, state = started()
    state.net.eval()
    rng = np.random.default_rng(0)
    fakes = [
        torch.from_numpy(rng.uniform(-1, 1, (3, 3, 8, 8))).float().requires_grad_()
        for _ in range(2)
    ]
    gradients = torch.autograd.grad(part._judge(state, state.net, 1, 1.0)(*fakes), fakes)
    for own, gradient, target in zip(fakes, gradients, (1, 0), strict=True):
        with torch.no_grad():
            before, after = (
                state.net((x + 1) / 2).log_softmax(1)[:, target].mean()
                for x in (own, own - 0.02 * gradient.sign())
            )
        assert after > before


@pytest.mark.parametrize(("gamma", "factor"), [("2", 0.5), ("ir", 6 / 20), ("1", 1.0)])
def test_gamma_stands_before_the_majoritys_part_for_the_generators_too(gamma, factor):
    part, state = started(f"gamma={gamma}")
    state.net.eval()
    x = torch.zeros(2, 3, 8, 8)
    with torch.no_grad():
        logits = state.net((x + 1) / 2)
        cross_entropy = torch.nn.functional.cross_entropy
        of_b, of_a = (cross_entropy(logits, torch.full((2,), c)) for c in (1, 0))
        total = part._judge(state, state.net, 1, 0.7)(x, x)
    assert float(total) == pytest.approx(0.7 * float(of_b + factor * of_a), rel=1e-5)


@pytest.mark.parametrize(("clip", "share"), [(0, 1), (0.5, 0.1), (1, 0.2), (5, 1), (8, 1)])
def test_the_judges_gradient_is_held_back_to_a_share_of_the_critics(clip, share):
    fakes = [torch.ones(2, 3, 4, 4, requires_grad=True) for _ in range(2)]
    ratios = []
    judge = restrained(lambda b, a: 3 * b.sum() - 4 * a.sum(), clip, ratios)
    judged = judge(*fakes, fakes[0].sum() + 0 * fakes[1].sum())
    assert float(judged.detach()) == pytest.approx(-96 * share)
    of_b, of_a = (one.unique() for one in torch.autograd.grad(judged, fakes))
    assert of_b.item() == pytest.approx(3 * share)
    assert of_a.item() == pytest.approx(-4 * share)
    # Lengths 3 and 4 make 5, the critics' is 1.
    assert ratios == ([pytest.approx(5)] if clip else [])


def test_a_judge_without_a_slope_is_no_number_less():
    x = torch.ones(2, 3, 4, 4, requires_grad=True)
    for of_judge, of_critics, expected in ((0, 1, 0), (1, 0, 0)):
        judge = restrained(lambda b, a, k=of_judge: k * (b + a).sum(), 1.0, [])
        assert float(judge(x, x, of_critics * x.sum()).detach()) == expected


def test_what_a_record_says_of_the_judges_gradient():
    assert of_ratios([0.2, 2.84, 1.0, 0.5], 0.5) == (
        "the judge's gradient was 0.2 to 2.8 times the critics', 1 in the middle; "
        "50% of the steps were held back to 0.5"
    )
    assert of_ratios([0.3], 1).startswith("the judge's gradient was 0.3 to 0.3 times")


def test_a_limit_that_is_never_reached_changes_nothing():
    found = []
    for options in ("", "clip=1e6"):
        part, state = started(f"{options}{',' if options else ''}warmup=0,ramp=0,k_g=2")
        (pair,) = part.pairs_.values()
        part.before_step(state)
        found.append(weights(pair))
        assert len(part.ratios_) == (2 if options else 0)
    assert all(same(found[0][name], found[1][name]) for name in NETS)
    assert 0 < part.ratios_[0] < 1e6


def test_a_running_mean_judges_in_place_of_the_classifier():
    part, state = started("teacher=0.9,warmup=0,ramp=0,k_g=1")
    judges = []
    make = part._judge
    part._judge = lambda state, net, *given: judges.append(net) or make(state, net, *given)
    start = copy.deepcopy(state.net.state_dict())
    part.before_step(state)
    with torch.no_grad():
        for parameter in state.net.parameters():
            parameter.add_(1)
    part.before_step(state)
    (judge,) = set(judges)
    assert judge is not state.net
    assert not judge.training
    for name, parameter in judge.module.named_parameters():
        # The second update forgets all but 2 / 11 of what was before.
        assert torch.allclose(parameter, start[name] + 9 / 11, atol=1e-5)
    assert state.net.training
    assert all(p.requires_grad and p.grad is None for p in state.net.parameters())


@pytest.mark.parametrize(
    ("options", "steps", "expected"),
    [
        ("", 20, 6),
        ("freeze=0.5", 20, 6),
        ("freeze=1", 20, 0),
        ("k_g=1,k_m=1", 20, 18),
        ("k_g=2,k_m=1,freeze=0", 20, 40),
        ("k_g=1,k_m=3,freeze=0", 20, 6),
        ("", 3, 6),
        ("", 500, 6),
    ],
)
def test_steps_of_generators_for_steps_of_the_classifier(options, steps, expected):
    part = parse_recipe(f"alt:{options}{',' if options else ''}{SMALL}").parts[0]
    begin_fit(part, Context(steps=steps))
    each = [part._generator_steps(step, steps) for step in range(steps)]
    assert sum(each) == expected
    frozen = round(part.freeze * steps)
    assert not any(each[steps - frozen :])
    active = each[: steps - frozen]
    # Spread evenly: no step has more than one above another.
    assert not active or max(active) - min(active) <= 1


def test_the_judges_weight_rises_after_the_warm_up():
    part = parse_recipe(f"alt:judge=2,{SMALL}").parts[0]
    found = [part._judge_weight(done) for done in (0, 0.09, 0.1, 0.15, 0.2, 0.9)]
    assert found == pytest.approx([0, 0, 0, 1, 2, 2])
    assert parse_recipe("alt:ramp=0,warmup=0").parts[0]._judge_weight(0.0) == 1


def test_real_images_stand_in_for_fakes_during_the_warm_up():
    part, state = started("warmup=0.2")
    (pair,) = part.pairs_.values()
    x, y = images(20, 6)
    fakes = np.flatnonzero(part.fake_)
    raw = state.examples.take(fakes)
    state.step = 3
    shown = part.compose(state, raw, fakes)
    for image, target in zip(shown, state.labels[fakes], strict=True):
        assert (image == x[y == target]).all(axis=(1, 2, 3)).any()
    state.step = 4
    shown = part.compose(state, raw, fakes)
    to_b = state.labels[fakes] == 1
    assert (shown[to_b] == pair.translate(x[y == 0], to_minority=True)).all()
    assert (shown[~to_b] == pair.translate(x[y == 1], to_minority=False)).all()
    # What it is given stays as it was, and real images pass.
    assert (raw == state.examples.take(fakes)).all()
    real = np.flatnonzero(~part.fake_)
    assert (part.compose(state, state.examples.take(real), real) == x).all()


def test_the_classifier_sees_translations_by_the_newest_generators():
    part, state = started("warmup=0,k_g=1")
    fakes = np.flatnonzero(part.fake_)
    raw = state.examples.take(fakes)
    first = part.compose(state, raw, fakes)
    part.before_step(state)
    second = part.compose(state, raw, fakes)
    assert (first != second).any()


def test_three_classes_translate_each_between_its_own_two():
    part, state = started("warmup=0", counts=(20, 6, 4))
    x, y = images(20, 6, 4)
    fakes = np.flatnonzero(part.fake_)
    shown = part.compose(state, state.examples.take(fakes), fakes)
    expected = [
        part.pairs_[1].translate(x[y == 0], to_minority=True),
        part.pairs_[1].translate(x[y == 1], to_minority=False),
        part.pairs_[2].translate(x[y == 0], to_minority=True),
        part.pairs_[2].translate(x[y == 2], to_minority=False),
    ]
    assert (shown == np.concatenate(expected)).all()
    assert state.labels[fakes].tolist() == [1] * 20 + [0] * 6 + [2] * 20 + [0] * 4


def test_the_teacher_judges_no_real_image_that_stands_in_for_a_fake():
    assert parse_recipe("alt").parts[0].judges_from == 0.2
    assert parse_recipe("alt:warmup=0.5").parts[0].judges_from == 0.5


def fitted(recipe, **options):
    given = {"network": "cnn:width=4", "steps": 10, "batch_size": 8, "augment": "flip", **options}
    return Method(recipe, **given).fit(*images(20, 6))


def test_a_whole_training(tmp_path):
    method = fitted(f"alt:{SMALL}", keep=tmp_path)
    assert method.cost_["generator_steps"] == 12
    assert method.cost_["steps"] == 10
    assert method.cost_["images"] == 80
    assert set(method.artifacts_) == {"samples-1.png", "losses-1.png"}
    (kept,) = method.kept_.values()
    assert (tmp_path / kept).exists()
    x, _ = images(20, 6)
    copied = pickle.loads(pickle.dumps(method))
    assert (copied.predict_proba(x) == method.predict_proba(x)).all()
    # Trained half as AUG is, then along with this classifier: nobody else's.
    assert (tmp_path / f"{kept.partition('-')[0]}-6.pt").exists()


def test_the_first_half_is_shared_with_aug_in_either_order(tmp_path):
    x, _ = images(20, 6)
    alone = fitted(f"alt:{SMALL}").predict_proba(x)
    alt_first, aug_first = tmp_path / "1", tmp_path / "2"
    assert fitted(f"alt:{SMALL}", keep=alt_first).cost_["generator_reused"] == 0
    fitted(f"aug:{SMALL}", keep=alt_first)
    fitted(f"aug:{SMALL}", keep=aug_first)
    after = fitted(f"alt:{SMALL}", keep=aug_first)
    assert after.cost_["generator_reused"] == 1
    assert (after.predict_proba(x) == alone).all()
    aug = [fitted(f"aug:{SMALL}", keep=folder) for folder in (alt_first, aug_first)]
    assert (aug[0].predict_proba(x) == aug[1].predict_proba(x)).all()
    assert len({method.kept_["generator-1"] for method in aug}) == 1


def test_the_last_generators_differ_between_classifiers_that_judge(tmp_path):
    one = fitted(f"alt:{SMALL}", keep=tmp_path)
    other = fitted(f"alt:gamma=9,{SMALL}", keep=tmp_path)
    assert other.cost_["generator_reused"] == 1
    assert one.kept_["generator-1"] != other.kept_["generator-1"]


def test_a_limit_and_a_running_mean_change_the_generators_and_are_told():
    found = {
        options: fitted(f"alt:{options}{SMALL}").notes_
        for options in ("clip=0.001,", "clip=0.001,teacher=0.9,")
    }
    for notes in found.values():
        (note,) = notes
        assert note.endswith("; 100% of the steps were held back to 0.001")
    assert len(set(map(tuple, found.values()))) == 2


def test_frozen_from_the_start_it_is_half_of_augs_generators(tmp_path):
    method = fitted(f"alt:freeze=1,{SMALL}", keep=tmp_path)
    assert method.cost_["generator_steps"] == 6


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("warmup=2", r"a number in \[0, 1\]$"),
        ("ramp=-0.1", r"a number in \[0, 1\]$"),
        ("freeze=last", r"a number in \[0, 1\]$"),
        ("judge=-1", r"a number in \[0, 1000000\]$"),
        ("k_g=-1", "a whole number from 0 to 10000$"),
        ("k_m=0", "a whole number from 1 to 10000$"),
        ("k_g=0.5", "a whole number from 0 to 10000$"),
        ("clip=-1", r"a number in \[0, 1000000\]$"),
        ("teacher=1", r"a number in \[0, 1\)$"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, says):
    with pytest.raises(UsageError, match=f"^alt: {options} must be {says}"):
        parse_recipe(f"alt:{options}")
