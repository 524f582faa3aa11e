"""One job in a worker process: lease it, train, score, write the records.

A worker takes and returns plain data, and whatever goes wrong in a cell ends as that cell's
record, so that nothing is lost with the process that asked for it.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import numpy as np

from imbench.contained import described, user_interrupts
from imbench.errors import Diverged, EnvironmentFault, OutOfTime
from imbench.records import environment
from imbench.records.cell import Cell
from imbench.records.record import PHASES, Record, Scores, Status
from imbench.records.store import Store
from imbench.runs import devices
from imbench.runs.job import Job, JobReport, Outcome
from imbench.runs.joblog import REASON, logged_to
from imbench.runs.limits import peak_memory_mb, reset_memory_peak, time_limit
from imbench.runs.outputs import TrainedOutputs, kept_outputs, train_job
from imbench.runs.timekeeper import announced
from imbench.runs.training_leases import leased
from imbench.safe_text import visible

__all__ = ["blank_record", "run_job"]

_LOG = logging.getLogger("imbench")
LOST = 70
"""Exit code of a worker that can use its card no more."""


def run_job(job: Job) -> JobReport:
    """Do a job, unless another run is at it, and return how each of its cells ended."""
    # Absolute, as `Job.outputs` is, which may lie in it.
    store = Store(job.context.results.absolute(), own=True)
    keys = [cell.key for cell in job.cells]
    try:
        _import_torch()
        with leased(job.context.results, job.key, run=job.context.run, cells=keys) as mine:
            if not mine:
                return JobReport(job, busy=True)
            fresh = {cell.key: _fresh(store, job, cell) for cell in job.cells}
            outcomes = [record_outcome(record) for record in fresh.values() if record is not None]
            todo = [cell for cell in job.cells if fresh[cell.key] is None]
            if todo:
                with announced(job.key):
                    outcomes += _attempt(store, job, todo)
            return JobReport(job, tuple(outcomes))
    except EnvironmentFault as fault:
        return JobReport(job, stop=str(fault))


def _import_torch() -> None:
    """Import what trainings need: takes seconds, which are no cell's, so before the lease."""
    try:
        for name in ("imbench.training.method", "imbench.stats.metrics"):
            import_module(name)
    except (ImportError, OSError) as error:
        raise EnvironmentFault(f"no cell can be trained: {error}; see `bench doctor`") from error


def record_outcome(record: Record) -> Outcome:
    """Return what another run's record says of a cell."""
    return Outcome(record.cell, record.status, record.reason, record.log, 0.0, elsewhere=True)


def _fresh(store: Store, job: Job, cell: Cell) -> Record | None:
    """Return the cell's record if it was written since the job was planned."""
    record = store.get(cell)
    if record is None or record.checksum == job.stale.get(cell.key):
        return None
    return record


def _attempt(store: Store, job: Job, cells: Sequence[Cell]) -> list[Outcome]:
    started, clock = datetime.now(UTC).isoformat(timespec="milliseconds"), time.monotonic()
    log = store.log_path(cells[0])
    reset_memory_peak()
    devices.reset_card_peak()
    lost = False
    with logged_to(log), user_interrupts() as pressed:
        try:
            with time_limit(job.context.timeout):
                trained = kept_outputs(store, job) or train_job(store, job)
                records = _all_scored(job, cells, trained)
        except EnvironmentFault:
            raise
        except BaseException as error:  # of a part: an exit and an interrupt of its own too
            if pressed:
                raise
            records = _without_scores(job, cells, error)
        lost = devices.card_lost()
        if lost:
            _LOG.error("the CUDA card fails every call from here on: this worker ends")
    if not all(record.done for record in records):
        _free_memory()  # not before: while the error is handled, its stack holds all tensors
    relative = log.relative_to(store.folder).as_posix() if log.exists() else ""
    seconds = time.monotonic() - clock
    outcomes = []
    for record in records:
        mine = record.model_copy(update={"started": started, "log": relative})
        # Another worker has done it if this one was stopped for longer than a lease lasts.
        there = store.put_first(mine, job.stale.get(record.key))
        outcomes.append(
            Outcome(
                mine.cell,
                mine.status,
                mine.reason,
                relative,
                # What planning will read of the record; of one without scores, how long it took.
                mine.seconds if mine.done else seconds,
            )
            if there is mine
            else record_outcome(there)
        )
    if lost:
        # While the lease is held, so that the job is handed out again, to a process that can go
        # on: it finds the records.
        os._exit(LOST)
    return outcomes


def _all_scored(job: Job, cells: Sequence[Cell], trained: TrainedOutputs) -> list[Record]:
    """Return the records of the cells of a training; one that cannot be scored stops no other."""
    records: list[Record] = []
    source = trained.source
    for cell in cells:
        with user_interrupts() as pressed:
            try:
                records.append(_scored(job, cell, source, trained))
                source = source or cell.key
            except (EnvironmentFault, OutOfTime):
                raise
            except BaseException as error:
                if pressed:
                    raise
                records += _without_scores(job, [cell], error)
    return records


def _scored(job: Job, cell: Cell, source: str, trained: TrainedOutputs) -> Record:
    """Return a cell's record from the outputs of its training, which `source` has the cost of."""
    from imbench.stats.metrics import score_all
    from imbench.training.forward import probabilities
    from imbench.training.recipe import parse_recipe

    sampled = np.asarray(trained.shared["sampled_counts"])
    priors = sampled / np.sum(sampled)
    recipe = parse_recipe(cell.recipe)
    proba = probabilities(recipe.parts, trained.logits, priors)
    if not np.isfinite(proba).all():
        raise Diverged(cell.settings.steps, "probability of a test image")
    scores = Scores.of(trained.labels, trained.logits, proba)
    labels, _, kept = scores.arrays()
    metrics = score_all(labels, kept.astype(np.float64))
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise Diverged(cell.settings.steps, name)
    spent = trained.cost | dict.fromkeys(PHASES, 0.0)
    card = devices.peak_card_mb()
    cost = (spent if source else trained.cost) | {"peak_mb": peak_memory_mb()}
    cost |= {} if card is None else {"peak_gpu_mb": card}
    cautions = map(visible, recipe.cautions)
    return blank_record(job, cell, "ok", {}).model_copy(
        update={
            **trained.shared,
            # Outputs of another cell bring the cautions of the parts that both recipes have.
            "notes": list(dict.fromkeys((*cautions, *trained.shared["notes"]))),
            "metrics": metrics,
            "scores": scores,
            "cost": {key: float(value) for key, value in cost.items() if math.isfinite(value)},
            "shared_with": source,
        }
    )


def _without_scores(job: Job, cells: Sequence[Cell], error: BaseException) -> list[Record]:
    """Return the records of cells that an exception ended, and log it."""
    status, reason = _diagnosis(error, job)
    _LOG.error("%s: %s", status, reason, exc_info=error, extra={REASON: True})
    where = environment.describe_environment(job.device, job.training.settings.threads)
    return [blank_record(job, cell, status, where, reason) for cell in cells]


def blank_record(
    job: Job, cell: Cell, status: Status, where: dict[str, str], reason: str = ""
) -> Record:
    """Return the record of a cell of a job, without scores, in the environment `where`."""
    return Record(
        key=cell.key,
        cell=cell,
        status=status,
        reason=reason,
        images_skipped=job.skipped,
        data_notes=list(job.data_notes),
        environment=where,
        commit=job.context.commit,
    )


def _diagnosis(error: BaseException, job: Job) -> tuple[Status, str]:
    """Return what status an exception ends a cell with, and why in a sentence."""
    if isinstance(error, OutOfTime):
        return "timeout", f"not finished after {job.context.timeout:g} s"
    said = described(error)
    message = said.partition(": ")[2]
    if isinstance(error, Diverged):
        return "diverged", message
    return ("memory", message) if _lacks_memory(error, message) else ("failed", said)


def _lacks_memory(error: BaseException, message: str) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    # torch raises a RuntimeError, or one of its own below it: on CPU "can't allocate memory".
    short = ("can't allocate memory", "out of memory")
    torchs = isinstance(error, RuntimeError) and any(words in message for words in short)
    return isinstance(error, MemoryError) or torchs


def _free_memory() -> None:
    import gc
    import sys

    gc.collect()
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        with suppress(RuntimeError):  # the card may have failed for good
            torch.cuda.empty_cache()
