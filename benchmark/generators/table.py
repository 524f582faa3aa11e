"""Lay out generator rows as a table: methods in rows, real images above them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from imbench.generators.evaluator import TargetShares
from imbench.generators.oracle import OracleSettings
from imbench.generators.rows import Distance, GeneratorRow, Standard
from imbench.records.groups import Group, format_ranges
from imbench.report.printed_table import PrintedCell, PrintedTable
from imbench.stats.intervals import Interval

__all__ = ["generator_table"]

DASH = PrintedCell(text="--")


def generator_table(
    rows: Sequence[GeneratorRow],
    standard: Standard,
    *,
    group: Group,
    classes: tuple[str, str],
    oracle: OracleSettings,
    oracles: int,
    inception: bool,
    faults: Sequence[str] = (),
) -> PrintedTable:
    """Lay out the scores of generators between the majority and one minority.

    Parameters
    ----------
    rows : sequence of GeneratorRow
        Rows of one group and one minority.
    standard : Standard
        Scores of real images.
    group : Group
        Group of the records.
    classes : (str, str)
        Names of the majority and of the minority.
    oracle : OracleSettings
        How the oracles were trained.
    oracles : int
        How many oracles there are; they are the first classifiers of `standard`.
    inception : bool
        Whether InceptionV3 classified too.
    faults : sequence of str
        Generators that could not be evaluated.
    """
    name_a, name_b = classes
    head = ["method", "A>B", "B>A", "flip", f"KID-{oracle.name}", "norm"]
    head += ["copy ratio", "nearer", "real", "change", "restored", "seconds", "steps"]
    head += ["Inception A>B", "Inception B>A"] if inception else []
    real = _real_row("real images", standard.ceiling, [DASH, DASH], oracles, inception)
    untranslated = _format_distance(standard.untranslated)
    body = [
        real,
        _real_row("untranslated", standard.floor, untranslated, oracles, inception),
        *(_generator_row(row, inception) for row in rows),
    ]
    counts = [row.minority for row in rows]
    breaks = {index + 3 for index, (one, two) in enumerate(pairwise(counts)) if one != two}
    return PrintedTable(
        title=f"{group.title}: generators, A = {name_a}, B = {name_b}",
        slug=f"generators-{group.code}-{rows[0].label}",
        above=(_protocol(rows, standard, group, oracle, oracles),),
        span="",
        head=tuple(head),
        align="l" + "r" * (len(head) - 1),
        rows=tuple(map(tuple, body)),
        rules=frozenset({2, *breaks}),
        below=(
            *_column_notes(oracle, standard, inception),
            *_oracle_notes(rows, oracles),
            *_sample_notes(rows),
            *faults,
        ),
    )


def _real_row(
    title: str,
    shares: Sequence[TargetShares],
    distance: Sequence[PrintedCell],
    oracles: int,
    inception: bool,
) -> list[PrintedCell]:
    return [
        PrintedCell(text=title),
        *_mean_shares(shares[:oracles]),
        DASH,
        *distance,
        *[DASH] * 7,
        *(_mean_shares(shares[oracles:]) if inception else ()),
    ]


def _generator_row(row: GeneratorRow, inception: bool) -> list[PrintedCell]:
    def mean(name: str) -> PrintedCell:
        return _format_interval(row.mean(name))

    return [
        PrintedCell(text=f"{row.minority} {row.title}"),
        *map(mean, ("forth", "back", "flip_forth")),
        *_format_distance(row.to_minority),
        *map(mean, ("copy_ratio", "nearer", "nearer_real")),
        PrintedCell(row.mean("change").mean, digits=2),
        PrintedCell(row.mean("restored").mean, digits=3),
        *(PrintedCell(text=f"{row.mean(name).mean:,.0f}") for name in ("seconds", "steps")),
        *(map(mean, ("inception_forth", "inception_back")) if inception else ()),
    ]


def _mean_shares(shares: Sequence[TargetShares]) -> list[PrintedCell]:
    columns = zip(*(share[:2] for share in shares), strict=True)
    return [PrintedCell(math.fsum(column) / len(shares), digits=2) for column in columns]


def _format_interval(interval: Interval) -> PrintedCell:
    return PrintedCell(interval.mean, interval.ends, digits=2)


def _format_distance(distance: Distance) -> list[PrintedCell]:
    ends = distance.low, distance.high
    kid = PrintedCell(distance.kid, ends, digits=2 if abs(distance.kid) >= 1 else 3)
    return [kid, PrintedCell(distance.norm, digits=2)]


def _protocol(
    rows: Sequence[GeneratorRow],
    standard: Standard,
    group: Group,
    oracle: OracleSettings,
    oracles: int,
) -> str:
    seeds = format_ranges(seed for row in rows for seed in row.seeds)
    title = f"{oracles} oracles" if oracles > 1 else "oracle"
    return (
        f"{group.majority} majority images, minority count before each method, "
        f"{group.basis.settings.size} px; seeds {seeds}; {title}: {oracle.network}, {oracle.steps} "
        f"steps on all real training images of both classes; test images translated; N = "
        f"{standard.untranslated.images} for distances"
    )


def _column_notes(oracle: OracleSettings, standard: Standard, inception: bool) -> list[str]:
    notes = [
        "A>B, B>A: oracle accuracy, the share of translated test images that the oracle assigns "
        "to the class they are translated to; real images are the ceiling, untranslated images the "
        "floor; in brackets the 95 % t interval of the mean over seeds within 0..1",
        "flip: the same share of images that it did not assign to B before translation",
        f"KID-{oracle.name}: distance of translated from real test images of B, in features of the "
        "oracle brought to one length, 0 to 16, with its 95 % bootstrap interval over images; 0 is "
        "best, below 0 is chance; norm: their mean length before that, divided by that of real "
        "images of B; far from 1 the oracle is asked about what it has never seen",
        "copy ratio: distance of fakes of B to the nearest training image of B, divided by that of "
        "held-out real images; nearer: share of fakes nearer to a training image than to any of "
        "as many others (0.5 on average without copying; real: the same for held-out real images); "
        "change: mean change of a pixel, 0 to 1",
        "restored: mean absolute error, in [-1, 1], of images of A translated to B and back; of "
        "averages over blocks: "
        + ", ".join(f"{side} px {value:.3f}" for side, value in standard.blocks.items()),
    ]
    if not inception:
        notes.append(
            "Inception accuracy: not measured, no weights of InceptionV3 were given (--inception)"
        )
    return notes


def _oracle_notes(rows: Sequence[GeneratorRow], oracles: int) -> list[str]:
    if oracles < 2:
        return []
    most = max(value for row in rows for value in row.scores["oracles_apart"].values())
    return [f"the oracles differ by at most {most:.2f} in the accuracy of one pair of generators"]


def _sample_notes(rows: Sequence[GeneratorRow]) -> list[str]:
    return [
        f"pictures of {row.minority} {row.title}: {row.samples[0]}"
        + (f" and {len(row.samples) - 1} more" if len(row.samples) > 1 else "")
        for row in rows
        if row.samples
    ]
