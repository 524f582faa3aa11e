"""Comparisons in words: their relation as docs/protocol.md names it, then the numbers."""

from __future__ import annotations

import math

from imbench.records.groups import format_ranges
from imbench.report.compare import Comparison, Match
from imbench.report.phrases import signed
from imbench.report.prose import Prose
from imbench.report.table_notes import protocol_line
from imbench.report.tables import metric_title
from imbench.stats.effect import Effect
from imbench.stats.paired import ENOUGH, LEAST, MARGIN, pairs_for_power, seeds_needed

__all__ = ["intervals_text", "match_prose", "p_text", "range_text", "sentence"]


def match_prose(match: Match, *, protocol: bool = True) -> Prose:
    """Return the text on one pair of methods on one data set, with its protocol if asked for."""
    first, second = match.cells[0].first, match.cells[0].second
    above = [protocol_line(match.group)] if protocol else []
    if match.lower:
        above.append("a lower score is better, and a difference above 0 means a better one")
    items = [f"{_images(match, cell)}: {sentence(cell)}" for cell in match.cells]
    return Prose(
        title=f"{match.group.title}: {first} against {second} by {_metric(match)}",
        above="; ".join(above),
        items=(*items, *_mean_over_counts(match), *_seeds_needed(match)),
    )


def _metric(match: Match) -> str:
    return metric_title(match.metric, len(match.group.test_counts))


def _images(match: Match, comparison: Comparison) -> str:
    count = comparison.minority
    return f"{match.group.label(0 if count is None else count)} minority images"


def sentence(comparison: Comparison) -> str:
    """Return the relation of two methods and the numbers it is based on."""
    first, second, effect, verdict = (
        comparison.first,
        comparison.second,
        comparison.effect,
        comparison.verdict,
    )
    if verdict == "none":
        return f"no seed has a score of both{_format_lost_seeds(comparison)}"
    if verdict == "few":
        return f"{_format_wins(comparison)}, {range_text(effect)}{_format_lost_seeds(comparison)}"
    # Without a bootstrap over them nothing is said of other test images.
    here = "here" if effect.ends else "on these test images"
    within = f"equivalent within {MARGIN:g}"
    words = {
        "beats": f"{first} beats {second} {here}",
        "beaten": f"{second} beats {first} {here}",
        "equivalent": f"{first} and {second} are {within}{'' if effect.ends else f' {here}'}",
        "ahead": f"{first} is ahead, not established",
        "behind": f"{second} is ahead, not established",
        "level": f"{first} and {second} cannot be told apart",
    }[verdict]
    if verdict in ("beats", "beaten") and comparison.equivalent:
        words += f", and {within}"
    why = _why_not_established(comparison) if verdict in ("ahead", "behind") else ""
    holm = f", {p_text(comparison.adjusted)} after Holm over {comparison.family} rivals"
    numbers = (
        f"{range_text(effect)}, SD {effect.spread:.3f}; {first} won {effect.above} of "
        f"{len(effect)}{_format_ties(effect)}; {intervals_text(effect)}; "
        f"sign-flip p {p_text(effect.p)}"
        f"{holm if comparison.family > 1 else ''}"
    )
    return f"{words}: {numbers}{why}{_format_lost_seeds(comparison)}"


def range_text(effect: Effect) -> str:
    """Return the mean difference with the smallest and the largest one."""
    low, high = effect.span
    return f"mean difference {signed(effect.mean)} ({signed(low)}..{signed(high)})"


def intervals_text(effect: Effect) -> str:
    """Return both 95 % intervals; in place of a missing one the reason."""
    mean, ends, _ = effect.interval()
    low, high = ends or (mean, mean)
    t = f"95 % t interval {signed(low)}..{signed(high)}"
    if effect.ends is None:
        why = f", since {effect.no_bootstrap}" if effect.no_bootstrap else ""
        return f"{t}, about these test images only{why}"
    low, high = effect.ends
    return f"{t}, bootstrap over {effect.images} test images too {signed(low)}..{signed(high)}"


def p_text(p: float) -> str:
    """Return a p value with two significant digits."""
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}"


def _format_wins(comparison: Comparison) -> str:
    effect = comparison.effect
    lead = effect.mean >= 0
    ahead, behind = (
        (comparison.first, comparison.second) if lead else (comparison.second, comparison.first)
    )
    wins = effect.above if lead else len(effect) - effect.above - effect.ties
    runs = "run" if len(effect) == 1 else "runs"
    return (
        f"{ahead} won {wins} of {len(effect)} paired {runs} against {behind}{_format_ties(effect)}"
    )


def _format_ties(effect: Effect) -> str:
    return f" ({effect.ties} tied)" if effect.ties else ""


def _why_not_established(comparison: Comparison) -> str:
    """Return the condition of 'beats' that fails, unless the numbers show it."""
    effect = comparison.effect
    if not comparison.possible:
        return (
            f"; {len(effect)} seeds cannot establish a difference from "
            f"{_format_rivals(comparison.family)}, {seeds_needed(comparison.family)} can"
        )
    if comparison.failed[0 if effect.mean > 0 else 1]:
        return "; runs of the method ahead ended without a score"
    low, high = effect.hull
    if (low > 0 or high < 0) and abs(effect.mean) < LEAST:
        return f"; the mean is below {LEAST:g}"
    return ""


def _format_lost_seeds(comparison: Comparison) -> str:
    if not comparison.lost:
        return ""
    seeds: dict[str, list[int]] = {}
    for seed, reason in comparison.lost.items():
        seeds.setdefault(reason, []).append(seed)
    reasons = "; ".join(
        f"seed{'s' if len(where) > 1 else ''} {format_ranges(where)}: {reason}"
        for reason, where in seeds.items()
    )
    return f" [left out: {reasons}]"


def _mean_over_counts(match: Match) -> list[str]:
    if match.over is None:
        return []
    effect = match.over.effect
    counts = sum(bool(cell.effect.values) for cell in match.cells)
    of = f" of {len(match.cells)}" if counts < len(match.cells) else ""
    text = f"mean over {counts}{of} counts: "
    if not effect.values:
        text += "no replicate has scores of both at each of them"
    else:
        text += f"{range_text(effect)} over {len(effect)} replicate{'s' * (len(effect) > 1)}"
        if len(effect) >= ENOUGH:
            text += f"; {intervals_text(effect)}"
    return [text + _format_lost_seeds(match.over)]


def _seeds_needed(match: Match) -> list[str]:
    """Return how many seeds are needed, unless every count has an answer."""
    answers = ("beats", "beaten", "equivalent")
    if all(cell.verdict in answers for cell in match.cells):
        return []
    family = match.cells[0].family
    least = seeds_needed(family)
    rivals = _format_rivals(family)
    text = f"seeds: {least} are the fewest that can establish a difference from {rivals}"
    spreads = [cell.effect.spread for cell in match.cells if len(cell.effect) > 1]
    spread = math.sqrt(math.fsum(s * s for s in spreads) / len(spreads)) if spreads else 0.0
    if spread > 0:
        pairs = pairs_for_power(MARGIN / spread)
        needed = "more than 1,000" if pairs is None else str(max(pairs, least))
        text += (
            f"; at the spread seen (SD {spread:.3f}) a difference of {MARGIN:g} takes {needed} "
            "for a power of 0.8"
        )
    return [text]


def _format_rivals(family: int) -> str:
    return "one rival" if family == 1 else f"{family} rivals"
