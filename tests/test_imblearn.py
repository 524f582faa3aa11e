"""Every sampler of imbalanced-learn that a recipe may name, with what it takes and few images."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from sklearn.base import clone

from imbench.errors import UsageError
from imbench.methods.imblearn_sampler import OURS, _samplers
from imbench.training.examples import Examples
from imbench.training.recipe import parse_recipe

SAMPLERS = sorted(_samplers())
OBJECTS = {
    "categorical_encoder",
    "edited_nearest_neighbours",
    "enn",
    "estimator",
    "smote",
    "svm_estimator",
    "tomek",
}
"""Parameters that take objects alone, which no text can be."""
HOSTILE = ("nan", "inf", "1e308", "lots", "", str(10**18), "9" * 5000, "[1]")


def resampled(recipe, counts, weights=None):
    """Resample images of noise around a value for each class; return examples, labels, notes."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(len(counts)), counts)
    x = rng.integers(0, 90, (len(y), 4, 4, 1), dtype=np.uint8) + (20 * y[:, None, None, None])
    (part,) = parse_recipe(recipe).parts
    part.notes_ = []
    part.foresee(np.asarray(counts), x.shape[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of samplers that find little to do
        examples, labels = part.resample(
            Examples(x.astype(np.uint8), weights=weights), y, np.random.default_rng(1)
        )
    return examples, labels, part.notes_


@pytest.mark.parametrize("few", [3, 5, 12])
@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "KMeansSMOTE"])
def test_every_sampler_works_with_few_images(name, few):
    examples, labels, _ = resampled(f"imblearn:{name}", (60, few))
    assert len(examples) == len(labels)
    assert set(np.unique(labels)) == {0, 1}


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_parameter_of_a_sampler_is_passed_on_or_refused(name):
    for key, parameter in inspect.signature(_samplers()[name]).parameters.items():
        if key in OURS:
            with pytest.raises(UsageError, match=f"imblearn:{name} takes no '{key}'"):
                parse_recipe(f"imblearn:{name},{key}=1")
            continue
        refused = [*HOSTILE, "1"] if key in OBJECTS else HOSTILE
        for value in refused:
            with pytest.raises(UsageError) as raised:
                parse_recipe(f"imblearn:{name},{key}={value}")
            assert key in str(raised.value)
            assert "\n" not in str(raised.value)
        if key not in OBJECTS and isinstance(parameter.default, bool | int):
            given = "true" if isinstance(parameter.default, bool) else "2"
            (part,) = parse_recipe(f"imblearn:{name},{key}={given}").parts
            part.notes_ = []
            made = part._made(np.array([60, 12]), np.random.default_rng(0))
            assert getattr(made, key) == (True if given == "true" else 2)


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ("ADASYN,k_neighbors=2", "takes no 'k_neighbors': did you mean n_neighbors?"),
        ("RandomUnderSampler,k_neighbors=2", "imblearn:RandomUnderSampler takes no 'k_neighbors'"),
        ("SMOTE,k_neighbors=0", "'k_neighbors' parameter of SMOTE must be"),
        ("SMOTE,k_neighbors=1.5", "'k_neighbors' parameter of SMOTE must be"),
        ("SMOTE,sampling_strategy=2", "'sampling_strategy' parameter of SMOTE must be"),
        ("SMOTE,sampling_strategy=majorty", "'sampling_strategy' parameter of SMOTE must be"),
        ("SMOTENC", "unknown imbalanced-learn sampler 'SMOTENC': did you mean SMOTEN"),
        ("k_neighbors=2", "imblearn needs sampler"),
    ],
)
def test_what_a_sampler_does_not_take_is_refused_when_a_recipe_is_read(recipe, says):
    with pytest.raises(UsageError, match=says):
        parse_recipe(f"imblearn:{recipe}")


def test_a_strategy_that_the_counts_do_not_allow_is_refused_when_a_run_is_planned():
    with pytest.raises(UsageError, match="imblearn:SMOTE: The specified ratio required to remove"):
        resampled("imblearn:SMOTE,sampling_strategy=0.1", (60, 12))
    with pytest.raises(UsageError, match=r"imblearn:SMOTE: .* binary"):
        resampled("imblearn:SMOTE,sampling_strategy=0.5", (60, 12, 12))
    _, labels, _ = resampled("imblearn:SMOTE,sampling_strategy=0.5", (60, 12))
    assert np.bincount(labels).tolist() == [60, 30]


def test_what_a_sampler_says_of_images_that_it_cannot_use_is_a_sentence():
    (part,) = parse_recipe("imblearn:ADASYN").parts
    x = np.repeat([[0.0], [99.0]], [60, 12], axis=0).astype(np.float32)
    x += np.arange(72, dtype=np.float32)[:, None] / 100
    part.notes_ = []
    with pytest.raises(UsageError, match=r"^ADASYN cannot resample these images: Not any"):
        part.resample(Examples(x), np.repeat([0, 1], [60, 12]), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("recipe", "note"),
    [
        ("ADASYN", "ADASYN's n_neighbors lowered from 5 to 4: the smallest class has 5 images"),
        ("ADASYN,n_neighbors=2", None),
        ("SMOTE", "SMOTE's k_neighbors lowered from 5 to 4: the smallest class has 5 images"),
        ("SMOTEENN", "SMOTEENN's k_neighbors lowered from 5 to 4: the smallest class has 5 images"),
        (
            "NearMiss,n_neighbors=9",
            "NearMiss's n_neighbors lowered from 9 to 5: the smallest class has 5 images",
        ),
    ],
)
def test_neighbours_are_lowered_to_what_there_is_and_the_record_says_so(recipe, note):
    _, _, notes = resampled(f"imblearn:{recipe}", (60, 5))
    assert [text for text in notes if "lowered" in text] == ([] if note is None else [note])


def test_weights_go_with_selected_images_and_their_loss_is_noted():
    weights = np.linspace(1, 2, 72)
    kept, labels, notes = resampled("imblearn:RandomUnderSampler", (60, 12), weights)
    assert notes == []
    assert kept.weights[labels == 1].tolist() == weights[60:].tolist()
    assert set(kept.weights[labels == 0]) <= set(weights[:60])
    made, _, notes = resampled("imblearn:SMOTE", (60, 12), weights)
    assert made.weights is None
    assert notes == ["SMOTE makes new images, so the images' weights are lost"]


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("imblearn:SMOTE", "imblearn:sampler=SMOTE"),
        ("imblearn:SMOTE,k_neighbors=5", "imblearn:sampler=SMOTE"),
        ("imblearn:KMeansSMOTE,k_neighbors=5", "imblearn:sampler=KMeansSMOTE"),
        (
            "imblearn:SMOTE,k_neighbors=3.0,sampling_strategy=0.50",
            "imblearn:sampler=SMOTE,sampling_strategy=0.5,k_neighbors=3",
        ),
        ("imblearn:NearMiss,version=1,n_neighbors=2", "imblearn:sampler=NearMiss,n_neighbors=2"),
    ],
)
def test_there_is_one_way_to_write_it(written, stored):
    assert str(parse_recipe(written)) == stored
    assert str(parse_recipe(stored)) == stored
    (part,) = parse_recipe(stored).parts
    assert clone(part).get_params() == part.get_params()
