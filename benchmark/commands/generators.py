"""`bench generators`: evaluate the generators of AUG and ALT, apart from the trained methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from imbench.commands.arguments import ANY_DATA, RESULTS
from imbench.commands.terminal import command_line, echo, echo_document, terminal_width

__all__ = ["generators"]


@click.command()
@RESULTS
@ANY_DATA
@click.option("--network", default="resnet20", show_default=True, help="Network of the oracles.")
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Optimiser steps of the oracles.",
)
@click.option(
    "--oracles",
    type=click.IntRange(1, 20),
    default=2,
    show_default=True,
    help="Number of oracles, each with its own seed.",
)
@click.option(
    "--inception",
    is_flag=False,
    flag_value="download",
    default="",
    metavar="[FILE]",
    help="Add Inception accuracy; FILE holds torchvision's weights, else they are downloaded.",
)
@click.option("--device", default="auto", show_default=True, help="Choose cpu, cuda, cuda:1, ...")
@click.option("--markdown", is_flag=True, help="Print Markdown tables.")
@click.option("--json", "as_json", is_flag=True, help="Print the scores of each seed as JSON.")
def generators(
    results: Path,
    root: Path,
    markdown: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Evaluate the trained generators that runs stored in RESULTS (default: results).

    The first call trains oracles, classifiers of all real training images, and saves them in the
    cache (IMBENCH_CACHE, else ~/.cache/imbench). RESULTS is only read.
    """
    from imbench.errors import UsageError
    from imbench.records.store import read_records

    if markdown and as_json:
        raise UsageError("--markdown and --json exclude each other: choose one of them")
    records = read_records(results)
    from imbench.generators.report import (
        EvaluationSettings,
        evaluate_generators,
        render_generators,
    )

    reports = evaluate_generators(
        records,
        EvaluationSettings(results, root, **settings),
        lambda text: echo(text, err=True),
    )
    form: Literal["terminal", "markdown", "json"] = "terminal"
    if markdown or as_json:
        form = "json" if as_json else "markdown"
    echo_document(render_generators(reports, form, command=command_line(), width=terminal_width()))
