"""A run from a settled grid to its records: what `bench run` and `imbench.run` share."""

from __future__ import annotations

import logging
import secrets
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from imbench.errors import DataError, EnvironmentFault, UsageError
from imbench.files.atomic import check_writable
from imbench.images.cache_reader import open_decoded
from imbench.records import environment, planned
from imbench.records.cell import Grid
from imbench.records.image_names import keep_names
from imbench.records.ownership import mark_own, refuse_foreign
from imbench.records.results import finished_cells
from imbench.records.store import Store
from imbench.runs.backend import Backend, BackendChoice
from imbench.runs.devices import as_many_as_fit, devices_of
from imbench.runs.estimate import TimeLeft
from imbench.runs.feasible import check_size, settled_grid, versions_of
from imbench.runs.feature_floors import FloorOptions, write_feature_floors
from imbench.runs.features import embed_sources
from imbench.runs.finished import FinishedRun
from imbench.runs.floors import write_floors
from imbench.runs.job import Outcome, RunContext
from imbench.runs.options import MODELS, RunOptions
from imbench.runs.plan import Plan, make_plan, recipes_of
from imbench.runs.plantext import failure_line, grid_lines, no_space, plan_lines
from imbench.runs.progress import Events, Progress
from imbench.runs.runner import Result, Runner, job_count
from imbench.runs.sources import find_sources

__all__ = ["Session"]

_LOG = logging.getLogger(__name__)


class Session:
    """One start of a run.

    Parameters
    ----------
    grid : Grid
        What is to be run, settled.
    options : RunOptions
        How.
    named : collection of str
        Methods that the user named: they have to exist, those of the paper at large need not.
    say : callable
        Called with each line for the user, the plan's for example.

    Raises
    ------
    UsageError
        If the options do not go together.
    """

    def __init__(
        self,
        grid: Grid,
        options: RunOptions,
        *,
        named: Collection[str] = (),
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.grid, self.options, self.named, self.say = grid, options, named, say
        self.store = Store(options.results)
        self.devices = devices_of(options.device, options.per_device)
        self.choice = BackendChoice(options.backend, options.scheduler, options.slurm, options.jobs)
        self.choice.check()
        first, *others = self.devices.names
        if others and options.backend != "local":
            raise UsageError(
                "a list of devices is for --backend local: give each worker elsewhere its own, "
                "by CUDA_VISIBLE_DEVICES"
            )
        self.context = RunContext(
            results=options.results.absolute(),
            run=secrets.token_hex(6),
            device=first,
            timeout=options.timeout,
            commit=environment.commit(),
        )
        self.events = Events(options.json_log)

    def dry_run(self) -> Plan:
        """Show the plan and change nothing.

        Raises
        ------
        UsageError
            If the results folder is another's.
        DataError
            If a data set is not there.
        EnvironmentFault
            If the records would not fit on the disk.
        """
        refuse_foreign(self.store.folder)
        plan = self._plan()
        self._show(plan, self._workers(plan))
        _refuse(plan)
        return plan

    def run(self) -> FinishedRun:
        """Do what is not done yet.

        Raises
        ------
        UsageError
            If the results folder is another's.
        DataError
            If a data set is not there.
        EnvironmentFault
            If the machine is at fault: no space, no device, no backend.
        """
        refuse_foreign(self.options.results)
        check_writable(self.options.results)
        self.store = Store(self.options.results, own=True)
        self.store.tidy()
        plan = self._plan()
        with self._backend(plan) as backend:
            workers = self._workers(plan) if backend is None else backend.workers
            self._show(plan, workers)
            _refuse(plan)
            self._keep(plan)
            embed_sources(plan, self.context.device, say=self.say)
            write_floors(plan, self.store.folder, self.context.commit)
            write_feature_floors(plan, self.store.folder, self._floor_options(), say=self.say)
            _keep_names(plan, self.store.folder)
            finished = FinishedRun(plan, self._work(plan, workers, backend))
        self._log_end(finished)
        self._check_complete(finished)
        return finished

    def _plan(self) -> Plan:
        # Wrong names and grids that no memory holds are refused before images are decoded.
        recipes, _ = recipes_of(self.grid.methods, self.named)
        check_size(self.grid, len(recipes), self.options.max_cells)
        sources = find_sources(
            self.grid,
            root=self.options.data,
            bad_images=self.options.bad_images,
            drop_leaks=self.options.drop_leaks,
            views=MODELS in self.options.keep,
        )
        self.grid = settled_grid(self.grid, sources)
        return make_plan(
            self.grid,
            self.store,
            sources,
            context=self.context,
            named=self.named,
            retry_failed=self.options.retry_failed,
            force=self.options.force,
            elsewhere=finished_cells(self.options.known),
        )

    def _floor_options(self) -> FloorOptions:
        return FloorOptions(
            backbone=self.options.floor,
            root=self.options.data,
            bad_images=self.options.bad_images,
            drop_leaks=self.options.drop_leaks,
            device=self.context.device,
            commit=self.context.commit,
        )

    @contextmanager
    def _backend(self, plan: Plan) -> Iterator[Backend | None]:
        """Open the backend if there is work for it; None is this machine."""
        if plan.absent or not plan.jobs:
            yield None
            return
        threads = self.grid.settings.threads
        backend = self.choice.open(self.context.results, threads, len(plan.jobs))
        try:
            yield backend
        finally:
            if backend is not None:
                backend.close()

    def _workers(self, plan: Plan) -> int:
        """Return how many workers to start; each device gets as many as its memory holds."""
        if plan.jobs and self.options.per_device is None:
            self.devices = as_many_as_fit(self.devices, self.choice.jobs)
        threads = self.grid.settings.threads
        return job_count(self.choice.jobs, threads, len(plan.jobs), self.devices.most)

    def _show(self, plan: Plan, workers: int) -> None:
        self.events.write(
            "plan",
            cells=len(plan.cells),
            done=len(plan.done),
            failed_before=len(plan.failed),
            to_run=len(plan.to_run),
            trainings=plan.trainings,
            missing=list(plan.missing),
            grid=self.grid.plain(),
        )
        for line in [*grid_lines(self.grid), *plan_lines(plan, workers)]:
            self.say(line)

    def _keep(self, plan: Plan) -> None:
        mark_own(self.store.folder)
        planned.write_plan(
            self.store.folder,
            self.grid,
            fingerprints={name: source.fingerprint for name, source in plan.sources.items()},
            recipes=versions_of(plan.recipes, self.grid.settings.network),
            missing=plan.missing,
            command=self.options.command,
        )

    def _work(self, plan: Plan, workers: int, backend: Backend | None) -> Result:
        if not plan.jobs:
            return Result()
        progress = Progress(len(plan.to_run), sys.stderr, quiet=self.options.quiet)
        left = TimeLeft(plan.jobs, plan.costs)
        runner = Runner(
            self.context,
            workers=workers,
            threads=self.grid.settings.threads,
            backend=backend,
            devices=self.devices if len(self.devices.names) > 1 else None,
            max_failures=self.options.max_failures,
            announce=progress.say,
        )

        def tell(outcome: Outcome) -> None:
            if outcome.status != "ok":
                progress.say(failure_line(outcome, str(self.store.folder)))
            left.end(outcome)
            clock = left.estimate().clock(workers)
            progress.advance(outcome.status, running=runner.running, left=clock)
            self.events.cell(outcome)

        runner.tell = tell
        with progress:
            try:
                return runner.run(plan.jobs)
            except EnvironmentFault as fault:
                self._log_end(FinishedRun(plan, replace(runner.result, stopped=str(fault))))
                raise

    def _check_complete(self, finished: FinishedRun) -> None:
        """Raise EnvironmentFault if a cell that has ended has no record on the disk."""
        plan, ended = finished.plan, finished.result.outcomes
        cells = [*plan.done, *(one.cell for one in plan.failed), *(one.cell for one in ended)]
        gone = {cell.key for cell in cells if not self.store.path(cell).exists()} - plan.elsewhere
        if gone:
            gone -= self.store.index().keys()  # below another name of the data set
        if gone:
            raise EnvironmentFault(
                f"{len(gone)} of {len(plan.cells)} cells have ended and have no record in "
                f"{str(self.store.folder)!r}: the folder was moved or changed during the run; put "
                f"it back, or run the same command again"
            )

    def _log_end(self, finished: FinishedRun) -> None:
        self.events.write(
            "end",
            stopped=finished.result.stopped,
            failed=finished.without_score,
            left=finished.not_begun,
        )


def _keep_names(plan: Plan, results: Path) -> None:
    """Keep the names of test images beside the records; a full disk ends the run at a record."""
    for source in plan.sources.values():
        if source.folder is not None:
            try:
                keep_names(results, open_decoded(source.folder))
            except EnvironmentFault as error:
                _LOG.warning("names of the images of %s are not kept: %s", source.dataset, error)


def _refuse(plan: Plan) -> None:
    """Raise what a plan shows to be impossible."""
    if plan.absent:
        raise DataError("; ".join(source.fault for source in plan.absent))
    if fault := no_space(plan):
        raise EnvironmentFault(fault)
