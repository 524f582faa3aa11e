"""Samplers and mixers of the rivals: known answers, other libraries, what switches them off."""

from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small import assert_at_work, assert_switched_off, fitted, outputs, part

from imbench import Method, UsageError, check_part, parse_recipe
from imbench.methods._mixing import box
from imbench.methods.class_aware import class_aware_batches
from imbench.methods.cmo import patch_chances
from imbench.methods.remix import label_shares
from imbench.training.budget import Budget
from imbench.training.examples import Examples


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize(
    "recipe",
    [
        *("sqrt:q=1", "pb:end=0", "mixup:alpha=0", "remix:alpha=0", "cutmix:prob=0"),
        *("cmo:prob=0", "cmo:skip=0.5"),
    ],
)
def test_what_a_parameter_switches_off_is_vanilla_bit_for_bit(k, recipe):
    assert_switched_off(recipe, k, steps=6)


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize(
    "recipe", ["cas", "sqrt", "pb", "bsmote", "mixup", "remix", "cutmix", "cmo:skip=0"]
)
def test_what_is_switched_on_is_not_vanilla_and_the_same_twice(k, recipe):
    assert_at_work(recipe, k, steps=6)


@pytest.mark.parametrize(
    "recipe",
    [
        *("cas+ldam+drw", "sqrt+cs", "pb+ts", "us+cas", "bsmote+cs", "mixup+la", "remix+drw"),
        *("cutmix+cas", "cmo+ldam:head=plain", "cmo+cbl:beta=0.99", "mixup+focal:form=sigmoid"),
        *("cutmix+mixup", "sqrt+remix"),
    ],
)
def test_samplers_and_mixers_go_with_other_parts(recipe):
    check_part(recipe)


def test_two_samplers_or_mixers_that_cannot_be_combined_are_refused():
    with pytest.raises(UsageError, match="cas and sqrt both change `draw`"):
        parse_recipe("cas+sqrt")
    with pytest.raises(UsageError, match="remix cannot stand beside another part that mixes"):
        parse_recipe("mixup+remix")


@pytest.mark.parametrize("recipe", ["cutmix", "cmo"])
def test_boxes_need_images(recipe):
    x = np.random.default_rng(0).normal(size=(20, 5))
    with pytest.raises(UsageError, match=f"{recipe} takes images, not rows of features"):
        Method(recipe, network="linear", steps=1).fit(x, np.repeat([0, 1], 10))


def test_a_batch_of_class_aware_sampling_has_equally_many_of_each_class():
    y = np.repeat([0, 1], [1000, 50])
    seen = list(islice(class_aware_batches(y, 64, np.random.default_rng(0)), 50))
    assert {tuple(np.bincount(y[rows])) for rows in seen} == {(32, 32)}
    walked = np.concatenate([rows[y[rows] == 1] for rows in seen])
    for start in range(0, 1600, 50):
        assert (np.sort(walked[start : start + 50]) == np.arange(1000, 1050)).all()
    # Five classes in batches of 64: in five batches each class has had its 64 images.
    y = np.repeat(np.arange(5), [60, 20, 12, 9, 6])
    seen = list(islice(class_aware_batches(y, 64, np.random.default_rng(0)), 5))
    assert all(np.ptp(np.bincount(y[rows])) <= 2 for rows in seen)
    assert np.bincount(y[np.concatenate(seen)]).tolist() == [64] * 5


def test_class_aware_sampling_counts_as_balanced():
    found = fitted("cas", 5)
    assert found.priors_ == pytest.approx([0.2] * 5)
    assert outputs("cas+cs", 5) == pytest.approx(outputs("cas", 5), abs=1e-5)


@pytest.mark.parametrize(("q", "share"), [(0, 0.5), (0.5, 1 / (1 + 200**0.5))])
def test_square_root_sampling(q, share):
    y = np.repeat([0, 1], [10000, 50])
    chances = part(f"sqrt:q={q}").draw(y)
    assert chances[y == 1].sum() / chances.sum() == pytest.approx(share)
    assert np.ptp(chances[y == 0]) == 0


def test_progressive_sampling_starts_as_it_is_and_ends_balanced():
    y = np.repeat([0, 1], [900, 100])
    rng = np.random.default_rng(0)
    state = SimpleNamespace(
        labels=y, steps=3, budget=Budget(batch_size=20000), rng=lambda purpose: rng
    )
    shares = [y[rows].mean() for rows in part("pb").batches(state)]
    assert shares == pytest.approx([0.1, 0.3, 0.5], abs=0.02)
    shares = [y[rows].mean() for rows in part("pb:end=0.5").batches(state)]
    assert shares == pytest.approx([0.1, 0.2, 0.3], abs=0.02)
    chances = part("pb").draw(y)
    assert chances[y == 1].sum() / chances.sum() == pytest.approx(0.3)


def test_borderline_smote_starts_from_images_in_danger_alone():
    x = np.array([*range(9), 2.5, 8.9, 10.9, 11.4], np.float32)[:, None]
    y = np.repeat([0, 1], [9, 4])
    more, labels = part("bsmote:k_neighbors=2,m_neighbors=3").resample(
        Examples(x), y, np.random.default_rng(0)
    )
    new = np.asarray(more)[13:, 0]
    assert np.bincount(labels).tolist() == [9, 9]
    assert len(new) == 5
    assert new.min() >= 8.9
    assert new.max() <= 11.4


def test_borderline_smote_makes_the_points_imbalanced_learn_makes():
    from imblearn.over_sampling import BorderlineSMOTE as Theirs

    points = np.random.RandomState(2).rand(120, 3).astype(np.float32)
    y = (np.random.RandomState(3).rand(120) < 0.25).astype(np.int64)
    ours = part("bsmote:k_neighbors=3,m_neighbors=7")
    rng = np.random.default_rng(4)
    state = int(np.random.default_rng(4).integers(2**32))
    more, labels = ours.resample(Examples(points), y, rng)
    theirs, expected = Theirs(k_neighbors=3, m_neighbors=7, random_state=state).fit_resample(
        points, y
    )
    assert (labels == expected).all()
    assert np.asarray(more) == pytest.approx(theirs, abs=1e-6)
    assert ours.notes_ == []


def test_borderline_smote_is_smote_where_no_image_is_in_danger_and_says_so():
    x = np.array([0, 1, 2, 3, 4, 5, 100, 101, 102], np.float32)[:, None]
    y = np.repeat([0, 1], [6, 3])
    ours, smote = part("bsmote:m_neighbors=2"), part("smote")
    found, labels = ours.resample(Examples(x), y, np.random.default_rng(0))
    expected, _ = smote.resample(Examples(x), y, np.random.default_rng(0))
    assert (np.asarray(found) == np.asarray(expected)).all()
    assert np.bincount(labels).tolist() == [6, 6]
    assert ours.notes_ == [
        "Borderline-SMOTE's k lowered from 5 to 2: class 1 has 3 images",
        "no image of class 1 is in danger: Borderline-SMOTE acts as SMOTE",
    ]
    ours = part("bsmote")
    ours.resample(Examples(x), y, np.random.default_rng(0))
    assert "Borderline-SMOTE's m lowered from 10 to 8: there are 9 images" in ours.notes_


def test_borderline_smote_says_that_few_images_make_all_new_ones():
    x = np.array([*range(9), 2.5, 8.9, 10.9, 11.4], np.float32)[:, None]
    y = np.repeat([0, 1], [9, 4])
    ours = part("bsmote:m_neighbors=3,k_neighbors=1")  # 8.9 alone is in danger, nearest to 10.9
    found, labels = ours.resample(Examples(x), y, np.random.default_rng(0))
    made = np.asarray(found)[len(x) :, 0]
    assert labels[len(x) :].tolist() == [1] * 5
    assert ((made >= 8.9) & (made <= 10.9)).all()
    assert ours.notes_ == [
        "fewer than half of the images of class 1 are in danger: Borderline-SMOTE makes all new "
        "ones from those"
    ]


def state(counts=(100.0, 10.0), seed=0, **changes):
    rng = np.random.default_rng(seed)
    return SimpleNamespace(counts=np.array(counts), rng=lambda purpose: rng, **changes)


def test_mixup_mixes_images_and_labels_alike():
    x, y = torch.eye(6)[:, :, None, None], torch.tensor([0, 1, 0, 1, 1, 0])
    mixed, labels = part("mixup:alpha=0.4").mix(state(), x, y)
    shares = mixed[:, :, 0, 0]
    assert torch.allclose(shares.sum(1), torch.ones(6))
    assert torch.allclose(labels, shares @ torch.nn.functional.one_hot(y, 2).float())
    again, softer = part("mixup").mix(state(seed=1), mixed, labels)
    assert torch.allclose(softer[:, 1], again[:, :, 0, 0] @ (y == 1).float())


@pytest.mark.parametrize(
    ("first", "second", "share", "expected"),
    [
        *((100, 10, 0.3, 0), (100, 10, 0.7, 0.7), (10, 100, 0.7, 1), (10, 100, 0.3, 0.3)),
        *((100, 40, 0.3, 0.3), (100, 100, 0.3, 0.3), (30, 10, 0.3, 0), (100, 10, 0.5, 0.5)),
    ],
)
def test_remix_gives_the_label_to_the_rarer_class(first, second, share, expected):
    found = label_shares(np.array([first]), np.array([second]), share, 3, 0.5)
    assert found == pytest.approx([expected])


def test_remix_without_a_threshold_is_mixup():
    x, y = torch.rand(8, 3, 4, 4), torch.tensor([0, 1] * 4)
    for theirs, ours in zip(
        part("mixup").mix(state(), x, y), part("remix:tau=0").mix(state(), x, y), strict=True
    ):
        assert torch.allclose(theirs, ours)
    _, labels = part("remix").mix(state(), x, y)
    assert (labels[:, 1] >= part("mixup").mix(state(), x, y)[1][:, 1] - 1e-6).all()
    assert torch.allclose(labels.sum(1), torch.ones(8))


def test_a_box_has_the_area_that_the_labels_get():
    rng = np.random.default_rng(0)
    for kept in (0.0, 0.3, 0.75, 1.0):
        for _ in range(50):
            rows, columns, outside = box(8, 12, kept, rng)
            image = np.zeros((8, 12))
            image[rows, columns] = 1
            assert outside == pytest.approx(1 - image.mean())
            assert outside >= kept - 1e-9
    assert {box(8, 8, 1.0, rng)[2] for _ in range(9)} == {1.0}


def test_cutmix_pastes_boxes_and_mixes_labels_by_area():
    x = torch.arange(6.0).reshape(6, 1, 1, 1).expand(6, 1, 8, 8)
    y = torch.tensor([0, 1, 0, 1, 1, 0])
    mixed, labels = part("cutmix:prob=1").mix(state(seed=3), x, y)
    for image, label, own in zip(mixed[:, 0], labels, range(6), strict=True):
        values, areas = image.unique(return_counts=True)
        expected = sum(
            torch.nn.functional.one_hot(y[int(value)], 2) * area / 64
            for value, area in zip(values, areas, strict=True)
        )
        assert float(own) in values.tolist()
        assert torch.allclose(label, expected)


@pytest.mark.parametrize(("power", "share"), [(1, 0.5), (2, 0.995025), (0, 0.004975)])
def test_boxes_of_cmo_come_from_the_minority_as_often_as_they_should(power, share):
    y = np.repeat([0, 1], [10000, 50])
    chances = patch_chances(y, power)
    assert chances[y == 1].sum() == pytest.approx(share, abs=1e-6)
    assert chances.sum() == pytest.approx(1)


def test_cmo_pastes_boxes_of_the_second_batch_on_the_first_and_only_in_between():
    pixels = np.repeat(np.array([10, 200], np.uint8), [90, 10])[:, None, None, None]
    pixels = np.broadcast_to(pixels, (100, 8, 8, 1)).copy()
    y = np.repeat([0, 1], [90, 10])
    made = state(
        labels=y,
        examples=Examples(pixels),
        budget=Budget(augment="flip+crop"),
        device=torch.device("cpu"),
        steps=100,
        step=50,
    )
    cmo = part("cmo:prob=1,power=2")
    x, labels = torch.full((64, 1, 8, 8), 10 / 255), torch.zeros(64, dtype=torch.int64)
    mixed, soft = cmo.mix(made, x, labels)
    bright = (mixed > 0.5).float().mean((1, 2, 3))
    assert torch.allclose(bright, soft[:, 1], atol=1e-6)
    assert (bright > 0).float().mean() > 0.7
    for made.step in (0, 1, 99):
        assert cmo.mix(made, x, labels)[1] is labels
