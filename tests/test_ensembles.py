"""Methods of several networks: their training sets, their budget, and what joins them."""

import numpy as np
import pytest
from small import fitted, images, part

from imbench import Method, UsageError, check_part, parse_recipe
from imbench.methods.balance_cascade import kept_counts


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("rest", ["", "+cs", "+cas", "+ldam+drw"])
def test_an_ensemble_of_one_is_the_method_without_it_bit_for_bit(k, rest):
    x, _ = images(k)
    plain = fitted(rest[1:] or "vanilla", k)
    one = fitted(f"ensemble:members=1{rest}", k)
    assert (one.logits(x) == plain.logits(x)).all()
    assert one.cost_["steps"] == plain.cost_["steps"]
    assert one.notes_ == plain.notes_ == []


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("recipe", ["eeasy", "cascade", "ensemble:members=2"])
def test_ensembles_are_the_same_twice_and_their_networks_are_not(k, recipe):
    x, _ = images(k)
    first, again = fitted(recipe, k), fitted(recipe, k)
    assert (first.logits(x) == again.logits(x)).all()
    assert np.isfinite(first.logits(x)).all()
    weights = [net[1].head.weight.detach().numpy() for net in first.network_.nets]
    assert len(weights) == part(recipe).networks
    assert all((weights[0] != other).any() for other in weights[1:])


@pytest.mark.parametrize(
    "recipe",
    [
        *("eeasy:members=2+la", "cascade:members=2+cs", "ensemble:members=2+us+cs"),
        *("ensemble:members=2+smote+ts", "eeasy:members=2+crt:share=1", "os+eeasy:members=2"),
        *("ensemble:members=2+mixup+sam", "cascade:members=2+cas+ldam"),
    ],
)
def test_ensembles_go_with_other_parts(recipe):
    check_part(recipe)


def test_what_an_ensemble_cannot_stand_beside_is_refused_before_anything_is_trained():
    with pytest.raises(UsageError, match="Ensemble cannot stand beside a part that trains gen"):
        parse_recipe("ensemble+aug")
    with pytest.raises(UsageError, match="eeasy and cascade both change `member_sets`"):
        parse_recipe("eeasy+cascade")
    with pytest.raises(UsageError, match="4 networks cannot share 3 steps"):
        fitted("eeasy", 2, steps=3)


def test_the_joined_logits_are_the_mean_of_the_networks():
    import torch

    x, _ = images(2)
    found = fitted("ensemble:members=3", 2)
    batch = torch.from_numpy(x[:32].transpose(0, 3, 1, 2) / 255).float()
    with torch.no_grad():
        each = torch.stack([net.eval()(batch) for net in found.network_.nets])
    assert found.logits(x)[:32] == pytest.approx(each.mean(0).numpy(), abs=1e-4)


def test_a_tuned_threshold_moves_the_mean_of_the_networks_by_all_of_it():
    import torch

    from imbench.training.shift import set_shift

    x, _ = images(2)
    found = fitted("ensemble:members=2+tuned:folds=2", 2, steps=6)
    before = found.logits(x)
    shifts = [net[1][1].by.clone() for net in found.network_.nets]
    assert torch.equal(*shifts)
    set_shift(found.network_, shifts[0].double().numpy() + np.array([0.0, 2.0]))
    assert found.logits(x) - before == pytest.approx(np.tile([0, 2], (len(x), 1)), abs=1e-4)


def test_all_networks_together_have_the_steps_of_a_method_unless_each_gets_all():
    shared, each = fitted("eeasy:members=3", 2), fitted("eeasy:members=3,each=true", 2)
    assert (shared.cost_["steps"], shared.cost_["images"]) == (10, 160)
    assert (each.cost_["steps"], each.cost_["images"]) == (30, 480)
    assert shared.notes_ == []
    assert each.notes_ == [
        "each of 3 networks was trained for 10 steps: 3 times as many as a method has"
    ]
    assert part("eeasy:members=3").member_steps(10) == [4, 3, 3]
    assert part("ensemble").member_steps(10) == [10] * 5


def test_easy_ensemble_sees_more_of_the_majority_than_undersampling():
    y = np.repeat([0, 1], [10000, 50])
    for members, expected in ((4, 198.5), (10, 488.9)):
        counts = []
        for seed in range(20):
            sets = part(f"eeasy:members={members}").member_sets(
                y, None, np.random.default_rng(seed)
            )
            seen = [rows[y[rows] == 0] for rows in sets]
            assert [len(rows) for rows in seen] == [50] * members
            counts.append(len(np.unique(np.concatenate(seen))))
        assert np.mean(counts) == pytest.approx(expected, abs=1.5)
    found = fitted("eeasy", 5)
    assert found.sampled_counts_ == pytest.approx([6] * 5)
    assert found.priors_ == pytest.approx([0.2] * 5)
    assert part("eeasy").foresee(np.array([100, 7]), (8, 8, 3)).tolist() == [7, 7]


@pytest.mark.parametrize(
    ("members", "expected"), [(4, [10000, 1710, 292, 50]), (2, [10000, 50]), (1, [10000])]
)
def test_what_is_left_for_each_network_of_a_cascade(members, expected):
    assert [kept_counts(10000, 50, done, members) for done in range(members)] == expected


def test_a_cascade_leaves_out_what_its_last_network_is_certain_about():
    # The score of row i for the majority is -i: later rows of the majority are harder.
    y = np.repeat([0, 1], [1000, 10])
    asked = []

    def score(rows):
        asked.append(len(rows))
        return np.stack([-rows.astype(float), np.zeros(len(rows))], axis=1)

    sets = list(part("cascade:members=3").member_sets(y, score, np.random.default_rng(0)))
    assert asked == [1000, 100]
    hardest = [rows[y[rows] == 0] for rows in sets]
    assert all((rows[y[rows] == 1] == np.arange(1000, 1010)).all() for rows in sets)
    assert hardest[0].min() < 500
    assert hardest[1].min() >= 900
    assert hardest[2].tolist() == list(range(990, 1000))


def test_a_cascade_of_more_than_two_classes_shrinks_each_on_its_own():
    y = np.repeat([0, 1, 2], [400, 100, 4])
    shown = []

    def score(rows):
        shown.append(len(rows))
        return np.random.default_rng(0).normal(size=(len(rows), 3))

    sets = list(part("cascade:members=3").member_sets(y, score, np.random.default_rng(0)))
    assert [np.bincount(y[rows]).tolist() for rows in sets] == [[4, 4, 4]] * 3
    assert shown == [400, 100, 40, 20]


def test_ensembles_on_rows_of_features():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [300, 12])
    x = (rng.normal(size=(312, 4)) + 2.5 * y[:, None]).astype(np.float32)
    settings = {"network": "linear", "steps": 400, "batch_size": 24}
    for recipe in ("eeasy", "cascade", "ensemble:members=2,each=false+cs"):
        found = Method(recipe, **settings).fit(x, y).predict(x)
        assert (found[y == 1] == 1).mean() > 0.9, recipe
        assert (found[y == 0] == 0).mean() > 0.9, recipe
