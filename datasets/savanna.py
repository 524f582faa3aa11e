"""Solid against striped animals on grass or sand, drawn by rule: any count, any size, any bias."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError
from imbench.images.dataset import Dataset, Listing
from imbench.images.options import DatasetOptions
from imbench.spec import Value

__all__ = ["Savanna", "draw"]

CLASSES = ("solid", "striped")
_NUMBERS = 24
_LIMIT = 8 << 30
_LEGS = (-0.38, -0.25, 0.22, 0.36)
_GRASS, _SAND = np.array([92.0, 148.0, 66.0]), np.array([206.0, 178.0, 128.0])


class Savanna(Dataset):
    """``savanna:correlation=0.9,train=500``: drawn images with masks.

    Options: `train`, `validation`, `test` (images of each class; 500, 0, 200), `correlation` and
    `test_correlation` (of class and background, -1 to 1; 0.9 and 0: at 1 every solid animal
    stands on grass and every striped one on sand), `size` (side in pixels as drawn, 64), `seed`.
    More images leave those there are as they were.

    Notes
    -----
    Drawn by this project, under its MIT licence; nothing is downloaded, and the images are the
    same on every machine. Striped animals are the minority. In training the background tells the
    class as far as `correlation` says: a shortcut that a classifier may take. In the test split,
    which has random numbers of its own, it does not by default. A share of (1 + correlation) / 2
    of the solid animals stands on grass, of the striped ones on sand. Brightness and colour of
    the animals say nothing about the class. Object masks come with every image.

    References
    ----------
    Geirhos et al. 2020, "Shortcut learning in deep neural networks", Nature Machine Intelligence
    2, arXiv 2004.07780: the problem that this data set makes visible.

    Examples
    --------
    Which share of each class stands on grass, by the colour of a corner:

    >>> from pathlib import Path
    >>> listing = Savanna(Path(), train=40, test=40, correlation=0.9, size=16).read()
    >>> red, green, _ = listing.sources[:, 0, 0].T
    >>> for split in ("train", "test"):
    ...     for label, name in enumerate(listing.classes):
    ...         rows = (listing.splits == split) & (listing.labels == label)
    ...         print(split, name, (green > red)[rows].mean())
    train solid 0.95
    train striped 0.05
    test solid 0.5
    test striped 0.5
    """

    title = "Savanna"
    terms = "MIT, as this package"

    def __init__(self, root: Path, argument: str | None = None, /, **options: Value) -> None:
        super().__init__(root, argument)
        if argument is not None:
            raise UsageError("savanna takes no argument; write savanna:correlation=0.9")
        known = ("train", "validation", "test", "correlation", "test_correlation", "size", "seed")
        given = DatasetOptions("savanna", options, known)
        self.counts = {
            "train": given.integer("train", 500, low=1, high=1_000_000),
            "validation": given.integer("validation", 0, low=0, high=1_000_000),
            "test": given.integer("test", 200, low=1, high=1_000_000),
        }
        train = given.number("correlation", 0.9, low=-1, high=1)
        self.correlations = {
            "train": train,
            "validation": train,
            "test": given.number("test_correlation", 0.0, low=-1, high=1),
        }
        self.size = given.integer("size", 64, low=8, high=1024)
        self.seed = given.integer("seed", 0, low=0, high=2**31 - 1)
        needed = 2 * sum(self.counts.values()) * self.size**2 * 4
        if needed > _LIMIT:
            raise UsageError(f"savanna: that many images of that size take {needed >> 30} GiB")

    def read(self) -> Listing:
        """Draw all images."""
        pixels, masks, labels, splits, names = [], [], [], [], []
        for part, (split, count) in enumerate(self.counts.items()):
            for label, kind in enumerate(CLASSES):
                grass = backgrounds(count, self.correlations[split], label)
                streams = [np.random.default_rng((self.seed, part, label, i)) for i in range(count)]
                for start in range(0, count, 128):
                    some = slice(start, min(start + 128, count))
                    drawn, mask = draw(streams[some], label == 1, grass[some], self.size)
                    pixels.append(drawn)
                    masks.append(mask)
                labels += [label] * count
                splits += [split] * count
                names += [f"{split}/{kind}/{i:05d}" for i in range(count)]
        return Listing(
            classes=CLASSES,
            sources=np.concatenate(pixels),
            labels=np.array(labels, np.int64),
            splits=np.array(splits),
            names=tuple(names),
            masks=np.concatenate(masks),
        )


def backgrounds(count: int, correlation: float, label: int) -> NDArray[np.bool_]:
    """Return which images of a class lie on grass: a share of (1 + correlation) / 2 if solid.

    Spread evenly, so that the first images of any number keep that share within one image.
    """
    share = (1 + (correlation if label == 0 else -correlation)) / 2
    steps = np.floor(np.arange(count + 1) * share + 0.5)
    return np.asarray(np.diff(steps) > 0)


def draw(
    streams: list[np.random.Generator], striped: bool, grass: NDArray[np.bool_], size: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draw one image per random stream: uint8 (n, size, size, 3) and masks (n, size, size).

    Only sums, products and comparisons are used on the way to a pixel, so the images are the same
    on every machine.
    """
    numbers = np.stack([stream.random(_NUMBERS) for stream in streams])[:, :, None, None]
    noise = np.stack([stream.random((size, size)) for stream in streams])
    blots = np.stack([stream.random((8, 8)) for stream in streams])
    u, v = _animal_axes(numbers, size)
    mask = _shape(u, v)
    scene = _background(numbers, noise, blots, grass, size)
    coat = _coat(numbers, u, v, striped)
    coat = coat + 14 * (noise - 0.5)[..., None]
    image = np.where(mask[..., None], coat, scene) * (0.8 + 0.4 * numbers[:, 9, ..., None])
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), mask


def _animal_axes(
    numbers: NDArray[np.float64], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coordinates along and down the animal, in body lengths from its middle."""
    place = (np.arange(size) + 0.5) / size
    scale = 0.42 + 0.2 * numbers[:, 0]
    way = np.where(numbers[:, 1] < 0.5, -1.0, 1.0)
    x, y = 0.5 + 0.2 * (numbers[:, 2] - 0.5), 0.5 + 0.16 * (numbers[:, 3] - 0.5)
    lean = 0.3 * (numbers[:, 4] - 0.5)
    u = way * (place[None, None, :] - x) / scale
    return u, (place[None, :, None] - y) / scale + lean * u


def _shape(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.bool_]:
    body = (u / 0.5) ** 2 + (v / 0.26) ** 2 <= 1
    head = ((u - 0.66) / 0.17) ** 2 + ((v + 0.4) / 0.11) ** 2 <= 1
    neck = (np.abs(u - 0.4 + 0.45 * v) < 0.1) & (v > -0.45) & (v < 0)
    animal = body | head | neck
    for leg in _LEGS:
        animal |= (np.abs(u - leg) < 0.05) & (v > 0) & (v < 0.6)
    return np.asarray(animal)


def _coat(
    numbers: NDArray[np.float64], u: NDArray[np.float64], v: NDArray[np.float64], striped: bool
) -> NDArray[np.float64]:
    tone = 70 + 115 * numbers[:, 5]
    if striped:
        turns = (u + 0.5 * (numbers[:, 6] - 0.5) * v) * (5 + 3 * numbers[:, 7]) + numbers[:, 8]
        dark = turns - np.floor(turns) < 0.5
        # Never darker or brighter on the whole than a solid coat.
        tone = tone + np.where(dark, -1, 1) * (45 + 15 * numbers[:, 10])
    shaded = tone * (1 - 0.25 * v)
    warm = np.array([1.08, 1.0, 0.9]) + 0.1 * (numbers[:, 11:14, 0, 0] - 0.5)
    return np.asarray(shaded[..., None] * warm[:, None, None, :])


def _background(
    numbers: NDArray[np.float64],
    noise: NDArray[np.float64],
    blots: NDArray[np.float64],
    grass: NDArray[np.bool_],
    size: int,
) -> NDArray[np.float64]:
    base = np.where(grass[:, None], _GRASS, _SAND) + 24 * (numbers[:, 14:17, 0, 0] - 0.5)
    rows = np.arange(size) * 8 // size
    light = 30 * (blots[:, rows][:, :, rows] - 0.5)
    # Blades stand upright: average the noise down the columns.
    blades = sum(np.roll(noise, shift, axis=1) for shift in range(4)) / 4
    texture = np.where(grass[:, None, None], 110 * (blades - 0.5), 26 * (noise - 0.5))
    return np.asarray(base[:, None, None, :] + (light + texture)[..., None])
