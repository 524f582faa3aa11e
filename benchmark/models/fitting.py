"""Fit a model to all training images of a data set: members, threshold, expected scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from imbench.backbones.embedded import embed_entries, entries_of, open_rows
from imbench.backbones.frozen import frozen_backbone
from imbench.errors import UsageError
from imbench.images.cache import cache_folder, make_dataset, prepare
from imbench.images.dataset import Decoded, Listing
from imbench.images.deep_files import settle_range
from imbench.images.validate import read_listing
from imbench.images.value_range import ValueRange
from imbench.models.core import View, view_of
from imbench.models.decision import Costs, Decision, best_threshold
from imbench.models.description import Description, Expected
from imbench.models.expected import (
    crossed_decisions,
    from_cross_validation,
    from_records,
    on_test_images,
)
from imbench.models.members import Trained, join_members, train_members
from imbench.models.model import Model
from imbench.models.seen import content_hashes, trained_on
from imbench.models.unfinished import Unfinished
from imbench.models.weights import pack, unpack
from imbench.records.cell import PROTOCOL, Settings
from imbench.records.environment import commit, describe_environment
from imbench.records.record import Record
from imbench.training.augment import steps_of
from imbench.training.cross_validation import Memory, assign_folds, cross_validated_outputs
from imbench.training.device import choose_device
from imbench.training.method import Method
from imbench.training.part import makes_images, overrides
from imbench.training.recipe import parse_recipe
from imbench.version import imbench_version

__all__ = ["FitOptions", "Fitted", "Source", "find_source", "fit", "matching", "unfinished"]


@dataclass(frozen=True)
class Source:
    """A data set to fit to: decoded, and what the decoded images lack."""

    spec: str
    decoded: Decoded
    listing: Listing
    value_range: ValueRange | None

    @property
    def view(self) -> View:
        """How an image file becomes what the network sees."""
        return view_of(self.listing, self.spec, self.decoded.train.pixels.shape[1])

    @property
    def groups(self) -> list[str]:
        """What must stay in one fold: the data set's groups, or images that look the same."""
        train = self.decoded.train
        if self.listing.groups is not None:
            of = dict(zip(self.listing.names, self.listing.groups, strict=True))
            return [str(of[name]) for name in train.names]
        return [str(number) for number in content_hashes(train.pixels).tolist()]


@dataclass(frozen=True)
class FitOptions:
    """How a model is fitted."""

    recipe: str
    settings: Settings
    members: int = 5
    folds: int = 5
    costs: Costs | None = None
    device: str = "auto"
    jobs: int = 1

    @property
    def trainings(self) -> int:
        """How many networks are trained: the members once for each fold, and once for good."""
        return self.members * (self.folds + 1)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model that is ready to be written."""

    description: Description
    weights: bytes
    thresholds: tuple[float, ...] = field(default=())
    """What each fold of the cross-validation would have chosen."""


def find_source(spec: str, *, size: int, **prepared: Any) -> Source:
    """Decode a data set and read what a model needs besides its pixels.

    `prepared` are further arguments of `imbench.prepare`.
    """
    decoded = prepare(spec, size=size, **prepared)
    listing = read_listing(make_dataset(spec, prepared["root"]), spec)
    return Source(spec, decoded, listing, settle_range(listing, spec))


def matching(records: Iterable[Record], source: Source, options: FitOptions) -> list[Record]:
    """Return the finished records of the same data, recipe and settings."""
    return [
        record
        for record in records
        if record.done
        and record.intact
        and record.cell.fingerprint == source.decoded.fingerprint
        and record.cell.recipe == options.recipe
        and record.cell.settings == options.settings
    ]


def unfinished(source: Source, options: FitOptions) -> Unfinished:
    """Return where the trainings of a fit are kept until it ends, those of earlier calls too."""
    settings, decoded = options.settings, source.decoded
    return Unfinished(
        {
            "imbench": [imbench_version(), commit(), PROTOCOL],
            "recipe": options.recipe,
            "versions": parse_recipe(options.recipe).versions,
            "settings": settings.model_dump(mode="json"),
            "data": [decoded.fingerprint, *decoded.classes],
            "view": source.view.model_dump(mode="json"),
            "groups": source.groups,
            "folds": options.folds,
            "device": [options.device, torch.cuda.is_available()],
            "environment": describe_environment(options.device, settings.threads),
        }
    )


def fit(
    source: Source,
    options: FitOptions,
    *,
    records: Sequence[Record] = (),
    tell: Callable[[], None] = lambda: None,
    memory: Memory | None = None,
) -> Fitted:
    """Train the members on all training images, and choose the threshold by cross-validation.

    Parameters
    ----------
    records : sequence of Record
        Those that `matching` returned; their scores are told beside ours.
    tell : callable
        Called after each of the `FitOptions.trainings`.
    memory : Memory, optional
        Has the trainings of an earlier call that was cut off: `unfinished`.

    Raises
    ------
    UsageError
        If the method cannot take the data, or costs are given for more than two classes.
    Diverged
        If a training does.
    """
    decoded = source.decoded
    train, classes = decoded.train, len(decoded.classes)
    if options.costs is not None and classes > 2:
        raise UsageError(f"--cost is for two classes, {source.spec} has {classes}: leave it out")
    for part in parse_recipe(options.recipe).parts:
        if overrides(part, "tune"):
            raise UsageError(
                f"a model's threshold is chosen by cross-validation already: leave {part.title} "
                f"out of {options.recipe}"
            )
        if part.needs_pixels and frozen_backbone(options.settings.network):
            raise UsageError(
                f"{part.title} cannot act on features of a frozen backbone: {part.needs_pixels}"
            )
    method = _method(options)
    folds = assign_folds(train.labels, options.folds, source.groups)
    inputs = _inputs(source, options)
    proba = cross_validated_outputs(
        method,
        inputs,
        train.labels,
        folds,
        seeds=range(options.members),
        weights=train.weights,
        jobs=options.jobs,
        tell=tell,
        memory=memory,
    )
    said, thresholds = proba.argmax(axis=1).astype(np.int64), np.empty(0)
    if classes == 2:
        said, thresholds = crossed_decisions(train.labels, proba, folds, options.costs)
    fitted: list[Trained] = []
    for one in train_members(
        method, inputs, train, decoded.classes, source.view, options.members, options.jobs, memory
    ):
        fitted.append(one)
        tell()
    core = join_members(fitted)
    seen = {"seen": torch.from_numpy(content_hashes(train.pixels))}
    weights = pack(core, [one.network for one in fitted], seen)
    decision = _decision(train.labels, proba, options.costs)
    description = Description(
        core=core,
        decision=decision,
        dataset=source.spec,
        fingerprint=decoded.fingerprint,
        trained_on=trained_on(train, classes, source.listing, source.value_range),
        train_loss=tuple(one.train_loss for one in fitted),
        folds=options.folds,
        notes=tuple(dict.fromkeys(note for one in fitted for note in one.notes)),
        environment=describe_environment(options.device, options.settings.threads),
    )
    test = decoded.test
    model = Model(description, unpack(weights, "the model")[1], device=options.device)
    expected: list[Expected] = from_cross_validation(
        train.labels,
        proba,
        said,
        options.costs,
        groups=source.groups,
        test=test.counts(classes).tolist(),
    )
    expected += from_records(records)
    expected += on_test_images(test.labels, model.predict_squares(test.pixels), decision)
    description = description.model_copy(update={"expected": tuple(expected)})
    return Fitted(description, weights, tuple(thresholds.tolist()))


def _method(options: FitOptions) -> Method:
    settings = options.settings.model_dump(exclude={"size", "code"})
    return Method(options.recipe, **settings, device=options.device)


def _inputs(source: Source, options: FitOptions) -> NDArray[Any]:
    """Return what methods are fitted on: the training images, or features of a frozen backbone.

    Pixels where a part adds images, which each training embeds together with its own.
    """
    pixels = source.decoded.train.pixels
    frozen = frozen_backbone(options.settings.network)
    if frozen is None or makes_images(parse_recipe(options.recipe).parts):
        return pixels
    views = frozen.views_of(steps_of(options.settings.augment))
    entries = entries_of(source.decoded, frozen, views, cache_folder())
    device = str(choose_device(options.device))
    embed_entries(source.decoded, frozen, entries, device=device)
    rows = [np.array(open_rows(entry)[: len(pixels)]) for entry in entries]
    return np.stack(rows, axis=1) if len(rows) > 1 else rows[0]


def _decision(
    labels: NDArray[np.int64], proba: NDArray[np.float64], costs: Costs | None
) -> Decision:
    if proba.shape[1] > 2:
        return Decision(rule="highest")
    tuned: Literal["f1", "cost"] = "f1" if costs is None else "cost"
    threshold = best_threshold(labels, proba[:, 1], costs)
    return Decision(rule="threshold", threshold=threshold, tuned_for=tuned, costs=costs)
