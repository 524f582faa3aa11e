"""What records say about a claim: a sum of scores in each replicate, judged by the rules of words.

A claim that something is above 0 holds where the sign-flip test and both 95 % intervals say so; it
does not where they say the opposite, or where the 90 % intervals lie within the margin. A claim
that something is nothing holds within the margin, and does not where both intervals lie outside.
All else cannot be told, and so nothing can with fewer than six seeds or after runs without a score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from imbench.report.panel import Panel, Place, Terms
from imbench.report.words import intervals_text, p_text, signed
from imbench.stats.effect import Effect
from imbench.stats.paired import ALPHA, ENOUGH, MARGIN

__all__ = ["Evidence", "Finding", "SumTest", "difference", "slope", "together"]

Finding = Literal["holds", "does not hold", "cannot be told"]


@dataclass(frozen=True)
class Evidence:
    """A finding with its numbers.

    Attributes
    ----------
    finding : Finding
        What can be said.
    text : str
        The numbers in words.
    seeds : int
        Replicates that had all the scores; the fewest of several findings.
    """

    finding: Finding
    text: str
    seeds: int


class SumTest:
    """Judges sums of scores of one panel.

    Parameters
    ----------
    panel : Panel
        Scores, of a metric of which more is better.
    printed : mapping
        Published values by place, for the same sums of theirs.
    """

    def __init__(self, panel: Panel, printed: Mapping[Place, float]) -> None:
        self.panel, self.printed = panel, printed

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
        """Judge that a sum is above 0.

        `p` takes the place of the test's where it was adjusted, and `theirs` that of the published
        sum where it is one of other places.
        """
        effect = self.panel.effect(terms, constant)
        sure = (effect.p if p is None else p) < ALPHA
        low, high = effect.hull
        finding: Finding = "cannot be told"
        if sure and low > 0:
            finding = "holds"
        elif (sure and high < 0) or (margin is not None and effect.within(margin)):
            finding = "does not hold"
        published = self._published(terms, constant) if theirs is None else theirs
        return self._evidence(finding, what, effect, terms, published, p)

    def close(self, what: str, terms: Terms) -> Evidence:
        """Judge that a sum is 0 within the margin."""
        effect = self.panel.effect(terms)
        finding: Finding = "cannot be told"
        if effect.within():
            finding = "holds"
        elif effect.p < ALPHA and effect.beyond():
            finding = "does not hold"
        return self._evidence(finding, what, effect, terms, self._published(terms), None)

    def _published(self, terms: Terms, constant: float = 0.0) -> float | None:
        """Return the same sum of the published values, None where one of them is missing."""
        if any(place not in self.printed for place in terms):
            return None
        return math.fsum(
            [constant, *(factor * self.printed[place] for place, factor in terms.items())]
        )

    def _evidence(
        self,
        finding: Finding,
        what: str,
        effect: Effect,
        terms: Terms,
        published: float | None,
        p: float | None,
    ) -> Evidence:
        faults = sum(len(self.panel.faults(place)) for place in terms)
        if faults or len(effect) < ENOUGH:
            finding = "cannot be told"
        text = f"{what} {_numbers(effect, p)}" if effect.values else f"{what}: no seed has it"
        if faults:
            text += f", {faults} run{'s' * (faults > 1)} ended without a score"
        if published is not None:
            text += f" (published {signed(published)})"
        return Evidence(finding, text, len(effect))


def together(parts: Sequence[Evidence]) -> Evidence:
    """Return what holds if every part does, and does not as soon as one does not."""
    findings = {part.finding for part in parts}
    finding: Finding = "cannot be told"
    if "does not hold" in findings:
        finding = "does not hold"
    elif findings == {"holds"}:
        finding = "holds"
    texts = [f"{part.text}: {part.finding}" if len(findings) > 1 else part.text for part in parts]
    return Evidence(finding, "; ".join(texts), min(part.seeds for part in parts))


def difference(first: str, second: str, counts: Sequence[int]) -> dict[Place, float]:
    """Return the terms of first - second, averaged over counts."""
    share = 1 / len(counts)
    ours: dict[Place, float] = {(first, count): share for count in counts}
    return ours | {(second, count): -share for count in counts}


def slope(
    places: Sequence[Place], levels: Sequence[float], factor: float = 1.0
) -> dict[Place, float]:
    """Return the terms of the least-squares slope of the scores at `places` over `levels`."""
    middle = math.fsum(levels) / len(levels)
    square = math.fsum((level - middle) ** 2 for level in levels)
    return {
        place: factor * (level - middle) / square
        for place, level in zip(places, levels, strict=True)
    }


def _numbers(effect: Effect, p: float | None) -> str:
    low, high = effect.span
    text = f"{signed(effect.mean)} ({signed(low)}..{signed(high)}), above 0 in {effect.above} of "
    text += f"{len(effect)} run{'s' * (len(effect) > 1)}"
    if len(effect) < ENOUGH:
        return text
    adjusted = "" if p is None else f", {p_text(p)} after Holm"
    return f"{text}, {intervals_text(effect)}, p {p_text(effect.p)}{adjusted}"
