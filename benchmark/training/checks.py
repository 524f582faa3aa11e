"""Checks that a plug-in keeps its contract; they raise AssertionError with the broken rule.

The tests of this package use them on its own plug-ins: ``check_part("mine:strength=2")``.
"""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone

from imbench.errors import DataError, UsageError
from imbench.images.dataset import Dataset, Listing
from imbench.images.validate import validate_listing
from imbench.stats.configured import HALVES, TEST_PRIOR, evaluate
from imbench.training.building import build_network
from imbench.training.examples import Examples
from imbench.training.method import Method
from imbench.training.part import Context, Part, begin_fit, overrides
from imbench.training.recipe import parse_recipe

__all__ = ["check_dataset", "check_listing", "check_metric", "check_network", "check_part"]

COUNTS = (40, 8)
"""Images of each class in the training set of the checks."""
SIDE = 8
STEPS = 4
"""Optimiser steps of the classifier, from which parts derive those of their models."""


def check_part(recipe: str) -> None:
    """Check that the parts of a recipe keep the contract of `Part`.

    They clone, leave their input and numpy's global random state alone, are deterministic, keep
    shapes, and train to finite probabilities with two and three classes.

    Parameters
    ----------
    recipe : str
        A recipe, or ``path/to/file.py:Class``.

    Raises
    ------
    AssertionError
        Naming the rule that is broken.
    """
    parsed = parse_recipe(recipe)
    for part in parsed.parts:
        name = type(part).__name__
        _check_parameters(part, name)
        assert not overrides(part, "batches") or overrides(part, "draw"), (
            f"{name} overrides batches and not draw, from which counts and priors are computed"
        )
        _check_resample(part, name)
        _check_weights(part, name)
        _check_adjust(part, name)
    assert str(parse_recipe(str(parsed))) == str(parsed), f"{parsed} does not read back"
    for counts in (COUNTS, (*COUNTS, 5)):
        _check_training(recipe, counts)


def check_metric(metric: Any) -> None:
    """Check that a metric is finite on perfect, constant and wrong answers.

    Parameters
    ----------
    metric : callable
        From labels (n,) and probabilities (n, K) to a number, and what its ``wants`` names.

    Raises
    ------
    AssertionError
        Naming the answers on which it is not.

    Examples
    --------
    >>> from imbench import check_metric, confusion
    >>> def precision(labels, proba):
    ...     matrix = confusion(labels, proba)
    ...     return matrix[1, 1] / max(matrix[:, 1].sum(), 1)
    >>> check_metric(precision)
    """
    labels = np.array([0, 0, 0, 1, 1])
    asked = set(getattr(metric, "wants", ()))
    assert asked <= {HALVES, TEST_PRIOR}, f"the metric asks for {sorted(asked)}, which nobody gives"
    for name, chosen in (("perfect", labels), ("all majority", 0 * labels), ("wrong", 1 - labels)):
        proba = np.full((5, 2), 0.1)
        proba[np.arange(5), chosen] = 0.9
        value = evaluate(metric, labels, proba)
        assert np.ndim(value) == 0, f"the metric of {name} scores is not one number"
        assert np.isfinite(value), f"the metric of {name} scores is {value}"


def check_network(spec: str, side: int = 32) -> None:
    """Check that a network can be trained on grey and colour images, of two and three classes.

    It gives one finite logit for each image and class, leaves its input alone, starts from
    weights that torch's random state fixes, has a gradient, and scores an image alone as it does
    among others.

    Parameters
    ----------
    spec : str
        A registered name with its options, or ``path/to/file.py:function``.
    side : int, default 32
        Height and width of the images, for a network that needs larger ones.

    Raises
    ------
    AssertionError
        Naming the rule that is broken.
    """
    for channels, classes in ((1, 2), (3, 3)):
        try:
            _check_network(spec, (channels, side, side), classes)
        except UsageError as error:
            raise AssertionError(str(error)) from error


def check_dataset(dataset: Dataset) -> Listing:
    """Check that a data set reads to a consistent listing, twice the same; return it.

    Parameters
    ----------
    dataset : Dataset
        Made with a folder that holds its images.

    Raises
    ------
    AssertionError
        Naming what does not fit together, or a class without a training or test image.
    """
    first, second = dataset.read(), dataset.read()
    check_listing(first)
    assert first.names == second.names, "a second read gives other names"
    assert (first.labels == second.labels).all(), "a second read gives other labels"
    assert (first.splits == second.splits).all(), "a second read gives other splits"
    return first


def check_listing(listing: Listing) -> None:
    """Check that a listing's arrays fit together and that every class can be trained and tested."""
    try:
        validate_listing(listing, "the listing")
    except DataError as error:
        raise AssertionError(str(error)) from error
    for split in ("train", "test"):
        present = np.unique(listing.labels[listing.splits == split])
        assert len(present) == len(listing.classes), (
            f"classes {present.tolist()} of {list(listing.classes)} are in {split}"
        )


def _check_network(spec: str, shape: tuple[int, int, int], classes: int) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = build_network(spec, shape, classes)
        torch.manual_seed(0)
        other = build_network(spec, shape, classes).state_dict()
        same = all(torch.equal(value, other[name]) for name, value in net.state_dict().items())
        assert same, f"{spec} does not take its initial weights from torch's random state"
        x = torch.rand(4, *shape)
        before = x.clone()
        logits = net(x)
    assert torch.equal(x, before), f"{spec} changes the images it is given"
    assert logits.shape == (4, classes), f"{spec} gives {tuple(logits.shape)} for 4 images"
    assert torch.isfinite(logits).all(), f"{spec} gives logits that are not finite"
    assert logits.requires_grad, f"{spec} has nothing to train"
    logits.square().sum().backward()
    assert any(p.grad is not None and p.grad.any() for p in net.parameters()), (
        f"{spec} has no gradient"
    )
    net.eval()
    with torch.no_grad():
        assert torch.allclose(net(x)[:1], net(x[:1]), rtol=1e-3, atol=1e-4), (
            f"{spec} scores an image differently beside others"
        )


def _images(counts: tuple[int, ...]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return noise that is brighter for higher labels, so that a few steps separate the classes."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(len(counts)), counts)
    x = rng.integers(0, 80, size=(len(y), SIDE, SIDE, 3)) + 60 * y[:, None, None, None]
    order = rng.permutation(len(y))
    return x[order].astype(np.uint8), y[order]


def _check_parameters(part: Part, name: str) -> None:
    copy = clone(part)
    assert copy.get_params() == part.get_params(), f"{name} does not clone"
    assert vars(copy).keys() == part.get_params().keys(), f"{name}.__init__ does more than store"
    assert type(part).__doc__, f"{name} has no docstring"
    pickle.loads(pickle.dumps(part))  # noqa: S301 - our own bytes  # nosec B301


def _check_resample(part: Part, name: str) -> None:
    x, y = _images(COUNTS)
    results = []
    for _ in range(2):
        fresh = clone(part)
        begin_fit(fresh, Context(steps=STEPS))
        before, labels = x.copy(), y.copy()
        state = repr(np.random.get_state(legacy=False))
        changed, new = fresh.resample(Examples(x), y, np.random.default_rng(3))
        assert (x == before).all(), f"{name}.resample changes the images it is given"
        assert (y == labels).all(), f"{name}.resample changes the labels it is given"
        assert repr(np.random.get_state(legacy=False)) == state, (
            f"{name}.resample draws from numpy's global random state"
        )
        array = np.asarray(Examples.of(changed), np.float64)
        assert array.shape == (len(new), *x.shape[1:]), f"{name}.resample gives {array.shape}"
        assert array.min() >= 0, f"{name}.resample makes pixels below 0"
        assert array.max() <= 255, f"{name}.resample makes pixels above 255"
        assert set(np.unique(new)) == set(np.unique(y)), f"{name}.resample loses a class"
        results.append((array, new))
    same = all(np.array_equal(a, b) for a, b in zip(*results, strict=True))
    assert same, f"{name}.resample is not deterministic"


def _check_weights(part: Part, name: str) -> None:
    counts = np.asarray(COUNTS, np.float64)
    weights = clone(part).class_weights(counts, counts)
    if weights is not None:
        assert weights.shape == counts.shape, f"{name}.class_weights has shape {weights.shape}"
        assert np.isfinite(weights).all(), f"{name}.class_weights is not finite"
        assert (weights > 0).all(), f"{name}.class_weights is not above 0"


def _check_adjust(part: Part, name: str) -> None:
    logits = np.array([[2.0, -1.0], [0.0, 0.5]])
    before = logits.copy()
    adjusted = clone(part).adjust(logits, np.array([0.8, 0.2]))
    assert (logits == before).all(), f"{name}.adjust changes the logits it is given"
    assert adjusted.shape == logits.shape, f"{name}.adjust gives {adjusted.shape}"
    assert np.isfinite(adjusted).all(), f"{name}.adjust is not finite"


def _check_training(recipe: str, counts: tuple[int, ...]) -> None:
    x, y = _images(counts)
    runs = [
        Method(recipe, network="linear", steps=STEPS, batch_size=8, augment="none").fit(x, y)
        for _ in range(2)
    ]
    first, second = (run.predict_proba(x) for run in runs)
    assert first.shape == (len(y), len(counts)), f"{recipe}: probabilities {first.shape}"
    assert np.isfinite(first).all(), f"{recipe}: probabilities are not finite"
    assert (first == second).all(), f"{recipe}: two trainings with one seed differ"
