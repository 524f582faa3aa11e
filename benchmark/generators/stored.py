"""The generators that finished cells stored: found through their records, and loaded again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import DataError, UsageError
from imbench.files import checkpoint
from imbench.methods._cyclegan import CycleGAN
from imbench.methods._gan_settings import GanSettings
from imbench.methods._pixels import to_pixels, to_signed
from imbench.methods._translated import TranslatedPart
from imbench.records.record import Record
from imbench.training.device import choose_device, fixed_threads
from imbench.training.part import Context
from imbench.training.recipe import parse_recorded

__all__ = ["StoredGenerators", "Translator", "load_generators", "stored_generators"]

BY_DESIGN = 3
"""Version of the parts from which on their generators have a design that fits the images."""
_NAME = re.compile(r"generator-(\d+)")


@dataclass(frozen=True)
class StoredGenerators:
    """A pair of generators that a finished cell stored."""

    record: Record
    label: int
    """Label of the minority that the pair translates to."""
    file: str
    """Relative to the results folder."""
    samples: str
    """Picture of sample translations, relative likewise; empty if there is none."""


class Translator:
    """Translates images with a trained pair of generators.

    Parameters
    ----------
    gan : CycleGAN
        With trained generators.
    threads : int
        Number of torch threads.
    """

    def __init__(self, gan: CycleGAN, threads: int = 1) -> None:
        self.gan = gan
        self.threads = threads

    def __call__(self, x: NDArray[np.uint8], *, to_minority: bool, batch: int = 64) -> NDArray[Any]:
        """Return images uint8 (n, height, width, channels) translated to the other class."""
        with fixed_threads(self.threads):
            batches = (
                to_signed(x[i : i + batch], self.gan.device) for i in range(0, len(x), batch)
            )
            translated = [self.gan.translate(x, to_minority=to_minority) for x in batches]
            return np.concatenate([to_pixels(x) for x in translated])


def stored_generators(records: list[Record]) -> Iterator[StoredGenerators]:
    """Yield the generators that finished cells stored, in the order of the records."""
    for record in records:
        if record.done:
            for name, file in record.files.items():
                if match := _NAME.fullmatch(name):
                    label = int(match[1])
                    samples = record.files.get(f"samples-{label}.png", "")
                    yield StoredGenerators(record, label, file, samples)


def load_generators(
    stored: StoredGenerators, folder: Path, shape: tuple[int, ...], device: str = "auto"
) -> Translator:
    """Load a pair of generators.

    Parameters
    ----------
    stored : StoredGenerators
        The pair.
    folder : Path
        The results folder.
    shape : (height, width, channels)
        Shape of an image.
    device : str
        Device on which they translate.

    Raises
    ------
    DataError
        If the file is missing, lies outside the folder, or does not hold these generators.
    """
    path = folder / stored.file
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{stored.file} lies outside the results folder")
    content = checkpoint.load_tensors(path, own=False)
    if content is None:
        raise DataError(f"{stored.file} is missing or damaged")
    settings = _gan_settings(stored.record)
    height, width, channels = shape
    gan = CycleGAN((channels, height, width), settings, 0, choose_device(device))
    try:
        # Discriminators, which only training needs, may have been deleted.
        nets = {name: content["gan"]["nets"][name] for name in _network_names(settings)}
        gan.load({"nets": nets})
    except (KeyError, TypeError, RuntimeError) as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        raise DataError(f"{stored.file} does not hold the generators: {reason}") from error
    return Translator(gan, stored.record.cell.settings.threads)


def _network_names(settings: GanSettings) -> tuple[str, ...]:
    return ("g_ab", "g_ba", "ema_ab", "ema_ba") if settings.ema else ("g_ab", "g_ba")


def _gan_settings(record: Record) -> GanSettings:
    """Return the settings of a record's generators, which determine their sizes."""
    cell = record.cell
    try:
        recipe = parse_recorded(cell.recipe)
    except UsageError as error:
        raise DataError(f"the method {cell.recipe!r} is not installed: {error}") from error
    for name, part in zip(recipe.names, recipe.parts, strict=True):
        if isinstance(part, TranslatedPart):
            part.context_ = Context(steps=cell.settings.steps)
            settings = part.gan_settings
            # Before version 3 there was one design, and none to choose.
            old = cell.versions.get(name, BY_DESIGN) < BY_DESIGN
            return replace(settings, design="paper") if old else settings
    raise DataError(f"{cell.recipe!r} has generators that only its own part can read")
