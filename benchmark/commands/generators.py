"""`bench generators`: what the generators of AUG and ALT are worth, apart from any classifier."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Literal

import click

from imbench.commands.arguments import ANY_DATA, RESULTS
from imbench.commands.report import records_of, say

__all__ = ["generators"]


@click.command()
@RESULTS
@ANY_DATA
@click.option("--network", default="resnet20", show_default=True, help="The oracle's network.")
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="The oracle's optimiser steps.",
)
@click.option(
    "--oracles",
    type=click.IntRange(1, 20),
    default=2,
    show_default=True,
    help="How many oracles judge, each with a seed of its own.",
)
@click.option(
    "--inception",
    is_flag=False,
    flag_value="download",
    default="",
    metavar="[FILE]",
    help="Inception accuracy too: torchvision's weights of InceptionV3; without FILE downloaded.",
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, ...")
@click.option("--markdown", is_flag=True, help="Markdown tables.")
@click.option("--json", "as_json", is_flag=True, help="All numbers, of each seed.")
def generators(
    results: Path,
    root: Path,
    network: str,
    steps: int,
    oracles: int,
    inception: str,
    device: str,
    markdown: bool,
    as_json: bool,
) -> None:
    """Judge the trained generators that runs left in RESULTS (default: results).

    Trains an oracle, a classifier of all real training images, the first time; it is kept below
    RESULTS.
    """
    from imbench.errors import UsageError

    if markdown and as_json:
        raise UsageError("--markdown and --json are two forms: ask for one of them")
    records = records_of(results)
    from imbench.generators.report import Ask, judged_report, render_generators

    ask = Ask(
        results,
        root,
        network=network,
        steps=steps,
        oracles=oracles,
        inception=inception,
        device=device,
    )
    reports = judged_report(records, ask, lambda text: click.echo(text, err=True))
    form: Literal["terminal", "markdown", "json"] = "terminal"
    if markdown or as_json:
        form = "json" if as_json else "markdown"
    width = shutil.get_terminal_size((80, 24)).columns
    say(render_generators(reports, form, command=shlex.join(["bench", *sys.argv[1:]]), width=width))
