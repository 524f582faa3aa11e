"""The record of a cell: plain data with a schema number and a checksum."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from imbench.errors import NotComparable
from imbench.records.cell import Cell

__all__ = ["PHASES", "SCHEMA", "Record", "Scores", "Status", "checksum", "label_type"]

SCHEMA = 5
"""Raise it with every change of the fields below, and add the step to `upgrade.UPGRADES`."""

PHASES = ("prepare", "fit", "predict")
"""Keys of `Record.cost` whose sum is the seconds of a cell."""

Status = Literal["ok", "failed", "diverged", "timeout", "crashed", "memory"]


class Scores(BaseModel):
    """Outputs on the test images, from which new metrics are computed without training again.

    Arrays are little-endian bytes in base64: `labels` (n,) of `label_type`, `logits` float32
    (n, classes) before any adjustment, `proba` float32 (n, classes) after it. Rows follow the test
    split of the data with the cell's fingerprint.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    classes: int
    labels: str
    logits: str
    proba: str

    @classmethod
    def of(cls, labels: NDArray[Any], logits: NDArray[Any], proba: NDArray[Any]) -> Scores:
        """Pack arrays of shape (n,), (n, classes) and (n, classes)."""
        return cls(
            classes=int(proba.shape[1]),
            labels=_pack(labels, label_type(proba.shape[1])),
            logits=_pack(logits, "<f4"),
            proba=_pack(proba, "<f4"),
        )

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        """Return labels (n,), logits (n, classes) and probabilities (n, classes).

        Raises
        ------
        NotComparable
            If labels of more than 256 classes were kept in one byte each, as older versions did.
        """
        raw, proba = base64.b64decode(self.labels), _unpack(self.proba, self.classes)
        kind = label_type(self.classes)
        if kind.itemsize > 1 and len(raw) == len(proba):
            raise NotComparable(
                f"an older imbench cut the labels of {self.classes} classes to one byte each; "
                "run these cells again with --force"
            )
        labels = np.frombuffer(raw, kind).astype(np.int64)
        return labels, _unpack(self.logits, self.classes), proba


class Record(BaseModel):
    """The outcome of one cell.

    Only a record of status ``ok`` counts as done; any other gives the cause in `reason`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_: int = Field(default=SCHEMA, alias="schema", serialization_alias="schema")
    key: str
    cell: Cell
    status: Status
    reason: str = ""
    metrics: dict[str, float] = {}
    """Metric name to score on the test images, at the cell's decision rule."""
    scores: Scores | None = None
    train_counts: list[int] = []
    """Images of each class before any part resampled them; label 0 is the majority."""
    sampled_counts: list[float] = []
    """Images of each class after that, as the sampler yields them: their shares are the priors."""
    test_counts: list[int] = []
    images_skipped: int = 0
    data_notes: list[str] = []
    """What was guessed, left out, cropped, ... when the data set was read."""
    notes: list[str] = []
    """What differs from the request, e.g. that SMOTE's k was lowered."""
    cost: dict[str, float] = {}
    """Seconds per phase (``fit``, ``predict``, ...), ``peak_mb``, ``peak_gpu_mb`` on a card,
    ``steps``, ``images``, ``first_loss``, ``train_loss``, ``zero_loss_steps``, and where the
    loss is the weighted cross-entropy ``constant_loss``: see `imbench.training.method.Method`."""
    environment: dict[str, str] = {}
    """Versions, device, threads, platform of the training that gave the outputs."""
    commit: str = ""
    """Code that wrote the record; the record of `shared_with` has that of the training."""
    shared_with: str = ""
    """Key of the cell whose training this one reuses; empty if it has its own."""
    started: str = ""
    """UTC, ISO 8601."""
    log: str = ""
    """Path of the cell's log, relative to the results folder; empty if there is none."""
    files: dict[str, str] = {}
    """Other files of the training: name to path, relative to the results folder (generators and
    pictures of generated images)."""
    file_hashes: dict[str, str] = {}
    """SHA-256 of those of them that the run wrote beside the record, by name."""
    checksum: str = ""

    @property
    def done(self) -> bool:
        """Whether the cell needs no further run."""
        return self.status == "ok"

    @property
    def seconds(self) -> float:
        """Time that its training and scoring took; 0 if it shares another cell's training."""
        return 0.0 if self.shared_with else sum(self.cost.get(phase, 0.0) for phase in PHASES)

    def sealed(self) -> Record:
        """Return the record with its checksum filled in."""
        return self.model_copy(update={"checksum": checksum(self.plain())})

    @property
    def intact(self) -> bool:
        """Whether the record is unchanged since it was sealed."""
        return self.checksum == checksum(self.plain())

    def plain(self) -> dict[str, Any]:
        """Return the record as JSON-ready data."""
        return self.model_dump(mode="json", by_alias=True)

    def line(self) -> str:
        """Return the record as one line of JSON; raise ValueError for a number it cannot hold."""
        return json.dumps(self.plain(), sort_keys=True, separators=(",", ":"), allow_nan=False)


def label_type(classes: int) -> np.dtype[Any]:
    """Return the smallest type that holds a label: one byte, or two from 257 classes on."""
    return np.min_scalar_type(max(classes - 1, 0)).newbyteorder("<")


def checksum(plain: dict[str, Any]) -> str:
    """Return the SHA-256 of a record's data without its own checksum."""
    body = {key: value for key, value in plain.items() if key != "checksum"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _pack(array: NDArray[Any], dtype: str | np.dtype[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array, dtype=dtype).tobytes()).decode()


def _unpack(text: str, classes: int) -> NDArray[np.float32]:
    flat = np.frombuffer(base64.b64decode(text), "<f4")
    return flat.reshape(-1, classes).astype(np.float32)
