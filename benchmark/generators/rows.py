"""What was measured of generators, put together over seeds: rows of numbers, in plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from imbench.generators.jury import JudgeShares, Jury, PairQuality
from imbench.generators.kid import fid, kid_interval
from imbench.generators.stored import StoredGenerators
from imbench.records.groups import Group, row_title
from imbench.seeds import stream
from imbench.stats.intervals import Interval, mean_interval

__all__ = [
    "Distance",
    "GeneratorRow",
    "JudgedPair",
    "Standard",
    "in_rows",
    "make_row",
    "make_standard",
]


class Distance(NamedTuple):
    """A mean KID, its bootstrap interval, the FID of the same images, and their number."""

    kid: float
    low: float
    high: float
    fid: float
    images: int


class JudgedPair(NamedTuple):
    """A pair of generators and what was measured of it."""

    left: StoredGenerators
    judged: PairQuality


@dataclass(frozen=True)
class Standard:
    """What real images get: between the floor and the ceiling lies what generators can do."""

    ceiling: tuple[JudgeShares, ...]
    floor: tuple[JudgeShares, ...]
    untranslated: Distance
    """Of the majority's test images from the minority's."""


@dataclass(frozen=True)
class GeneratorRow:
    """Generators of one method at one minority count, over seeds."""

    recipe: str
    minority: int
    label: int
    scores: dict[str, dict[int, float]]
    """Name of a number to its value at each seed: see `make_row`."""
    forth: Distance
    back: Distance
    samples: tuple[str, ...] = field(default=())

    @property
    def title(self) -> str:
        """Name of the method as a table prints it."""
        return row_title(self.recipe)

    @property
    def seeds(self) -> list[int]:
        """Seeds that were measured."""
        return sorted(self.scores["forth"])

    def mean(self, name: str) -> Interval:
        """Return the mean of a number over seeds, with the half-width of its t interval."""
        return mean_interval(list(self.scores[name].values()))

    def plain(self) -> dict[str, Any]:
        """Return the row as JSON-ready data."""
        return {
            "recipe": self.recipe,
            "title": self.title,
            "minority": self.minority,
            "label": self.label,
            "seeds": self.seeds,
            "numbers": {
                name: {
                    "mean": self.mean(name).mean,
                    "half_width": self.mean(name).half,
                    "scores": {str(seed): value for seed, value in scores.items()},
                }
                for name, scores in self.scores.items()
            },
            "distance_forth": self.forth._asdict(),
            "distance_back": self.back._asdict(),
            "samples": list(self.samples),
        }


def make_row(seen: Sequence[JudgedPair], jury: Jury, oracles: int) -> GeneratorRow:
    """Put together what was measured at the seeds of one method, minority count and minority.

    Its numbers: ``forth`` and ``back`` (accuracy of translations to the minority and to the
    majority, the mean over oracles), ``flip_forth``, ``flip_back``, ``inception_forth`` and
    ``inception_back`` where a judge beyond the oracles is there, ``oracles_apart`` (the largest
    difference of `forth` or `back` between two oracles), ``change``, ``copy_ratio``, ``nearer``,
    ``nearer_real`` and the same with ``_pixels``, ``seconds`` and ``steps`` of the generators'
    training.

    Parameters
    ----------
    seen : sequence of Seen
        One for each seed.
    jury : Jury
        That measured them.
    oracles : int
        How many of its judges are oracles: the first.
    """
    first = seen[0].left
    numbers = {one.left.record.cell.seed: _numbers(one, oracles) for one in seen}
    label = first.label
    a, b = jury.real(0).features, jury.real(label).features
    n = jury.size(label)
    forth = [(one.judged.forth, b[:n]) for one in seen]
    back = [(one.judged.back, a[:n]) for one in seen]
    return GeneratorRow(
        recipe=first.record.cell.recipe,
        minority=first.record.cell.minority,
        label=label,
        scores={
            name: {seed: values[name] for seed, values in sorted(numbers.items())}
            for name in next(iter(numbers.values()))
        },
        forth=_distance(forth),
        back=_distance(back),
        samples=tuple(one.left.samples for one in seen if one.left.samples),
    )


def make_standard(jury: Jury, label: int) -> Standard:
    """Return what real test images of the majority and of a minority get."""
    n = jury.size(label)
    pair = jury.real(0).features[:n], jury.real(label).features[:n]
    return Standard(jury.ceiling(label), jury.floor(label), _distance([pair]))


def in_rows(group: Group, seen: Sequence[JudgedPair]) -> list[list[JudgedPair]]:
    """Sort what was measured into the rows of a table: by count, minority and method."""
    slots: dict[tuple[int, int, int], list[JudgedPair]] = {}
    order = {row.recipe: place for place, row in enumerate(group.rows)}
    for one in seen:
        cell = one.left.record.cell
        slots.setdefault((cell.minority, one.left.label, order[cell.recipe]), []).append(one)
    return [slots[key] for key in sorted(slots)]


def _numbers(one: JudgedPair, oracles: int) -> dict[str, float]:
    judged, cost = one.judged, one.left.record.cost
    own, others = judged.verdicts[:oracles], judged.verdicts[oracles:]
    found = {
        name: math.fsum(getattr(verdict, name) for verdict in own) / len(own)
        for name in JudgeShares._fields
    }
    apart = [max(column) - min(column) for column in zip(*(v[:2] for v in own), strict=True)]
    found["oracles_apart"] = max(apart)
    for verdict in others:
        found |= {"inception_forth": verdict.forth, "inception_back": verdict.back}
    found["change"] = judged.change
    for suffix, near in (("", judged.copying), ("_pixels", judged.copying_pixels)):
        found |= {f"copy_ratio{suffix}": near.ratio, f"nearer{suffix}": near.nearer}
        found[f"nearer_real{suffix}"] = near.nearer_real
    found |= {key: cost.get(f"generator_{key}", 0.0) for key in ("seconds", "steps")}
    return found


def _distance(pairs: Sequence[tuple[Any, Any]]) -> Distance:
    n = len(pairs[0][0])
    squared = math.fsum(fid(x, y) for x, y in pairs) / len(pairs)
    mean, low, high = kid_interval(pairs, stream(0, "bootstrap of KID"))
    return Distance(mean, low, high, squared, n)
