"""`bench report`: tables of what runs left, on the terminal or as files."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from imbench.commands.arguments import ANY_DATA, RESULTS

if TYPE_CHECKING:
    from imbench.records.record import Record

__all__ = ["records_of", "report", "say"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

STDOUT = "-"
PAGE = "report.html"
NO_NAME = ""
DEFAULT_METRICS = "f1,f1_balanced,acsa"


def _form(name: str, what: str) -> Callable[[_Command], _Command]:
    return click.option(
        f"--{name}",
        is_flag=False,
        flag_value=STDOUT,
        default=None,
        metavar="[FILE]",
        help=f"{what}; without FILE to standard output.",
    )


@click.command("report")
@RESULTS
@_form("latex", "LaTeX tables (booktabs)")
@_form("markdown", "Markdown tables")
@_form("csv", "Tidy CSV, one line a record and metric")
@_form("json", "Means, intervals, scores of each seed, status")
@_form("macros", "One LaTeX macro a cell, for prose")
@click.option(
    "--html",
    is_flag=False,
    flag_value=NO_NAME,
    default=None,
    metavar="[FILE]",
    help=f"One self-contained page; without FILE to {PAGE} in RESULTS.",
)
@click.option(
    "--images",
    type=click.IntRange(min=0),
    default=8,
    show_default=True,
    help="Wrongly classified images of a cell in the page; 0 for no pictures at all.",
)
@ANY_DATA
@click.option(
    "--plots",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIRECTORY",
    help="Write plots as PDF, SVG and PNG.",
)
@click.option(
    "--metric",
    multiple=True,
    metavar="NAMES",
    help=f"Metrics, separated by commas; {DEFAULT_METRICS} if not given.",
)
@click.option("--side-by-side", is_flag=True, help="All metrics of a data set in one table.")
@click.option("--vs-paper", is_flag=True, help="Set F1 beside the published values.")
@click.option(
    "--compare",
    multiple=True,
    metavar="METHODS",
    help="The first method against each of the others, paired by seed, in words.",
)
@click.option("--claims", is_flag=True, help="What the records say of the paper's claims.")
@click.option("--ranks", is_flag=True, help="Average ranks of the methods over all cells.")
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
    help="Bold the best, or all that are not significantly worse.",
)
def report(
    results: Path,
    latex: str | None,
    markdown: str | None,
    csv: str | None,
    json: str | None,
    macros: str | None,
    html: str | None,
    images: int,
    root: Path,
    plots: Path | None,
    metric: tuple[str, ...],
    side_by_side: bool,
    vs_paper: bool,
    compare: tuple[str, ...],
    claims: bool,
    ranks: bool,
    diagram: Path | None,
    bold: str,
) -> None:
    """Print the tables of the records in RESULTS (default: results), or what else is asked for."""
    forms = {"latex": latex, "markdown": markdown, "csv": csv, "json": json, "macros": macros}
    asked = {form: target for form, target in forms.items() if target is not None}
    _refuse_bad_targets(asked | ({"html": html} if html else {}))
    from imbench.files.atomic import write_atomic
    from imbench.report.report import render_report
    from imbench.spec import parse_texts

    if not metric:
        one = vs_paper or compare or claims or ranks or diagram
        metric = ("f1",) if one else (DEFAULT_METRICS,)
    options: dict[str, Any] = {
        "metrics": _metrics(metric),
        "bold": bold,
        "vs_paper": vs_paper,
        "planned": _planned(results),
        "compare": parse_texts(compare, "methods to compare") if compare else (),
        "claims": claims,
        "ranks": ranks,
        "together": side_by_side,
        "command": shlex.join(["bench", *sys.argv[1:]]),
    }
    records = records_of(results)
    if html is not None:
        extra = {"folder": results, "data": root, "images": images}
        _write_page(records, html if html != NO_NAME else results / PAGE, options, extra)
    if plots is not None:
        _write_plots(records, plots, options)
    if diagram is not None:
        _draw(records, options["metrics"], diagram)
    files = html is not None or plots is not None or diagram is not None
    if files and not (asked or compare or claims or ranks or vs_paper):
        return
    if not asked:
        width = shutil.get_terminal_size((80, 24)).columns
        say(render_report(records, form="terminal", width=width, **options))
    for form, target in asked.items():
        text = render_report(records, form=form, **options)  # type: ignore[arg-type]
        if target == STDOUT:
            say(text)
        else:
            write_atomic(Path(target), text)
            click.echo(f"wrote {target}", err=True)


def _metrics(given: tuple[str, ...]) -> list[str]:
    from imbench.errors import UsageError
    from imbench.spec import split_list

    names = list(dict.fromkeys(name for text in given for name in split_list(text)))
    if not names:
        raise UsageError("--metric names no metric; `bench list metrics` shows all")
    return names


def _refuse_bad_targets(asked: dict[str, str]) -> None:
    from imbench.errors import UsageError

    if sum(target == STDOUT for target in asked.values()) > 1:
        raise UsageError(
            f"only one of {', '.join(f'--{form}' for form in asked)} can go to standard output; "
            "give the others a file"
        )
    for form, target in asked.items():
        if target != STDOUT and Path(target).is_dir():
            raise UsageError(
                f"--{form} {target}: that is a folder; to report on it write "
                f"`bench report {shlex.quote(target)} --{form}`"
            )


def _planned(results: Path) -> tuple[Any, ...]:
    """Return the cells that the last run was asked for, so that those not run are seen."""
    from imbench.records.planned import read_planned

    known = read_planned(results)
    return () if known is None else known.cells


def _draw(records: list[Record], metrics: list[str], path: Path) -> None:
    from imbench.errors import UsageError
    from imbench.page.diagram import save_diagram
    from imbench.report.sections import rank_metrics

    if len(metrics) > 1:
        raise UsageError("a diagram shows the ranks by one metric: name one with --metric")
    (ranks,) = rank_metrics(records, metrics)
    save_diagram(ranks, path)
    click.echo(f"wrote {path}", err=True)


def _write_page(
    records: list[Record], target: Path | str, options: dict[str, Any], extra: dict[str, Any]
) -> None:
    from imbench.files.atomic import write_atomic
    from imbench.page.page import page

    shared = {name: options[name] for name in ("metrics", "bold", "planned", "command")}
    text = page(records, **shared, **extra)
    if target == STDOUT:
        # The page says that it is UTF-8, whatever the terminal's encoding is.
        click.echo(text.encode(), nl=False)
        return
    write_atomic(Path(target), text)
    click.echo(f"wrote {target} ({len(text.encode()) / 1e6:.1f} MB)", err=True)


def _write_plots(records: list[Record], folder: Path, options: dict[str, Any]) -> None:
    from imbench.page.figures import save_figures

    shared = {name: options[name] for name in ("metrics", "planned")}
    paths = save_figures(records, folder, **shared)
    click.echo(f"wrote {len(paths)} files to {folder}", err=True)


def records_of(results: Path) -> list[Record]:
    """Return the records of a folder; NotComparable if it is not there or holds none."""
    from imbench.errors import NotComparable
    from imbench.records.store import Store

    if not results.is_dir():
        raise NotComparable(
            f"there is no results folder {str(results)!r}: run `bench run` first, "
            "or name the folder that an earlier run wrote"
        )
    records: list[Record] = Store(results).records()
    if not records:
        raise NotComparable(
            f"{str(results)!r} holds no records: run `bench run --out {shlex.quote(str(results))}`"
        )
    return records


def say(text: str) -> None:
    """Print, in the terminal's encoding whatever it is."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.replace("\xb1", "+-").encode(encoding, "backslashreplace").decode(encoding)
    click.echo(text, nl=False)
