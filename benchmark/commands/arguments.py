"""Arguments that several commands share: results folder, folder of data sets, metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["ANY_DATA", "COST", "DATA", "RESULTS", "metric_option"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

RESULTS = click.argument("results", default="results", type=click.Path(path_type=Path))
"""The results folder that a command reads, as `results`."""


def _data(*, file_okay: bool) -> Callable[[_Command], _Command]:
    return click.option(
        "--data",
        "root",
        type=click.Path(file_okay=file_okay, path_type=Path),
        envvar="IMBENCH_DATA",
        default=Path("data"),
        show_default=True,
        help="Set the folder that holds the data of all data sets (or IMBENCH_DATA).",
    )


DATA = _data(file_okay=False)
"""The folder of the data sets, as `root`; a file of that name is refused."""

ANY_DATA = _data(file_okay=True)
"""The same for commands that work without data sets, or report what is wrong with the folder."""


def metric_option(purpose: str, default: Sequence[str]) -> Callable[[_Command], _Command]:
    """Return the option ``--metric`` as `metrics`, names without repeats; empty if not given."""

    def parse(
        _context: click.Context, _parameter: click.Parameter, lists: tuple[str, ...]
    ) -> tuple[str, ...]:
        from imbench.lists import parse_texts

        return parse_texts(lists, "metrics") if lists else ()

    return click.option(
        "--metric",
        "metrics",
        multiple=True,
        metavar="NAMES",
        callback=parse,
        help=f"{purpose}, separated by commas (default: {','.join(default)}).",
    )


def _costs(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> tuple[str, ...]:
    if text is None:
        return ()
    from imbench.models.decision import parse_costs
    from imbench.records.metric_specs import COSTS, RATIO

    costs = parse_costs(text)
    ratio = RATIO.read("--cost", "ratio", costs.missed / costs.false_alarm)
    return tuple(f"{name}:ratio={ratio:.12g}" for name in COSTS)


COST = click.option(
    "--cost",
    "costs",
    metavar="MISSED:ALARM",
    callback=_costs,
    help="Show mean costs an image of missed minority images and false alarms: 10:1.",
)
"""Metrics of a cost ratio, as `costs`: at .5, at the Bayes threshold, and tuned."""
