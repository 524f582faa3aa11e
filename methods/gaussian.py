"""Images from a normal distribution, through AUG's second stage: what a generator has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import whole
from imbench.errors import UsageError
from imbench.methods._joint import JointPart
from imbench.training.examples import Examples

__all__ = ["Gaussian", "draw_like"]

BLOCK = 256
"""Images drawn at a time: as floats, 256 of 128 px with three colours take 0.1 GB."""


@dataclass(eq=False, repr=False)
class Gaussian(JointPart):
    """Add images drawn from a normal distribution with a minority's mean and covariance.

    Parameters
    ----------
    images : int
        Images drawn of each minority; 0 draws as many as the majority has, which is what AUG
        translates.
    gamma, kappa, filter, beta, summed
        See `imbench.methods.aug.Augmented`.

    Notes
    -----
    With the n images x_i of a minority, their mean m and n independent standard normal numbers z_i,

        x_new = m + sum_i z_i (x_i - m) / sqrt(n - 1)

    has mean m and the covariance of the class, without computing it. The new images lie in the
    plane through those there are; pixels are rounded and cut to 0..255. They are clouds of colour:
    they know which pixels go together, and nothing of shapes. They take the place of the fakes in
    the classifier's loss of AUG, with the same sampler, weights and steps, so that a generator
    which does no better has taught the classifier no more than two moments say. On features of a
    backbone, features are drawn.

    References
    ----------
    Yang, Liu and Xu 2021, "Free lunch for few-shot learning: distribution calibration", ICLR,
    arXiv 2101.06395, draw features so, with a covariance borrowed from other classes.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench import Method
    >>> x, y = np.zeros((13, 8, 8, 3), np.uint8), np.repeat([0, 1], [10, 3])
    >>> x[y == 1] = np.array([90, 100, 110])[:, None, None, None]
    >>> method = Method("gaussian", network="linear", steps=1, device="cpu").fit(x, y)
    >>> print(method.counts_, method.priors_)
    [10.  3.] [0.5 0.5]
    """

    version: ClassVar[int] = 1
    title: ClassVar[str] = "Gaussian"

    images: int = 0
    gamma: float | str = 1.0
    kappa: float | None = None
    filter: float = 0.0
    beta: float = 0.999
    summed: bool = False

    constraints: ClassVar = {"images": whole(0, 1_000_000), **JointPart.constraints}

    def foresee(self, counts: NDArray[np.int64], shape: tuple[int, ...]) -> None:
        """Refuse a minority of one image, which has no covariance."""
        super().foresee(counts, shape)
        _check_enough(counts)

    def resample(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Draw images of every class but the largest, and add them under its label."""
        x, y = self._without_held(x, y, rng)
        _check_enough(np.bincount(y))
        made, labels = [x.take(np.arange(0))], [np.empty(0, np.int64)]
        for label, count in enumerate(np.bincount(y)):
            if label == self.majority_ or not count:
                continue
            wanted = self.images or int((y == self.majority_).sum())
            own = x.take(np.flatnonzero(y == label))
            made.append(draw_like(own, wanted, rng, as_pixels=x.pixels.dtype == np.uint8))
            labels.append(np.full(wanted, label))
        return self._join(x, y, Examples(np.concatenate(made)), np.concatenate(labels))


def _check_enough(counts: NDArray[np.int64]) -> None:
    for label in np.flatnonzero(counts == 1):
        raise UsageError(
            f"gaussian needs at least 2 images of a class, to see how they differ; class {label} "
            f"has 1"
        )


def draw_like(
    points: NDArray[np.generic], n: int, rng: np.random.Generator, *, as_pixels: bool
) -> NDArray[np.generic]:
    """Draw n points from a normal distribution with the mean and covariance of others.

    Parameters
    ----------
    points : array (m, ...)
        Images or features, at least two.
    n : int
        How many to draw.
    rng : Generator
        Where the random numbers come from.
    as_pixels : bool
        Whether to round to uint8, cut to 0..255; otherwise float32.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> drawn = draw_like(np.array([[0.0, 5.0], [2.0, 5.0]]), 10_000, rng, as_pixels=False)
    >>> print(drawn.mean(0).round(1), drawn.var(0).round(1))
    [1. 5.] [2. 0.]
    """
    mean = points.mean(0, dtype=np.float64)
    spread = (points - mean).astype(np.float32) / np.float32((len(points) - 1) ** 0.5)
    blocks = []
    for start in range(0, n, BLOCK):
        z = rng.standard_normal((min(BLOCK, n - start), len(points)), np.float32)
        block = mean.astype(np.float32) + np.tensordot(z, spread, 1)
        blocks.append(block.clip(0, 255).round().astype(np.uint8) if as_pixels else block)
    return np.concatenate(blocks)
