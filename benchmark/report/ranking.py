"""Whether a method ranks images better than Vanilla, or only decides at another threshold.

A method wins by F1 because it puts more minority images above the others, or because its
threshold happens to lie better, which costs nothing to move. Two scores that no threshold enters
tell the two apart: AUROC, and F1 with a tuned threshold. The words rest on the rules of
docs/protocol.md: paired by seed, Holm over all methods of the group at the count, both intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from imbench.records.groups import Group
from imbench.records.metric_specs import load_metric
from imbench.report.compare import Comparison, compare_at
from imbench.report.panel import Panel
from imbench.report.phrases import signed
from imbench.report.words import p_text
from imbench.stats.about_metrics import lower_is_better, metric_title
from imbench.stats.paired import ENOUGH, MARGIN, seeds_needed

__all__ = ["LARGE", "RANKING", "Kind", "RankingOrThreshold", "ranking_or_threshold"]

Kind = Literal["ranks better", "ranks worse", "moves the threshold", "equivalent", "cannot be told"]
RANKING = ("auroc", "f1_tuned")
"""Scores that moving a threshold does not change."""
LARGE = 0.05
"""Mean difference from which on a thresholded score has moved, where it is not established."""
SHORT = {"f1": "F1", "f1_tuned": "tuned F1", "auroc": "AUROC", "acsa": "ACSA"}
SHARE = 0.5
"""Share of the thresholded difference that one of tuned F1 may reach where the threshold alone is
said to make the former."""


@dataclass(frozen=True)
class RankingOrThreshold:
    """What a method does that Vanilla does not, at one minority count.

    Attributes
    ----------
    method, title : str
        Its recipe, and its name in tables.
    minority : int
        The minority count.
    kind : str
        What it does: one of `Kind`.
    sentence : str
        The same in words, with its numbers; without the final full stop.
    thresholded : Comparison
        Method against Vanilla by the thresholded metric.
    ranking : mapping
        The same by each of `RANKING`; differences above 0 are in favour of the method.
    """

    method: str
    title: str
    minority: int
    kind: Kind
    sentence: str
    thresholded: Comparison
    ranking: Mapping[str, Comparison]


def ranking_or_threshold(
    group: Group,
    count: int,
    *,
    metric: str = "f1",
    baseline: str = "vanilla",
    panels: Mapping[str, Panel] | None = None,
    resample: bool = True,
) -> tuple[RankingOrThreshold, ...]:
    """Say of each method of a group at a count whether it ranks better, or moves the threshold.

    Parameters
    ----------
    group : Group
        Comparable records: `imbench.records.groups.group_records` makes groups.
    count : int
        Minority count.
    metric : str
        A thresholded metric.
    baseline : str
        The recipe that all others are compared with.
    panels : mapping, optional
        Panels of the group by metric, where the caller has some: each keeps its resamples.
    resample : bool
        Whether to resample test images, 33 ms a record; without it the words are about these.

    Returns
    -------
    tuple of RankingOrThreshold
        One a method, in the order of the table; none if the baseline was not run at the count.

    Examples
    --------
    >>> from imbench.records.groups import group_records
    >>> for group in group_records([]):
    ...     for found in ranking_or_threshold(group, 25):
    ...         print(found.kind, found.sentence)
    """
    known = panels or {}
    used = {
        name: known.get(name) or Panel(group, name, load_metric(name))
        for name in (metric, *RANKING)
    }
    recipes = list(dict.fromkeys(row.recipe for row in group.rows))
    present = {row.recipe for row in group.rows if group.slots.get((row, count))}
    if baseline not in present:
        return ()
    # All methods of the table are the family, whether or not they were run at this count.
    rivals = [recipe for recipe in recipes if recipe != baseline]
    compared = {
        name: compare_at(panel, baseline, rivals, count, resample="always" if resample else "never")
        for name, panel in used.items()
    }
    return tuple(
        _judged(
            recipe, count, metric, {name: cells[place].turned for name, cells in compared.items()}
        )
        for place, recipe in enumerate(rivals)
        if recipe in present
    )


def _judged(
    recipe: str, count: int, metric: str, cells: Mapping[str, Comparison]
) -> RankingOrThreshold:
    thresholded = cells[metric]
    ranking = {name: cells[name] for name in RANKING}
    kind, words = _kind(thresholded, ranking)
    numbers = "; ".join(_numbers(_label(name), cell) for name, cell in cells.items())
    return RankingOrThreshold(
        recipe, thresholded.first, count, kind, f"{words}: {numbers}", thresholded, ranking
    )


def _kind(thresholded: Comparison, ranking: Mapping[str, Comparison]) -> tuple[Kind, str]:
    """Return what a method does, and the words for it."""
    method, plain = thresholded.first, thresholded.second
    auroc = ranking["auroc"]
    up = [name for name, cell in ranking.items() if cell.verdict == "beats"]
    down = [name for name, cell in ranking.items() if cell.verdict == "beaten"]
    if up and not down:
        return "ranks better", f"{method} ranks images better than {plain} {_where(auroc)}{_by(up)}"
    if down and not up:
        return "ranks worse", f"{method} ranks images worse than {plain} {_where(auroc)}{_by(down)}"
    unknown = f"whether {method} ranks images better than {plain} or only moves the threshold "
    unknown += "cannot be told"
    if why := _why_unknown(thresholded, ranking, contrary=bool(up)):
        return "cannot be told", f"{unknown}, {why}"
    if not _moved(thresholded):
        if thresholded.equivalent and all(cell.equivalent for cell in ranking.values()):
            within = f"equivalent within {MARGIN:g} in decisions and in ranking"
            return "equivalent", f"{method} and {plain} are {within}"
        return "cannot be told", f"{unknown}, no difference is established{_too_few(auroc)}"
    sign = 1 if thresholded.effect.mean > 0 else -1
    if sign * ranking["f1_tuned"].effect.mean > SHARE * abs(thresholded.effect.mean):
        return (
            "cannot be told",
            f"{unknown}, more than half of the difference stays with a tuned threshold",
        )
    gain = "gains" if sign > 0 else "loses"
    if all(cell.equivalent for cell in ranking.values()):
        return (
            "moves the threshold",
            f"{method} only moves the threshold, and {gain} by that alone",
        )
    direction = "better" if sign > 0 else "worse"
    return (
        "moves the threshold",
        f"{method} {gain} by where its threshold lies, and that it ranks images {direction} than "
        f"{plain} is not established{_too_few(auroc)}",
    )


def _why_unknown(
    thresholded: Comparison, ranking: Mapping[str, Comparison], *, contrary: bool
) -> str:
    """Return why nothing can be said of a ranking that is not established either way."""
    cells = (thresholded, *ranking.values())
    pairs = min(len(cell.effect) for cell in cells)
    if any(not cell.effect.values for cell in cells):
        return "a score is missing"
    if pairs < ENOUGH:
        needed = seeds_needed(thresholded.family)
        return f"{pairs} seed{'s' * (pairs > 1)} cannot show it and {needed} could"
    if any(cell.failed != (0, 0) for cell in cells):
        return "runs ended without a score"
    return "AUROC and tuned F1 contradict each other" if contrary else ""


def _moved(cell: Comparison) -> bool:
    """Whether decisions differ: established, or by much and with both intervals on one side."""
    low, high = cell.effect.hull
    sure = low > 0 or high < 0
    return cell.verdict in ("beats", "beaten") or (sure and abs(cell.effect.mean) >= LARGE)


def _too_few(cell: Comparison) -> str:
    """Say that so few seeds could not have shown it, where that is so."""
    if cell.possible:
        return ""
    return f" ({len(cell.effect)} seeds cannot establish it, {seeds_needed(cell.family)} can)"


def _where(cell: Comparison) -> str:
    # Without a bootstrap over them nothing is said of other test images.
    return "here" if cell.effect.ends else "on these test images"


def _by(names: list[str]) -> str:
    return "" if len(names) == len(RANKING) else f", by {SHORT[names[0]]}"


def _label(name: str) -> str:
    """Return what the sentence calls a score; of one that is better low, what a plus sign means."""
    short = SHORT.get(name, metric_title(name))
    return f"{short} better by" if lower_is_better(name, load_metric(name)) else short


def _numbers(short: str, cell: Comparison) -> str:
    """Return a mean difference, with both 95 % intervals or, of few seeds, its range."""
    effect = cell.effect
    if not effect.values:
        return f"{short}: no seed has a score of both"
    enough = len(effect) >= ENOUGH
    low, high = effect.hull if enough else effect.span
    what = "95 % within " if enough else ""
    holm = "Holm p" if cell.family > 1 else "p"
    adjusted = f", {holm} {p_text(cell.adjusted)}" if enough else ""
    return f"{short} {signed(effect.mean)} ({what}{signed(low)}..{signed(high)}{adjusted})"
