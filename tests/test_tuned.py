"""A threshold tuned by cross-validation: the best cut by hand, the training, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from imbench import Method
from imbench.errors import UsageError
from imbench.images.cache import prepare
from imbench.methods._cuts import best_cut
from imbench.records.assumed_prior import assumed_prior
from imbench.records.metric_specs import load_metric
from imbench.records.scored import score
from imbench.stats.costs import cost
from imbench.stats.metrics import acsa, f1
from imbench.training.cross_validation import assign_folds, cross_validated_outputs
from imbench.training.recipe import parse_recipe
from imbench.training.shift import Shift

FAST = {"network": "cnn", "steps": 30, "batch_size": 16}


def both(score):
    score = np.asarray(score, dtype=float)
    return np.column_stack([1 - score, score])


def moved(proba, threshold):
    """Return probabilities after a threshold in log-odds was moved to a half."""
    odds = proba * np.exp([threshold, 0.0])
    return odds / odds.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def images():
    """A bright square tells the minority, hardly: 120 + 12 images."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat([0, 1], [120, 12]))
    pixels = rng.integers(0, 200, (132, 8, 8, 1), dtype=np.uint8)
    pixels[labels == 1, 2:6, 2:6] += np.uint8(40)
    return pixels, labels


@pytest.mark.parametrize("goal", ["f1", "acsa", "cost"])
@pytest.mark.parametrize("seed", range(4))
def test_no_other_threshold_is_better(goal, seed):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([0, 1], [30, 8]))
    odds = rng.normal(size=38) + 1.5 * labels - 3
    proba = both(1 / (1 + np.exp(-odds)))
    value = {"f1": f1, "acsa": acsa, "cost": lambda y, p: -cost(y, p, 7)}[goal]
    found = value(labels, moved(proba, best_cut(labels, proba, goal, ratio=7)))
    levels = np.sort(odds)
    tried = [levels[0] - 1, *((levels[1:] + levels[:-1]) / 2), levels[-1] + 1]
    assert found == max(value(labels, moved(proba, level)) for level in tried)


def test_of_equally_good_thresholds_the_highest_is_taken():
    """Behind the first and behind the fourth image F1 is 2/3."""
    proba = both([0.9, 0.8, 0.6, 0.5])
    threshold = best_cut(np.array([1, 0, 0, 1]), proba, "f1")
    assert np.log(0.8 / 0.2) < threshold < np.log(0.9 / 0.1)


def test_outside_all_images_a_threshold_is_still_a_number():
    labels, proba = np.array([0, 0, 1]), both([0.3, 0.2, 0.1])
    everything = best_cut(labels, proba, "cost", ratio=1000)
    assert everything == pytest.approx(np.log(1 / 9) - 1)
    nothing = best_cut(labels, proba, "cost", ratio=0.001)
    assert nothing == pytest.approx(np.log(3 / 7) + 1)


def test_a_share_changes_what_is_best_for_f1_and_not_for_acsa():
    """9 majority images above the second minority image: few at half and half, many at 1 : 9."""
    labels = np.repeat([1, 0, 1, 0], [1, 9, 1, 80])
    proba = both(np.linspace(0.99, 0.01, 91))
    assert best_cut(labels, proba, "f1") > best_cut(labels, proba, "f1", share=0.5)
    plain = best_cut(labels, proba, "acsa")
    assert best_cut(labels, proba, "acsa", share=0.5) == plain
    # At equal shares: F1 1/(1 + .5 (0 + .5) / .5) against one minority image of two without alarms.
    assert plain == best_cut(labels, proba, "f1", share=0.5)


def test_with_three_classes_the_majority_is_cut_from_the_likeliest_minority():
    proba = np.array([[0.8, 0.15, 0.05], [0.7, 0.1, 0.2], [0.9, 0.06, 0.04], [0.85, 0.05, 0.1]])
    labels = np.array([1, 2, 0, 0])
    threshold = best_cut(labels, proba, "f1")
    assert np.log(0.1 / 0.85) < threshold < np.log(0.15 / 0.8)
    with pytest.raises(UsageError, match="about two classes, and there are 3"):
        parse_recipe("tuned:goal=cost,ratio=3").parts[0].foresee(np.array([9, 9, 9]), (8, 8, 1))


def test_the_network_is_that_of_the_recipe_without_it_and_its_outputs_are_moved(images):
    pixels, labels = images
    plain = Method("us", **FAST, random_state=3).fit(pixels, labels)
    tuned = Method("us+tuned", **FAST, random_state=3).fit(pixels, labels)
    by = tuned.logits(pixels) - plain.logits(pixels)
    threshold = tuned.cost_["tuned_log_odds"]
    assert by[:, 0] == pytest.approx(np.full(132, threshold), abs=1e-4)
    assert not by[:, 1].any()
    assert threshold != 0


def test_the_threshold_is_the_best_of_images_that_were_held_out(images):
    pixels, labels = images
    tuned = Method("tuned:folds=3", **FAST, random_state=2).fit(pixels, labels)
    folds = assign_folds(labels, 3, [row.tobytes() for row in pixels])
    method = Method("vanilla", **FAST)
    proba = cross_validated_outputs(method, pixels, labels, folds, seeds=[2])
    assert tuned.cost_["tuned_log_odds"] == best_cut(labels, proba, "f1")
    # It is not the one that is best for the images the network was trained on.
    seen = Method("vanilla", **FAST, random_state=2).fit(pixels, labels).predict_proba(pixels)
    assert tuned.cost_["tuned_log_odds"] != best_cut(labels, seen, "f1")


def test_the_same_training_gives_the_same_threshold(images):
    first, second = (Method("tuned", **FAST).fit(*images).logits(images[0]) for _ in range(2))
    assert (first == second).all()


def test_the_cost_of_the_folds_is_in_the_record(images):
    method = Method("cs+tuned:folds=4", **FAST).fit(*images)
    assert method.cost_["tune_steps"] == 4 * 30
    assert 0 < method.cost_["tune"] < method.cost_["fit"]
    assert method.cost_["steps"] == 30


def test_fewer_folds_where_a_class_has_few_images(images):
    pixels, labels = images
    rows = np.concatenate([np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)[:3]])
    method = Method("tuned", **FAST).fit(pixels[rows], labels[rows])
    assert method.notes_ == [
        "tuned: 3 folds instead of 5, since a class has 3 images or groups of them"
    ]
    assert method.cost_["tune_steps"] == 3 * 30


def test_groups_are_whole(images):
    pixels, labels = images
    groups = np.arange(len(labels)) // 2
    minority = np.flatnonzero(labels == 1)
    groups[minority] = 1000 + np.arange(12) // 4
    method = Method("tuned", **FAST).fit(pixels, labels, groups=groups.tolist())
    assert "3 folds instead of 5" in method.notes_[0]


def test_equal_images_are_in_one_fold(images):
    pixels, labels = images
    pixels = pixels.copy()
    minority = np.flatnonzero(labels == 1)
    pixels[minority] = pixels[minority[[0, 1, 2, 3] * 3]]
    method = Method("tuned", **FAST).fit(pixels, labels)
    assert "4 folds instead of 5" in method.notes_[0]


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ("ts+tuned", "^tuned and TS both set the threshold: choose one$"),
        ("tuned+la-post", "both set the threshold: choose one$"),
        ("tuned+aug", "^tuned would train the generators of AUG again in each fold: leave it out$"),
        ("tuned:goal=cost", "^tuned: goal=cost and ratio=R belong together: goal=cost,ratio=10$"),
        ("tuned:ratio=10", "^tuned: goal=cost and ratio=R belong together"),
        ("tuned:goal=auroc", "^tuned: goal=auroc must be f1, acsa or cost$"),
        ("tuned:folds=1", "^tuned: folds=1 must be a whole number from 2 to 100$"),
        ("tuned:share=1", r"^tuned: share=1 must be a number in \(0, 1\) or none$"),
        ("tuned:goal=cost,ratio=0", r"^tuned: ratio=0 must be a number in \(0, 1000000\] or none$"),
    ],
)
def test_what_it_cannot_be_beside_is_refused_before_anything_is_trained(recipe, says):
    with pytest.raises(UsageError, match=says):
        parse_recipe(recipe)


def test_too_few_images_are_refused_when_a_run_is_planned():
    part = parse_recipe("tuned").parts[0]
    with pytest.raises(UsageError, match="needs 3 training images of each class"):
        part.foresee(np.array([100, 2]), (8, 8, 1))
    assert part.foresee(np.array([100, 3]), (8, 8, 1)).tolist() == [100, 3]


def test_its_training_is_its_own_and_its_outputs_assume_no_prior(make_record):
    assert str(parse_recipe("us+tuned").training) == "us+tuned"
    record = make_record("tuned", 100, 0, None, sampled_counts=[900, 100], train_counts=[900, 100])
    with pytest.raises(Exception, match="tuned moves the threshold, so outputs are no prob"):
        assumed_prior(record)
    metric = load_metric("cost_bayes:ratio=10")
    assert score(record, "cost_bayes:ratio=10", metric)[0] is None


def test_the_shift_comes_after_every_other_change_of_the_network(images):
    method = Method("tuned+ldam", **FAST).fit(*images)
    layers = [module for module in method.network_.modules() if isinstance(module, Shift)]
    assert [round(float(layer.by[0]), 4) for layer in layers] == [
        round(method.cost_["tuned_log_odds"], 4)
    ]


def test_the_groups_of_a_data_set_are_kept_with_its_images(data_folder, tmp_path):
    folder = data_folder({"a": 6, "b": 6})
    lines = ["path,label,split,person"]
    lines += [
        f"{name}/{i}.png,{name},{'test' if i > 3 else 'train'},{'test' if i > 3 else i // 2}"
        for name in "ab"
        for i in range(6)
    ]
    (folder / "table.csv").write_text("\n".join(lines))
    spec = "csv:table.csv,majority=a,minority=b"
    grouped = prepare(f"{spec},group=person", root=folder, size=8, cache=tmp_path / "c").train
    of = dict(zip(grouped.names, grouped.groups.tolist(), strict=True))
    assert of["a/0.png"] == of["a/1.png"] == of["b/1.png"]
    assert of["a/2.png"] == of["b/3.png"] != of["a/0.png"]
    plain = prepare(f"{spec},group=none", root=folder, size=8, cache=tmp_path / "c").train
    assert plain.groups is None
