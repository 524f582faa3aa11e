"""What a run found, in a few lines, and what to type next: the end of `bench run`.

Differences are called real by the rules of docs/protocol.md: paired by seed, with Holm's
correction over all methods of the table.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Sequence
from textwrap import TextWrapper

from imbench.records.groups import Group
from imbench.records.metric_specs import load_metric
from imbench.records.record import Record
from imbench.report.compare import Comparison, Relation, match_all
from imbench.report.panel import Panel
from imbench.report.tables import Table, make_tables, metric_title
from imbench.stats.metrics import lower_is_better
from imbench.stats.paired import ENOUGH, seeds_needed

__all__ = ["found_lines", "next_lines"]

PLAIN, SCALED = "vanilla", "ts"
"""What methods are measured against: plain training, and TS, which costs no training."""
MANY = 300
"""Cells beyond which a run ends without comparisons: from six seeds on each cell is scored on 2,000
resamples of the test images, 10 to 30 ms, and a run that finds all done takes 3 s for 1,000."""
OWN_IMAGES = (
    "bench run --datasets folder:PATH,majority=ok,minority=defect --minority 25,50",
    "your own images: a folder for each class",
)


def found_lines(records: Iterable[Record], metric: str = "f1", width: int = 80) -> list[str]:
    """Return two or three sentences for each table, as lines of at most `width` columns.

    Parameters
    ----------
    records : iterable of Record
        In any order; failed ones count as cells without a score.
    metric : str
        Registered name.
    width : int
        Columns of the terminal.
    """
    tables = make_tables(list(records), (metric,))
    loaded = load_metric(metric)
    return [
        line
        for table in tables
        for line in _labelled("Found", _sentences(table, Panel(table.group, metric, loaded)), width)
    ]


def next_lines(records: Iterable[Record], results: str, command: str) -> list[str]:
    """Return commands that lead on, each with what it does, one a line.

    Parameters
    ----------
    records : iterable of Record
        Those of the table.
    results : str
        The results folder.
    command : str
        The command that made them.
    """
    tables = make_tables(list(records))
    if not tables:
        return []
    page = f"bench report {shlex.quote(results)} --html"
    offers = [(page, "the same on one page, with images and costs")]
    most = max(_seeds_wanted(table.group) for table in tables)
    if most:
        offers.append((_with_seeds(command, most), f"{most} seeds, enough to call methods better"))
    if not any(table.group.name.startswith(("folder:", "csv:")) for table in tables):
        offers.append(OWN_IMAGES)
    return [
        f"{'Next' if place == 0 else '':<7}{typed}  # {what}"
        for place, (typed, what) in enumerate(offers)
    ]


def _sentences(table: Table, panel: Panel) -> list[str]:
    name = f"{table.group.title} by {metric_title(table.metric)}"
    scored = [line.recipe for line in table.lines if any(cell.scores for cell in line.entries)]
    if not scored:
        return [f"{name}: no cell has a score."]
    cells = sum(map(len, table.group.slots.values()))
    if cells > MANY and len(table.group.seeds) >= ENOUGH:
        say = f"{name}: {cells} cells; `bench report --compare {PLAIN}` says which methods differ."
        return [say, *_trivial(table)]
    first, *rest = _against_plain(panel, scored)
    return [f"{name}: {first}", *rest, *_against_scaled(panel, scored), *_trivial(table)]


def _against_plain(panel: Panel, recipes: Sequence[str]) -> list[str]:
    """Say which methods are above plain training, then which were ahead of it in every seed."""
    title = panel.title(PLAIN)
    if PLAIN not in recipes:
        lacks = "has no score" if PLAIN in panel.rows else "was not among the methods"
        return [f"{title} {lacks}, so nothing can be compared with it."]
    cells = _compared(panel, PLAIN, recipes)
    if not cells:
        return [f"only {title} has scores, and there is nothing to compare."]
    above, below = _places(cells, "beaten"), _places(cells, "beats")
    said = [
        f"above {title} by more than chance: {above}."
        if above
        else f"no method is above {title} by more than chance{_why(cells)}."
    ]
    if below:
        said.append(f"Below {title} by more than chance: {below}.")
    ahead = _places([cell for cell in cells if _always_ahead(cell)], "few", "behind")
    return [*said, f"Ahead of {title} in every seed, not established: {ahead}."] if ahead else said


def _against_scaled(panel: Panel, recipes: Sequence[str]) -> list[str]:
    """Say which methods are above TS; nothing where it has no score, or no rival but Vanilla."""
    rivals = [recipe for recipe in recipes if recipe != PLAIN]
    cells = _compared(panel, SCALED, rivals) if SCALED in rivals else []
    if not cells:
        return []
    title, above = panel.title(SCALED), _places(cells, "beaten")
    if above:
        return [f"Above {title} by more than chance: {above}."]
    ahead = _places([cell for cell in cells if _always_ahead(cell)], "few")
    if ahead:
        return [f"Ahead of {title} in every seed, not established: {ahead}."]
    return [f"No method is above {title} by more than chance."]


def _compared(panel: Panel, baseline: str, recipes: Sequence[str]) -> list[Comparison]:
    """Compare a baseline, which comes first, with every other recipe at every count."""
    rivals = [recipe for recipe in recipes if recipe != baseline]
    return [cell for match in match_all(panel, baseline, rivals) for cell in match.cells]


def _why(cells: Sequence[Comparison]) -> str:
    """Say that so few seeds could not have shown it, where that is so."""
    pairs = max((len(cell.effect) for cell in cells), default=0)
    if pairs == 0:
        return ": no seed has a score of both"
    if any(cell.possible for cell in cells):
        return f" with {_seed_words(pairs)}"
    needed = seeds_needed(max(cell.family for cell in cells))
    return f": {_seed_words(pairs)} cannot show it, {needed} could"


def _always_ahead(cell: Comparison) -> bool:
    """Whether the second method won with every seed, and two seeds or more were run."""
    values = cell.effect.values.values()
    return len(values) > 1 and not cell.lost and all(value < 0 for value in values)


def _places(cells: Iterable[Comparison], *verdicts: Relation) -> str:
    """Return the second methods of cells with such a verdict, and at which counts."""
    counts: dict[str, list[int]] = defaultdict(list)
    for cell in cells:
        if cell.minority is not None and cell.verdict in verdicts:
            counts[cell.second].append(cell.minority)
    return _grouped(counts)


def _grouped(counts: dict[str, list[int]]) -> str:
    """Return ``CS, OS at 10, 20; SMOTE at 10``: methods with the counts they have in common."""
    alike: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for title, where in counts.items():
        alike[tuple(where)].append(title)
    return "; ".join(
        f"{', '.join(titles)} at {', '.join(map(str, where))}" for where, titles in alike.items()
    )


def _trivial(table: Table) -> list[str]:
    """Compare means with the score of a classifier that looks at no image."""
    if table.trivial is None:
        return []
    lower = lower_is_better(table.metric, load_metric(table.metric))
    short: dict[str, list[int]] = defaultdict(list)
    scored = 0
    for line in table.lines:
        for count, cell in zip(table.counts, line.entries, strict=True):
            if cell.mean is None:
                continue
            scored += 1
            if (cell.mean >= table.trivial) if lower else (cell.mean <= table.trivial):
                short[line.title].append(count)
    score = f"the trivial score, {table.trivial:.3f}"
    if not short:
        return [f"Every mean is better than {score}."]
    if sum(map(len, short.values())) == scored:
        return [f"No mean is better than {score}: nothing was learned that this metric sees."]
    return [f"Not better than {score}: {_grouped(short)}."]


def _seeds_wanted(group: Group) -> int:
    """Return the seeds that a comparison of all methods needs; 0 if there are as many."""
    rivals = len({row.recipe for row in group.rows}) - 1
    needed = seeds_needed(rivals) if rivals > 0 else 0
    return needed if needed > len(group.seeds) else 0


def _with_seeds(command: str, seeds: int) -> str:
    """Return a command with other seeds in place of its own."""
    words, kept = shlex.split(command) or ["bench", "run"], []
    while words:
        word = words.pop(0)
        if word == "--seeds":
            words[:1] = []
        elif not word.startswith("--seeds=") and word != "--force":
            kept.append(word)
    return shlex.join([*kept, "--seeds", f"0-{seeds - 1}"])


def _seed_words(seeds: int) -> str:
    return f"{seeds} seed{'' if seeds == 1 else 's'}"


def _labelled(label: str, sentences: Sequence[str], width: int) -> list[str]:
    """Wrap sentences, each on lines of its own, behind a label."""
    wrapper = TextWrapper(max(20, width - 7), subsequent_indent="  ", break_on_hyphens=False)
    lines = [line for sentence in sentences for line in wrapper.wrap(sentence)]
    return [f"{label if place == 0 else '':<7}{line}" for place, line in enumerate(lines)]
