"""AUG from end to end: its fakes, what is shared, what is kept, and which images it takes."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from imbench.constraints import number
from imbench.errors import Diverged, UsageError
from imbench.files import checkpoint
from imbench.methods._pair import GeneratorPair
from imbench.methods.aug import Augmented
from imbench.training.checks import check_part
from imbench.training.examples import Examples
from imbench.training.method import Method
from imbench.training.part import Context, begin_fit
from imbench.training.recipe import parse_recipe

SMALL = "steps=6,batch=2,width=4,blocks=1,layers=1,patch_width=4"


def images(*counts, seed=0):
    """Return noise that is brighter with the label."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    x = rng.integers(0, 80, (len(y), 8, 8, 3)) + 60 * y[:, None, None, None]
    return x.astype(np.uint8), y


def resampled(recipe, counts, **context):
    (part,) = parse_recipe(recipe).parts
    begin_fit(part, Context(**{"steps": 3, **context}))
    x, y = images(*counts)
    changed, labels = part.resample(Examples(x), y, np.random.default_rng(0))
    return part, changed, labels


def fitted(recipe, counts=(20, 6), **options):
    given = {"network": "linear", "steps": 4, "batch_size": 8, "augment": "none", **options}
    return Method(recipe, **given).fit(*images(*counts))


@pytest.mark.parametrize(
    "recipe",
    [f"aug:gamma=ir,variant=a2b,filter=0.3,ema=0.9,{SMALL}", f"us+aug:{SMALL}+cbl:beta=0.999+ts"],
)
def test_the_contract(recipe):
    check_part(recipe)


@pytest.mark.parametrize(
    ("options", "counts", "expected"),
    [
        ("variant=both", (20, 6), (26, 26)),
        ("variant=a2b", (20, 6), (20, 20)),
        ("variant=a2b,ratio=0.5", (20, 6), (20, 13)),
        ("variant=a2b,ratio=9", (20, 6), (20, 26)),
        ("variant=both", (20, 6, 4), (30, 26, 24)),
        # Of equal counts both ways make the set more diverse; there is nothing to fill up.
        ("variant=both", (7, 7), (14, 14)),
        ("variant=a2b", (7, 7), (7, 7)),
    ],
)
def test_how_many_fakes_there_are(options, counts, expected):
    part, changed, labels = resampled(f"aug:{options},{SMALL}", counts)
    assert np.bincount(labels).tolist() == list(expected)
    assert len(changed) == len(labels)
    real = sum(counts)
    assert part.fake_.tolist() == [False] * real + [True] * (len(labels) - real)
    assert (changed.take(np.arange(real)) == images(*counts)[0]).all()


def test_the_fakes_are_what_the_trained_generators_make(tmp_path):
    part, changed, labels = resampled(f"aug:{SMALL}", (20, 6), folder=tmp_path)
    x, y = images(20, 6)
    pair = GeneratorPair(x[y == 0], x[y == 1], part.gan_settings, part.context_)
    pair.load(checkpoint.load_tensors(tmp_path / part.kept_["generator-1"]))
    made = changed.take(np.arange(26, 52))
    assert (made[:20] == pair.translate(x[y == 0], to_minority=True)).all()
    assert (made[20:] == pair.translate(x[y == 1], to_minority=False)).all()
    assert labels[26:].tolist() == [1] * 20 + [0] * 6


def test_each_minority_has_a_pair_of_its_own_with_the_majority(tmp_path):
    part, *_ = resampled(f"aug:{SMALL}", (20, 6, 4), folder=tmp_path)
    assert set(part.kept_) == {"generator-1", "generator-2"}
    assert set(part.artifacts_) == {
        f"{what}-{label}.png" for what in ("samples", "losses") for label in (1, 2)
    }
    assert part.cost_["generator_steps"] == 12
    assert part.cost_["generator_images"] == 2 * 12 * 2
    assert part.cost_["generator_seconds"] > 0
    assert len({path.name for path in tmp_path.glob("*-6.pt")}) == 2


def test_generators_train_for_twice_the_classifiers_steps_by_default():
    assert parse_recipe("aug").parts[0].gan_settings.steps == 200
    part, *_ = resampled("aug:batch=1,width=4,blocks=1,patch_width=4", (8, 3), steps=2)
    assert part.cost_["generator_steps"] == 4


def test_recipes_that_share_generators_train_them_once(tmp_path):
    recipes = [
        f"aug:{SMALL}",
        f"aug:{SMALL}+cbl:beta=0.999",
        f"aug:{SMALL}+ts",
        f"aug:gamma=ir,{SMALL}",
        f"aug:filter=0.2,kappa=0.5,{SMALL}",
        f"aug:variant=a2b,{SMALL}",
    ]
    first, *others = [fitted(recipe, keep=tmp_path) for recipe in recipes]
    assert first.cost_["generator_reused"] == 0
    assert [other.cost_["generator_reused"] for other in others] == [1] * 5
    assert {other.kept_["generator-1"] for other in others} == {first.kept_["generator-1"]}
    assert all(
        other.cost_["generator_seconds"] == first.cost_["generator_seconds"] for other in others
    )
    # Shared or trained anew, the scores are the same.
    x, _ = images(20, 6)
    alone = fitted(recipes[1])
    assert alone.cost_["generator_reused"] == 0
    assert (alone.predict_proba(x) == others[0].predict_proba(x)).all()


@pytest.mark.parametrize("change", ["da=true", "lr=0.001", "ema=0.9", "gan=bce"])
def test_other_generators_are_trained_for_themselves(tmp_path, change):
    fitted(f"aug:{SMALL}", keep=tmp_path)
    assert fitted(f"aug:{change},{SMALL}", keep=tmp_path).cost_["generator_reused"] == 0


def test_aug_da_is_aug_with_augmented_discriminators(tmp_path):
    assert not parse_recipe("aug").parts[0].gan_settings.da
    assert parse_recipe("aug-da").parts[0].gan_settings.da
    assert not parse_recipe("aug-da:da=false").parts[0].gan_settings.da
    one = fitted(f"aug-da:{SMALL}", keep=tmp_path)
    other = fitted(f"aug:da=true,{SMALL}", keep=tmp_path)
    assert other.cost_["generator_reused"] == 1
    x, _ = images(20, 6)
    assert (one.predict_proba(x) == other.predict_proba(x)).all()


def test_the_faithful_method_has_no_remedies():
    part = parse_recipe("aug").parts[0]
    settings = part.gan_settings
    assert (settings.da, settings.ema, part.filter, part.kappa) == (False, 0.0, 0.0, 0.25)
    assert (settings.gan, settings.pool) == ("lsgan", 50)
    paper = replace(settings, design="paper").chosen(256)
    assert (paper.lr, paper.cycle, paper.identity) == (2e-4, 10, 5)


@pytest.mark.parametrize(
    ("recipe", "share"), [("aug", 0.5), ("aug:gamma=ir", 0.5), ("aug+cs", 22 / 30)]
)
def test_the_priors_are_those_of_the_sampler(recipe, share):
    name, *others = recipe.split("+")
    name += ("," if ":" in name else ":") + SMALL
    method = fitted("+".join([name, *others]), (22, 8))
    kappa = 0.1
    expected = share if share == 0.5 else (22 + kappa * 8) / (30 + kappa * 30)
    assert method.priors_[0] == pytest.approx(expected)
    assert method.counts_.tolist() == [22, 8]


@pytest.mark.curves
def test_what_the_pictures_show(tmp_path):
    part, *_ = resampled(f"aug:{SMALL}", (20, 6), folder=tmp_path)
    grid = Image.open(io.BytesIO(part.artifacts_["samples-1.png"]))
    # Six rows of ten: a, G_AB(a), back; b, G_BA(b), back; eight times enlarged, two pixels apart.
    # Below them two lines with the errors of what came back.
    assert grid.size == (10 * 66, 6 * 66 + 2 * 14)
    pixels = np.asarray(grid)
    assert (pixels[6 * 66 :].min(axis=(1, 2)) < 128).sum() >= 2 * 5
    x, y = images(20, 6)
    assert (pixels[:64:8, :64:8] == x[y == 0][0]).all()
    assert (pixels[3 * 66 : 3 * 66 + 64 : 8, 66 : 66 + 64 : 8] == x[y == 1][1]).all()
    assert (pixels[3 * 66 : 4 * 66, 6 * 66 :] == 255).all()
    curves = Image.open(io.BytesIO(part.artifacts_["losses-1.png"]))
    assert curves.size == (600, 350)


def test_grey_images():
    x, y = images(20, 6)
    method = Method(f"aug:{SMALL}", network="linear", steps=3, batch_size=4, augment="none")
    assert method.fit(x[..., :1], y).predict_proba(x[..., :1]).shape == (26, 2)


def test_smote_before_it_gives_the_generators_more_to_see():
    method = fitted(f"smote:k_neighbors=3+aug:{SMALL}", (20, 6))
    assert method.sampled_counts_[0] == method.sampled_counts_[1]


def test_rows_of_features_cannot_be_translated():
    with pytest.raises(UsageError, match="AUG translates images, not rows of features"):
        Method(f"aug:{SMALL}", network="linear", steps=2).fit(
            np.random.default_rng(0).random((20, 5), np.float32), np.arange(20) % 2
        )


def test_images_too_small_for_the_discriminator_are_refused():
    with pytest.raises(UsageError, match="too small for a discriminator of 2 strided layers"):
        fitted("aug:layers=2,steps=2")


def test_generators_that_diverge_end_the_training_with_their_step(monkeypatch):
    # A rate that is allowed diverges too, but not within seconds.
    monkeypatch.setattr(Augmented, "constraints", {**Augmented.constraints, "lr": number(0)})
    with pytest.raises(Diverged, match=r"^generator loss is not finite at step \d+$"):
        fitted(f"aug:lr=1e25,{SMALL}")


def test_a_filter_that_nothing_passes_leaves_the_real_images():
    method = fitted(f"aug:filter=1,{SMALL}", steps=10, network="cnn:width=2")
    (note,) = [note for note in method.notes_ if "teacher" in note]
    assert note == "the teacher left out 100.0% of the fakes it judged"
