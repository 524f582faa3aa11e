"""`bench run`: a grid of trainings, resumed where it was left, and its table."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imbench.commands.arguments import DATA
from imbench.commands.complete import complete_datasets, complete_grids, complete_methods

if TYPE_CHECKING:
    from imbench.records.cell import Grid
    from imbench.runs.backend import Backend
    from imbench.runs.plan import Plan
    from imbench.runs.runner import Result

__all__ = ["run"]


def _timeout(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> float | None:
    from imbench.runs.limits import duration

    try:
        return None if value is None else duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _jobs(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if value != "auto" and not (value.isdigit() and int(value) > 0):
        raise click.BadParameter(f"{value!r} is neither auto nor a number of workers")
    return value


_LIST: dict[str, Any] = {"multiple": True, "metavar": "LIST"}


@click.command()
@click.argument("grid", required=False, shell_complete=complete_grids)
@click.option("--datasets", **_LIST, shell_complete=complete_datasets, help="Data sets.")
@click.option("--minority", **_LIST, help="Training images of each minority class: 50,100.")
@click.option("--majority", metavar="N", help="Training images of the majority, or all.")
@click.option("--methods", **_LIST, shell_complete=complete_methods, help="Recipes, or paper.")
@click.option("--seeds", **_LIST, help="Replicates: 0-4.")
@click.option("--network", help="Classifier, see `bench list networks`.")
@click.option("--steps", help="Optimiser steps of every training.")
@click.option("--size", help="Side of the images in pixels.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting.")
@click.option("--exclude", multiple=True, help="Leave out: method=smote,seed=0,dataset=cub.")
@DATA
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Results folder.",
)
@click.option("--jobs", default="auto", show_default=True, callback=_jobs, help="Workers.")
@click.option(
    "--backend",
    type=click.Choice(["local", "dask", "slurm"]),
    default="local",
    show_default=True,
    help="Where cells are trained: here, on a Dask cluster, as SLURM jobs.",
)
@click.option("--scheduler", metavar="ADDRESS|FILE", help="Of the Dask cluster.")
@click.option("--slurm", multiple=True, metavar="KEY=VALUE", help="As in sbatch: partition=gpu.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:0,cuda:1, ...")
@click.option("--per-device", type=click.IntRange(min=1), help="Cells at a time on each device.")
@click.option("--timeout", callback=_timeout, metavar="TIME", help="Limit of a training: 90s, 2h.")
@click.option("--max-failures", type=click.IntRange(min=1), help="Stop after so many failures.")
@click.option("--fail-fast", is_flag=True, help="Stop after the first failure.")
@click.option("--retry-failed", is_flag=True, help="Run again what failed before.")
@click.option("--force", is_flag=True, help="Run again everything, what is done included.")
@click.option(
    "--bad-images",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    show_default=True,
    help="Images that cannot be decoded: stop, or leave them out and count them.",
)
@click.option(
    "--drop-leaks/--keep-leaks",
    default=None,
    help="Training images that are copies of test images; dropped where some are known.",
)
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@click.option("--quiet", is_flag=True, help="Print failures only.")
@click.option(
    "--json-log",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append an event a line to this file.",
)
def run(grid: str | None, **given: Any) -> None:
    """Run a grid: data sets x minority counts x methods x seeds, and print its table.

    GRID is a TOML file or the name of a shipped grid (quick, cpu, paper). Without it, and without
    --datasets, the quick grid runs: the paper's methods on data that need no download. Options
    win over the grid. What is done is never done again.
    """
    if not given["quiet"]:
        logging.getLogger("imbench").setLevel(logging.INFO)
    settled, named = _grid(grid, given)
    _Session(settled, named, given).go()


def _grid(name: str | None, given: dict[str, Any]) -> tuple[Grid, set[str]]:
    from imbench.runs.gridfile import DEFAULT, PAPER, GridOptions, read_grid_file, settle_grid
    from imbench.spec import texts

    if name is None and not given["datasets"]:
        name = DEFAULT
    keys = ("datasets", "minority", "majority", "methods", "seeds", "exclude", "assignments")
    options = GridOptions.of(
        **{key: given[key] for key in keys},
        settings={key: given[key] for key in ("network", "steps", "size")},
    )
    named = set(texts(given["methods"], "methods")) - {PAPER} if given["methods"] else set()
    return settle_grid(None if name is None else read_grid_file(name), options), named


class _Session:
    """One start of `bench run`, from the settled grid to the exit code."""

    def __init__(self, grid: Grid, named: set[str], given: dict[str, Any]) -> None:
        from imbench.errors import UsageError
        from imbench.records.store import Store
        from imbench.runs.backend import BackendChoice
        from imbench.runs.devices import devices_of
        from imbench.runs.progress import Events

        self.grid, self.named, self.given = grid, named, given
        self.store = Store(given["out"])
        self.quiet: bool = given["quiet"]
        self.devices = devices_of(given["device"], given["per_device"])
        keys = ("scheduler", "slurm", "jobs")
        self.wanted = BackendChoice(given["backend"], **{key: given[key] for key in keys})
        self.wanted.check()
        if len(self.devices.names) > 1 and self.wanted.name != "local":
            raise UsageError(
                "a list of devices is for --backend local: give each worker elsewhere its own, "
                "by CUDA_VISIBLE_DEVICES"
            )
        self.events = Events(given["json_log"])

    def go(self) -> None:
        from imbench.errors import DataError
        from imbench.files.atomic import refuse_unwritable

        if not self.given["dry_run"]:
            refuse_unwritable(self.store.folder)
            self.store.tidy()
        plan = self.plan()
        with self.backend(plan) as backend:
            workers = self.workers(plan) if backend is None else backend.workers
            self.show(plan, workers)
            if plan.absent:
                raise DataError("; ".join(source.fault for source in plan.absent))
            if self.given["dry_run"]:
                return
            self.refuse_full_disk(plan)
            self.keep(plan)
            result = self.work(plan, workers, backend)
        self.end(plan, result)

    def plan(self) -> Plan:
        from imbench.runs.plan import find_sources, make_plan, recipes_of

        recipes_of(self.grid.methods, self.named)  # a wrong name is told before images are decoded
        sources = find_sources(
            self.grid,
            root=self.given["root"],
            bad_images=self.given["bad_images"],
            drop_leaks=self.given["drop_leaks"],
        )
        return make_plan(
            self.grid,
            self.store,
            sources,
            named=self.named,
            retry_failed=self.given["retry_failed"],
            force=self.given["force"],
        )

    @contextmanager
    def backend(self, plan: Plan) -> Iterator[Backend | None]:
        """Open what the user wants if there is work for it; None is this machine."""
        if self.given["dry_run"] or plan.absent or not plan.jobs:
            yield None
            return
        threads = self.grid.settings.threads
        backend = self.wanted.open(self.store.folder, threads, len(plan.jobs))
        try:
            yield backend
        finally:
            if backend is not None:
                backend.close()

    def workers(self, plan: Plan) -> int:
        from imbench.runs.devices import as_many_as_fit
        from imbench.runs.runner import job_count

        threads = self.grid.settings.threads
        if plan.jobs and self.given["per_device"] is None:
            self.devices = as_many_as_fit(self.devices, self.wanted.jobs)
        return job_count(self.wanted.jobs, threads, len(plan.jobs), self.devices.most)

    def show(self, plan: Plan, workers: int) -> None:
        from imbench.runs.plantext import grid_lines, plan_lines

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

    def refuse_full_disk(self, plan: Plan) -> None:
        from imbench.errors import EnvironmentFault
        from imbench.runs.plantext import no_space

        fault = no_space(plan)
        if fault:
            raise EnvironmentFault(fault)

    def keep(self, plan: Plan) -> None:
        from imbench.records.planned import keep

        keep(
            self.store.folder,
            self.grid,
            fingerprints={name: source.fingerprint for name, source in plan.sources.items()},
            recipes={text: recipe.versions for text, recipe in plan.recipes.items()},
            missing=plan.missing,
            command=_command(),
        )

    def work(self, plan: Plan, workers: int, backend: Backend | None) -> Result:
        from imbench.errors import EnvironmentFault
        from imbench.records.environment import commit
        from imbench.runs.progress import Progress
        from imbench.runs.runner import Result, RunLimits, Runner

        if not plan.jobs:
            return Result()
        source = commit()
        jobs = [replace(job, device=self.devices.names[0], commit=source) for job in plan.jobs]
        failures = 1 if self.given["fail_fast"] else self.given["max_failures"]
        progress = Progress(len(plan.to_run), sys.stderr, quiet=self.quiet)
        runner = Runner(
            self.store,
            workers=workers,
            threads=self.grid.settings.threads,
            backend=backend,
            devices=self.devices if len(self.devices.names) > 1 else None,
            limits=RunLimits(self.given["timeout"], failures),
            heard=progress.say,
        )

        def tell(outcome: Any) -> None:
            from imbench.runs.plantext import failure_line

            if outcome.status != "ok":
                progress.say(failure_line(outcome, str(self.store.folder)))
            progress.advance(outcome.status, running=runner.running)
            self.events.cell(outcome)

        runner.tell = tell
        with progress:
            try:
                return runner.run(jobs)
            except EnvironmentFault as fault:
                self.log_end(plan, replace(runner.result, stopped=str(fault)))
                raise

    def end(self, plan: Plan, result: Result) -> None:
        """Print the table and the summary, and end with the exit code that fits."""
        from imbench.errors import CellsFailed, Interrupted

        bad, left = self.log_end(plan, result)
        if result.stopped == "interrupted":
            raise Interrupted(
                f"interrupted with {left} cells to go; what is done is kept, go on with: "
                f"{_command()}"
            )
        self.table(plan)
        report = f"bench report {shlex.quote(str(self.store.folder))}"
        self.say(f"{len(plan.cells) - bad - left} of {len(plan.cells)} cells ok; again: {report}")
        if bad:
            stopped = f", {left} were not begun" if left else ""
            raise CellsFailed(
                f"{bad} of {len(plan.cells)} cells have no score{stopped}; "
                f"run them again with: {_retry(left)}"
            )

    def log_end(self, plan: Plan, result: Result) -> tuple[int, int]:
        """Log how the run ended; return how many cells have no score, and how many are left."""
        bad = len(result.bad) + len(plan.failed)
        left = len(plan.to_run) - len(result.outcomes)
        self.events.write("end", stopped=result.stopped, failed=bad, left=left)
        return bad, left

    def table(self, plan: Plan) -> None:
        if self.quiet:
            return
        import shutil

        from imbench.report.report import render_report

        cells = plan.cells
        wanted = {cell.key for cell in cells}
        records = [record for record in self.store.records() if record.key in wanted]
        if records:
            width = shutil.get_terminal_size((80, 24)).columns
            click.echo(render_report(records, planned=cells, command=_command(), width=width))

    def say(self, line: str) -> None:
        if not self.quiet:
            click.echo(line)


def _command() -> str:
    """Return the command that was given, so that it can be given again."""
    return shlex.join(["bench", *sys.argv[1:]])


def _retry(left: int) -> str:
    """Return the command that runs what has no score."""
    words = ["bench", *sys.argv[1:]]
    if not left:
        words = [word for word in words if word != "--force"]  # it has done its work
    return shlex.join(words if "--retry-failed" in words else [*words, "--retry-failed"])
