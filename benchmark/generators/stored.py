"""The generators that finished cells left: found through their records, and set to work again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import DataError, UsageError
from imbench.files import checkpoint
from imbench.methods._cyclegan import CycleGAN
from imbench.methods._gan_settings import GanSettings
from imbench.methods._pair import to_pixels, to_signed
from imbench.methods._translated import TranslatedPart
from imbench.records.record import Record
from imbench.training.loop import choose_device, fixed_threads
from imbench.training.part import Context
from imbench.training.recipe import parse_recorded

__all__ = ["StoredGenerators", "Translator", "generators_left", "open_generators"]

_NAME = re.compile(r"generator-(\d+)")


@dataclass(frozen=True)
class StoredGenerators:
    """A pair of generators that a finished cell left."""

    record: Record
    label: int
    """Of the minority that the pair translates to."""
    file: str
    """Relative to the results folder."""
    samples: str
    """Picture of what they do, likewise; empty if there is none."""


class Translator:
    """A trained pair that translates images, and nothing else of its training.

    Parameters
    ----------
    gan : CycleGAN
        With trained generators.
    threads : int
        torch threads to work with.
    """

    def __init__(self, gan: CycleGAN, threads: int = 1) -> None:
        self.gan = gan
        self.threads = threads

    def __call__(self, x: NDArray[np.uint8], *, to_minority: bool, m: int = 64) -> NDArray[Any]:
        """Return images uint8 (n, height, width, channels) translated to the other class."""
        with fixed_threads(self.threads):
            pieces = [
                self.gan.translate(
                    to_signed(x[i : i + m], self.gan.device), to_minority=to_minority
                )
                for i in range(0, len(x), m)
            ]
            return np.concatenate([to_pixels(piece) for piece in pieces])


def generators_left(records: list[Record]) -> Iterator[StoredGenerators]:
    """Yield the generators that finished cells left, in the order of the records."""
    for record in records:
        if record.done:
            for name, file in record.files.items():
                if match := _NAME.fullmatch(name):
                    label = int(match[1])
                    samples = record.files.get(f"samples-{label}.png", "")
                    yield StoredGenerators(record, label, file, samples)


def open_generators(
    left: StoredGenerators, folder: Path, shape: tuple[int, ...], device: str = "auto"
) -> Translator:
    """Read a pair of generators.

    Parameters
    ----------
    left : Left
        Which.
    folder : Path
        The results folder.
    shape : (height, width, channels)
        Of the images.
    device : str
        Where they are to work.

    Raises
    ------
    DataError
        If the file is not there, lies outside the folder, or does not hold these generators.
    """
    path = folder / left.file
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{left.file} lies outside the results folder")
    content = checkpoint.load_tensors(path)
    if content is None:
        raise DataError(f"{left.file} is not there or is damaged")
    settings = _settings(left.record)
    height, width, channels = shape
    gan = CycleGAN((channels, height, width), settings, 0, choose_device(device))
    try:
        # Discriminators and what else training alone needs are not there any more, or not needed.
        nets = {name: content["gan"]["nets"][name] for name in _needed(settings)}
        gan.load({"nets": nets})
    except (KeyError, TypeError, RuntimeError) as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        raise DataError(f"{left.file} does not hold the generators: {reason}") from error
    return Translator(gan, left.record.cell.settings.threads)


def _needed(settings: GanSettings) -> tuple[str, ...]:
    return ("g_ab", "g_ba", "ema_ab", "ema_ba") if settings.ema else ("g_ab", "g_ba")


def _settings(record: Record) -> GanSettings:
    """Return how the generators of a record were trained, which says what sizes they have."""
    cell = record.cell
    try:
        parts = parse_recorded(cell.recipe).parts
    except UsageError as error:
        raise DataError(f"the method {cell.recipe!r} is not installed: {error}") from error
    for part in parts:
        if isinstance(part, TranslatedPart):
            part.context_ = Context(steps=cell.settings.steps)
            return part.gan_settings
    raise DataError(f"{cell.recipe!r} has generators that only its own part can read")
