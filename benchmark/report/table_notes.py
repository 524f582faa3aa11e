"""What stands above and below the scores of a table: the protocol, and notes on the records."""

from __future__ import annotations

import math

from imbench.images.pixel_notes import PIXEL_KINDS
from imbench.records.groups import Group, format_ranges, group_differences
from imbench.report.floors import trivial_score
from imbench.report.means import NOT_RUN, TableCell
from imbench.spec import parse_spec
from imbench.stats.about_metrics import is_of_minorities
from imbench.stats.intervals import Ends
from imbench.stats.metrics import METRICS

__all__ = [
    "CALIBRATION",
    "PRIORS",
    "class_notes",
    "cost_notes",
    "interval_notes",
    "other_table_notes",
    "protocol_line",
    "provenance_notes",
]

THRESHOLDS = {
    "cost": "an image is called the likelier class",
    "cost_bayes": "called minority where that costs less by probabilities corrected to the test "
    "set's class shares",
    "cost_tuned": "the threshold is chosen on one half of the test images and scored on the other",
}
CALIBRATION = frozenset({"brier", "log_loss", "ece_conf", "ece_pos"})
PRIORS = (
    "outputs are not recalibrated: methods that resample or reweight assume another prior than "
    "that of the test set"
)


def protocol_line(group: Group) -> str:
    """Return the protocol of a group of records in one line."""
    settings, tests = group.basis.settings, group.test_counts
    majority = "all" if group.majority is None else group.majority
    pieces = [f"majority {majority}"]
    if group.basis.by_class is not None:
        pieces.append(f"minorities {'+'.join(map(str, group.basis.by_class))}")
    if tests and sum(tests):
        share = 1 - tests[0] / sum(tests)
        best = {name: trivial_score(METRICS[name], tests, False) for name in ("f1", "acsa")}
        whose = "minority" if len(tests) == 2 else "minorities'"
        pieces.append(f"test {'+'.join(map(str, tests))} ({whose} share {share:.3f})")
        pieces.append(
            "trivial "
            + ", ".join(
                f"{label} {best[name]:.3f}"
                for name, label in (("f1", "F1"), ("acsa", "ACSA"))
                if best[name] is not None
            )
        )
    pieces.append(f"{settings.network}, {settings.size} px{_made_of_pixels(group)}")
    half = "" if settings.precision == "float32" else f" in {settings.precision}"
    pieces.append(f"{settings.steps} steps of {settings.batch_size} images{half}")
    seeds = group.seeds
    pieces.append(f"seed{'s' if len(seeds) > 1 else ''} {format_ranges(seeds)}")
    spec = "" if group.title == group.name else f"{group.name} "
    pieces.append(f"data {spec}{group.basis.fingerprint[:12]}")
    return "; ".join(pieces)


def _made_of_pixels(group: Group) -> str:
    """Say what was done to all images: `` (stretched, rescaled)``."""
    kinds = [
        kind for kind in PIXEL_KINDS for note in group.data_notes if note.startswith(f"{kind}:")
    ]
    return f" ({', '.join(kinds)})" if kinds else ""


def cost_notes(name: str) -> list[str]:
    """Say what a cost is, and at which threshold."""
    spec = parse_spec(name) if name.startswith("cost") else None
    if spec is None or spec.name not in THRESHOLDS:
        return []
    ratio = spec.argument or spec.options.get("ratio", "")
    return [
        f"costs: {ratio} for a missed minority image, 1 for a false alarm; trivial is the best of "
        "calling everything majority and calling everything minority",
        f"{spec.name}: {THRESHOLDS[spec.name]}",
    ]


def interval_notes(
    grid: list[list[TableCell]], seeds: list[int], lower: bool, bounds: Ends
) -> list[str]:
    """Explain the numbers in the cells."""
    better = "; lower is better" if lower else ""
    if len(seeds) > 1:
        notes = [f"mean over seeds [its 95 % t interval{_format_range(bounds)}]{better}"]
    else:
        notes = [f"one seed: no interval{better}"]
    if any(entry.mark == NOT_RUN for line in grid for entry in line):
        notes.append(f"{NOT_RUN} not run")
    return notes


def class_notes(group: Group, name: str) -> list[str]:
    """Say what a mean over several minorities leaves out, and where each class is to be seen."""
    if len(group.test_counts) < 3:
        return []
    notes = ["recall and F1 of each class, and confusion: `bench report --per-class`"]
    if is_of_minorities(name):
        whole = "; --metric macro_f1 is the mean F1 of all classes" if name == "f1" else ""
        notes.insert(0, f"a mean over the minorities, each against all others{whole}")
    return notes


def _format_range(bounds: Ends) -> str:
    low, high = bounds
    if math.isfinite(low) and math.isfinite(high):
        return f" within {low:g}..{high:g}"
    if math.isfinite(low):
        return f" from {low:g} up"
    return f" up to {high:g}" if math.isfinite(high) else ""


def provenance_notes(group: Group) -> list[str]:
    """Say where records come from, if not all from one place, and which were edited."""
    notes = []
    if len(group.names) > 1:
        notes.append(f"the same data were also run as {', '.join(group.names[1:])}")
    # A cell without a score may have ended before a device was chosen, and no number is from it.
    scored = [record for record in group.records if record.done]
    commits = sorted({record.commit[:12] for record in scored if record.commit})
    if len(commits) > 1:
        notes.append(f"records of {len(commits)} commits: {', '.join(commits)}")
    devices = sorted({record.environment.get("device", "") for record in scored} - {""})
    if len(devices) > 1:
        notes.append(f"records of {len(devices)} devices: {', '.join(devices)}")
    edited = sorted(group.slots[row, count][seed].key for row, count, seed in group.edited)
    if edited:
        shown = ", ".join(edited[:5]) + (", ..." if len(edited) > 5 else "")
        notes.append(
            f"WARNING: {len(edited)} record{'s' if len(edited) > 1 else ''} with a wrong checksum,"
            f" edited by hand or damaged: {shown}"
        )
    return notes


def other_table_notes(alike: list[Group]) -> list[str]:
    """Say what tells tables of one data set apart, which share no records."""
    if len(alike) < 2:
        return []
    what = "; ".join(
        f"{key} {' / '.join(values)}" for key, values in group_differences(alike).items()
    )
    return [f"one of {len(alike)} tables of this data set, which are not comparable: {what}"]
