"""Parts against the known answers of their sources, and the contract over every registered one."""

import numpy as np
import pytest

from imbench.errors import UsageError
from imbench.methods._rebalancing import target_counts
from imbench.methods.class_balanced import effective_number
from imbench.methods.smote import SMOTE, neighbours, pairs
from imbench.registry import registered_names
from imbench.training.checks import check_part
from imbench.training.examples import Examples
from imbench.training.forward import probabilities
from imbench.training.recipe import parse_recipe

PAPER_COUNTS = np.array([10000.0, 50.0])
ARGUMENTS = {
    "cbl": "cbl:beta=0.99",
    "imblearn": "imblearn:BorderlineSMOTE,k_neighbors=3",
    # Small generators: those of default size take 10 s a recipe here.
    **{name: f"{name}:steps=4,width=4,patch_width=4" for name in ("aug", "aug-da", "alt")},
    "aug-star": "aug-star:steps=2,batch=2",
}


def weights(recipe, counts=PAPER_COUNTS, original=None):
    (part,) = [p for p in parse_recipe(recipe).parts if p.class_weights(counts, counts) is not None]
    return part.class_weights(counts, counts if original is None else original)


@pytest.mark.filterwarnings("ignore:The number of samples:UserWarning")
@pytest.mark.parametrize("name", registered_names("methods"))
def test_every_registered_part_keeps_the_contract(name, data_folder):
    folder = data_folder({"1": 3})
    check_part({**ARGUMENTS, "generated": f"generated:{folder}"}.get(name, name))


@pytest.mark.parametrize(
    "recipe", ["vanilla", "us+cs", "os+cs", "smote:k_neighbors=3+cbl:beta=0.99+ts", "us+smote+cs"]
)
def test_sums_of_parts_keep_the_contract(recipe):
    check_part(recipe)


@pytest.mark.parametrize(
    ("beta", "effective", "official", "mean1"),
    [
        (0.0, (1, 1), (1, 1), (1, 1)),
        (0.9, (10, 9.948462), (0.997416, 1.002584), (0.999974, 1.005155)),
        (0.99, (100, 39.499393), (0.566302, 1.433698), (0.992437, 2.512538)),
        (0.999, (999.954827, 48.794372), (0.093053, 1.906947), (0.911593, 18.681486)),
        (0.9999, (6321.389536, 49.877696), (0.015657, 1.984343), (0.615172, 77.965568)),
        (1, (10000, 50), (0.009950, 1.990050), (0.5025, 100.5)),
    ],
)
def test_class_balanced_weights(beta, effective, official, mean1):
    assert effective_number(PAPER_COUNTS, beta) == pytest.approx(effective, abs=1e-6)
    assert weights(f"cbl:beta={beta},norm=sum_C") == pytest.approx(official, abs=1e-6)
    assert weights(f"cbl:beta={beta}") == pytest.approx(mean1, abs=1e-6)


@pytest.mark.parametrize(("counts", "ratio"), [((1067, 25), 1.077342), ((250, 12), 1.393591)])
def test_class_balanced_ratio_at_small_counts(counts, ratio):
    low, high = weights("cbl:beta=0.9", np.array(counts, float))
    assert high / low == pytest.approx(ratio, abs=1e-6)


def test_cbl_at_beta_0_9_is_vanilla_from_100_images_on():
    low, high = weights("cbl:beta=0.9", np.array([1067.0, 100.0]))
    assert high / low == pytest.approx(1, abs=5e-5)


def test_cost_sensitive_weights_are_scikit_learns_balanced_ones():
    from sklearn.utils.class_weight import compute_class_weight

    y = np.repeat([0, 1, 2], [100, 40, 7])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=y)
    assert weights("cs", np.array([100.0, 40, 7])) == pytest.approx(expected)
    assert weights("cs:norm=sum_C") == pytest.approx((0.009950, 1.990050), abs=1e-6)
    assert weights("cs") == pytest.approx(weights("cbl:beta=1"))


def test_cost_sensitive_weighs_what_resampling_left_or_the_original_counts():
    sampled = np.array([707.0, 50.0])
    low, high = weights("cs", sampled, original=PAPER_COUNTS)
    assert high / low == pytest.approx(14.14)
    low, high = weights("cs:counts=original", sampled, original=PAPER_COUNTS)
    assert high / low == pytest.approx(200)
    low, high = weights("cs:ratio=20")
    assert high / low == pytest.approx(20)
    assert (np.array([low, high]) * PAPER_COUNTS).sum() / PAPER_COUNTS.sum() == pytest.approx(1)


def test_a_cost_multiplies_the_ratio_of_the_counts_and_a_ratio_replaces_it():
    low, high = weights("cs:cost=10")
    assert high / low == pytest.approx(2000)
    assert (np.array([low, high]) * PAPER_COUNTS).sum() / PAPER_COUNTS.sum() == pytest.approx(1)
    balanced = np.array([50.0, 50.0])
    low, high = weights("cs:cost=10", balanced, original=PAPER_COUNTS)
    assert high / low == pytest.approx(10)
    first, second, third = weights("cs:cost=4", np.array([100.0, 50.0, 10.0]))
    assert (second / first, third / first) == (pytest.approx(8), pytest.approx(40))
    assert weights("cs:cost=1") == pytest.approx(weights("cs"))


def test_a_ratio_says_that_it_replaces_the_ratio_of_the_counts():
    assert parse_recipe("us+cs:ratio=10").cautions == (
        "cs:ratio=10 weighs the rarest class 10 times as much as the most frequent, in place of "
        "n_A/n_B; cs:cost=10 multiplies n_A/n_B by 10",
    )
    assert parse_recipe("cs:cost=10").cautions == ()


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ("cs:cost=0", r"^cs: cost=0 must be a number in \(0, 1000000\]$"),
        ("cs:cost=-1", r"^cs: cost=-1 must be a number in \(0, 1000000\]$"),
        ("cs:cost=high", r"^cs: cost=high must be a number in \(0, 1000000\]$"),
        ("cs:cost=1e99", r"^cs: cost=1e99 must be a number in \(0, 1000000\]$"),
        ("cs:cost=2,ratio=3", "^cs: ratio and cost exclude each other: leave one out$"),
        ("cs:norm=max", "^cs: norm=max must be mean1 or sum_C$"),
        ("cbl:beta=0.9,norm=sum", "^cbl: norm=sum must be mean1 or sum_C$"),
        ("cs:counts=old", "^cs: counts=old must be sampled or original$"),
        ("cs:ratio=0", r"^cs: ratio=0 must be a number in \(0, 1000000\] or none$"),
        ("cbl:beta=1.5", r"^cbl: beta=1.5 must be a number in \[0, 1\]$"),
        ("us:rho=2", r"^us: rho=2 must be a number in \[0, 1\] or none$"),
        ("smote:k_neighbors=0", "^smote: k_neighbors=0 must be a whole number from 1 to 1000000$"),
    ],
)
def test_a_wrong_value_is_refused_before_anything_is_trained(recipe, says):
    with pytest.raises(UsageError, match=says):
        parse_recipe(recipe)


@pytest.mark.parametrize(
    ("rho", "down", "up"),
    [(0.5, (707, 50), (10000, 707)), (1, (50, 50), (10000, 10000)), (0, (10000, 50), (10000, 50))],
)
def test_resampling_to_an_intermediate_ratio(rho, down, up):
    counts = np.array([10000, 50])
    assert target_counts(counts, rho, up=False).tolist() == list(down)
    assert target_counts(counts, rho, up=True).tolist() == list(up)


def resampled(recipe, counts, seed=0):
    x = np.arange(sum(counts), dtype=np.float32)[:, None]
    y = np.repeat(np.arange(len(counts)), counts)
    (part,) = parse_recipe(recipe).parts
    part.notes_ = []
    examples, labels = part.resample(Examples(x), y, np.random.default_rng(seed))
    return np.asarray(Examples.of(examples))[:, 0], labels, part.notes_


def test_oversampling_favours_no_image_by_more_than_one_copy():
    x, y, _ = resampled("os", (1067, 25))
    values, times = np.unique(x[y == 1], return_counts=True)
    assert len(values) == 25
    assert times.sum() == 1067
    assert set(times) == {42, 43}
    assert (np.sort(x[y == 0]) == np.arange(1067)).all()


def test_undersampling_keeps_the_minority_and_a_random_majority():
    x, y, _ = resampled("us", (1067, 25))
    assert np.bincount(y).tolist() == [25, 25]
    assert (x[y == 1] == np.arange(1067, 1092)).all()
    other, z, _ = resampled("us", (1067, 25), seed=1)
    assert set(x[y == 0]) != set(other[z == 0])


def test_smote_makes_the_points_imbalanced_learn_makes():
    from imblearn.over_sampling import SMOTE as Theirs  # noqa: N811

    points = np.random.RandomState(5).rand(60, 7).astype(np.float32)
    y = np.repeat([0, 1], [48, 12])
    expected, _ = Theirs(random_state=11, k_neighbors=4).fit_resample(points, y)
    i, j, share = pairs(neighbours(points[y == 1], 4), 36, np.random.RandomState(11))
    made = Examples(points[y == 1]).between(i, j, share)
    assert np.asarray(made) == pytest.approx(expected[60:], abs=1e-6)


def test_smote_on_uint8_does_not_wrap_around():
    # In uint8 arithmetic points between 200 and 250 came out as 118 and 154.
    x = np.array([[250, 200], [200, 250], [10, 20], [12, 18]], np.uint8)
    made = np.asarray(Examples(x).between(np.array([0]), np.array([1]), np.array([0.4])))
    assert made == pytest.approx(np.array([[230.0, 220.0]]), abs=1e-4)


def test_row_19_smote_lowers_k_and_says_so():
    _, y, notes = resampled("smote", (30, 3))
    assert np.bincount(y).tolist() == [30, 30]
    assert notes == ["SMOTE's k lowered from 5 to 2: class 1 has 3 images"]
    assert resampled("smote", (30, 6))[2] == []


def test_smote_points_lie_between_minority_images():
    x, *_ = resampled("smote", (40, 8))
    new = x[48:]
    assert new.min() >= 40
    assert new.max() <= 47
    assert (new % 1 != 0).all()


def test_smote_needs_two_images():
    with pytest.raises(UsageError, match="at least 2 images"):
        resampled("smote", (30, 1))


def test_smote_of_a_balanced_set_adds_nothing():
    x, *_ = resampled("smote", (5, 5))
    assert x.tolist() == list(range(10))
    assert SMOTE().get_params() == {"k_neighbors": 5}


def test_imbalanced_learn_that_changes_nothing_is_noted():
    # No majority image is near any minority one, so no point is in danger.
    x = np.concatenate([np.zeros((30, 2)), np.full((12, 2), 9.0)]).astype(np.float32)
    x += np.random.default_rng(0).normal(size=x.shape).astype(np.float32) / 9
    y = np.repeat([0, 1], [30, 12])
    (part,) = parse_recipe("imblearn:BorderlineSMOTE").parts
    part.notes_ = []
    _, labels = part.resample(Examples(x), y, np.random.default_rng(0))
    assert np.bincount(labels).tolist() == [30, 12]
    assert part.notes_ == ["BorderlineSMOTE left the classes at [30, 12]"]


def test_an_unknown_imbalanced_learn_sampler_gets_a_suggestion():
    with pytest.raises(UsageError, match="did you mean BorderlineSMOTE"):
        resampled("imblearn:BorderlineSmot", (30, 5))


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (0.5, 0.995025),
        (0.1, 0.956938),
        (0.01, 0.668896),
        (0.00497512, 0.5),
        (0.001, 0.166806),
        (0.0001, 0.019610),
    ],
)
def test_threshold_scaling(p, expected):
    logits = np.log([[1 - p, p]])
    scaled = probabilities(parse_recipe("ts").parts, logits, PAPER_COUNTS / PAPER_COUNTS.sum())
    assert scaled[0, 1] == pytest.approx(expected, abs=1e-6)
    assert scaled.sum() == pytest.approx(1)


def test_threshold_scaling_on_its_authors_example():
    scaled = probabilities(
        parse_recipe("ts").parts, np.log([[0.2, 0.2, 0.6]]), np.array([0.1, 0.4, 0.5])
    )
    assert scaled[0] == pytest.approx(np.array([2, 0.5, 1.2]) / 3.7)


def test_threshold_scaling_after_full_balancing_changes_nothing():
    logits = np.array([[0.3, -0.7], [2.0, 2.5]])
    plain = probabilities((), logits, np.array([0.5, 0.5]))
    assert probabilities(parse_recipe("us+ts").parts, logits, np.array([0.5, 0.5])) == (
        pytest.approx(plain)
    )
