"""What generators are worth: pure functions of what a judge says of images, and of distances.

docs/metrics.md, section "Of generators", says how to read them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Copying", "change", "copying", "flip_rate", "hit_rate"]

Features = NDArray[np.floating]
Labels = NDArray[np.integer]


class Copying(NamedTuple):
    """Whether fakes lie nearer to the training images than real images do.

    Attributes
    ----------
    fake, held_out : float
        Median distance to the nearest training image, of fakes and of held-out real images.
    ratio : float
        The first by the second: 0 for copies, about 1 for images as good as new.
    nearer : float
        Share of fakes whose nearest training image is nearer than the nearest of as many spare
        ones: 1 for copies, 0.5 on average for images as good as new.
    nearer_real : float
        The same share of the held-out real images: what chance does with this training set.
    """

    fake: float
    held_out: float
    ratio: float
    nearer: float
    nearer_real: float


def hit_rate(labels: Labels, target: int) -> float:
    """Return the share of images that a judge gives the target label.

    Of translations it is their accuracy; of real images of the target class its ceiling; of
    untranslated ones of the other class the floor.
    """
    if not len(labels):
        raise ValueError("no images to judge")
    return float(np.mean(np.asarray(labels) == target))


def flip_rate(before: Labels, after: Labels, target: int) -> float:
    """Return how many of the images not seen as the target before translation are seen so after.

    Unlike `hit_rate` it does not reward a generator for what the judge took for the target
    anyhow. 0 where there is nothing to flip.

    Parameters
    ----------
    before, after : int array (n,)
        Labels that a judge gives to images, and to their translations, in the same order.
    target : int
        Label of the class translated to.
    """
    if len(before) != len(after):
        raise ValueError(f"{len(after)} translations of {len(before)} images")
    others = np.asarray(before) != target
    return hit_rate(np.asarray(after)[others], target) if others.any() else 0.0


def change(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Return the mean absolute change of a pixel, 0 to 1: near 0 generators do nothing."""
    return float(np.abs(before.astype(np.int16) - after.astype(np.int16)).mean() / 255)


def copying(
    fakes: Features,
    training: Features,
    held_out: Features,
    spare: Features,
    rng: np.random.Generator,
    *,
    draws: int = 100,
) -> Copying:
    """Compare fakes with the minority's training images and with images of it held out.

    A low ratio may also mean that fakes are blurred or look alike. `nearer` is 0.5 for such fakes
    too, on average over training sets, since they come nearer to held-out images as well (the idea
    of Meehan et al. 2020, arXiv 2004.05675). For one small training set it is far from that also
    for real images, since few of its images are the nearest to most others: `nearer_real` says
    how far (0.38 to 0.53 with 25 zebras of three seeds, in the features of a ResNet-20).

    Parameters
    ----------
    fakes, training : float array (n, d)
        Features of generated images, and of those that the generators saw.
    held_out : float array (n, d)
        Of real images that nothing was trained on; `Copying.ratio` compares fakes with them.
    spare : float array (n, d)
        Of real images that are to the features what `training` is (a network learnt from both, or
        from neither) and that the generators did not see; for `Copying.nearer`.
    rng : Generator
        Draws equal numbers of training and spare images.
    draws : int
        How often it does.
    """
    own, others = _distances(fakes, training), _distances(fakes, spare)
    real_own, real_others = _distances(held_out, training), _distances(held_out, spare)
    fake, real = float(np.median(own.min(axis=1))), float(np.median(real_own.min(axis=1)))
    size = min(len(training), len(spare))
    shares, controls = [], []
    for _ in range(draws):
        first, second = _some(rng, training, size), _some(rng, spare, size)
        shares.append(_share_nearer(own[:, first], others[:, second]))
        controls.append(_share_nearer(real_own[:, first], real_others[:, second]))
    ratio = fake / real if real > 0 else float(fake > 0)
    return Copying(fake, real, ratio, float(np.mean(shares)), float(np.mean(controls)))


def _share_nearer(own: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    first, second = own.min(axis=1), others.min(axis=1)
    return float(np.mean((first < second) + 0.5 * (first == second)))


def _some(rng: np.random.Generator, items: Features, size: int) -> NDArray[np.int64]:
    return rng.choice(len(items), size, replace=False)


def _distances(x: Features, y: Features) -> NDArray[np.float64]:
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    squares = (x**2).sum(axis=1)[:, None] - 2 * x @ y.T + (y**2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(squares, 0)))
