"""Rows of judged generators as a sheet: methods in rows, real images above them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from imbench.generators.jury import JudgeShares
from imbench.generators.oracle import OracleSettings
from imbench.generators.rows import Distance, GeneratorRow, Standard
from imbench.records.groups import Group, ranges
from imbench.report.sheet import Sheet, Shown
from imbench.stats.intervals import Interval

__all__ = ["generator_sheet"]


def generator_sheet(
    rows: Sequence[GeneratorRow],
    standard: Standard,
    *,
    group: Group,
    classes: tuple[str, str],
    oracle: OracleSettings,
    oracles: int,
    inception: bool,
    faults: Sequence[str] = (),
) -> Sheet:
    """Lay out what was measured of the generators between a majority and one minority.

    Parameters
    ----------
    rows : sequence of Row
        Of one group and one minority.
    standard : Standard
        What real images get.
    group : Group
        Of the records.
    classes : (str, str)
        Names of the majority and of the minority.
    oracle : OracleSettings
        How the oracles were trained.
    oracles : int
        How many there are: the first judges of `standard`.
    inception : bool
        Whether InceptionV3 judged too.
    faults : sequence of str
        Generators that could not be judged.
    """
    dash = Shown(text="--")
    blank = [dash] * 6
    body = [
        [
            Shown(text="real images"),
            *_verdict(standard.ceiling[:oracles]),
            dash,
            dash,
            *blank,
            *(_verdict(standard.ceiling[oracles:]) if inception else ()),
        ],
        [
            Shown(text="untranslated"),
            *_verdict(standard.floor[:oracles]),
            dash,
            _shown_distance(standard.untranslated),
            *blank,
            *(_verdict(standard.floor[oracles:]) if inception else ()),
        ],
        *(_line(row, inception) for row in rows),
    ]
    counts = [row.minority for row in rows]
    breaks = {index + 3 for index, (one, two) in enumerate(pairwise(counts)) if one != two}
    a, b = classes
    head = ["method", "A>B", "B>A", "flip", f"KID-{oracle.name}", "copy ratio", "nearer", "real"]
    head += ["change", "seconds", "steps"]
    head += ["Inception A>B", "Inception B>A"] if inception else []
    return Sheet(
        title=f"{group.name}: generators, A = {a}, B = {b}",
        slug=f"generators-{group.code}-{rows[0].label}",
        above=(_protocol(rows, standard, group, oracle, oracles),),
        span="",
        head=tuple(head),
        align="l" + "r" * (len(head) - 1),
        rows=tuple(map(tuple, body)),
        rules=frozenset({2, *breaks}),
        below=(*_explained(oracle, inception), *_apart(rows, oracles), *_samples(rows), *faults),
    )


def _line(row: GeneratorRow, inception: bool) -> list[Shown]:
    names, rest = ("forth", "back", "flip_forth"), ("copy_ratio", "nearer", "nearer_real")
    line = [
        Shown(text=f"{row.minority} {row.title}"),
        *(_shown(row.mean(name)) for name in names),
        _shown_distance(row.forth),
        *(_shown(row.mean(name)) for name in rest),
        Shown(row.mean("change").mean, digits=2),
        *(Shown(text=f"{row.mean(name).mean:,.0f}") for name in ("seconds", "steps")),
    ]
    if inception:
        line += [_shown(row.mean(f"inception_{way}")) for way in ("forth", "back")]
    return line


def _verdict(verdicts: Sequence[JudgeShares]) -> list[Shown]:
    n = len(verdicts)
    return [
        Shown(math.fsum(getattr(verdict, way) for verdict in verdicts) / n, digits=2)
        for way in ("forth", "back")
    ]


def _shown(interval: Interval) -> Shown:
    return Shown(interval.mean, interval.half, digits=2)


def _shown_distance(found: Distance) -> Shown:
    digits = 2 if abs(found.kid) >= 1 else 3
    rounded = [round(number, digits) + 0.0 for number in (found.kid, found.low, found.high)]
    numbers = [f"{number:.{digits}f}" for number in rounded]  # no "-0.000"
    return Shown(text="{} [{}, {}]".format(*numbers))


def _protocol(
    rows: Sequence[GeneratorRow],
    standard: Standard,
    group: Group,
    oracle: OracleSettings,
    oracles: int,
) -> str:
    seeds = ranges(seed for row in rows for seed in row.seeds)
    many = f"{oracles} oracles" if oracles > 1 else "oracle"
    return (
        f"{group.majority} majority images, minority count before each method, "
        f"{group.basis.settings.size} px; seeds {seeds}; {many}: {oracle.network}, {oracle.steps} "
        f"steps on all real training images of both classes; test images translated; N = "
        f"{standard.untranslated.images} for distances"
    )


def _explained(oracle: OracleSettings, inception: bool) -> list[str]:
    notes = [
        "A>B, B>A: oracle accuracy, the share of translated test images that the oracle takes for "
        "the class translated to; real images are the ceiling, untranslated ones the floor; "
        "\xb1 is the half-width of the 95 % interval of the mean over seeds",
        "flip: of those that it did not take for B before translation",
        f"KID-{oracle.name}: of translated from real test images of B, in features of the oracle, "
        "with the 95 % bootstrap interval over images; 0 is best and values below 0 are chance",
        "copy ratio: distance of fakes of B to the nearest training image of B, by that of "
        "held-out real images; nearer: share of fakes nearer to a training image than to one of "
        "as many others (0.5 on average without copying; real: the same for held-out real images); "
        "change: mean change of a pixel, 0 to 1",
    ]
    if not inception:
        notes.append(
            "Inception accuracy: not measured, InceptionV3's weights were not given (--inception)"
        )
    return notes


def _apart(rows: Sequence[GeneratorRow], oracles: int) -> list[str]:
    if oracles < 2:
        return []
    most = max(value for row in rows for value in row.scores["oracles_apart"].values())
    return [f"the oracles differ by at most {most:.2f} in the accuracy of one pair of generators"]


def _samples(rows: Sequence[GeneratorRow]) -> list[str]:
    return [
        f"pictures of {row.minority} {row.title}: {row.samples[0]}"
        + (f" and {len(row.samples) - 1} more" if len(row.samples) > 1 else "")
        for row in rows
        if row.samples
    ]
