"""`bench baseline`: make a baseline for `bench check`, look into it, see what would change."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

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
_METRIC = click.option(
    "--metric",
    multiple=True,
    metavar="NAMES",
    help="Scores to keep, separated by commas; f1,acsa,auroc,log_loss if not given.",
)
_FROM = click.option(
    "--from",
    "results",
    default=Path("results"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Results folder.",
)


@click.group("baseline")
def baseline() -> None:
    """Make a baseline for `bench check`, look into it, see what would change."""


@baseline.command("update")
@_FROM
@click.option("--reason", required=True, metavar="TEXT", help="Why scores are what they are now.")
@click.option("--baseline", "file", **_FILE, help="File to write.")
@_METRIC
@click.option("--predictions", is_flag=True, help="Keep the predicted class of each test image.")
def update(
    results: Path, reason: str, file: Path, metric: tuple[str, ...], predictions: bool
) -> None:
    """Write the scores of a results folder as the baseline, and print what changes."""
    from imbench.check.baseline import write
    from imbench.errors import UsageError
    from imbench.report.printed import echo

    reason = " ".join(reason.split())
    if not reason:
        raise UsageError("--reason is empty: say why scores are what they are now")
    made = _made(results, metric, reason=reason, predictions=predictions)
    before = _earlier(file)
    if before is not None:
        echo(_difference(before, made))
    write(file, made)
    lines = sum(len(data.lines) for data in made.data)
    size = file.stat().st_size / 1e3
    click.echo(f"wrote {file}: {lines} methods and counts, {size:.0f} kB; commit it")


@baseline.command("show")
@click.argument(
    "file", default=Path("results/baseline.json"), type=click.Path(dir_okay=False, path_type=Path)
)
def show(file: Path) -> None:
    """Print what FILE (default: results/baseline.json) holds."""
    from imbench.check.baseline import read_baseline
    from imbench.report.printed import echo

    echo(_described(read_baseline(file)))


@baseline.command("diff")
@_FROM
@click.option("--baseline", "file", **_FILE, help="Baseline.")
@_METRIC
def diff(results: Path, file: Path, metric: tuple[str, ...]) -> None:
    """Print what an update from a results folder would change; writes nothing."""
    from imbench.check.baseline import read_baseline
    from imbench.report.printed import echo

    before = read_baseline(file)
    names = metric or tuple(before.side().metrics())
    echo(_difference(before, _made(results, names, reason="not written")))


def _made(
    results: Path, metric: Sequence[str], *, reason: str, predictions: bool = False
) -> Baseline:
    from imbench.check.baseline import METRICS, baseline_of
    from imbench.check.sides import side_of
    from imbench.errors import NotComparable
    from imbench.records.store import Store
    from imbench.spec import split_list

    if not results.is_dir():
        raise NotComparable(f"there is no results folder {str(results)!r}: run `bench run` first")
    names = list(dict.fromkeys(name for text in metric for name in split_list(text))) or METRICS
    side = side_of(Store(results).records(), names)
    left = sum(not run.done for slot in side.runs.values() for run in slot.values())
    if left:
        click.echo(f"warning: {left} cells have no score and are left out", err=True)
    day = datetime.now(UTC).date().isoformat()
    return baseline_of(side, reason=reason, made=day, predictions=predictions)


def _earlier(file: Path) -> Baseline | None:
    from imbench.check.baseline import read_baseline
    from imbench.errors import NotComparable

    if not file.exists():
        return None
    try:
        return read_baseline(file)
    except NotComparable as error:
        click.echo(f"warning: {error}; it is replaced", err=True)
        return None


def _difference(before: Baseline, after: Baseline) -> str:
    """Return what is new, gone and moved, wherever it was computed, as a table."""
    from imbench.check.conclusion import counted, sheets
    from imbench.check.regression import Rules, check_results
    from imbench.report.text import terminal

    old, new = before.side(), after.side()
    parts = _changed_parts(old, new)
    cases = check_results(old.scores_only(), new.scores_only(), Rules())
    told = [case for case in cases if case.verdict != "same"]
    if not told:
        return "\n".join([f"no score changes: {counted(cases)}", *parts])
    width = shutil.get_terminal_size((80, 24)).columns
    return "\n".join([*parts, counted(cases), "", terminal(sheets(told), width)])


def _changed_parts(old: Side, new: Side) -> list[str]:
    changed = {
        f"part {part}: version {version} -> {new.versions[place][part]}"
        for place, versions in old.versions.items()
        for part, version in versions.items()
        if new.versions.get(place, {}).get(part, version) != version
    }
    return sorted(changed)


def _described(baseline: Baseline) -> str:
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
        lines += [
            "",
            f"{', '.join(data.names)}: data {data.fingerprint[:12]}, majority {majority}, "
            f"protocol {data.protocol}, {_settings(data.settings.model_dump())}",
        ]
        for line in data.lines:
            means = ", ".join(f"{name} {_mean(values)}" for name, values in line.scores.items())
            seeds = f"seeds {format_ranges(line.seeds)}"
            lines.append(f"  {method_title(line.recipe)} at {line.minority}, {seeds}: {means}")
    return "\n".join(lines)


def _settings(settings: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items())


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.3f}" if known else "--"
