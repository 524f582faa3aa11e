"""Any sampler of imbalanced-learn as a part: Lemaitre et al. 2017, JMLR 18(17)."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import TEXT, whole
from imbench.errors import UsageError
from imbench.spec import unknown_name
from imbench.training.examples import Examples
from imbench.training.part import Part

__all__ = ["ImblearnSampler"]


class ImblearnSampler(Part):
    """Resample flattened float images with a sampler of imbalanced-learn.

    Parameters
    ----------
    sampler : str
        Class name in ``imblearn.over_sampling``, ``under_sampling`` or ``combine``, e.g.
        ``BorderlineSMOTE``.
    k_neighbors : int
        Passed on where the sampler takes it.

    Notes
    -----
    The training set is replaced by what ``fit_resample`` returns for images flattened to floats in
    [0, 1]; labels, losses and prediction stay as they are. Images are held as float32, 0.5 GB for
    10,000 of 64 px, and the samplers need several times that. Distances between pixels say little
    about the content of large images. A sampler that leaves the classes unequal, as BorderlineSMOTE
    does where no image is in danger, leaves a note.

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
    >>> kept.ravel(), part.notes_
    (array([ 0.,  1.,  2.,  9., 20.], dtype=float32), ['TomekLinks left the classes at [3, 2]'])
    """

    constraints: ClassVar = {"sampler": TEXT, "k_neighbors": whole(1)}

    def __init__(self, sampler: str, k_neighbors: int = 5) -> None:
        self.sampler = sampler
        self.k_neighbors = k_neighbors

    def resample(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return materialised examples; images as float32 in 0..255."""
        points, labels = self._sampler(rng).fit_resample(x.flat(), y)
        if len(np.unique(np.bincount(labels))) > 1:
            self.notes_.append(f"{self.sampler} left the classes at {np.bincount(labels).tolist()}")
        shape = (len(points), *x.pixels.shape[1:])
        scale = 255 if x.pixels.dtype == np.uint8 else 1
        return (points * np.float32(scale)).reshape(shape).astype(np.float32), labels

    def _sampler(self, rng: np.random.Generator) -> Any:
        known = _samplers()
        if self.sampler not in known:
            raise unknown_name("imbalanced-learn sampler", self.sampler, known)
        maker = known[self.sampler]
        accepted = inspect.signature(maker).parameters
        options: dict[str, Any] = {}
        if "random_state" in accepted:
            options["random_state"] = int(rng.integers(2**31))
        if "k_neighbors" in accepted:
            options["k_neighbors"] = self.k_neighbors
        try:
            return maker(**options)
        except TypeError as error:
            raise UsageError(f"{self.sampler} cannot be used on images: {error}") from error


def _samplers() -> dict[str, Any]:
    from imblearn import combine, over_sampling, under_sampling

    modules = (over_sampling, under_sampling, combine)
    return {name: getattr(module, name) for module in modules for name in module.__all__}
