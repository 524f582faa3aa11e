"""What must be known to build a saved network again and to show it images: plain data."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from imbench.images.dataset import Listing
from imbench.images.decode import load_image
from imbench.images.deep_files import settle_range
from imbench.images.geometry import geometry_of, to_square
from imbench.images.properties import Properties
from imbench.images.value_range import ValueRange
from imbench.records.cell import Settings
from imbench.records.later_fields import LaterFields

__all__ = [
    "MOST_CLASSES",
    "MOST_MEMBERS",
    "Core",
    "Member",
    "Plain",
    "Pretrained",
    "View",
    "view_of",
]

MOST_CLASSES = 10_000
MOST_MEMBERS = 1_000


class Plain(BaseModel):
    """Base of all that is written beside a network: no unknown field, no infinite number."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class View(Plain):
    """How an image file becomes what the network sees; the same as in training."""

    size: int = Field(ge=4, le=1024)
    """Side of the square, in pixels."""
    channels: Literal[1, 3]
    geometry: Literal["stretch", "pad", "crop"]
    value_range: tuple[float, float] | None = None
    """Values of more than 8 bits that become 0 and 255; None for all of 16 bits."""
    measured: bool = False
    """Whether the range is what the training images used, and none that the user gave."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.value_range is not None and not self.value_range[0] < self.value_range[1]:
            raise ValueError("value_range: the first number has to be the lower one")
        return self

    @property
    def range(self) -> ValueRange | None:
        """The range as the decoder takes it."""
        if self.value_range is None:
            return None
        return ValueRange(*self.value_range, measured=self.measured)

    def square(self, data: bytes) -> tuple[NDArray[np.uint8], Properties]:
        """Decode the bytes of an image file as the training images were.

        Returns pixels uint8 (size, size, channels) and what the file is like.

        Raises
        ------
        ImageFault
            If the image is damaged or its pixels are not well defined.
        """
        image, properties = load_image(data, self.range)
        return to_square(image, self.size, self.channels, self.geometry), properties

    @property
    def words(self) -> str:
        """The view in a few words."""
        colour = "colour" if self.channels == 3 else "grey"
        levels = "" if self.value_range is None else f", range={self.range}"
        return f"{self.size} px, {colour}, geometry={self.geometry}{levels}"


def view_of(listing: Listing, spec: str, size: int) -> View:
    """Return how the images of a data set are decoded at a size."""
    known = settle_range(listing, spec)
    return View.model_validate(
        {
            "size": size,
            "channels": listing.channels,
            "geometry": geometry_of(listing.policies),
            "value_range": None if known is None else known.ends,
            "measured": known is not None and known.measured,
        }
    )


class Pretrained(Plain):
    """The frozen backbone whose features a model's networks take; its weights are not copied."""

    name: str
    """Its spec, as ``bench list backbones`` has it."""
    digest: str = Field(pattern="^[0-9a-f]{32}$")
    """Hash of its weights: a model is opened with the same ones alone."""
    width: int = Field(ge=1, le=1_000_000)
    """Number of features of an image."""


class Member(Plain):
    """One of the networks whose probabilities are averaged."""

    seed: int
    counts: tuple[Annotated[float, Field(gt=0)], ...]
    """Images of each class as its sampler yielded them."""

    @property
    def priors(self) -> NDArray[np.float64]:
        """Shares of the classes as the sampler yielded them, which parts may divide by."""
        counts = np.asarray(self.counts, np.float64)
        return np.asarray(counts / counts.sum())


class Core(Plain, LaterFields):
    """All that prediction needs besides the weights; it lies in their file too."""

    later = ("backbone",)

    classes: tuple[str, ...] = Field(min_length=2, max_length=MOST_CLASSES)
    """Names of the classes; the first is the majority."""
    view: View
    recipe: str
    """Canonical recipe that was trained."""
    versions: dict[str, int] = Field(default_factory=dict)
    """Part name to its version."""
    settings: Settings
    members: tuple[Member, ...] = Field(min_length=1, max_length=MOST_MEMBERS)
    backbone: Pretrained | None = None
    """Where the network is a head on features; not part of other models."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("classes: a name stands there twice")
        if self.settings.size != self.view.size:
            raise ValueError("view.size is not that of the settings")
        for member in self.members:
            if len(member.counts) != len(self.classes):
                raise ValueError("members: counts do not fit the classes")
            if not math.isfinite(math.fsum(member.counts)):
                raise ValueError("members: counts are too large")
        return self
