"""Embed the images of a run's data sets before it trains, and say what that takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from imbench.backbones.embedded import embed_entries, is_there
from imbench.backbones.frozen import Frozen, frozen_backbone
from imbench.images.cache_reader import open_decoded
from imbench.records.cell import Grid
from imbench.runs.plan import Plan
from imbench.spec import short_names
from imbench.training.augment import steps_of

__all__ = ["embed_sources", "feature_lines"]

TOLD = 30.0
"""Seconds between two lines of progress."""


def feature_lines(plan: Plan) -> Iterator[str]:
    """Say what the backbone is, how often it has to look at images, and what that leaves out."""
    settings = plan.grid.settings
    frozen = frozen_backbone(settings.network)
    if frozen is None:
        return
    views = {entry.view for source in plan.sources.values() for entry in source.features}
    todo = sum(
        entry.images
        for source in plan.sources.values()
        for entry in source.features
        if not is_there(entry)
    )
    yield (
        f"features of {frozen.spec}: {frozen.backbone.width} of each image at {settings.size} px, "
        f"weights {frozen.digest[:8]}; {f'{todo} images to embed' if todo else 'all embedded'}"
    )
    lost = [str(step) for step in steps_of(settings.augment) if step != "flip"]
    if lost:
        flipped = (
            "each image is embedded mirrored too, and a batch has either"
            if ("flip" in views)
            else "no view of an image is embedded but itself"
        )
        yield (f"augmentation of features: {' and '.join(lost)} cannot act on them, {flipped}")
    yield from _overlaps(plan.grid, frozen)


def _overlaps(grid: Grid, frozen: Frozen) -> Iterator[str]:
    """Name the data sets whose images or classes the backbone has seen."""
    from imbench.images.cache import make_dataset

    names = short_names(grid.datasets)
    for dataset in grid.datasets:
        both = set(make_dataset(dataset, Path()).overlaps) & set(frozen.backbone.pretrained_on)
        if both:
            yield (
                f"{names[dataset]}: {frozen.spec} was trained on {' and '.join(sorted(both))}, "
                "which holds these images or their classes: scores say little of new ones"
            )


def embed_sources(plan: Plan, device: str, *, say: Callable[[str], None]) -> None:
    """Embed what is not there yet of the data sets that trainings need.

    Raises
    ------
    UsageError
        If the backbone cannot take the images.
    EnvironmentFault
        If the features cannot be kept.
    """
    frozen = frozen_backbone(plan.grid.settings.network)
    needed = {job.training.dataset for job in plan.jobs if job.outputs is None}
    if frozen is None:
        return
    for dataset in sorted(needed):
        source = plan.sources[dataset]
        if source.folder is not None:
            telling = _Telling(dataset, sum(entry.images for entry in source.features), say)
            embed_entries(
                open_decoded(source.folder),
                frozen,
                source.features,
                device=_device(device),
                tell=telling.add,
            )


class _Telling:
    """Says now and then how far an embedding is."""

    def __init__(self, dataset: str, total: int, say: Callable[[str], None]) -> None:
        self.what, self.total, self.say = short_names([dataset])[dataset], total, say
        self.done, self.last = 0, time.monotonic()

    def add(self, images: int) -> None:
        """Count images."""
        self.done += images
        now = time.monotonic()
        if now - self.last >= TOLD:
            self.last = now
            self.say(f"      {self.what}: {self.done} of {self.total} images embedded")


def _device(name: str) -> str:
    from imbench.training.device import choose_device

    return str(choose_device(name))
