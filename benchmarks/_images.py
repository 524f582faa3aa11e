"""The same images on both sides: a folder of picture files, and the same decoded once."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from imbench.datasets.savanna import draw
from imbench.images.cache import prepare
from imbench.images.dataset import Decoded

__all__ = ["decode", "picture_folder"]

_REAL = {
    "train": {"horse": "trainA", "zebra": "trainB"},
    "test": {"horse": "testA", "zebra": "testB"},
}


def picture_folder(where: Path, *, per_class: int, test: int = 2, side: int = 128) -> str:
    """Fill ``where/train/CLASS`` and ``where/test/CLASS``, and return which pictures they are.

    Links to horse2zebra where IMBENCH_DATA has it, else JPEG files of drawn animals. The test
    folders hold `test` pictures a class, a few unless something scores.
    """
    named = os.environ.get("IMBENCH_DATA")
    real = Path(named) / "horse2zebra" if named else None
    if real is not None and real.is_dir():
        for split, classes in _REAL.items():
            for name, folder in classes.items():
                target = where / split / name
                target.mkdir(parents=True)
                count = per_class if split == "train" else test
                for file in sorted((real / folder).iterdir())[:count]:
                    (target / file.name).symlink_to(file.resolve())
        return f"horse2zebra, {per_class} a class"
    _draw_pictures(where, {"train": per_class, "test": test}, side)
    return f"drawn savanna animals as JPEG of {side} px, {per_class} a class"


def decode(where: Path, size: int) -> tuple[Decoded, float]:
    """Decode the picture folder once, and return the memory map and the seconds it took."""
    start = time.perf_counter()
    decoded = prepare(f"folder:{where}", root=where, size=size, cache=where / "cache")
    return decoded, time.perf_counter() - start


def _draw_pictures(where: Path, counts: dict[str, int], side: int) -> None:
    from PIL import Image

    for part, (split, classes) in enumerate(_REAL.items()):
        for label, name in enumerate(classes):
            target = where / split / name
            target.mkdir(parents=True)
            count = counts[split]
            for start in range(0, count, 64):
                numbers = range(start, min(start + 64, count))
                streams = [np.random.default_rng((part, label, i)) for i in numbers]
                grass = np.array([i % 2 == 0 for i in numbers])
                pixels, _ = draw(streams, label == 1, grass, side)
                for number, image in zip(numbers, pixels, strict=True):
                    Image.fromarray(image).save(target / f"{number:05d}.jpg", quality=90)
