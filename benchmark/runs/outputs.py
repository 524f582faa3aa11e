"""Outputs of a job's network on the test images: from a training, or from an earlier record."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import Diverged, UsageError
from imbench.images.cache_reader import open_decoded
from imbench.records import environment
from imbench.records.cell import Cell, code_of
from imbench.records.store import Store
from imbench.runs.job import Job
from imbench.safe_text import visible

__all__ = ["TrainedOutputs", "kept_outputs", "train_job"]

GENERATORS = "generators"
"""Folder of trained generators below the results: those that cells share are trained once."""
SHARED = (
    *("train_counts", "sampled_counts", "test_counts", "notes", "environment"),
    *("files", "file_hashes"),
)
"""Fields of a record that tell of its training; the environment is that of the outputs."""


@dataclass
class TrainedOutputs:
    """What a training leaves: all that the records of its cells need."""

    labels: NDArray[np.int64]
    logits: NDArray[np.float32]
    cost: dict[str, float]
    shared: dict[str, Any]
    """Fields that the records of all cells have alike, `SHARED`."""
    source: str = ""
    """Key of the cell whose record the outputs come from; empty if trained now."""


def kept_outputs(store: Store, job: Job) -> TrainedOutputs | None:
    """Return the outputs that an earlier record of the same training keeps."""
    record = None if job.outputs is None else store.read(job.outputs)
    if record is None or not record.done or record.scores is None or not record.intact:
        return None
    from imbench.training.recipe import TWICE

    labels, logits, _ = record.scores.arrays()
    shared = {name: getattr(record, name) for name in SHARED}
    # Its recipe may have parts that ours lacks.
    shared["notes"] = [note for note in record.notes if not note.endswith(TWICE)]
    return TrainedOutputs(labels, logits, record.cost, shared, record.key)


def train_job(store: Store, job: Job) -> TrainedOutputs:
    """Train, and return the outputs on the test images; files that were made lie in the store."""
    # They import torch, 1.5 s: planning must not.
    from imbench.models.cell_inputs import scoring_inputs
    from imbench.models.cell_training import train_cell
    from imbench.models.kept import MODEL
    from imbench.models.saving import kept_model

    cell, data = job.training, open_decoded(job.data)
    _check_code(cell)
    folder = store.folder / GENERATORS
    method = train_cell(
        cell,
        data,
        device=job.device,
        geometry=job.geometry,
        keep=folder,
        features=job.features,
    )
    clock = time.perf_counter()
    # As the record keeps them, so that what is computed from a record later is the same.
    logits = method.logits(scoring_inputs(job.features, data)).astype(np.float32)
    cost = {**method.cost_, "predict": time.perf_counter() - clock}
    if not np.isfinite(logits).all():
        raise Diverged(cell.settings.steps, "score of a test image")
    device = str(next(method.network_.parameters()).device)
    beside = dict(method.artifacts_)
    notes = [visible(str(note)) for note in method.notes_]
    if job.view is not None:
        try:
            beside[MODEL] = kept_model(method, data.classes, job.view)
        except UsageError as error:  # the score stands without it
            notes.append(f"the model is not kept: {visible(str(error))}")
    files = {name: store.put_file(job.cells[0], name, beside[name]) for name in beside}
    shared = {
        "train_counts": np.asarray(method.counts_).astype(int).tolist(),
        "sampled_counts": np.asarray(method.sampled_counts_, np.float64).tolist(),
        "test_counts": data.test.counts(len(data.classes)).tolist(),
        "notes": notes,
        "environment": environment.describe_environment(device, cell.settings.threads),
        "files": files | {name: f"{GENERATORS}/{file}" for name, file in method.kept_.items()},
        "file_hashes": {name: hashlib.sha256(beside[name]).hexdigest() for name in beside},
    }
    return TrainedOutputs(np.asarray(data.test.labels), logits, cost, shared)


def _check_code(cell: Cell) -> None:
    """Refuse files of the user that were changed since the run was planned."""
    now = code_of(cell.settings.network, cell.settings.augment)
    if now != cell.settings.code:
        raise UsageError(
            f"code was changed after the run was planned ({cell.settings.code} then, {now} now): "
            "start the run again"
        )
