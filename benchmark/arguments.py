"""Arguments that several commands share: the results folder, the folder of the data sets."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["DATA", "RESULTS"]

RESULTS = click.argument("results", default="results", type=click.Path(path_type=Path))
"""The results folder a command reads, as `results`."""

DATA = click.option(
    "--data",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="IMBENCH_DATA",
    default=Path("data"),
    show_default=True,
    help="Folder that holds the data of all data sets (or IMBENCH_DATA).",
)
"""The folder of the data sets, as `root`."""
