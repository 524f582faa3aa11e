"""The counterfactual: the same object before another background, and the background alone.

What a map can only suggest this measures: how far the output moves when nothing but the context
changes. Backgrounds are other images with their own object filled in from what surrounds it, so a
control comes with them: the background of another image of the same class has every trace of the
cutting that the other class's has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from imbench.explain.trained import TrainedNetwork
    from imbench.images.dataset import Images

__all__ = ["SWAPS", "filled", "swapped", "z_of_swaps"]

SWAPS = ("other", "same", "erased")
"""Background of an image of another class, of the same class; the image without its object."""
_NONE = np.zeros(0, np.int64)


def filled(pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return an image (height, width, channels) whose object is filled in from around it.

    Each pixel of the object is the mean of the background around it, weighted by a Gaussian of a
    sixteenth of the side, or a wider one where that reaches no background.
    """
    from scipy.ndimage import gaussian_filter

    image = pixels.astype(np.float64)
    if not mask.any() or mask.all():
        return pixels
    result, missing = image.copy(), mask.copy()
    wide = pixels.shape[0] / 16
    while missing.any():
        weight = gaussian_filter((~mask).astype(np.float64), wide)
        mean = gaussian_filter(image * ~mask[..., None], (wide, wide, 0))
        # Below a thousandth the mean is of a few far pixels alone.
        reached = missing & (weight > 1e-3)
        result[reached] = mean[reached] / weight[reached][:, None]
        missing &= ~reached
        wide *= 2
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)


def swapped(
    pixels: NDArray[np.uint8],
    masks: NDArray[np.bool_],
    labels: NDArray[np.int64],
    backgrounds: NDArray[np.uint8],
    scene_labels: NDArray[np.int64] = _NONE,
) -> dict[str, NDArray[np.uint8]]:
    """Return the images of each of `SWAPS`, every array (n, height, width, channels).

    Other classes take turns as partners, and the images of each, so that all backgrounds are used
    alike. With fewer than two images of a class there is no "same", with one class no "other".

    Parameters
    ----------
    pixels, masks, labels
        Images with objects, (n, ...).
    backgrounds : uint8 array (n + m, height, width, channels)
        The same images `filled`, and m scenes: images of classes that have no object.
    scene_labels : int array (m,), optional
        The classes of the scenes.
    """
    rows = {int(label): np.flatnonzero(labels == label) for label in np.unique(labels)}
    of = np.concatenate([labels, scene_labels])
    places = {int(label): np.flatnonzero(of == label) for label in np.unique(of)}
    made = {"erased": backgrounds[: len(labels)]}
    same, other = np.empty(len(labels), np.int64), np.empty(len(labels), np.int64)
    for label, own in rows.items():
        same[own] = np.roll(own, -1)
        # Class after class would leave all but the first unused, where they are of one size.
        theirs = [there for name, there in places.items() if name != label] or [own]
        turns = [divmod(turn, len(theirs)) for turn in range(len(own))]
        other[own] = [theirs[which][place % len(theirs[which])] for place, which in turns]
    if all(len(own) > 1 for own in rows.values()):
        made["same"] = np.where(masks[..., None], pixels, backgrounds[same])
    if len(places) > 1:
        made["other"] = np.where(masks[..., None], pixels, backgrounds[other])
    return {name: made[name] for name in SWAPS if name in made}


def z_of_swaps(
    network: TrainedNetwork,
    pixels: NDArray[np.uint8],
    masks: NDArray[np.bool_],
    labels: NDArray[np.int64],
    scenes: Images | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return the probabilities (n, K) of images as they are (``plain``) and after each swap."""
    backgrounds = np.stack([*map(filled, pixels, masks), *(scenes.pixels if scenes else ())])
    changed = swapped(pixels, masks, labels, backgrounds, scenes.labels if scenes else _NONE)
    return {
        "plain": network.of_pixels(pixels),
        **{name: network.of_pixels(images) for name, images in changed.items()},
    }
