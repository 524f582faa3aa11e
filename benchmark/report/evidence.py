"""Evidence for a claim of the paper: tests of a sum of scores over replicates.

A claim that a sum is above 0 holds if the sign-flip test and both 95 % intervals show it; it does
not hold if they show the opposite, or if the 90 % intervals lie within the margin. A claim that a
sum is 0 holds if the 90 % intervals lie within the margin, and does not if they lie outside.
Otherwise it cannot be told, nor with fewer than six seeds or after runs without a score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from imbench.records.groups import format_ranges
from imbench.report.panel import Panel, RecipeCount, Terms
from imbench.report.phrases import signed
from imbench.report.words import intervals_text, p_text
from imbench.stats.effect import Effect
from imbench.stats.paired import ALPHA, ENOUGH, MARGIN
from imbench.stats.spans import span_of

__all__ = ["ClaimVerdict", "Evidence", "SumTest", "all_of", "difference", "slope"]

ClaimVerdict = Literal["holds", "does not hold", "cannot be told"]


@dataclass(frozen=True)
class Evidence:
    """Whether a claim holds, with the numbers.

    Attributes
    ----------
    finding : Finding
        Whether the claim holds.
    text : str
        The numbers in words.
    seeds : int
        Number of replicates with all scores; the smallest of several tests.
    """

    finding: ClaimVerdict
    text: str
    seeds: int


class SumTest:
    """Tests sums of scores of one panel.

    Parameters
    ----------
    panel : Panel
        Scores of a metric for which higher is better.
    printed : mapping
        Published values by recipe and count, to print the same sums of them.
    measured : mapping, optional
        Measures that no record holds, by name: see `imbench.report.measured`.
    """

    def __init__(
        self,
        panel: Panel,
        printed: Mapping[RecipeCount, float],
        measured: Mapping[str, Mapping[RecipeCount, Mapping[int, float]]] | None = None,
    ) -> None:
        self.panel, self.printed, self.measured = panel, printed, measured or {}

    def above(
        self,
        what: str,
        terms: Terms,
        constant: float = 0.0,
        *,
        margin: float | None = MARGIN,
        p: float | None = None,
        theirs: float | None = None,
    ) -> Evidence:
        """Test that a sum is above 0.

        `p` replaces the p value of the test if it was adjusted, `theirs` the sum of the published
        values if that has other terms.
        """
        effect = self.panel.effect(terms, constant)
        significant = (effect.p if p is None else p) < ALPHA
        low, high = effect.hull
        finding: ClaimVerdict = "cannot be told"
        if significant and low > 0:
            finding = "holds"
        elif (significant and high < 0) or (margin is not None and effect.within(margin)):
            finding = "does not hold"
        published = self._published(terms, constant) if theirs is None else theirs
        return self._evidence(finding, what, effect, terms, published, p)

    def spans_fall(
        self, what: str, names: Sequence[str], ends: tuple[int, int], theirs: float | None
    ) -> Evidence:
        """Test that best - worst of methods is larger at the first of two counts.

        Best and worst are picked by the same scores, so each span is known for all pairs at once.
        """
        terms = {(name, end): 1.0 for name in names for end in ends}
        seeds = self.panel.seeds(list(terms))
        if len(seeds) < ENOUGH:
            return Evidence("cannot be told", f"{what}: too few seeds have all scores", len(seeds))
        (first, wide), (last, narrow) = (
            span_of(
                np.array(
                    [[self.panel.scores((name, end))[seed] for seed in seeds] for name in names]
                ),
                1 - ALPHA / 2,
            )
            for end in ends
        )
        fall, half = first - last, wide + narrow
        finding: ClaimVerdict = "cannot be told"
        if fall - half > 0:
            finding = "holds"
        elif fall + half < MARGIN:
            finding = "does not hold"
        if faults := sum(len(self.panel.faults(key)) for key in terms):
            finding = "cannot be told"
        text = f"{what} {signed(fall)}, 95 % for all pairs of methods at once "
        text += f"{signed(fall - half)}..{signed(fall + half)}"
        return Evidence(finding, text + _beside(faults, theirs), len(seeds))

    def close(self, what: str, terms: Terms) -> Evidence:
        """Test that a sum is 0 within the margin."""
        effect = self.panel.effect(terms)
        finding: ClaimVerdict = "cannot be told"
        if effect.within():
            finding = "holds"
        elif effect.p < ALPHA and effect.beyond():
            finding = "does not hold"
        return self._evidence(finding, what, effect, terms, self._published(terms), None)

    def _published(self, terms: Terms, constant: float = 0.0) -> float | None:
        """Return the same sum of the published values, None if one of them is missing."""
        if any(key not in self.printed for key in terms):
            return None
        return math.fsum([constant, *(factor * self.printed[key] for key, factor in terms.items())])

    def _evidence(
        self,
        finding: ClaimVerdict,
        what: str,
        effect: Effect,
        terms: Terms,
        published: float | None,
        p: float | None,
    ) -> Evidence:
        faults = sum(len(self.panel.faults(key)) for key in terms)
        if faults or len(effect) < ENOUGH:
            finding = "cannot be told"
        text = (
            f"{what} {_numbers(effect, p)}" if effect.values else f"{what}: no seed has all scores"
        )
        if lacking := self.panel.lacking(list(terms)):
            text += f", left out for lack of a score: seed{'s' * (len(lacking) > 1)} "
            text += format_ranges(lacking)
        return Evidence(finding, text + _beside(faults, published), len(effect))


def _beside(faults: int, published: float | None) -> str:
    """Return what is said after a sum: runs without a score, and the published value."""
    text = f", {faults} run{'s' * (faults > 1)} ended without a score" if faults else ""
    return text if published is None else f"{text} (published {signed(published)})"


def all_of(parts: Sequence[Evidence]) -> Evidence:
    """Return evidence that all parts hold; one part that does not hold refutes it."""
    findings = {part.finding for part in parts}
    finding: ClaimVerdict = "cannot be told"
    if "does not hold" in findings:
        finding = "does not hold"
    elif findings == {"holds"}:
        finding = "holds"
    texts = [f"{part.text}: {part.finding}" if len(findings) > 1 else part.text for part in parts]
    return Evidence(finding, "; ".join(texts), min(part.seeds for part in parts))


def difference(first: str, second: str, counts: Sequence[int]) -> dict[RecipeCount, float]:
    """Return the terms of first - second, averaged over counts."""
    share = 1 / len(counts)
    ours: dict[RecipeCount, float] = {(first, count): share for count in counts}
    return ours | {(second, count): -share for count in counts}


def slope(
    keys: Sequence[RecipeCount], levels: Sequence[float], factor: float = 1.0
) -> dict[RecipeCount, float]:
    """Return the terms of the least-squares slope of the scores at `keys` over `levels`."""
    middle = math.fsum(levels) / len(levels)
    square = math.fsum((level - middle) ** 2 for level in levels)
    return {
        key: factor * (level - middle) / square for key, level in zip(keys, levels, strict=True)
    }


def _numbers(effect: Effect, p: float | None) -> str:
    low, high = effect.span
    text = f"{signed(effect.mean)} ({signed(low)}..{signed(high)}), above 0 in {effect.above} of "
    text += f"{len(effect)} run{'s' * (len(effect) > 1)}"
    if len(effect) < ENOUGH:
        return text
    adjusted = "" if p is None else f", {p_text(p)} after Holm"
    return f"{text}, {intervals_text(effect)}, p {p_text(effect.p)}{adjusted}"
