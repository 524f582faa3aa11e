"""Any sampler of imbalanced-learn as a part: Lemaitre et al. 2017, JMLR 18(17)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import LOOSE, Constraint
from imbench.errors import UsageError
from imbench.spec import check_options, unknown_name
from imbench.training.examples import Examples
from imbench.training.part import Part

__all__ = ["ImblearnSampler"]

OURS = ("random_state", "n_jobs")
"""Parameters of samplers that the replicate's seed and the threads of a run decide."""
HIGHEST = 1e6
"""Largest number that a parameter may be; the samplers' own ranges have no end."""
K_NEIGHBORS = 5
"""Neighbours where a sampler takes `k_neighbors` and none are given, KMeansSMOTE included."""
OF_SMALLEST: Mapping[str, tuple[str, ...]] = {
    "ADASYN": ("n_neighbors",),
    "InstanceHardnessThreshold": ("cv",),
    "NearMiss": ("n_neighbors", "n_neighbors_ver3"),
}
"""Beside `k_neighbors`: parameters that the size of the smallest class bounds, by sampler."""
OTHERS_INCLUDED = ("NearMiss", "InstanceHardnessThreshold")
"""Samplers that need no image more than that in the smallest class."""


def _sampler_named(value: object) -> object:
    if value not in _samplers():
        raise unknown_name("imbalanced-learn sampler", str(value), _samplers())
    return value


class ImblearnSampler(Part):
    """Resample flattened float images with a sampler of imbalanced-learn.

    Parameters
    ----------
    sampler : str
        Class name in ``imblearn.over_sampling``, ``under_sampling`` or ``combine``, e.g.
        ``BorderlineSMOTE``.
    **options
        What the sampler itself takes, such as `k_neighbors`, `n_neighbors` or `sampling_strategy`,
        within its own ranges. The seed is the replicate's.

    Notes
    -----
    The training set is replaced by what ``fit_resample`` returns for images flattened to floats in
    [0, 1]; labels, losses and prediction stay as they are. Images are held as float32, 0.5 GB for
    10,000 of 64 px, and the samplers need several times that. Distances between pixels say little
    about the content of large images. Neighbours are lowered to what the smallest class has, with a
    note. Weights of images go with those that a sampler selects; one that makes new images loses
    them, with a note. So does a sampler that leaves the classes unequal, as BorderlineSMOTE does
    where no image is in danger.

    References
    ----------
    Lemaître, Nogueira and Aridas 2017, "Imbalanced-learn: a Python toolbox to tackle the curse of
    imbalanced datasets in machine learning", JMLR 18(17), https://jmlr.org/papers/v18/16-365.html.

    Examples
    --------
    Tomek links are pairs of nearest neighbours of different classes: their majority image goes.

    >>> import numpy as np
    >>> from imbench import Examples
    >>> x = np.array([[0], [1], [2], [8], [9], [20]], np.float32)
    >>> y = np.array([0, 0, 0, 0, 1, 1])
    >>> part = ImblearnSampler("TomekLinks")
    >>> part.notes_ = []
    >>> kept, labels = part.resample(Examples(x), y, np.random.default_rng(0))
    >>> np.asarray(kept).ravel(), part.notes_
    (array([ 0.,  1.,  2.,  9., 20.], dtype=float32), ['TomekLinks left the classes at [3, 2]'])
    """

    constraints: ClassVar = {"sampler": Constraint("a sampler of imbalanced-learn", _sampler_named)}

    def __init__(self, sampler: str, **options: Any) -> None:
        self.sampler = sampler
        for name, value in options.items():
            setattr(self, name, value)

    @classmethod
    def constraints_for(cls, given: Mapping[str, object]) -> dict[str, Constraint]:
        """Return what the parameters may be: those of the sampler are its own."""
        if "sampler" not in given:
            return dict.fromkeys(given, LOOSE)
        name = str(_sampler_named(given["sampler"]))
        known = _defaults(name)
        check_options(f"imblearn:{name}", given, ["sampler", *known])
        return {**cls.constraints, **{key: _own_range(name, key) for key in known}}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the sampler and what was given to it."""
        return {key: value for key, value in vars(self).items() if not key.endswith("_")}

    def defaults(self) -> dict[str, Any]:
        """Return the parameters of the sampler with their defaults."""
        return {"sampler": None, **_defaults(self.sampler)}

    def foresee(self, counts: NDArray[np.int64], shape: tuple[int, ...]) -> None:
        """Refuse a `sampling_strategy` that these counts do not allow."""
        from imblearn.utils import check_sampling_strategy

        maker = _samplers()[self.sampler]
        strategy = self.get_params().get("sampling_strategy", "auto")
        labels = np.repeat(np.arange(len(counts)), counts)
        try:
            check_sampling_strategy(strategy, labels, maker._sampling_type)
        except ValueError as error:
            raise UsageError(f"imblearn:{self.sampler}: {error}") from error

    def resample(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Return materialised examples; images as float32 in 0..255."""
        sampler = self._made(np.bincount(y), rng)
        try:
            points, labels = sampler.fit_resample(x.flat(), y)
        except (ValueError, RuntimeError) as error:
            text = " ".join(str(error).split())
            raise UsageError(f"{self.sampler} cannot resample these images: {text}") from error
        if len(np.unique(np.bincount(labels))) > 1:
            self.notes_.append(f"{self.sampler} left the classes at {np.bincount(labels).tolist()}")
        shape = (len(points), *x.pixels.shape[1:])
        scale = 255 if x.pixels.dtype == np.uint8 else 1
        pixels = (points * np.float32(scale)).reshape(shape).astype(np.float32)
        return Examples(pixels, weights=self._weights(x, sampler)), labels

    def _weights(self, x: Examples, sampler: Any) -> NDArray[np.float64] | None:
        """Return the weights of the images that the sampler selected."""
        selected = getattr(sampler, "sample_indices_", None)
        if x.weights is None:
            return None
        if selected is None:
            self.notes_.append(f"{self.sampler} makes new images, so the images' weights are lost")
            return None
        return np.asarray(x.weights[selected], np.float64)

    def _made(self, counts: NDArray[np.int64], rng: np.random.Generator) -> Any:
        """Return the sampler, with as many neighbours as there are."""
        maker = _samplers()[self.sampler]
        accepted = inspect.signature(maker).parameters
        options = {**_defaults(self.sampler), **self.get_params()}
        del options["sampler"]
        if "random_state" in accepted:
            options["random_state"] = int(rng.integers(2**31))
        for name, value in options.items():
            options[name] = self._lowered(name, value, counts)
        if "smote" in accepted:
            smote = self._lowered("k_neighbors", K_NEIGHBORS, counts)
            if smote < K_NEIGHBORS:
                given = {key: options[key] for key in ("sampling_strategy", "random_state")}
                options["smote"] = _samplers()["SMOTE"](k_neighbors=smote, **given)
        return maker(**options)

    def _lowered(self, name: str, value: Any, counts: NDArray[np.int64]) -> Any:
        """Return a number of neighbours, lowered to what there is; other values as they are."""
        if not isinstance(value, int) or isinstance(value, bool):
            return value
        if name == "k_neighbors" or name in OF_SMALLEST.get(self.sampler, ()):
            most, what = int(counts.min()), f"the smallest class has {counts.min()} images"
        elif name.endswith("neighbors"):
            most, what = int(counts.sum()), f"there are {counts.sum()} images"
        else:
            return value
        most -= self.sampler not in OTHERS_INCLUDED
        if value <= most:
            return value
        self.notes_.append(f"{self.sampler}'s {name} lowered from {value} to {most}: {what}")
        return most


def _own_range(sampler: str, key: str) -> Constraint:
    """Return the constraint to what a sampler takes for one of its parameters."""

    def take(value: object) -> object:
        found = LOOSE.take(value)
        if isinstance(found, int | float) and abs(found) > HIGHEST:
            raise ValueError
        try:
            _samplers()[sampler](**{key: found})._validate_params()
        except ValueError as error:  # of sklearn, which names parameter, sampler and range
            raise UsageError(f"imblearn: {' '.join(str(error).split())}") from error
        return found

    return Constraint(f"what {sampler} takes, and no number beyond {HIGHEST:.0f}", take)


@cache
def _defaults(sampler: str) -> dict[str, Any]:
    """Return the parameters of a sampler that may be given, with their defaults."""
    parameters = inspect.signature(_samplers()[sampler]).parameters
    given = {key: parameter.default for key, parameter in parameters.items() if key not in OURS}
    return given | {key: K_NEIGHBORS for key in given if key == "k_neighbors"}


@cache
def _samplers() -> dict[str, Any]:
    """Return the samplers by name; those that need to know more than images are left out."""
    from imblearn import combine, over_sampling, under_sampling

    modules = (over_sampling, under_sampling, combine)
    found = {name: getattr(module, name) for module in modules for name in module.__all__}
    return {
        name: maker
        for name, maker in found.items()
        if all(p.default is not p.empty for p in inspect.signature(maker).parameters.values())
    }
