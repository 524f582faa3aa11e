"""Any sampler of imbalanced-learn as a part: Lemaitre et al. 2017, JMLR 18(17)."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    """

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
