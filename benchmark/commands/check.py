"""`bench check`: compare results with a baseline, for people and for CI."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imbench.commands.arguments import RESULTS
from imbench.commands.terminal import echo, echo_document, echo_workflow_command, terminal_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imbench.check.regression import Case, Rules
    from imbench.check.sides import Side

__all__ = ["check"]

FILE = "baseline.json"
SUMMARY = "GITHUB_STEP_SUMMARY"
"""Environment variable that holds the file of a step's summary."""


def _alpha(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    if not 0 < value < 0.5:  # also excludes NaN, which click's FloatRange accepts
        raise click.BadParameter(f"{value:g} does not lie between 0 and 0.5")
    return value


@click.command("check")
@RESULTS
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Compare with this baseline, folder or pack (default: RESULTS/baseline.json).",
)
@click.option(
    "--mode",
    type=click.Choice(["exact", "statistical"]),
    default="exact",
    show_default=True,
    help="Require equal scores, or no fall beyond chance.",
)
@click.option(
    "--margin",
    multiple=True,
    metavar="METRIC=FALL",
    help="Check this metric, and allow a fall of at most FALL: f1=0.02.",
)
@click.option(
    "--alpha",
    type=float,
    default=0.05,
    show_default=True,
    callback=_alpha,
    help="Limit the probability of a false alarm of the whole check.",
)
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the verdicts as JUnit XML.",
)
@click.option("--github", is_flag=True, help="Print GitHub annotations; write the step summary.")
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
    from imbench.check.conclusion import counted, fault_of, printed_cases, unfinished
    from imbench.check.regression import Rules, check_results
    from imbench.report.text import terminal

    rules = Rules("exact" if mode == "exact" else "statistical", _parse_margins(margin), alpha)
    before, source = _read_before(results / FILE if baseline is None else baseline, rules)
    after = _read_side(results, list(rules.margins or before.metrics()))
    cases = check_results(before, after, rules)
    above = (f"{source}; {_describe_rules(rules, before, cases)}", *_commit_notes(after))
    fault = fault_of(cases, require_complete=require_complete)
    echo_document(terminal(printed_cases(cases, above), terminal_width()).rstrip() + "\n\n")
    if junit is not None:
        from imbench.check.junit import junit as junit_xml
        from imbench.files.atomic import write_output

        write_output(junit, junit_xml(cases, require_complete=require_complete))
    if github:
        _report_to_github(cases, above, "Passed." if fault is None else str(fault))
    if fault is not None:
        raise fault
    unsettled = len(unfinished(cases))
    warning = f"; warning: {unsettled} of them are not settled, see the notes" if unsettled else ""
    echo(f"{counted(cases)}{warning}")


def _parse_margins(options: Sequence[str]) -> dict[str, float] | None:
    from imbench.errors import UsageError
    from imbench.records.metric_specs import load_metric

    margins = {}
    for piece in filter(None, (piece.strip() for text in options for piece in text.split(","))):
        name, equals, number = piece.rpartition("=") if "=" in piece else (piece, "", "")
        load_metric(name)
        try:
            fall = float(number) if equals else -1.0
        except ValueError:
            fall = -1.0
        if not 0 <= fall < float("inf"):
            raise UsageError(f"--margin {piece}: write a metric and a fall, such as f1=0.02")
        margins[name] = fall
    if options and not margins:
        raise UsageError("--margin names no metric: write a metric and a fall, such as f1=0.02")
    return margins or None


def _read_before(path: Path, rules: Rules) -> tuple[Side, str]:
    """Return the side of the baseline, and a description of its source."""
    from imbench.check.baseline import METRICS, read_baseline
    from imbench.records.pack_file import is_pack

    if path.is_dir() or is_pack(path):
        side = _read_side(path, list(rules.margins or METRICS))
        return side, f"against the records in {str(path)!r}"
    baseline = read_baseline(path)
    return baseline.side(), f"against {str(path)!r} of {baseline.made} ({baseline.reason})"


def _read_side(folder: Path, metrics: Sequence[str]) -> Side:
    from imbench.check.sides import side_of
    from imbench.records.results import read_result_records

    return side_of(read_result_records(folder), metrics)


def _describe_rules(rules: Rules, before: Side, cases: Sequence[Case]) -> str:
    from imbench.check.regression import TOLERANCE, margins_of

    if rules.mode == "exact":
        results = [result for case in cases for result in case.results]
        if any(one.verdict == "same" and one.before != one.after for one in results):
            allowed = "as --margin says" if rules.margins else f"by {TOLERANCE:g} over its cells"
            return (
                "scores must be equal where both sides round alike; here they do not, so the mean "
                f"of a method may fall {allowed}"
            )
        return "scores must be equal"

    margins = ", ".join(f"{name} {fall:g}" for name, fall in margins_of(rules, before).items())
    return f"statistical, margin {margins or 'none'}, alpha {rules.alpha:g}"


def _commit_notes(after: Side) -> tuple[str, ...]:
    """Note that records were made by other code: they do not test the code that is here."""
    from imbench.records.environment import commit

    here = commit()
    others = [_short_commit(other) for other in after.commits if other != here]
    if not others:
        return ()
    made = ", ".join(others)
    return (f"note: records were made by {made}, and the code here is {_short_commit(here)}",)


def _short_commit(name: str) -> str:
    return name[:12] + ("-changed" if name.endswith("-changed") else "")


def _report_to_github(cases: Sequence[Case], above: Sequence[str], conclusion: str) -> None:
    from imbench.check.github import annotated, summary
    from imbench.errors import EnvironmentFault

    for line in annotated(cases):
        echo_workflow_command(line)
    path = os.environ.get(SUMMARY)
    if not path:
        echo(f"{SUMMARY} is not set: no step summary was written", err=True)
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(summary(cases, above, conclusion))
    except OSError as error:
        raise EnvironmentFault(
            f"the step summary {path!r} cannot be written: {error.strerror}"
        ) from error
