"""What to type after a run, with what it does, as the last lines of `bench run`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from imbench.methods._generator_names import minority_of
from imbench.records.groups import Group, group_records, method_title
from imbench.records.record import Record
from imbench.stats.paired import seeds_needed

__all__ = ["next_lines", "report_command"]

OWN_IMAGES = (
    "bench run --datasets folder:PATH,majority=ok,minority=defect --minority 25,50",
    "your own images: a folder for each class",
)


def report_command(results: Sequence[Path], *, page: bool = False) -> str:
    """Return the command that reports results; a page of several of them needs a name."""
    words = ["bench", "report", *map(str, results)]
    if page:
        words += ["--html", *([str(results[0] / "report.html")] if len(results) > 1 else [])]
    return shlex.join(words)


def next_lines(records: Sequence[Record], results: Sequence[Path], command: str) -> list[str]:
    """Return commands that lead on, each with what it does, one a line.

    Parameters
    ----------
    records : sequence of Record
        Those of the run.
    results : sequence of Path
        Where they are, first the folder of the run.
    command : str
        The command that made them.
    """
    groups = group_records(records)
    if not groups:
        return []
    offers = [(report_command(results, page=True), "the same on one page, with images and costs")]
    most = max(map(_seeds_wanted, groups))
    if most > len({seed for group in groups for seed in group.seeds}):  # a grid may leave some out
        offers.append((_with_seeds(command, most), f"{most} seeds, enough to call methods better"))
    stored = {record.cell.recipe for record in records if _has_generators(record)}
    rows = dict.fromkeys(row for group in groups for row in group.rows)
    makers = [method_title(row.recipe) for row in rows if row.recipe in stored]
    if makers:
        typed = shlex.join(["bench", "generators", str(results[0])])
        offers.append(
            (typed, f"whether the images that {' and '.join(makers)} made are of their class")
        )
    if not any(group.name.startswith(("folder:", "csv:")) for group in groups):
        offers.append(OWN_IMAGES)
    return [
        f"{'Next' if place == 0 else '':<7}{typed}  # {what}"
        for place, (typed, what) in enumerate(offers)
    ]


def _has_generators(record: Record) -> bool:
    return any(minority_of(name) is not None for name in record.files)


def _seeds_wanted(group: Group) -> int:
    """Return the seeds that a comparison of all methods needs; 0 if there are as many."""
    rivals = len({row.recipe for row in group.rows}) - 1
    needed = seeds_needed(rivals) if rivals > 0 else 0
    return needed if needed > len(group.seeds) else 0


def _with_seeds(command: str, seeds: int) -> str:
    """Return a command with other seeds in place of its own."""
    words, kept = shlex.split(command) or ["bench", "run"], []
    while words:
        word = words.pop(0)
        if word == "--seeds":
            words[:1] = []
        elif not word.startswith("--seeds=") and word != "--force":
            kept.append(word)
    return shlex.join([*kept, "--seeds", f"0-{seeds - 1}"])
