"""What a verdict says of methods that differ from Vanilla: better ranking, or another threshold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from imbench.report.ranking import Kind, RankingOrThreshold, ranking_or_threshold
from imbench.report.verdict_scores import PLAIN, Scored, join_gains
from imbench.stats.confusions import SCORES

__all__ = ["say_ranking"]

WORDS: dict[Kind, str] = {
    "ranks better": "rank images better than Vanilla",
    "ranks worse": "rank images worse than Vanilla",
    "moves the threshold": "move the threshold, and no better ranking is established",
    "equivalent": "are equivalent in ranking too",
    "cannot be told": "of these it cannot be told",
}


def say_ranking(scored: Scored) -> list[str]:
    """Say of the methods that are above or below Vanilla whether their ranking is what differs."""
    told = {
        (cell.second, cell.minority)
        for cell in scored.against_plain
        if cell.verdict in ("beats", "beaten")
    }
    if not told or scored.table.metric not in SCORES:
        return []
    if len(scored.table.group.test_counts) > 2:
        return ["whether they rank images better is not told of more than two classes"]
    panels = {scored.table.metric: scored.panel}
    found = [
        judged
        for count in sorted({count for _, count in told if count is not None})
        for judged in ranking_or_threshold(
            scored.table.group,
            count,
            metric=scored.table.metric,
            baseline=PLAIN,
            panels=panels,
            resample=scored.resample,
        )
        if (judged.title, count) in told
    ]
    return [f"by AUROC, which no threshold enters: {_by_kind(found)}"] if found else []


def _by_kind(found: Sequence[RankingOrThreshold]) -> str:
    """Return what kind of difference each method makes, with its difference by AUROC."""
    kinds: dict[Kind, list[tuple[str, int, float]]] = defaultdict(list)
    for judged in found:
        effect = judged.ranking["auroc"].effect
        if effect.values:
            kinds[judged.kind].append((judged.title, judged.minority, effect.mean))
    if not kinds:
        return "it cannot be told, for their outputs are not kept"
    return "; ".join(f"{join_gains(kinds[kind])} {WORDS[kind]}" for kind in WORDS if kind in kinds)
