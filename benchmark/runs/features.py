"""Embed the images of a run's data sets before it trains, and say what that takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from imbench.backbones.embedded import embed_entries, is_there
from imbench.backbones.frozen import Frozen, backbone_of, frozen_backbone
from imbench.errors import UsageError
from imbench.images.cache_reader import open_decoded
from imbench.records.cell import Grid
from imbench.runs.plan import Plan
from imbench.short_names import short_names
from imbench.training.augment import steps_of

__all__ = ["embed_sources", "feature_lines"]

TOLD = 30.0
"""Seconds between two lines of progress."""


def feature_lines(plan: Plan) -> Iterator[str]:
    """Say what the backbone is, what it costs, what that leaves out, and what it has seen."""
    found = backbone_of(plan.grid.settings.network)
    if found is not None:
        frozen = frozen_backbone(plan.grid.settings.network)
        yield from _trained_lines(plan, found) if frozen is None else _frozen_lines(plan, frozen)
        yield from _overlaps(plan.grid, found)


def _trained_lines(plan: Plan, trained: Frozen) -> Iterator[str]:
    """Say how much memory the training of a whole backbone takes."""
    from imbench.training.building import layer_outputs

    settings = plan.grid.settings
    channels = max((source.channels for source in plan.sources.values()), default=3)
    try:
        numbers = layer_outputs(settings.network, (channels, settings.size, settings.size), 2)
    except UsageError:  # its code needs tensors with content
        return
    each = 4 * numbers / 1e6
    size, batch = settings.size, settings.batch_size
    yield (
        f"all of {trained.spec} is trained, from the weights {trained.digest[:8]}: a batch of "
        f"{batch} images of {size} px holds {batch * each / 1e3:.1f} GB, {each:.1f} MB each"
    )


def _frozen_lines(plan: Plan, frozen: Frozen) -> Iterator[str]:
    settings = plan.grid.settings
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


def _overlaps(grid: Grid, frozen: Frozen) -> Iterator[str]:
    """Name the data sets whose images or classes the backbone has seen."""
    from imbench.images.cache import make_dataset

    seen = frozen.backbone.seen()
    if seen is None:
        yield (
            f"what {frozen.spec} was trained on is not known: where these images or their classes "
            "were among it, scores say little of new ones"
        )
        return
    names = short_names(grid.datasets)
    for dataset in grid.datasets:
        both = set(make_dataset(dataset, Path()).overlaps) & set(seen)
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
