"""`bench check`: results against a baseline, for people and for CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imbench.commands.arguments import RESULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imbench.check.regression import Case, Rules
    from imbench.check.sides import Side

__all__ = ["check"]

FILE = "baseline.json"
SUMMARY = "GITHUB_STEP_SUMMARY"
"""Variable that names the file of a step's summary."""


def _alpha(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    if not 0 < value < 0.5:  # nor is it NaN, which click's own range lets pass
        raise click.BadParameter(f"{value:g} does not lie between 0 and 0.5")
    return value


@click.command("check")
@RESULTS
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Baseline, or the results folder of an earlier run; RESULTS/baseline.json if not given.",
)
@click.option(
    "--mode",
    type=click.Choice(["exact", "statistical"]),
    default="exact",
    show_default=True,
    help="Scores must be equal, or must not have fallen beyond chance.",
)
@click.option(
    "--margin",
    multiple=True,
    metavar="METRIC=FALL",
    help="Check this metric, and let pass a fall up to so much: f1=0.02.",
)
@click.option(
    "--alpha",
    type=float,
    default=0.05,
    show_default=True,
    callback=_alpha,
    help="Chance of a false alarm of a whole check.",
)
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the verdicts as JUnit XML.",
)
@click.option("--github", is_flag=True, help="Annotate, and write the step summary.")
@click.option("--require-complete", is_flag=True, help="Fail if a cell of the baseline is missing.")
def check(
    results: Path,
    baseline: Path | None,
    mode: str,
    margin: tuple[str, ...],
    alpha: float,
    junit: Path | None,
    github: bool,
    require_complete: bool,
) -> None:
    """Compare the scores in RESULTS (default: results) with a baseline.

    Exit codes: 0 nothing got worse, 1 something did, 3 no comparison was possible.
    """
    from imbench.check import regression
    from imbench.check.conclusion import counted, fault_of
    from imbench.files.atomic import write_atomic

    place = results / FILE if baseline is None else baseline
    rules = regression.Rules("exact" if mode == "exact" else "statistical", _margins(margin), alpha)
    before, said = _baseline(place, rules)
    now = _now(results, before, rules)
    cases = regression.check_results(before, now, rules)
    above = (f"{said}; {_method(rules, before)}", *_stale(now))
    fault = fault_of(cases, require_complete=require_complete)
    _print(cases, above)
    if junit is not None:
        from imbench.check.junit import junit as xml

        write_atomic(junit, xml(cases, require_complete=require_complete))
    if github:
        _tell_github(cases, above, "Passed." if fault is None else str(fault))
    if fault is not None:
        raise fault
    click.echo(f"{counted(cases)}{_warning(cases)}")


def _margins(given: Sequence[str]) -> dict[str, float] | None:
    from imbench.errors import UsageError
    from imbench.registry import load_plugin

    found = {}
    for piece in filter(None, (piece.strip() for text in given for piece in text.split(","))):
        name, equals, number = piece.partition("=")
        load_plugin("metrics", name)
        try:
            value = float(number) if equals else -1.0
        except ValueError:
            value = -1.0
        if not 0 <= value < float("inf"):
            raise UsageError(f"--margin {piece}: write a metric and a fall, such as f1=0.02")
        found[name] = value
    if given and not found:
        raise UsageError("--margin names no metric: write a metric and a fall, such as f1=0.02")
    return found or None


def _baseline(place: Path, rules: Rules) -> tuple[Side, str]:
    """Return the baseline's side, and what it is in words."""
    if place.is_dir():
        from imbench.check.baseline import METRICS

        return _side(
            place, list(rules.margins or METRICS)
        ), f"against the records in {str(place)!r}"
    from imbench.check.baseline import read_baseline

    baseline = read_baseline(place)
    return baseline.side(), f"against {str(place)!r} of {baseline.made} ({baseline.reason})"


def _now(results: Path, before: Side, rules: Rules) -> Side:
    from imbench.errors import NotComparable

    if not results.is_dir():
        raise NotComparable(
            f"there is no results folder {str(results)!r}: run `bench run` first, or name another"
        )
    return _side(results, list(rules.margins or before.metrics()))


def _side(folder: Path, metrics: Sequence[str]) -> Side:
    from imbench.check.sides import side_of
    from imbench.errors import NotComparable
    from imbench.records.store import Store

    records = Store(folder).records()
    if not records:
        raise NotComparable(f"{str(folder)!r} holds no records, so nothing can be compared")
    return side_of(records, list(metrics))


def _method(rules: Rules, before: Side) -> str:
    if rules.mode == "exact":
        return "scores must be equal"
    from imbench.check.regression import margins_of

    margins = ", ".join(f"{name} {fall:g}" for name, fall in margins_of(rules, before).items())
    return f"statistical, margin {margins}, alpha {rules.alpha:g}"


def _stale(now: Side) -> tuple[str, ...]:
    """Say that records were made by other code: they say nothing about the code there is now."""
    from imbench.records.environment import commit

    here = commit()
    others = [one for one in now.commits if one != here]
    if not others:
        return ()
    made = ", ".join(one[:12] + ("-changed" if one.endswith("-changed") else "") for one in others)
    return (f"note: records were made by {made}, and the code here is {here[:12]}",)


def _print(cases: Sequence[Case], above: Sequence[str]) -> None:
    from imbench.check.conclusion import sheets
    from imbench.report.printed import echo
    from imbench.report.text import terminal

    width = shutil.get_terminal_size((80, 24)).columns
    echo(terminal(sheets(cases, above), width).rstrip() + "\n")


def _tell_github(cases: Sequence[Case], above: Sequence[str], verdict: str) -> None:
    from imbench.check.github import annotated, summary
    from imbench.report.printed import echo

    for line in annotated(cases):
        echo(line)
    named = os.environ.get(SUMMARY)
    if not named:
        click.echo(f"{SUMMARY} is not set: no step summary was written", err=True)
        return
    from imbench.errors import EnvironmentFault

    try:
        with Path(named).open("a", encoding="utf-8") as file:
            file.write(summary(cases, above, verdict))
    except OSError as error:
        raise EnvironmentFault(
            f"the step summary {named!r} cannot be written: {error.strerror}"
        ) from error


def _warning(cases: Sequence[Case]) -> str:
    from imbench.check.conclusion import unfinished

    left = unfinished(cases)
    return f"; warning: {len(left)} of them are not settled, see the notes" if left else ""
