"""The generators that finished cells stored: found through their records, and loaded again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imbench.errors import DataError, UsageError
from imbench.files import checkpoint
from imbench.methods._cyclegan import CycleGAN
from imbench.methods._gan_settings import GanSettings
from imbench.methods._generator_names import minority_of
from imbench.methods._pixels import to_pixels, to_signed
from imbench.methods._stargan import StarGAN
from imbench.methods._translated import TranslatedPart
from imbench.methods.aug_star import StarAugmented
from imbench.records.record import Record
from imbench.training.device import choose_device, fixed_threads
from imbench.training.part import Context
from imbench.training.recipe import parse_recorded

__all__ = ["StoredGenerators", "Translator", "load_generators", "stored_generators"]

FIRST_LAYER = "body.0.weight"
PAPERS_KERNEL = 7
"""Side of the first layer's kernel in the paper's design; the other's is 3."""


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


class Generators(Protocol):
    """What translates between the majority and a minority."""

    device: torch.device

    def translate(self, x: Tensor, *, to_minority: bool) -> Tensor:
        """Return images (m, ...) in [-1, 1] translated to the other class."""
        ...


class OfAllClasses:
    """A generator of all classes, between the majority and one minority.

    Parameters
    ----------
    gan : StarGAN
        With a trained generator.
    label : int
        Of the minority; the majority's is 0.
    """

    def __init__(self, gan: StarGAN, label: int) -> None:
        self.gan, self.label, self.device = gan, label, gan.device

    def translate(self, x: Tensor, *, to_minority: bool) -> Tensor:
        """Return images (m, ...) in [-1, 1] translated to the other class."""
        return self.gan.translate(x, self.label if to_minority else 0)


class Translator:
    """Translates images with trained generators.

    Parameters
    ----------
    gan : Generators
        That are trained.
    threads : int
        Number of torch threads.
    """

    def __init__(self, gan: Generators, threads: int = 1) -> None:
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
                if (label := minority_of(name)) is not None:
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
    part = _part(stored.record)
    height, width, channels = shape
    sides, on = (channels, height, width), choose_device(device)
    try:
        nets = content["gan"]["nets"]
        if isinstance(part, StarAugmented):
            gan: Generators = _of_all_classes(part, nets, sides, stored.label, on)
        else:
            gan = _pair(part.gan_settings, nets, sides, on)
    except (AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        raise DataError(f"{stored.file} does not hold the generators: {reason}") from error
    return Translator(gan, stored.record.cell.settings.threads)


def _part(record: Record) -> TranslatedPart | StarAugmented:
    """Return the part of a record's recipe that has generators."""
    cell = record.cell
    try:
        recipe = parse_recorded(cell.recipe)
    except UsageError as error:
        raise DataError(f"the method {cell.recipe!r} is not installed: {error}") from error
    for part in recipe.parts:
        if isinstance(part, TranslatedPart | StarAugmented):
            part.context_ = Context(steps=cell.settings.steps)
            return part
    raise DataError(f"{cell.recipe!r} has generators that only its own part can read")


def _pair(
    settings: GanSettings,
    nets: dict[str, Any],
    shape: tuple[int, int, int],
    device: torch.device,
) -> CycleGAN:
    if settings.design == "auto":
        # What it chose depends on the version that trained them: the networks say it themselves.
        papers = nets["g_ab"][FIRST_LAYER].shape[-1] == PAPERS_KERNEL
        settings = replace(settings, design="paper" if papers else "small")
    gan = CycleGAN(shape, settings, 0, device)
    means = ("ema_ab", "ema_ba") if settings.ema else ()
    # Discriminators, which only training needs, may have been deleted.
    gan.load({"nets": {name: nets[name] for name in ("g_ab", "g_ba", *means)}})
    return gan


def _of_all_classes(
    part: StarAugmented,
    nets: dict[str, Any],
    shape: tuple[int, int, int],
    label: int,
    device: torch.device,
) -> OfAllClasses:
    # It reads a map for each class beside the image's channels.
    classes = nets["generator"][FIRST_LAYER].shape[1] - shape[0]
    if not 0 < label < classes:
        raise ValueError(f"a generator of {classes} classes has no label {label}")
    gan = StarGAN(shape, classes, part.star_settings, 0, device)
    gan.load({"nets": {"generator": nets["generator"]}})
    return OfAllClasses(gan, label)
