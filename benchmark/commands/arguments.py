"""Arguments that several commands share: the results folder, the folder of the data sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["ANY_DATA", "DATA", "RESULTS"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

RESULTS = click.argument("results", default="results", type=click.Path(path_type=Path))
"""The results folder a command reads, as `results`."""


def _data(*, file_okay: bool) -> Callable[[_Command], _Command]:
    return click.option(
        "--data",
        "root",
        type=click.Path(file_okay=file_okay, path_type=Path),
        envvar="IMBENCH_DATA",
        default=Path("data"),
        show_default=True,
        help="Folder that holds the data of all data sets (or IMBENCH_DATA).",
    )


DATA = _data(file_okay=False)
"""The folder of the data sets, as `root`; a file in its place is refused."""

ANY_DATA = _data(file_okay=True)
"""The same where a command goes on without it, or says what is wrong with it."""
