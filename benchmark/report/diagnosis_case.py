"""What a diagnosis looks at: the runs of a group with a score, their means, and where they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from imbench.records.groups import Group, method_title
from imbench.report.diagnosed import Diagnosis, Kind, Place
from imbench.report.phrases import places_text
from imbench.report.run_evidence import RunEvidence, read_floor_scores, read_runs
from imbench.stats.about_metrics import metric_title
from imbench.stats.resolution import chance_auroc

__all__ = ["Case"]


class Case:
    """The runs of a group that have a score, by method and count, and its settings."""

    def __init__(self, group: Group, metric: str, counts: Sequence[int]) -> None:
        self.group, self.metric = group, metric
        self.runs: dict[Place, list[RunEvidence]] = read_runs(group, metric, counts)
        self.settings = group.basis.settings
        self.tests = group.test_counts
        self.floors = read_floor_scores(group, metric, counts)
        self.floor_aurocs = read_floor_scores(group, "auroc", counts)

    @property
    def name(self) -> str:
        """What a sentence calls the metric behind the word "mean"."""
        return metric_title(self.metric, len(self.tests)).removeprefix("mean ")

    @property
    def chance_limit(self) -> float:
        """The AUROC that chance alone exceeds in one test set of twenty."""
        return chance_auroc(self.tests) if len(self.tests) > 1 and all(self.tests) else 0.5

    def means(self, number: str) -> dict[Place, float]:
        """Return the mean of a number over the runs that have it, where there are any."""
        found = {
            place: [value for run in runs if (value := getattr(run, number)) is not None]
            for place, runs in self.runs.items()
        }
        return {place: sum(values) / len(values) for place, values in found.items() if values}

    def train_otherwise(self, *, images: bool = True) -> str:
        """Return what may make a training learn: steps, size, images."""
        settings = self.settings
        more = " or more minority images" if images else f" or another rate (lr is {settings.lr:g})"
        return (
            f"try --steps {4 * settings.steps}, --size {2 * settings.size}{more}, and see by "
            "`bench data show` what the network sees"
        )

    def made(
        self,
        kind: Kind,
        places: Iterable[Place],
        sentence: str,
        advice: str,
        **numbers: float,
    ) -> Diagnosis:
        """Return the diagnosis of some methods at some counts, which end its sentence."""
        where = tuple(places)
        return Diagnosis(
            kind,
            tuple(dict.fromkeys(recipe for recipe, _ in where)),
            tuple(sorted({count for _, count in where})),
            f"{sentence}{_where(where, self.runs, self.group)}",
            advice,
            where,
            numbers,
        )


def _where(places: Sequence[Place], runs: Mapping[Place, object], group: Group) -> str:
    """Say where, unless it is everywhere."""
    if len(places) == len(runs) > 1:
        return ": every method at every count"
    named = ((method_title(recipe), count) for recipe, count in places)
    return f": {places_text(named, group.label)}"
