"""What a verdict says of methods: whether they learned, against Vanilla, against TS, the best."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from imbench.report.compare import Comparison, Relation
from imbench.report.diagnosed import KINDS, Kind
from imbench.report.phrases import count_seeds, signed, span_text
from imbench.report.verdict_scores import PLAIN, SCALED, Scored, where_told
from imbench.stats.paired import MARGIN, seeds_needed

__all__ = [
    "say_best",
    "say_faults",
    "say_identical",
    "say_learned",
    "say_missing",
    "say_plain",
    "say_scaled",
]


GRAVE: tuple[Kind, ...] = ("constant", "chance", "loss", "memorised", "coarse")
"""Diagnoses that other sentences of the verdict do not say."""
NAMED = 3
"""Methods near the best that are named; more are counted."""


def say_missing(scored: Scored) -> list[str]:
    """Say how many cells of the table have no score, and of which methods."""
    short: dict[str, int] = defaultdict(int)
    cells = 0
    for line in scored.table.lines:
        for entry in line.entries:
            cells += len(entry.status)
            lacking = len(entry.status) - len(entry.scores)
            if lacking:
                short[line.title] += lacking
    if not short:
        return []
    total = sum(short.values())
    if total == cells:
        return [f"no cell has a score: {total} of {cells} failed or were not run"]
    named = ", ".join(f"{title} {number}" for title, number in short.items())
    return [f"{total} of {cells} cells have no score ({named}), and nothing is said of them"]


def say_faults(scored: Scored) -> list[str]:
    """Name what the notes below the table find wrong with its runs, which comes before scores."""
    found = [KINDS[one.kind] for one in scored.table.diagnoses if one.kind in GRAVE]
    return [f"read first the notes below the table: {'; '.join(found)}"] if found else []


def say_learned(scored: Scored) -> list[str]:
    """Compare means with what takes no training of a network: the trivial score, the floors."""
    table = scored.table
    lower = scored.panel.lower
    means = [
        (count, entry.mean)
        for line in table.lines
        for count, entry in zip(table.counts, line.entries, strict=True)
        if entry.mean is not None
    ]
    bars = {} if table.trivial is None else dict.fromkeys(table.counts, table.trivial)
    said = _above(bars, means, "the trivial score", lower)
    for floor in table.floors:
        scores = {
            count: entry.mean
            for count, entry in zip(table.counts, floor.entries, strict=True)
            if entry.mean is not None
        }
        said += _above(scores, means, f"the {floor.title}", lower)
    return said


def _above(
    bars: Mapping[int, float], means: Sequence[tuple[int, float]], what: str, lower: bool
) -> list[str]:
    """Say how many means are better than a bar at their count; nothing where there is none."""
    held = [
        (mean < bars[count] if lower else mean > bars[count])
        for count, mean in means
        if count in bars
    ]
    if not held:
        return []
    score = f"{what}, {span_text(bars.values())}"
    if all(held):
        return [f"every mean is better than {score}"]
    if not any(held):
        return [f"no mean is better than {score}: nothing was learned beyond it"]
    return [f"{held.count(False)} of {len(held)} means are not better than {score}"]


def say_plain(scored: Scored) -> list[str]:
    """Say which methods are above plain training, which below, and which were ahead every time."""
    title = scored.panel.title(PLAIN)
    if PLAIN not in scored.recipes:
        if PLAIN in scored.panel.rows:
            return [f"{title} has no score, so nothing can be compared with it"]
        return [
            f"{title} was not among the methods, so nothing can be compared with it; other results "
            "that have it, of the same data and settings, are read together with these by "
            "`bench report OTHERS THESE`"
        ]
    if len(scored.recipes) == 1:
        return [f"only {title} has scores, and there is nothing to compare"]
    cells = scored.against_plain
    above, below = _told(cells, "beaten"), _told(cells, "beats")
    said = [
        f"above {title} by more than chance{where_told(above)}: {scored.places(above)}"
        if above
        else f"no method is above {title} by more than chance{_why(cells)}"
    ]
    if hollow := _not_learned(scored, above):
        said.append(f"of these not better than the trivial score: {scored.places(hollow)}")
    if below:
        said.append(f"below {title} by more than chance{where_told(below)}: {scored.places(below)}")
    if level := _told(cells, "equivalent"):
        places = scored.places(level)
        said.append(f"equivalent to {title} within {MARGIN:g}{where_told(level)}: {places}")
    return [*said, *_ahead(scored, title, cells)]


def say_scaled(scored: Scored) -> list[str]:
    """Say which methods are above TS; nothing where it has no score, or no rival but Vanilla."""
    cells = scored.against_scaled
    if not cells:
        return []
    title, above = scored.panel.title(SCALED), _told(cells, "beaten")
    if above:
        return [f"above {title} by more than chance{where_told(above)}: {scored.places(above)}"]
    return _ahead(scored, title, cells) or [
        f"no method is above {title}, which costs no training, by more than chance"
    ]


def say_best(scored: Scored) -> list[str]:
    """Say which method has the best mean at each count, and which are not separated from it."""
    said, alone = [], True
    for count, (recipe, cells) in scored.best.items():
        open_ = [cell for cell in cells if not _below_best(scored, recipe, cell)]
        alone = alone and len(open_) == len(cells)
        mean = f"{scored.panel.title(recipe)} {scored.panel.mean((recipe, count)):.3f}"
        mean += f" at {scored.table.group.label(count)}"
        said.append((mean, _not_separated(cells, open_)))
    if not said:
        return []
    if alone and len(said) > 1:
        means = ", ".join(mean for mean, _ in said)
        rest = "no other method is separated from them by more than chance"
        return [f"best means: {means}; {rest}{_pairs_needed(scored)}"]
    return [f"best: {'; '.join(mean + rest for mean, rest in said)}{_pairs_needed(scored)}"]


def say_identical(scored: Scored) -> list[str]:
    """Name methods with the same score in every run: they may do the same, or one does nothing."""
    alike: dict[tuple[tuple[int, int, float], ...], list[str]] = defaultdict(list)
    for recipe in scored.recipes:
        scores = tuple(
            (count, seed, score)
            for count in scored.table.counts
            for seed, score in sorted(scored.panel.scores((recipe, count)).items())
        )
        alike[scores].append(scored.panel.title(recipe))
    return [
        f"{', '.join(titles[:-1])} and {titles[-1]} have the same score in each of "
        f"{len(scores)} runs: find out why before you compare them"
        for scores, titles in alike.items()
        # Where a constant answer has every score, the notes say it.
        if len(titles) > 1 and len({score for _, _, score in scores}) > 1
    ]


def _below_best(scored: Scored, best: str, cell: Comparison) -> bool:
    """Whether a method is shown to be below the best, or is Vanilla and shown so by its family."""
    if cell.verdict == "beats":
        return True
    panel = scored.panel
    return cell.second == panel.title(PLAIN) and any(
        plain.second == panel.title(best) and plain.minority == cell.minority
        for plain in _told(scored.against_plain, "beaten")
    )


def _not_separated(cells: Sequence[Comparison], open_: Sequence[Comparison]) -> str:
    """Return which of the rivals of the best method are not shown to be below it."""
    others = f"the {len(cells)} others" if len(cells) > 1 else "the other"
    if not open_:
        return f", above {others} by more than chance{where_told(cells)}"
    near = [cell for cell in open_ if cell.effect.values and cell.effect.mean <= MARGIN]
    far = [cell for cell in open_ if cell not in near]
    within = f"within {MARGIN:g} of it"
    if len(open_) <= NAMED:
        named = f", not separated from {_gaps(near)}, {within}" if near else ", not separated from "
        return f"{named}{', nor from ' if near and far else ''}{_gaps(far)}"
    of = others if len(open_) == len(cells) else f"{len(open_)} of {others}"
    return f", not separated from {of}, {len(near)} of them {within}"


def _gaps(cells: Sequence[Comparison]) -> str:
    return ", ".join(
        f"{cell.second} {signed(-cell.effect.mean) if cell.effect.values else '(no pair)'}"
        for cell in cells
    )


def _not_learned(scored: Scored, cells: Sequence[Comparison]) -> list[Comparison]:
    """Return comparisons whose second method is not better than the trivial score."""
    recipes = {scored.panel.title(recipe): recipe for recipe in scored.recipes}
    return [
        cell
        for cell in cells
        if cell.minority is not None and not scored.learned(recipes[cell.second], cell.minority)
    ]


def _told(cells: Sequence[Comparison], verdict: Relation) -> list[Comparison]:
    return [cell for cell in cells if cell.verdict == verdict]


def _ahead(scored: Scored, title: str, cells: Sequence[Comparison]) -> list[str]:
    """Name methods ahead in every one of too few seeds."""
    ahead = [cell for cell in cells if cell.verdict in ("few", "behind") and _always_ahead(cell)]
    if not ahead:
        return []
    return [f"ahead of {title} in every seed, not established: {scored.places(ahead)}"]


def _always_ahead(cell: Comparison) -> bool:
    """Whether the second method won with every seed, and two seeds or more were run."""
    values = cell.effect.values.values()
    return len(values) > 1 and not cell.lost and all(value < 0 for value in values)


def _why(cells: Sequence[Comparison]) -> str:
    """Say that so few seeds could not have shown it, where that is so."""
    pairs = max((len(cell.effect) for cell in cells), default=0)
    if pairs == 0:
        return ": no seed has a score of both"
    if any(cell.possible for cell in cells):
        return f" with {count_seeds(pairs)}"
    needed = seeds_needed(max(cell.family for cell in cells))
    return f": {count_seeds(pairs)} cannot show it, {needed} could"


def _pairs_needed(scored: Scored) -> str:
    """Say how many seeds can separate the best from others, where there are fewer."""
    cells = [cell for _, compared in scored.best.values() for cell in compared]
    if all(cell.possible for cell in cells):
        return ""
    family = max(cell.family for cell in cells)
    pairs = max(len(cell.effect) for cell in cells)
    return (
        f" ({count_seeds(pairs)} cannot separate the best of {family + 1} methods, "
        f"{seeds_needed(family)} can)"
    )
