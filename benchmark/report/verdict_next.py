"""What a verdict says should run next to decide what is open, and what that costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import variance

from imbench.durations import spoken
from imbench.report.compare import ESTABLISHED, Comparison
from imbench.report.phrases import count_seeds, signed
from imbench.report.verdict_scores import PLAIN, Scored
from imbench.stats.paired import ALPHA, MARGIN, pairs_for_power, seeds_needed

__all__ = ["say_next"]

POWER = 0.8


def say_next(scored: Scored) -> list[str]:
    """Say what decides the first question that is open, in one sentence."""
    settings = scored.table.group.basis.settings
    if scored.unlearned:
        where = ", ".join(map(scored.table.group.label, scored.unlearned))
        return [
            f"next: methods cannot be compared before one learns, and at {where} none does; try "
            f"more steps (--steps, now {settings.steps}), larger images (--size, now "
            f"{settings.size} px) or more minority images, and look at what the network sees "
            "(bench data show)"
        ]
    if PLAIN not in scored.recipes:
        cost = _cost(scored, 1, scored.recipes[:1])
        runs = len(scored.table.group.seeds) * len(scored.table.counts)
        return [f"next: run {PLAIN} too, {runs} cells{_at(cost * len(scored.table.group.seeds))}"]
    open_ = [cell for cell in scored.against_plain if cell.verdict not in ESTABLISHED]
    if not scored.against_plain:
        return []
    if not open_:
        pairs = min(len(cell.effect) for cell in scored.against_plain)
        return [f"next: nothing is open against Vanilla, {count_seeds(pairs)} settled it"]
    return [f"next: {_decide(scored, open_)}"]


def _decide(scored: Scored, open_: Sequence[Comparison]) -> str:
    """Say how many seeds, or what else, would decide comparisons with Vanilla that are open."""
    seeds = len(scored.table.group.seeds)
    family = max(cell.family for cell in open_)
    least = seeds_needed(family)
    if seeds < least:
        rivals = "another method" if family == 1 else f"{family} other methods"
        return (
            f"{least} seeds are the fewest that can establish a difference of {rivals} from "
            f"Vanilla, {least - seeds} more{_at(_cost(scored, least - seeds))}"
        )
    held = [cell for cell in open_ if _held_by_images(cell)]
    if held:
        cell = held[0]
        where = scored.table.group.label(cell.minority or 0)
        return (
            f"{cell.second} at {where} ({signed(-cell.effect.mean)} against Vanilla) is "
            f"held open by {cell.effect.images} test images, not by {seeds} seeds: add test images"
        )
    return _seeds_for_margin(scored, open_)


def _seeds_for_margin(scored: Scored, open_: Sequence[Comparison]) -> str:
    """Say how many seeds find the least difference that matters, at the spread seen.

    Not the difference seen: the largest of many is larger than the truth.
    """
    seeds, number = len(scored.table.group.seeds), len(open_)
    are = "s with Vanilla are open" if number > 1 else " with Vanilla is open"
    places = f"{number} comparison{are}"
    spreads = [cell.effect.spread for cell in open_ if len(cell.effect) > 1]
    spread = math.sqrt(math.fsum(s * s for s in spreads) / len(spreads)) if spreads else 0.0
    if spread == 0:
        return f"{places}, without a spread over {count_seeds(seeds)} that could be judged"
    family = max(cell.family for cell in open_)
    wanted = pairs_for_power(MARGIN / spread, POWER, ALPHA / family)
    seen = f"at the spread seen (SD {spread:.3f}, power {POWER:g})"
    if wanted is None:
        return f"{places}, and seeds alone will not decide {seen}: {_steadier(scored, open_)}"
    if wanted <= seeds:
        return (
            f"{places}, but {count_seeds(seeds)} are enough to find a difference of "
            f"{MARGIN:g} {seen}: what is open is probably smaller"
        )
    more = wanted - seeds
    return (
        f"{places}: to find a difference of {MARGIN:g} takes {wanted} seeds {seen}, "
        f"{more} more{_at(_cost(scored, more))}"
    )


def _steadier(scored: Scored, open_: Sequence[Comparison]) -> str:
    """Say what makes runs more alike, where over 1,000 seeds would be needed as they are."""
    steps, images = scored.table.group.basis.settings.steps, sum(scored.table.group.test_counts)
    counts = sorted({cell.minority for cell in open_ if cell.minority is not None})
    rivals = [recipe for recipe in scored.recipes if recipe != PLAIN]
    plain = _own_spread(scored, [PLAIN], counts)
    others = _own_spread(scored, rivals, counts)
    if plain > 2 * others:
        compared = f"; or compare the others: bench report --compare {','.join(rivals)}"
        return (
            f"Vanilla's own scores differ by SD {plain:.3f} between seeds, those of the others by "
            f"SD {others:.3f}, so give it more steps (--steps, now {steps})"
            f"{compared if len(rivals) > 1 else ''}"
        )
    return (
        f"scores of one method differ by SD {max(plain, others):.3f} between seeds, so train for "
        f"more steps (--steps, now {steps}) or test on more than {images} images"
    )


def _own_spread(scored: Scored, recipes: Sequence[str], counts: Sequence[int]) -> float:
    """Return the standard deviation between seeds of methods' own scores, pooled over counts."""
    found = [
        list(scored.panel.scores((name, count)).values()) for name in recipes for count in counts
    ]
    squares = [variance(values) for values in found if len(values) > 1]
    return math.sqrt(math.fsum(squares) / len(squares)) if squares else 0.0


def _held_by_images(cell: Comparison) -> bool:
    """Whether seeds alone would establish the difference, and only other test images do not."""
    effect = cell.effect
    if effect.ends is None or cell.adjusted >= ALPHA:
        return False
    low, high = effect.interval().ends or (-math.inf, math.inf)
    return low > 0 or high < 0


def _cost(scored: Scored, seeds: int, recipes: Sequence[str] = ()) -> float:
    """Return the seconds that more seeds of some or all methods take at all counts, by records."""
    group, total = scored.table.group, 0.0
    for recipe in recipes or scored.recipes:
        for count in group.counts:
            slot = group.slots.get((scored.panel.rows[recipe], count), {})
            times = [record.seconds for record in slot.values() if record.done]
            total += math.fsum(times) / len(times) if times else 0.0
    return total * seeds


def _at(seconds: float) -> str:
    return f": {spoken(seconds)} of computing" if seconds > 0 else ""
