"""Method as a scikit-learn citizen and as a classifier of images."""

import pickle
import random
from dataclasses import asdict

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from imbench import Method
from imbench.errors import UsageError
from imbench.generators.oracle import OracleSettings
from imbench.records.cell import Settings
from imbench.training.budget import Budget

SGD_CHECK = "check_sample_weight_equivalence_on_dense_data"
EXPECTED = {
    SGD_CHECK: "a repeated image changes the batches of SGD, a weight does not "
    "(scikit-learn's own SGDClassifier is exempt for the same reason)"
}


# Rows of features rule no check out; the networks for images take them in no form.
@parametrize_with_checks(
    [Method(network="linear", steps=100, batch_size=32)],
    expected_failed_checks=lambda _: EXPECTED,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    x = (data.images * 15.9).astype(np.uint8)[..., None]
    y = (data.target == 3).astype(int)
    return x[:400], y[:400], x[400:700], y[400:700]


def quick(recipe="vanilla", **changes):
    return Method(recipe, **{"network": "cnn:width=8", "steps": 60, "batch_size": 32, **changes})


def test_it_learns_digits_and_is_deterministic(digits):
    x, y, test_x, test_y = digits
    settings = {"steps": 120, "augment": "none"}
    first, second = (quick("os", **settings).fit(x, y).predict_proba(test_x) for _ in range(2))
    assert (first == second).all()
    assert balanced_accuracy_score(test_y, first.argmax(1)) > 0.7
    other = quick("os", **settings, random_state=1).fit(x, y).predict_proba(test_x)
    assert (first != other).any()


def test_it_leaves_the_callers_random_state_alone(digits):
    x, y, *_ = digits
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)
    expected = torch.rand(3), np.random.rand(3), random.random()
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)
    quick("us+smote+cs", steps=2).fit(x, y)
    assert (torch.rand(3) == expected[0]).all()
    assert (np.random.rand(3) == expected[1]).all()
    assert random.random() == expected[2]


def test_the_callers_random_state_does_not_reach_it(digits):
    x, y, test_x, _ = digits
    torch.manual_seed(1)
    first = quick("os", steps=5).fit(x, y).logits(test_x)
    torch.manual_seed(2)
    assert (quick("os", steps=5).fit(x, y).logits(test_x) == first).all()


def test_methods_share_initial_weights_and_threshold_scaling_the_training(digits):
    x, y, test_x, _ = digits
    first = [
        next(quick(r, steps=1, lr=1e-30).fit(x, y).network_.parameters()) for r in ("us", "cs")
    ]
    assert (first[0] == first[1]).all()
    plain, scaled = quick("vanilla").fit(x, y), quick("ts").fit(x, y)
    assert (plain.logits(test_x) == scaled.logits(test_x)).all()
    shifted = scaled.decision_function(test_x) - plain.decision_function(test_x)
    counts = np.bincount(y)
    assert shifted == pytest.approx(np.log(counts[0] / counts[1]))
    assert scaled.predict(test_x).sum() >= plain.predict(test_x).sum()


def test_priors_are_those_of_the_sampler(digits):
    x, y, *_ = digits
    fitted = quick("us+ts", steps=1).fit(x, y)
    assert fitted.priors_.tolist() == [0.5, 0.5]
    assert fitted.counts_.tolist() == np.bincount(y).tolist()
    assert fitted.sampled_counts_.tolist() == [y.sum()] * 2


def test_any_labels_and_three_classes():
    data = load_digits()
    keep = data.target < 3
    x = (data.images[keep] * 15.9).astype(np.uint8)
    y = np.array(["zero", "one", "two"])[data.target[keep]]
    fitted = quick("os+cs").fit(x[:300], y[:300])
    assert fitted.classes_.tolist() == ["one", "two", "zero"]
    assert fitted.predict_proba(x[300:]).shape == (len(x) - 300, 3)
    assert fitted.decision_function(x[300:]).shape == (len(x) - 300, 3)
    assert fitted.score(x[300:], y[300:]) > 0.8


def test_clone_pickle_and_searches(digits):
    x, y, test_x, _ = digits
    copy = clone(quick("smote:k_neighbors=2"))
    assert copy.recipe == "smote:k_neighbors=2"
    fitted = copy.fit(x, y)
    again = pickle.loads(pickle.dumps(fitted))
    assert (again.predict_proba(test_x) == fitted.predict_proba(test_x)).all()
    search = GridSearchCV(
        quick(steps=10), {"recipe": ["vanilla", "us"]}, cv=2, scoring="balanced_accuracy"
    ).fit(x, y)
    assert set(search.cv_results_["param_recipe"]) == {"vanilla", "us"}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(cross_val_score(quick(steps=10), x, y, cv=2)) == 2


def test_read_only_images_are_taken_without_a_warning(digits, tmp_path):
    x, y, test_x, _ = digits
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    fitted = quick(steps=2).fit(mapped, y)
    assert (fitted.logits(mapped) == fitted.logits(np.array(x))).all()
    assert (quick(steps=2).fit(x, y).logits(test_x) == fitted.logits(test_x)).all()


def test_notes_and_cost(digits):
    x, y, *_ = digits
    rows = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:3]]
    fitted = quick("smote", steps=4).fit(x[rows], y[rows])
    assert fitted.notes_ == ["SMOTE's k lowered from 5 to 2: class 1 has 3 images"]
    assert fitted.cost_["steps"] == 4
    assert fitted.cost_["images"] == 128
    assert fitted.cost_["fit"] > 0
    assert np.isfinite(fitted.cost_["train_loss"])
    assert fitted.cost_["zero_loss_steps"] == 0


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        # 30 + 10 images: the entropy of their shares; balanced by a sampler or by weights, ln 2.
        ("vanilla", -0.75 * np.log(0.75) - 0.25 * np.log(0.25)),
        ("us", np.log(2)),
        ("cs", np.log(2)),
    ],
)
def test_the_loss_of_a_constant_is_kept_where_images_have_no_weights(digits, recipe, expected):
    x, y, *_ = digits
    rows = np.r_[np.flatnonzero(y == 0)[:30], np.flatnonzero(y == 1)[:10]]
    cost = quick(recipe, steps=2).fit(x[rows], y[rows]).cost_
    assert cost["constant_loss"] == pytest.approx(expected)
    assert cost["first_loss"] > 0
    weighted = quick(recipe, steps=2).fit(x[rows], y[rows], sample_weight=np.full(len(rows), 2.0))
    assert "constant_loss" not in weighted.cost_


def test_image_weights_change_the_result(digits):
    x, y, test_x, _ = digits
    plain = quick(steps=5).fit(x, y).logits(test_x)
    same = quick(steps=5).fit(x, y, sample_weight=np.ones(len(y))).logits(test_x)
    other = quick(steps=5).fit(x, y, sample_weight=np.where(y == 1, 5.0, 1.0)).logits(test_x)
    assert (plain == same).all()
    assert (plain != other).any()


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (np.zeros((4, 8, 8, 3), np.float32), [0, 1, 0, 1], "must be uint8"),
        (np.zeros((4, 2, 8, 8, 3), np.uint8), [0, 1, 0, 1], "must be uint8"),
        (np.zeros((4, 8, 8, 3), np.uint8), [1, 1, 1, 1], "one class only"),
        (np.zeros((4, 8, 8, 3), np.uint8), [0, 1, 0], "inconsistent numbers"),
    ],
)
def test_wrong_images_are_refused(x, y, says):
    with pytest.raises(ValueError, match=says):
        quick().fit(x, y)


def test_images_of_another_size_are_refused_at_prediction(digits):
    x, y, *_ = digits
    fitted = quick(steps=1).fit(x, y)
    with pytest.raises(ValueError, match="images have shape"):
        fitted.predict(np.zeros((2, 8, 9, 1), np.uint8))


def test_features_need_a_network_that_takes_them():
    x = np.random.default_rng(0).normal(size=(20, 4))
    with pytest.raises(UsageError, match="use linear"):
        Method(steps=1).fit(x, [0, 1] * 10)


def test_normalisation_is_that_of_the_training_images(digits):
    x, y, *_ = digits
    for recipe in ("vanilla", "us"):
        norm = quick(recipe, steps=1).fit(x, y).network_[0]
        assert norm.mean.item() == pytest.approx(x.mean() / 255, rel=1e-5)
        assert 1 / norm.scale.item() == pytest.approx(x.std() / 255, rel=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_auto_takes_the_gpu(digits):
    x, y, test_x, test_y = digits
    fitted = quick("os", steps=120, augment="none").fit(x, y)
    assert next(fitted.network_.parameters()).is_cuda
    assert balanced_accuracy_score(test_y, fitted.predict(test_x)) > 0.7


def test_the_defaults_of_a_cell_an_oracle_and_a_method_are_those_of_the_budget():
    budget = asdict(Budget())
    method, settings = Method().get_params(), dict(Settings())
    assert budget.items() <= method.items()
    assert budget.items() <= settings.items()
    shared = settings.keys() & method.keys()
    assert {name: settings[name] for name in shared} == {name: method[name] for name in shared}
    oracle = asdict(OracleSettings())
    assert {**method, **oracle, "seed": 0} == {**method, "seed": 0}


class Tiny(torch.nn.Module):
    """A network of a user, for one channel."""

    def __init__(self, shape=(1, 8, 8), classes=2):
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(shape[0])
        self.head = torch.nn.Linear(shape[0] * shape[1] * shape[2], classes)

    def forward(self, x):
        return self.head(self.norm(x).flatten(1))


def weights(net):
    """Return all that a network holds, as it is now."""
    return {name: value.clone() for name, value in net.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one.keys() | other.keys())


def test_a_network_of_the_user_is_copied_and_trained_from_its_weights(digits):
    x, y, test_x, _ = digits
    net = Tiny()
    before = weights(net)
    method = quick("os", network=net)
    first = method.fit(x, y).predict_proba(test_x)
    assert same(before, weights(net))
    assert net.training
    assert (method.fit(x, y).predict_proba(test_x) == first).all()
    assert method.network is net
    copy = clone(method)
    assert copy.network is not net
    assert same(weights(copy.network), before)
    assert (copy.fit(x, y).predict_proba(test_x) == first).all()
    with torch.no_grad():
        net.head.weight += 1
    assert not (method.fit(x, y).predict_proba(test_x) == first).all()
    assert (copy.fit(x, y).predict_proba(test_x) == first).all()
    assert "Tiny" in repr(method)
    assert len(pickle.loads(pickle.dumps(method)).predict(test_x)) == len(test_x)


@pytest.mark.parametrize("factory", [Tiny, lambda shape, classes: Tiny(shape, classes)])
def test_a_function_that_makes_a_network_is_called_by_each_fit(digits, factory):
    x, y, test_x, _ = digits
    first = quick(network=factory).fit(x, y)
    second = clone(first).fit(x, y)
    assert (first.predict_proba(test_x) == second.predict_proba(test_x)).all()
    other = quick(network=factory, random_state=1).fit(x, y)
    assert not (first.predict_proba(test_x) == other.predict_proba(test_x)).all()
    assert cross_val_score(quick(network=factory), x, y, cv=2).min() > 0.5


@pytest.mark.parametrize(
    ("network", "says"),
    [
        (Tiny((3, 8, 8)), r"network 'Tiny' cannot take images of shape \(1, 8, 8\)"),
        (Tiny(classes=3), r"network 'Tiny' gives torch.float32 \(2, 3\) for 2 images, not logits"),
        (lambda shape, classes: None, "is NoneType, not a torch.nn.Module"),
        (5, "network 'int' cannot be built"),
    ],
    ids=["channels", "classes", "none", "number"],
)
def test_a_network_that_does_not_fit_is_refused_in_a_sentence(digits, network, says):
    with pytest.raises(UsageError, match=says):
        quick(network=network).fit(*digits[:2])


@pytest.mark.parametrize(
    "changed",
    [{"lr": float("nan")}, {"steps": 0}, {"batch_size": 10**18}, {"threads": -1}, {"augment": "x"}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_setting_out_of_its_range_is_refused(digits, changed):
    with pytest.raises(UsageError, match=next(iter(changed))):
        quick(**changed).fit(*digits[:2])
