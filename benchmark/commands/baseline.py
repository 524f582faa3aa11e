"""`bench baseline`: write a baseline for `bench check`, show it, compare it with results."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imbench.commands.arguments import metric_option
from imbench.commands.terminal import echo, echo_document, terminal_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imbench.check.baseline import Baseline
    from imbench.check.sides import Side

__all__ = ["baseline"]

_FILE: dict[str, Any] = {
    "default": Path("results/baseline.json"),
    "show_default": True,
    "type": click.Path(dir_okay=False, path_type=Path),
}
_METRIC = metric_option("Keep these metrics", ["f1", "acsa", "auroc", "log_loss"])
_FROM = click.option(
    "--from",
    "results",
    default=Path("results"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Read this results folder.",
)


@click.group("baseline")
def baseline() -> None:
    """Write a baseline for `bench check`, show it, or compare it with results."""


@baseline.command("update")
@_FROM
@click.option("--reason", required=True, metavar="TEXT", help="Say why the scores changed.")
@click.option("--baseline", "file", **_FILE, help="Write this file.")
@_METRIC
@click.option("--predictions", is_flag=True, help="Keep the predicted class of each test image.")
def update(
    results: Path, reason: str, file: Path, metrics: tuple[str, ...], predictions: bool
) -> None:
    """Write the scores of a results folder as the baseline, and print what changes."""
    from imbench.check.baseline import write
    from imbench.errors import UsageError

    reason = " ".join(reason.split())
    if not reason:
        raise UsageError("--reason is empty: say why the scores changed")
    after = _baseline_of(results, metrics, reason=reason, predictions=predictions)
    before = _read_previous(file)
    if before is not None:
        echo_document(_format_changes(before, after))
    write(file, after)
    rows = sum(len(data.lines) for data in after.data)
    size = file.stat().st_size / 1e3
    echo(f"wrote {file}: {rows} methods and counts, {size:.0f} kB; commit it")


@baseline.command("show")
@click.argument(
    "file", default=Path("results/baseline.json"), type=click.Path(dir_okay=False, path_type=Path)
)
def show(file: Path) -> None:
    """Print the content of FILE (default: results/baseline.json)."""
    from imbench.check.baseline import read_baseline

    echo(*_format_baseline(read_baseline(file)))


@baseline.command("diff")
@_FROM
@click.option("--baseline", "file", **_FILE, help="Compare with this baseline.")
@_METRIC
def diff(results: Path, file: Path, metrics: tuple[str, ...]) -> None:
    """Print what an update from a results folder would change; write nothing."""
    from imbench.check.baseline import read_baseline

    before = read_baseline(file)
    after = _baseline_of(results, metrics or tuple(before.side().metrics()), reason="not written")
    echo_document(_format_changes(before, after))


def _baseline_of(
    results: Path, metrics: Sequence[str], *, reason: str, predictions: bool = False
) -> Baseline:
    from imbench.check.baseline import METRICS
    from imbench.check.sides import side_of
    from imbench.check.update import baseline_of
    from imbench.records.results import read_result_records

    side = side_of(read_result_records(results), metrics or METRICS)
    unscored = sum(not run.done for runs in side.runs.values() for run in runs.values())
    if unscored:
        echo(f"warning: {unscored} cells have no score and are left out", err=True)
    day = datetime.now(UTC).date().isoformat()
    return baseline_of(side, reason=reason, made=day, predictions=predictions)


def _read_previous(file: Path) -> Baseline | None:
    from imbench.check.baseline import read_baseline
    from imbench.errors import NotComparable

    if not file.exists():
        return None
    try:
        return read_baseline(file)
    except NotComparable as error:
        echo(f"warning: {error}; it is replaced", err=True)
        return None


def _format_changes(before: Baseline, after: Baseline) -> str:
    """Return scores that are new, gone or changed as a table, in whatever environment they ran."""
    from imbench.check.conclusion import counted, printed_cases
    from imbench.check.regression import Rules, check_results
    from imbench.report.text import terminal

    old, new = before.side(), after.side()
    versions = _version_changes(old, new)
    cases = check_results(old.scores_only(), new.scores_only(), Rules())
    changed = [case for case in cases if case.verdict != "same"]
    if not changed:
        return "\n".join([f"no score changes: {counted(cases)}", *versions])
    return "\n".join(
        [*versions, counted(cases), "", terminal(printed_cases(changed), terminal_width())]
    )


def _version_changes(old: Side, new: Side) -> list[str]:
    return sorted(
        {
            f"part {part}: version {version} -> {new.versions[place][part]}"
            for place, versions in old.versions.items()
            for part, version in versions.items()
            if new.versions.get(place, {}).get(part, version) != version
        }
    )


def _format_baseline(baseline: Baseline) -> list[str]:
    from imbench.records.groups import format_ranges, method_title

    lines = [
        f"made {baseline.made} with imbench {baseline.imbench}: {baseline.reason}",
        f"checksum {baseline.checksum[:12]}; records of {', '.join(baseline.commits) or 'unknown'}",
    ]
    lines += [
        f"environment {number}: {', '.join(f'{key} {value}' for key, value in kept.items())}"
        for number, kept in enumerate(baseline.environments)
    ]
    for data in baseline.data:
        majority = "all" if data.majority is None else data.majority
        settings = ", ".join(f"{key} {value}" for key, value in data.settings.model_dump().items())
        lines += [
            "",
            f"{', '.join(data.names)}: data {data.fingerprint[:12]}, majority {majority}, "
            f"protocol {data.protocol}, {settings}",
        ]
        for row in data.lines:
            means = ", ".join(f"{name} {_mean(scores)}" for name, scores in row.scores.items())
            seeds = f"seeds {format_ranges(row.seeds)}"
            lines.append(f"  {method_title(row.recipe)} at {row.minority}, {seeds}: {means}")
    return lines


def _mean(scores: Sequence[float | None]) -> str:
    known = [score for score in scores if score is not None]
    return f"{sum(known) / len(known):.3f}" if known else "--"
