"""`bench run`: a grid of trainings, resumed where it was left, and its table."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

import click

from imbench.commands.arguments import COST, DATA
from imbench.commands.complete import complete_datasets, complete_grids, complete_methods
from imbench.commands.terminal import command_line, echo, echo_document, terminal_width

if TYPE_CHECKING:
    from imbench.records.cell import Grid
    from imbench.runs.finished import FinishedRun
    from imbench.runs.options import RunOptions

__all__ = ["OptionTypes", "run"]


def _timeout(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> float | None:
    from imbench.runs.limits import duration

    try:
        return None if value is None else duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _within_limits(name: str) -> Callable[[click.Context, click.Parameter, object], Any]:
    """Return the callback that reads a number within the limits that a run sets it."""

    def read(context: click.Context, _parameter: click.Parameter, value: object) -> Any:
        if value is None or context.resilient_parsing:  # after Tab nothing heavy is imported
            return value
        from imbench.runs.options import LIMITS

        return LIMITS[name].read("run", name, value)

    return read


class OptionTypes(TypedDict):
    """What click hands over: a key an option, of the type that the option's callback returns."""

    datasets: tuple[str, ...]
    minority: tuple[str, ...]
    majority: str | None
    methods: tuple[str, ...]
    seeds: tuple[str, ...]
    network: str | None
    steps: str | None
    size: str | None
    assignments: tuple[str, ...]
    exclude: tuple[str, ...]
    root: Path
    out: Path
    jobs: int | str
    backend: Literal["local", "dask", "slurm"]
    scheduler: str | None
    slurm: tuple[str, ...]
    device: str
    per_device: int | None
    timeout: float | None
    max_failures: int | None
    fail_fast: bool
    max_cells: int
    retry_failed: bool
    force: bool
    bad_images: Literal["stop", "skip"]
    drop_leaks: bool | None
    costs: tuple[str, ...]
    dry_run: bool
    quiet: bool
    keep: tuple[str, ...]
    floor: str
    json_log: Path | None
    known: tuple[Path, ...]


class _Run(click.Command):
    """A command whose help names the shipped grids, which are looked up when it is asked for."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from imbench.runs.grids import shipped

        self.help = (self.help or "").replace("GRIDS", ", ".join(shipped()))
        super().format_help_text(ctx, formatter)


_LIST: dict[str, Any] = {"multiple": True, "metavar": "LIST"}


@click.command(cls=_Run)
@click.argument("grid", required=False, shell_complete=complete_grids)
@click.option("--datasets", **_LIST, shell_complete=complete_datasets, help="Data sets.")
@click.option("--minority", **_LIST, help="Training images of each minority class: 50,natural.")
@click.option("--majority", metavar="N", help="Training images of the majority, or all.")
@click.option(
    "--methods",
    **_LIST,
    shell_complete=complete_methods,
    help="Recipes, or paper, paper-cheap, rivals, all.",
)
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
@click.option(
    "--jobs",
    default="auto",
    show_default=True,
    callback=_within_limits("jobs"),
    help="Workers.",
)
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
@click.option(
    "--per-device",
    metavar="N",
    callback=_within_limits("per_device"),
    help="Cells at a time on each device.",
)
@click.option("--timeout", callback=_timeout, metavar="TIME", help="Limit of a training: 90s, 2h.")
@click.option(
    "--max-failures",
    metavar="N",
    callback=_within_limits("max_failures"),
    help="Stop after so many failures.",
)
@click.option("--fail-fast", is_flag=True, help="Stop after the first failure.")
@click.option(
    "--max-cells",
    default="100000",
    show_default=True,
    metavar="N",
    callback=_within_limits("max_cells"),
    help="Refuse a grid of more cells.",
)
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
@COST
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@click.option("--quiet", is_flag=True, help="Print failures only.")
@click.option(
    "--keep",
    multiple=True,
    type=click.Choice(["models"]),
    help="Keep the network of each new training beside its record.",
)
@click.option(
    "--floor",
    default="auto",
    envvar="IMBENCH_FLOOR",
    show_default=True,
    metavar="BACKBONE",
    help="Backbone of the floor of frozen features, or none.",
)
@click.option(
    "--known",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="RESULTS",
    help="Other results, a pack for example: do not run what has a score there.",
)
@click.option(
    "--json-log",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append an event a line to this file.",
)
def run(grid: str | None, **given: Unpack[OptionTypes]) -> None:
    """Run a grid: data sets x minority counts x methods x seeds, and print its table.

    GRID is a TOML file or the name of a shipped grid: GRIDS. Without it, and without --datasets,
    the quick grid runs: the paper's methods on data that need no download.
    Options win over the grid. What is done is never done again.
    """
    from imbench.runs.session import Session

    if not given["quiet"]:
        logging.getLogger("imbench").setLevel(logging.INFO)
    settled, named = _grid(grid, given)
    session = Session(
        settled,
        _run_options(given),
        named=named,
        say=(lambda _line: None) if given["quiet"] else echo,
    )
    if given["dry_run"]:
        session.dry_run()
        return
    _end(session.run(), session.options, given["costs"])


def _run_options(given: OptionTypes) -> RunOptions:
    from imbench.runs.options import RunOptions

    return RunOptions(
        results=given["out"],
        data=given["root"],
        jobs=str(given["jobs"]),
        backend=given["backend"],
        scheduler=given["scheduler"],
        slurm=given["slurm"],
        device=given["device"],
        per_device=given["per_device"],
        timeout=given["timeout"],
        max_failures=1 if given["fail_fast"] else given["max_failures"],
        max_cells=given["max_cells"],
        retry_failed=given["retry_failed"],
        force=given["force"],
        bad_images=given["bad_images"],
        drop_leaks=given["drop_leaks"],
        quiet=given["quiet"],
        keep=given["keep"],
        floor=given["floor"],
        json_log=given["json_log"],
        known=given["known"],
        command=command_line(),
    )


def _grid(name: str | None, given: OptionTypes) -> tuple[Grid, set[str]]:
    """Return the settled grid, and the methods that were named."""
    from imbench.runs.settling import GridOptions, grid_of

    options = GridOptions(
        datasets=given["datasets"],
        minority=given["minority"],
        majority=given["majority"],
        methods=given["methods"],
        seeds=given["seeds"],
        exclude=given["exclude"],
        settings=GridOptions.read_settings(
            {"network": given["network"], "steps": given["steps"], "size": given["size"]},
            given["assignments"],
        ),
    )
    return grid_of(name, options)


def _end(finished: FinishedRun, options: RunOptions, costs: tuple[str, ...]) -> None:
    """Print the table and the summary, and end with the exit code that fits."""
    from imbench.errors import CellsFailed, Interrupted
    from imbench.runs.advice import advice

    cells, bad, left = len(finished.plan.cells), finished.without_score, finished.not_begun
    if finished.interrupted:
        raise Interrupted(
            f"interrupted with {left} cells to go; what is done is kept, go on with: "
            f"{options.command}"
        )
    if not options.quiet:
        _print_results(finished, options, costs)
    if bad:
        stopped = f", {left} were not begun" if left else ""
        what_next = advice(finished, _retry_command(left))
        raise CellsFailed(f"{bad} of {cells} cells have no score{stopped}; {what_next}")


def _print_results(finished: FinishedRun, options: RunOptions, costs: tuple[str, ...]) -> None:
    """Print the table, by F1 or costs, what it shows, and what to type next."""
    from imbench.commands.next_steps import next_lines, report_command
    from imbench.report.report import render_report

    cells, command = finished.plan.cells, options.command
    records = finished.with_floors(options)
    width = terminal_width()
    if records:
        shown: dict[str, Any] = {"metrics": costs, "together": True} if costs else {}
        echo_document(render_report(records, planned=cells, command=command, width=width, **shown))
    scored = len(cells) - finished.without_score - finished.not_begun
    results = (options.results, *options.known)
    echo(f"{scored} of {len(cells)} cells ok; again: {report_command(results)}")
    echo(*next_lines(records, results, command))


def _retry_command(left: int) -> str:
    """Return the command that runs what has no score."""
    words = ["bench", *sys.argv[1:]]
    if not left:
        words = [word for word in words if word != "--force"]  # it has done its work
    return shlex.join(words if "--retry-failed" in words else [*words, "--retry-failed"])
