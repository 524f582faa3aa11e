"""`bench report`: tables of a results folder, in the terminal or as files."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from imbench.commands.arguments import ANY_DATA, COST, metric_option
from imbench.commands.report_files import (
    STDOUT,
    handed_over,
    write_diagram,
    write_page,
    write_plots,
    write_text,
)
from imbench.commands.terminal import command_line, echo, echo_document, terminal_width

if TYPE_CHECKING:
    from imbench.records.joined import JoinedResults
    from imbench.report.measured import Differences, Measured

__all__ = ["report"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

PAGE = "report.html"
NO_NAME = ""
DEFAULT_METRICS = ("f1", "f1_balanced", "acsa")


def _form(name: str, what: str) -> Callable[[_Command], _Command]:
    return click.option(
        f"--{name}",
        is_flag=False,
        flag_value=STDOUT,
        default=None,
        metavar="[FILE]",
        help=f"Write {what}; without FILE to standard output.",
    )


@click.command("report")
@click.argument("folders", metavar="[RESULTS]...", nargs=-1, type=click.Path(path_type=Path))
@_form("latex", "LaTeX tables (booktabs)")
@_form("markdown", "Markdown tables")
@_form("csv", "tidy CSV, one line a record and metric")
@_form("json", "means, intervals, scores of each seed and status as JSON")
@_form("macros", "one LaTeX macro a cell, for prose")
@click.option(
    "--html",
    is_flag=False,
    flag_value=NO_NAME,
    default=None,
    metavar="[FILE]",
    help=f"Write one self-contained page; without FILE to {PAGE} in RESULTS.",
)
@click.option(
    "--images",
    type=click.IntRange(min=0),
    default=8,
    show_default=True,
    help="Show at most N wrongly classified images of a cell in the page; 0 for no pictures.",
    metavar="N",
)
@ANY_DATA
@click.option(
    "--plots",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIRECTORY",
    help="Write plots as PDF, SVG and PNG.",
)
@metric_option("Report these metrics", DEFAULT_METRICS)
@COST
@click.option("--side-by-side", is_flag=True, help="Show all metrics of a data set in one table.")
@click.option("--vs-paper", is_flag=True, help="Show F1 beside the published values.")
@click.option(
    "--compare",
    multiple=True,
    metavar="METHODS",
    help="Compare the first method with each of the others, paired by seed, in words.",
)
@click.option("--claims", is_flag=True, help="Test the claims of the paper.")
@click.option(
    "--generators",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Take the scores of generators that --claims needs from `bench generators --json`.",
)
@click.option("--ranks", is_flag=True, help="Show average ranks of the methods over all cells.")
@click.option(
    "--board",
    is_flag=True,
    help="Show where the methods stand over all data sets: places, ties, wins over Vanilla.",
)
@click.option(
    "--per-class",
    is_flag=True,
    help="Show recall and F1 of each class, of many, medium and few shots, and confusion.",
)
@click.option("--wrong", is_flag=True, help="Show which test images were called wrong, by name.")
@click.option(
    "--diagram",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw the ranks with their critical difference (.pdf, .png, .svg).",
)
@click.option(
    "--bold",
    type=click.Choice(["best", "not-worse"]),
    default="best",
    show_default=True,
    help="Print in bold the best, or all that are not significantly worse.",
)
def report(
    folders: tuple[Path, ...],
    latex: str | None,
    markdown: str | None,
    csv: str | None,
    json: str | None,
    macros: str | None,
    html: str | None,
    images: int,
    root: Path,
    plots: Path | None,
    metrics: tuple[str, ...],
    costs: tuple[str, ...],
    side_by_side: bool,
    vs_paper: bool,
    compare: tuple[str, ...],
    claims: bool,
    generators: Path | None,
    ranks: bool,
    board: bool,
    per_class: bool,
    wrong: bool,
    diagram: Path | None,
    bold: str,
) -> None:
    """Print tables of the records in RESULTS (default: results), or the report asked for.

    RESULTS are folders, and packs that `bench pack` wrote. Records of several are read as one
    study: those of the same data, settings and protocol share a table.
    """
    forms = {"latex": latex, "markdown": markdown, "csv": csv, "json": json, "macros": macros}
    targets = {form: target for form, target in forms.items() if target is not None}
    _validate_targets(targets | ({"html": html} if html else {}))
    from imbench.lists import parse_texts
    from imbench.records.joined import read_joined
    from imbench.report.plan_notes import plan_notes
    from imbench.report.report import render_report
    from imbench.report.table_set import TableSet

    metrics = (*metrics, *costs)
    one_metric = vs_paper or compare or claims or ranks or board or diagram
    results, *others = folders or (Path("results"),)
    folders = (results, *others)
    if html == NO_NAME and (others or results.is_file()):
        raise _page_needs_a_name()
    joined = read_joined(folders)
    plans, records, names = joined.plans, joined.records, joined.names
    shared: dict[str, Any] = {
        "metrics": metrics or (DEFAULT_METRICS[:1] if one_metric else DEFAULT_METRICS),
        # The cells that runs were asked for: those without a record are shown as holes.
        "planned": plans.cells,
    }
    options: dict[str, Any] = {
        **shared,
        "notes": (*joined.notes, *plan_notes(plans, records)),
        "bold": bold,
        "command": command_line(),
    }
    files = html is not None or plots is not None or diagram is not None
    tables = bool(targets or compare or claims or ranks or board or vs_paper or per_class or wrong)
    # A page without anything else has its records to itself, so that they go as it grows.
    alone = html is not None and plots is None and diagram is None and not tables
    made = None if alone else TableSet(records, planned=plans.cells, bold=bold)
    if html is not None:
        target = str(results / PAGE) if html == NO_NAME else html
        write_page(
            made or handed_over(records),
            target,
            **options,
            # Logs and pictures of generated images are read from one folder.
            folder=None if others or results.is_file() else results,
            data=root,
            images=images,
            names=names,
        )
    if plots is not None:
        write_plots(records, plots, folders, root, **shared)
    if diagram is not None:
        write_diagram(records, diagram, shared["metrics"])
    if made is None or (files and not tables):
        return
    options |= {
        "vs_paper": vs_paper,
        "compare": parse_texts(compare, "methods to compare") if compare else (),
        "claims": claims,
        "measured": _measured(joined, folders, generators) if claims else None,
        "ranks": ranks,
        "board": board,
        "per_class": per_class,
        "wrong": wrong,
        "names": names,
        # Costs at three thresholds are read beside each other.
        "together": side_by_side or bool(costs and metrics == costs and not one_metric),
    }
    if not targets:
        echo_document(render_report(made, form="terminal", width=terminal_width(), **options))
    for note in options["notes"] if csv is not None else ():  # which has no place for them
        echo(note, err=True)
    for form, target in targets.items():
        # A table shows AUROC beside its scores; in a tidy file it has lines of its own.
        plain = form == "csv" and options["metrics"] is DEFAULT_METRICS
        own = {"metrics": (*DEFAULT_METRICS, "auroc")} if plain else {}
        text = render_report(made, form=form, **{**options, **own})  # type: ignore[arg-type]
        if target == STDOUT:
            echo_document(text)
        else:
            write_text(target, text)


def _page_needs_a_name() -> Exception:
    from imbench.errors import UsageError

    return UsageError("a page of several results, or of a pack, needs a name: write --html FILE")


def _validate_targets(targets: dict[str, str]) -> None:
    from imbench.errors import UsageError

    if sum(target == STDOUT for target in targets.values()) > 1:
        raise UsageError(
            f"only one of {', '.join(f'--{form}' for form in targets)} can go to standard output; "
            "give the others a file"
        )
    for form, target in targets.items():
        if target != STDOUT and Path(target).is_dir():
            raise UsageError(
                f"--{form} {target}: that is a folder; to report on it write "
                f"`bench report {shlex.quote(target)} --{form}`"
            )


def _measured(joined: JoinedResults, folders: Sequence[Path], generators: Path | None) -> Measured:
    """Return what the claims need beside records: of explanations, and of generators."""
    from imbench.explain.claims import measured_of
    from imbench.records.store import Store

    records = joined.records
    found: dict[str, Mapping[str, Differences]] = dict(joined.measured)
    for folder in folders:
        if folder.is_dir():
            found |= measured_of(records, Store(folder))
    if generators is not None:
        from imbench.generators.scores_file import generator_differences

        for code, more in generator_differences(generators, records).items():
            found[code] = {**found.get(code, {}), **more}
    return found
