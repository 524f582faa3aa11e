"""What a verdict says of more minority images: from the score against their count.

Training sets are nested: a replicate's images at one count are among those at the next. So the gain
from one count to the next is paired by seed, as methods are. It is stated for a doubling, since
scores rise about as much from 10 to 20 images as from 20 to 40, rarely more. Beyond the largest
count nothing was measured: what a further doubling brings is bounded only as long as gains do not
grow, and the sentence says so.
"""

from __future__ import annotations

import math

from imbench.records.metric_specs import load_metric
from imbench.report.panel import Panel
from imbench.report.phrases import count_seeds, signed
from imbench.report.ranking import RANKING
from imbench.report.verdict_scores import Scored
from imbench.report.words import range_text
from imbench.stats.confusions import SCORES
from imbench.stats.effect import Effect
from imbench.stats.paired import ALPHA, ENOUGH, MARGIN

__all__ = ["say_more_images"]


def say_more_images(scored: Scored) -> list[str]:
    """Say what the method with the best mean at the largest count gained from more images."""
    counts = [
        count
        for count in scored.table.counts
        if any(scored.panel.scores((recipe, count)) for recipe in scored.recipes)
    ]
    if len(counts) < 2:
        return ["what more minority images would bring cannot be told from one count"]
    recipe = _leader(scored, counts)
    known = scored.panel.counts([recipe])
    title = scored.panel.title(recipe)
    if len(known) < 2:
        return [f"what more minority images would bring {title} cannot be told from one count"]
    few, many = known[-2:]
    gain = _gain(scored.panel, recipe, few, many)
    what = f"more minority images: {title} from {few} to {many}, for a doubling"
    if len(gain) < ENOUGH:
        if not gain.values:
            return [f"{what}: no seed has a score at both"]
        return [
            f"{what}: {range_text(gain)} over {count_seeds(len(gain))}, not established with "
            f"fewer than {ENOUGH}"
        ]
    low, high = gain.hull
    here = "" if gain.ends else " on these test images"
    numbers = f"{signed(gain.mean)} (95 % {signed(low)}..{signed(high)}{here})"
    if gain.within():
        told = f"{what} {numbers}: level within {MARGIN:g}"
        ranking = _ranking_gain(scored, recipe, few, many)
        if ranking is not None and _rises(ranking):
            return [f"{told}, but {_in_ranking(ranking)}: they bring ranking, not this score"]
        return [f"{told}, so more of them bring little here"]
    if _rises(gain):
        return [f"{what} {numbers}; {_beyond(scored, recipe, known, gain)}"]
    if _falls(gain):
        return [f"{what} {numbers}: {_worse(_ranking_gain(scored, recipe, few, many))}"]
    return [f"{what} {numbers}: what more would bring cannot be told"]


def _leader(scored: Scored, counts: list[int]) -> str:
    """Return the recipe with the best mean at the largest count."""
    panel, last = scored.panel, counts[-1]
    here = [recipe for recipe in scored.recipes if panel.scores((recipe, last))]
    sign = -1 if panel.lower else 1
    return max(here, key=lambda recipe: sign * panel.mean((recipe, last)))


def _worse(ranking: Effect | None) -> str:
    """Say what is to do where a score falls with more images: its threshold may be why."""
    if ranking is None:
        return "worse with more images, so look at them before you add any"
    if _falls(ranking):
        return (
            f"worse with more images, and {_in_ranking(ranking)}, so look at them before you add "
            "any"
        )
    if _rises(ranking):
        return (
            f"worse with more images, but {_in_ranking(ranking)}: they help, and the threshold has "
            "to be moved"
        )
    return (
        f"worse with more images, yet {_in_ranking(ranking)}: tune the threshold before you blame "
        "them"
    )


def _in_ranking(ranking: Effect) -> str:
    low, high = ranking.hull
    return (
        f"AUROC, which no threshold enters, {signed(ranking.mean)} ({signed(low)}..{signed(high)})"
    )


def _ranking_gain(scored: Scored, recipe: str, few: int, many: int) -> Effect | None:
    """Return the gain in AUROC; None where the score needs no threshold or AUROC is not known."""
    if scored.table.metric not in SCORES:
        return None
    panel = Panel(scored.table.group, RANKING[0], load_metric(RANKING[0]))
    gain = _gain(panel, recipe, few, many, resample=scored.resample)
    return gain if len(gain) >= ENOUGH else None


def _gain(panel: Panel, recipe: str, few: int, many: int, *, resample: bool = True) -> Effect:
    """Return how much better the score is for a doubling of the images, replicate by replicate."""
    share = (-1 if panel.lower else 1) / math.log2(many / few)
    terms = {(recipe, many): share, (recipe, few): -share}
    return panel.effect(terms) if resample else panel.quick_effect(terms)


def _rises(change: Effect) -> bool:
    return change.p < ALPHA and change.hull[0] > 0


def _falls(change: Effect) -> bool:
    return change.p < ALPHA and change.hull[1] < 0


def _beyond(scored: Scored, recipe: str, known: list[int], gain: Effect) -> str:
    """Say what bounds the gain beyond the largest count."""
    next_count, most = 2 * known[-1], signed(gain.hull[1])
    bound = f"{next_count} would bring at most {most} more"
    if len(known) < 3:
        return f"{bound} if gains do not grow, which two counts cannot tell"
    first, few, many = known[-3:]
    before = _gain(scored.panel, recipe, first, few)
    growth = _growth(scored, recipe, (first, few, many))
    earlier = f"{signed(before.mean)} from {first} to {few}"
    if _falls(growth):
        return f"gains shrink ({earlier}), and {bound} if they go on to"
    if _rises(growth):
        return f"gains grew ({earlier}), and what {next_count} would bring cannot be told"
    return f"{bound} if gains do not grow ({earlier})"


def _growth(scored: Scored, recipe: str, counts: tuple[int, int, int]) -> Effect:
    """Return the second gain less the first, each for a doubling."""
    first, few, many = counts
    sign = -1 if scored.panel.lower else 1
    early, late = sign / math.log2(few / first), sign / math.log2(many / few)
    return scored.panel.effect(
        {(recipe, many): late, (recipe, few): -late - early, (recipe, first): early}
    )
