"""`model.json`: what a model is, what it was made of and what to expect of it, with a checksum."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import Field

from imbench.models.core import Core, Plain
from imbench.models.decision import Decision

__all__ = ["SCHEMA", "Description", "Expected", "TrainedOn"]

SCHEMA = 2
"""Raise it with every change of the fields below."""
Count = Annotated[int, Field(ge=0)]


class Expected(Plain):
    """A score to expect, and where it was measured."""

    metric: str
    source: Literal["cross-validation", "records", "test images"]
    value: float
    low: float | None = None
    """Ends of the 95 % interval; None where it could not be had."""
    high: float | None = None
    images: Count
    """Images that were scored; of records, in each of them."""
    seeds: Count = 0
    """Records that were averaged; 0 where there are none."""
    minority: Count = 0
    """Training images of each minority class in these records; 0 where there are none."""
    sample: Count = 0
    """Images of a test set for which `sample_low` and `sample_high` hold; 0 where there is none."""
    sample_low: float | None = None
    """Where the score on one such test set lies with a chance of 95 %: wider than the interval."""
    sample_high: float | None = None


class TrainedOn(Plain):
    """What the training images are like, so that others are noticed."""

    counts: tuple[Count, ...]
    """Images of each class."""
    short_side: tuple[Count, Count]
    """Smallest and largest of the shorter sides of the files, in pixels."""
    long_side: tuple[Count, Count]
    grey: Count
    """Images without colour."""
    deep: Count
    """Images of more than 8 bits a value."""
    brightness: tuple[float, float]
    """Darkest and brightest mean of what the network sees, 0 to 255."""


class Description(Plain):
    """Everything in `model.json`."""

    schema_: Annotated[int, Field(ge=1)] = Field(
        default=SCHEMA, alias="schema", serialization_alias="schema"
    )
    core: Core
    decision: Decision
    dataset: str = ""
    """Spec of the data set it was trained on."""
    fingerprint: str = ""
    """Content hash of the decoded data set, as in records."""
    trained_on: TrainedOn | None = None
    train_loss: tuple[float, ...] = ()
    """Mean loss of the last tenth of the steps of each member."""
    folds: Count = 0
    """Folds of the cross-validation; 0 without one."""
    expected: tuple[Expected, ...] = ()
    notes: tuple[str, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)
    """Name of each other file of the folder to its SHA-256."""
    checksum: str = ""

    def plain(self) -> dict[str, Any]:
        """Return the description as JSON-ready data."""
        return self.model_dump(mode="json", by_alias=True)

    def sealed(self) -> Description:
        """Return the description with its checksum filled in."""
        return self.model_copy(update={"checksum": self._digest()})

    @property
    def intact(self) -> bool:
        """Whether it is unchanged since it was sealed."""
        return self.checksum == self._digest()

    @property
    def identity(self) -> str:
        """Twelve digits that tell it from every other model."""
        return self.checksum[:12]

    def _digest(self) -> str:
        body = {key: value for key, value in self.plain().items() if key != "checksum"}
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
