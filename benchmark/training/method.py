"""Method: a scikit-learn classifier of images, made of parts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from imbench.backbones.frozen import Frozen, frozen_backbone
from imbench.backbones.views import PLAIN
from imbench.errors import UsageError
from imbench.given import read_values
from imbench.seeds import stream, torch_seed
from imbench.stats.resolution import constant_loss
from imbench.training.augment import Augment, built_in_steps, steps_of
from imbench.training.budget import DEFAULTS, NETWORK, SETTINGS, THREADS, Budget
from imbench.training.building import Network, build_network
from imbench.training.device import choose_device, fixed_threads, own_torch_rng
from imbench.training.examples import Examples
from imbench.training.forward import adjust_logits, forward_all, probabilities
from imbench.training.inputs import as_images, has_views, is_images, normalisation, normalised
from imbench.training.members import train_members
from imbench.training.networks import Normalise
from imbench.training.part import (
    Context,
    Part,
    begin_fit,
    is_plain_loss,
    makes_images,
    overrides,
)
from imbench.training.precision import resolved
from imbench.training.pretrained import embed_images, scales_itself
from imbench.training.recipe import Recipe, parse_recipe
from imbench.training.refit import Refit

__all__ = ["Method"]


_SETTINGS = (*(field.name for field in fields(Budget)), "threads")


class Method(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of images trained with remedies for class imbalance.

    Parameters
    ----------
    recipe : str
        Parts joined by ``+``, e.g. ``us+cs`` or ``smote:k_neighbors=3+cbl:beta=0.99``;
        ``vanilla`` is none.
    network : str, torch.nn.Module or callable, default "resnet20"
        ``resnet20``, ``cnn``, ``linear``, ``torchvision:NAME``, ``features:BACKBONE`` (a head on
        features of a frozen backbone) or ``finetune:BACKBONE``; a network of yours, which each
        fit copies and trains from the weights it has; or a function of the input's shape
        (channels, height, width) and the number of classes, which each fit calls anew.
    steps : int, default 1000
        Optimiser steps.
    batch_size : int, default 64
        Images in each step.
    lr : float, default 0.05
        Highest learning rate of SGD.
    momentum : float, default 0.9
        Of SGD.
    weight_decay : float, default 0.0002
        Of SGD, on all parameters of the network.
    warmup : float, default 0.05
        Share of the steps in which the learning rate rises to `lr`; then it falls as a cosine.
    augment : str, callable or list, default "flip+crop"
        ``flip+crop``, ``flip+crop+trivial`` (TrivialAugment besides), ``flip``, ``crop`` or
        ``none``; a function of yours on one image, uint8 (channels, height, width), or a list of
        such steps: ``["flip", jitter]``. Of features ``flip`` alone acts, where there are two
        views of each image.
    precision : {"float32", "bfloat16", "auto"}
        What the layers compute in while they train; ``auto`` is bfloat16 where the machine is
        faster with it. Scores are those of float32 within the spread of seeds, not bit for bit.
    threads : int, default 1
        Number of torch threads, on which float sums depend.
    device : str
        ``auto`` is CUDA if available.
    random_state : int
        Seed of the initial weights, the batch order, the augmentation and of what parts draw.
    geometry : {"crop", "stretch", "pad"}
        How the images to train on became squares: those that parts read from files follow it.
    keep : path, optional
        Folder in which parts store what other fits can reuse (trained generators). It has no effect
        on scores.

    Attributes
    ----------
    classes_ : array of shape (K,)
        Labels of `fit`, sorted: the columns of `logits` and `predict_proba`.
    priors_ : float array (K,)
        Shares of the classes as the training sampler yields them.
    counts_ : float array (K,)
        Images of each class that it was given.
    sampled_counts_ : float array (K,)
        Images of each class as the training sampler yields them.
    notes_ : list of str
        What differs from the request, e.g. a lowered parameter.
    artifacts_ : dict
        Files that parts produced: name to content, e.g. pictures of generated images.
    kept_ : dict
        Name to file in the folder `keep`, e.g. the trained generators.
    cost_ : dict
        ``prepare`` and ``fit`` seconds, ``steps``, ``images``, ``first_loss`` and
        ``train_loss`` (means over the first hundredth and the last tenth of the steps),
        ``zero_loss_steps`` (last steps whose mean loss is below .001), ``constant_loss`` (what the
        class shares alone give, where the loss is the weighted cross-entropy), what parts add.
    precision_ : str
        What the layers computed in, where ``auto`` was asked for.
    network_ : torch.nn.Module
        The trained network, normalisation included.
    parts_ : list of Part
        The parts of the recipe, as they trained it.
    image_shape_ : tuple of int
        Height, width and channels of the images.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench import Method
    >>> labels = np.repeat([0, 1], [60, 12])
    >>> noise = np.random.default_rng(0).integers(0, 100, (72, 8, 8))
    >>> images = (noise + 100 * labels[:, None, None]).astype(np.uint8)  # the minority is bright
    >>> method = Method("us+cs", network="linear", steps=20, augment="none", random_state=0)
    >>> method.fit(images, labels).predict(images[[0, -1]])
    array([0, 1])
    """

    def __init__(
        self,
        recipe: str = "vanilla",
        *,
        network: Network = NETWORK,
        steps: int = DEFAULTS.steps,
        batch_size: int = DEFAULTS.batch_size,
        lr: float = DEFAULTS.lr,
        momentum: float = DEFAULTS.momentum,
        weight_decay: float = DEFAULTS.weight_decay,
        warmup: float = DEFAULTS.warmup,
        augment: Augment = DEFAULTS.augment,
        precision: str = DEFAULTS.precision,
        threads: int = THREADS,
        device: str = "auto",
        random_state: int = 0,
        geometry: str = "crop",
        keep: str | Path | None = None,
    ) -> None:
        self.recipe = recipe
        self.network = network
        self.steps = steps
        self.batch_size = batch_size
        self.lr = lr
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.warmup = warmup
        self.augment = augment
        self.precision = precision
        self.threads = threads
        self.device = device
        self.random_state = random_state
        self.geometry = geometry
        self.keep = keep

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: Sequence[object] | None = None,
        *,
        features: NDArray[np.float32] | None = None,
    ) -> Self:
        """Train on images or features.

        Parameters
        ----------
        X : array of shape (n, ...)
            Images uint8 (n, height, width[, channels]); or features float (n, d), those of each
            image and of its mirror image (n, 2, d). A network ``features:BACKBONE`` embeds images.
        y : array of shape (n,)
            Labels, of two classes or more.
        sample_weight : float array (n,), optional
            Weight of each image in the loss.
        groups : sequence of n, optional
            What a part that cross-validates must not divide, such as the images of one person.
        features : float32 array (n, ...), optional
            Those that the backbone makes of `X`, where they are known.

        Returns
        -------
        Method
            Itself.

        Raises
        ------
        ValueError
            If the input is neither, or has one class only.
        UsageError
            If the recipe or network is unknown or cannot take the input, or a setting is out of
            its range.
        Diverged
            If the loss becomes NaN or infinite.
        """
        parts = [clone(part) for part in parse_recipe(self.recipe).parts]
        if (frozen := frozen_backbone(self.network)) and is_images(X):
            known = features if features is not None else self._embedded(frozen, X, training=True)
            self.image_shape_ = as_images(np.asarray(X)).shape[1:]
            X, features = (X, known) if makes_images(parts) else (known, None)
        pixels, labels = self._validate_pair(X, y)
        ranges = {name: SETTINGS[name] for name in _SETTINGS}
        read_values("Method", {name: getattr(self, name) for name in ranges}, ranges)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, pixels, dtype=np.float64)
        device = choose_device(self.device)
        folder = None if self.keep is None else Path(self.keep)
        augment = built_in_steps(self.augment)
        context = Context(
            self._seed,
            str(device),
            augment,
            self.steps,
            self.geometry,
            folder,
            tuple(np.bincount(labels).tolist()),
        )
        for part in parts:
            begin_fit(part, context)
        seed = torch_seed(self._seed, "initial weights")
        with fixed_threads(self.threads), own_torch_rng(seed, device):
            self._fit(Examples(pixels, weights=weights), labels, parts, device, features)
        self._tune(parts, pixels, labels, weights, groups)
        self.parts_ = parts
        self.notes_ = [note for part in parts for note in part.notes_]
        self.artifacts_: dict[str, bytes] = {}
        self.kept_: dict[str, str] = {}
        for part in parts:
            self.cost_ |= part.cost_
            self.artifacts_ |= part.artifacts_
            self.kept_ |= part.kept_
        return self

    def logits(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the outputs of the network (n, K), which no part has adjusted."""
        check_is_fitted(self)
        if (frozen := frozen_backbone(self.network)) and is_images(X):
            X = self._embedded(frozen, X, training=False)
        pixels = self._validate(X)
        with fixed_threads(self.threads):
            return forward_all(self.network_, pixels, next(self.network_.parameters()).device)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class, shape (n, K)."""
        logits = self.logits(X)  # before any attribute of a fit, so that a missing fit is told
        return probabilities(self.parts_, logits, self.priors_)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable label of each image, shape (n,)."""
        proba = self.predict_proba(X)
        chosen: NDArray[Any] = self.classes_[proba.argmax(axis=1)]
        return chosen

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return adjusted logits (n, K); for two classes their difference, shape (n,)."""
        logits = self.logits(X)
        scores = adjust_logits(self.parts_, logits, self.priors_)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def _tune(
        self,
        parts: list[Part],
        pixels: NDArray[Any],
        labels: NDArray[np.int64],
        weights: NDArray[np.float64] | None,
        groups: Sequence[object] | None,
    ) -> None:
        """Let a part that tunes decisions train the rest of the recipe again."""
        recipe, begun = parse_recipe(self.recipe), time.perf_counter()
        for place, part in enumerate(parts):
            if overrides(part, "tune"):
                rest = self._with(recipe.without(place))
                part.tune(self.network_, Refit(rest, pixels, labels, weights, groups))
                self.cost_["fit"] += time.perf_counter() - begun

    def _with(self, recipe: Recipe) -> Method:
        method: Method = clone(self)
        method.set_params(recipe=str(recipe))
        return method

    @property
    def _seed(self) -> int:
        # scikit-learn sets None for any seed.
        return 0 if self.random_state is None else int(self.random_state)

    def _validate_pair(self, X: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[np.int64]]:
        pixels, labels = self._validate(X, y, reset=True)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"training images of one class only ({self.classes_[0]!r}); two are needed"
            )
        return pixels, codes.astype(np.int64)

    def _validate(
        self, X: ArrayLike, y: ArrayLike | str | None = "no_validation", *, reset: bool = False
    ) -> Any:
        """Return checked images or features, and checked labels where they are given."""
        array: Any = X if hasattr(X, "ndim") else np.asarray(X)
        if reset and has_views(array):
            _, labels = validate_data(self, array[:, 0], y, reset=True, dtype=np.float32)
            return np.asarray(array, np.float32), labels
        array = array[:, 0] if has_views(array) else array
        images = array.ndim > 2
        if not images and not reset and array.shape[1:] == (getattr(self, "features_in_", 0),):
            return np.asarray(array, np.float32)
        checked = validate_data(
            self, array, y, reset=reset, allow_nd=True, dtype=None if images else np.float32
        )
        if not images:
            return checked
        if reset:
            return self._validate_images(checked[0], reset), checked[1]
        return self._validate_images(checked, reset)

    def _validate_images(self, pixels: NDArray[Any], fitting: bool) -> NDArray[np.uint8]:
        pixels = as_images(pixels)
        if fitting:
            self.image_shape_ = pixels.shape[1:]
        elif pixels.shape[1:] != self.image_shape_:
            raise ValueError(
                f"images have shape {pixels.shape[1:]}, those of fit had {self.image_shape_}"
            )
        return pixels

    def _fit(
        self,
        examples: Examples,
        labels: NDArray[np.int64],
        parts: list[Part],
        device: torch.device,
        features: NDArray[np.float32] | None = None,
    ) -> None:
        start = time.perf_counter()
        classes = len(self.classes_)
        original = np.bincount(labels, minlength=classes).astype(np.float64)
        seen = examples.pixels if features is None else features
        normalise = self._normalise(seen)
        examples, labels = self._resampled(examples, labels, parts, features)
        if frozen_backbone(self.network) and examples.pixels.ndim < 4:
            # Once, not at every step, of which it would be a tenth.
            examples, normalise.done = normalised(examples, normalise), True
        shape = examples.pixels.shape[1:]
        if has_views(examples.pixels):
            shape = shape[1:]

        def build(counts: NDArray[np.float64]) -> torch.nn.Module:
            net = build_network(self.network, (*shape[2:], *shape[:2]), classes)  # channels first
            for part in parts:
                net = part.build(net, counts)
            return torch.nn.Sequential(deepcopy(normalise), net)

        asked = {field.name: getattr(self, field.name) for field in fields(Budget)}
        self.precision_ = resolved(self.precision)
        budget = Budget(**{**asked, "precision": self.precision_})
        prepared = time.perf_counter() - start
        trained = train_members(
            build, examples, labels, original, parts, budget, device, self._seed
        )
        self.network_ = trained.network
        for module in self.network_.modules():
            if isinstance(module, Normalise):
                module.done = False
        if features is not None:  # those of images that were given: rows may be predicted too
            self.features_in_ = shape[0]
        self.counts_, self.sampled_counts_ = original, trained.counts
        self.priors_ = trained.counts / trained.counts.sum()
        self.cost_ = {**trained.cost, "prepare": prepared + trained.prepare}
        if examples.weights is None and is_plain_loss(parts):
            self.cost_["constant_loss"] = constant_loss(trained.counts, trained.class_weights)

    def _resampled(
        self,
        examples: Examples,
        labels: NDArray[np.int64],
        parts: list[Part],
        features: NDArray[np.float32] | None,
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Return the training set that the parts make of one.

        Where `features` of its images are given, the images that parts add are embedded, after the
        last part that adds any.
        """
        left = sum(part.makes_images for part in parts) if features is not None else 0
        for part in parts:
            rng = stream(self._seed, f"resample {type(part).__name__}")
            changed, labels = part.resample(examples, labels, rng)
            examples = Examples.of(changed)
            left -= part.makes_images
            if features is not None and left == 0:
                examples, features = self._with_features(examples, features), None
        return examples, labels

    def _with_features(self, examples: Examples, known: NDArray[np.float32]) -> Examples:
        """Return examples of images as examples of features, of which the first are known."""
        frozen = frozen_backbone(self.network)
        assert frozen is not None  # noqa: S101 - only then there are any
        if examples.share.any():
            raise UsageError("points between images cannot be embedded: name that part last")
        made = np.asarray(np.rint(examples.pixels[len(known) :]), np.uint8)
        rows = [known, self._embedded(frozen, made, training=True)] if len(made) else [known]
        return Examples(
            np.concatenate(rows),
            examples.first,
            examples.second,
            examples.share,
            examples.row_weights,
        )

    def _embedded(self, frozen: Frozen, X: ArrayLike, *, training: bool) -> NDArray[np.float32]:
        """Return features of images; for a training of all views that the augmentation asks for."""
        frozen.check_size(np.shape(X)[1])
        views = frozen.views_of(steps_of(self.augment)) if training else (PLAIN,)
        device = str(choose_device(self.device))
        return embed_images(frozen, as_images(np.asarray(X)), views, device=device)

    def _normalise(self, pixels: NDArray[Any]) -> Normalise:
        """Return what comes before the network."""
        if scales_itself(self.network):
            channels = pixels.shape[-1]
            return Normalise(torch.zeros(channels), torch.ones(channels))
        return normalisation(pixels)
