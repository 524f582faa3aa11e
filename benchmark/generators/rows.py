"""Measurements of generators, averaged over seeds: one row a method and minority count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from imbench.generators.evaluator import Evaluator, PairQuality, TargetShares
from imbench.generators.kid import fid, kid_interval, mean_norm, unit
from imbench.generators.stored import StoredGenerators
from imbench.methods._reconstruction import BLOCKS, block_average, error
from imbench.records.groups import Group, method_title
from imbench.seeds import stream
from imbench.stats.intervals import Interval, mean_interval

__all__ = [
    "Distance",
    "EvaluatedPair",
    "GeneratorRow",
    "Standard",
    "make_row",
    "make_standard",
    "pairs_by_row",
]


UNLIMITED = ("copy_ratio", "restored", "seconds", "steps")
"""How the names of scores begin that have no upper bound; all others lie between 0 and 1."""


class Distance(NamedTuple):
    """How far translations are from real images, in features of one length (`kid.unit`)."""

    kid: float
    """Mean over seeds."""
    low: float
    high: float
    """Ends of its bootstrap interval."""
    fid: float
    images: int
    """How many a side."""
    norm: float
    """Mean length of the features before that, divided by that of the real images."""


class EvaluatedPair(NamedTuple):
    """A stored pair of generators and its measurements."""

    stored: StoredGenerators
    quality: PairQuality


@dataclass(frozen=True)
class Standard:
    """Scores of real test images: the range within which generators score."""

    ceiling: tuple[TargetShares, ...]
    floor: tuple[TargetShares, ...]
    untranslated: Distance
    """Of the majority's test images from the minority's."""
    blocks: dict[int, float]
    """Side of a block in pixels to the error, in [-1, 1], of averages of the majority's test
    images over such blocks: what a reconstruction is held against."""

    def plain(self) -> dict[str, Any]:
        """Return the scores as JSON-ready data."""
        return {
            "ceiling": [shares.plain() for shares in self.ceiling],
            "floor": [shares.plain() for shares in self.floor],
            "untranslated": self.untranslated._asdict(),
            "blocks": {str(side): value for side, value in self.blocks.items()},
        }


@dataclass(frozen=True)
class GeneratorRow:
    """Generators of one method at one minority count, over seeds."""

    recipe: str
    minority: int
    label: int
    scores: dict[str, dict[int, float]]
    """Name of a score to its value at each seed: see `make_row`."""
    to_minority: Distance
    to_majority: Distance
    samples: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Name of the method as a table prints it."""
        return method_title(self.recipe)

    @property
    def seeds(self) -> list[int]:
        """Seeds that have scores."""
        return sorted(self.scores["forth"])

    def mean(self, name: str) -> Interval:
        """Return the mean of a score over seeds with its t interval within the score's range."""
        bounds = (0.0, math.inf if name.startswith(UNLIMITED) else 1.0)
        return mean_interval(list(self.scores[name].values()), bounds=bounds)

    def plain(self) -> dict[str, Any]:
        """Return the row as JSON-ready data."""
        return {
            "recipe": self.recipe,
            "title": self.title,
            "minority": self.minority,
            "label": self.label,
            "seeds": self.seeds,
            "numbers": {name: self._plain_score(name) for name in self.scores},
            "distance_forth": self.to_minority._asdict(),
            "distance_back": self.to_majority._asdict(),
            "samples": list(self.samples),
        }

    def _plain_score(self, name: str) -> dict[str, Any]:
        mean, ends, _ = self.mean(name)
        low, high = ends or (None, None)
        scores = {str(seed): value for seed, value in self.scores[name].items()}
        return {"mean": mean, "low": low, "high": high, "scores": scores}


def make_row(pairs: Sequence[EvaluatedPair], evaluator: Evaluator, oracles: int) -> GeneratorRow:
    """Return the row of one method, minority count and minority.

    Names of its scores are those of the JSON form: ``forth`` and ``back`` (accuracy of
    translations to the minority and to the majority, the mean over oracles), ``flip_forth``,
    ``flip_back``, ``inception_forth`` and ``inception_back`` if there is a classifier beyond the
    oracles, ``oracles_apart`` (the largest difference of ``forth`` or ``back`` between two
    oracles), ``change``, ``restored``, ``copy_ratio``, ``nearer``, ``nearer_real`` and the same
    with ``_pixels``, ``seconds`` and ``steps`` of the generators' training.

    Parameters
    ----------
    pairs : sequence of EvaluatedPair
        One for each seed.
    evaluator : Evaluator
        That measured them.
    oracles : int
        How many of its classifiers are oracles; they come first.
    """
    first = pairs[0].stored
    cell = first.record.cell
    scores = {pair.stored.record.cell.seed: _scores(pair, oracles) for pair in pairs}
    n = evaluator.sample_size(first.label)
    majority, minority = (evaluator.real_images(c).features[:n] for c in (0, first.label))
    return GeneratorRow(
        recipe=cell.recipe,
        minority=cell.minority,
        label=first.label,
        scores={
            name: {seed: values[name] for seed, values in sorted(scores.items())}
            for name in next(iter(scores.values()))
        },
        to_minority=_distance([(pair.quality.to_minority, minority) for pair in pairs]),
        to_majority=_distance([(pair.quality.to_majority, majority) for pair in pairs]),
        samples=tuple(pair.stored.samples for pair in pairs if pair.stored.samples),
    )


def make_standard(evaluator: Evaluator, label: int) -> Standard:
    """Return the scores of real test images of the majority and a minority."""
    n = evaluator.sample_size(label)
    samples = evaluator.real_images(0).features[:n], evaluator.real_images(label).features[:n]
    pixels = evaluator.real_images(0).pixels
    blocks = {side: error(pixels, block_average(pixels, side)) for side in BLOCKS}
    return Standard(evaluator.ceiling(label), evaluator.floor(label), _distance([samples]), blocks)


def pairs_by_row(group: Group, pairs: Sequence[EvaluatedPair]) -> list[list[EvaluatedPair]]:
    """Sort pairs into the rows of a table: by minority count, minority and method."""
    rows: dict[tuple[int, int, int], list[EvaluatedPair]] = {}
    order = {row.recipe: index for index, row in enumerate(group.rows)}
    for pair in pairs:
        cell = pair.stored.record.cell
        key = (cell.minority, pair.stored.label, order[cell.recipe])
        rows.setdefault(key, []).append(pair)
    return [rows[key] for key in sorted(rows)]


def _scores(pair: EvaluatedPair, oracles: int) -> dict[str, float]:
    quality, cost = pair.quality, pair.stored.record.cost
    by_oracle = [shares.plain() for shares in quality.shares[:oracles]]
    scores = {
        name: math.fsum(shares[name] for shares in by_oracle) / oracles for name in by_oracle[0]
    }
    scores["oracles_apart"] = max(
        max(shares[name] for shares in by_oracle) - min(shares[name] for shares in by_oracle)
        for name in ("forth", "back")
    )
    for shares in quality.shares[oracles:]:
        scores["inception_forth"] = shares.to_minority
        scores["inception_back"] = shares.to_majority
    scores["change"], scores["restored"] = quality.change, quality.restored
    for suffix, copying in (("", quality.copying), ("_pixels", quality.copying_pixels)):
        scores[f"copy_ratio{suffix}"] = copying.ratio
        scores[f"nearer{suffix}"] = copying.nearer
        scores[f"nearer_real{suffix}"] = copying.nearer_real
    return scores | {name: cost.get(f"generator_{name}", 0.0) for name in ("seconds", "steps")}


def _distance(samples: Sequence[tuple[Any, Any]]) -> Distance:
    of_one_length = [(unit(x), unit(y)) for x, y in samples]
    mean_fid = math.fsum(fid(x, y) for x, y in of_one_length) / len(samples)
    mean, low, high = kid_interval(of_one_length, stream(0, "bootstrap of KID"))
    norm = math.fsum(mean_norm(x) / mean_norm(y) for x, y in samples) / len(samples)
    return Distance(mean, low, high, mean_fid, len(samples[0][0]), norm)
