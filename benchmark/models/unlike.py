"""Images that differ from what a model was trained on: counted, and told in notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from imbench.models.description import TrainedOn
from imbench.models.predicting import Prediction

__all__ = ["Unlike"]

_SOME = 1.05
"""Sides that are longer or shorter by less count as the same."""


class Unlike:
    """Counts predictions of images that are not like the training images.

    Parameters
    ----------
    seen : TrainedOn or None
        What those were like; None if that is unknown.
    """

    def __init__(self, seen: TrainedOn | None) -> None:
        self.seen = seen
        self.counts: Counter[str] = Counter()

    def count(self, one: Prediction) -> None:
        """Look at a prediction."""
        self.counts["all"] += 1
        self.counts["in training"] += one.in_training
        self.counts["clipped"] += one.properties.clipped
        self.counts["grey"] += one.grey
        if self.seen is None:
            return
        short = min(one.properties.width, one.properties.height)
        long = max(one.properties.width, one.properties.height)
        self.counts["smaller"] += short * _SOME < self.seen.short_side[0]
        self.counts["larger"] += long > self.seen.long_side[1] * _SOME
        self.counts["deep"] += one.properties.bits > 8
        low, high = self.seen.brightness
        self.counts["darker"] += one.brightness < low
        self.counts["brighter"] += one.brightness > high

    @property
    def notes(self) -> Iterator[str]:
        """Say what was found, a line for each kind; nothing where all is as in training."""
        found, every = self.counts, self.counts["all"]
        if found["in training"]:
            yield (
                f"{found['in training']} of {every} images look to the network exactly like images "
                "it was trained on: they say nothing about how good it is"
            )
        if found["clipped"]:
            yield (
                f"{found['clipped']} of {every} images have values beyond the range of training, "
                "which were cut off"
            )
        if self.seen is not None:
            yield from self._against(self.seen, every)

    def _against(self, seen: TrainedOn, every: int) -> Iterator[str]:
        found, training = self.counts, sum(seen.counts)
        sides = {
            "smaller": f"the smallest had {seen.short_side[0]} px on its shorter side",
            "larger": f"the largest had {seen.long_side[1]} px on its longer side",
            "darker": f"there the darkest had a mean of {seen.brightness[0]:.0f} of 255",
            "brighter": f"there the brightest had a mean of {seen.brightness[1]:.0f} of 255",
        }
        for kind, known in sides.items():
            if found[kind]:
                yield f"{found[kind]} of {every} images are {kind} than any in training: {known}"
        if seen.grey == 0 and found["grey"]:
            yield f"{found['grey']} of {every} images have no colour; all in training had"
        if seen.grey == training and found["grey"] < every:
            yield f"{every - found['grey']} of {every} images have colour; none in training had"
        if seen.deep == 0 and found["deep"]:
            yield (
                f"{found['deep']} of {every} images have more than 8 bits a value, none in "
                "training had: 0 to 65535 became black to white"
            )
        if seen.deep == training and found["deep"] < every:
            yield f"{every - found['deep']} of {every} images have 8 bits; all in training had more"
