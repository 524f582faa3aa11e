"""The report of `bench generators`: scores of every stored pair, as tables or JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from imbench.errors import DataError, NotComparable
from imbench.generators.evaluator import Evaluator, PairQuality
from imbench.generators.inception import FineTuning, fine_tuned, read_weights
from imbench.generators.oracle import ImageClassifier, OracleSettings, trained_oracle
from imbench.generators.rows import (
    EvaluatedPair,
    GeneratorRow,
    Standard,
    make_row,
    make_standard,
    pairs_by_row,
)
from imbench.generators.stored import StoredGenerators, load_generators, stored_generators
from imbench.generators.table import generator_table
from imbench.images.cache import cache_folder, prepare
from imbench.images.dataset import Decoded
from imbench.records.groups import Group, group_records
from imbench.records.record import Record
from imbench.report.plain import json_of_groups
from imbench.report.text import markdown, terminal
from imbench.training.device import choose_device
from imbench.training.numerics import training_environment

__all__ = [
    "EvaluationSettings",
    "GeneratorReport",
    "evaluate_generators",
    "render_generators",
]

_ORACLES = "oracles"
"""Folder of oracles below the cache: a report writes nothing into the results."""
SCHEMA = 3
"""Version of the JSON form: increased when a field changes its meaning or goes."""


@dataclass(frozen=True)
class EvaluationSettings:
    """Which generators are evaluated, and with which classifiers."""

    results: Path
    root: Path
    """Folder that holds the data of all data sets."""
    network: str = "resnet20"
    steps: int = 1000
    oracles: int = 2
    """Number of oracles, each with its own seed. One is not enough: of the same zebras, drawn by
    generators of 25 images, one took 62 % for zebras and another 30 %."""
    inception: str = ""
    """Weights file of InceptionV3, or `imbench.generators.inception.DOWNLOAD`; empty for none."""
    fine_tuning: FineTuning = field(default_factory=FineTuning)
    device: str = "auto"


@dataclass(frozen=True)
class GeneratorReport:
    """Rows of comparable generators of one data set."""

    group: Group
    classes: tuple[str, ...]
    settings: EvaluationSettings
    standards: dict[int, Standard]
    """By the label of the minority."""
    rows: tuple[GeneratorRow, ...]
    faults: tuple[str, ...]
    """Generators that could not be evaluated, and why."""


def evaluate_generators(
    records: Iterable[Record],
    settings: EvaluationSettings,
    log: Callable[[str], None] = lambda _: None,
) -> list[GeneratorReport]:
    """Evaluate every pair of generators that finished cells stored.

    Parameters
    ----------
    records : iterable of Record
        Records of the results folder.
    settings : EvaluationSettings
        Folders and classifiers.
    log : callable
        Called with a line of text before each step that takes time.

    Raises
    ------
    NotComparable
        If no finished cell stored generators, or none of them can be read.
    DataError
        If the images of a data set are missing, or are not those the generators were trained on.
    """
    records = list(records)
    if not any(True for _ in stored_generators(records)):
        raise NotComparable(
            "no finished cell stored generators: `bench run --methods aug,alt` trains some"
        )
    weights = read_weights(settings.inception) if settings.inception else None
    reports = []
    for group in group_records(records):
        stored = list(stored_generators(group.records))
        if stored:
            data = _read_images(group, settings)
            evaluator = Evaluator(data, _classifiers(data, settings, weights, log))
            log(f"evaluating {len(stored)} pairs of generators of {group.name}")
            reports.append(_report(group, stored, evaluator, settings))
    if not any(report.rows for report in reports):
        fault = next(fault for report in reports for fault in report.faults)
        raise NotComparable(f"no generators could be evaluated ({fault}): run their cells again")
    return reports


def render_generators(
    reports: Sequence[GeneratorReport],
    form: Literal["terminal", "markdown", "json"] = "terminal",
    *,
    command: str = "",
    width: int = 80,
) -> str:
    """Return reports as text."""
    if form == "json":
        return json_of_groups(SCHEMA, command, map(_plain, reports))
    tables = [
        generator_table(
            [row for row in report.rows if row.label == label],
            standard,
            group=report.group,
            classes=(report.classes[0], report.classes[label]),
            oracle=OracleSettings(report.settings.network, report.settings.steps),
            oracles=report.settings.oracles,
            inception=bool(report.settings.inception),
            faults=report.faults,
        )
        for report in reports
        for label, standard in report.standards.items()
    ]
    return markdown(tables) if form == "markdown" else terminal(tables, width)


def _read_images(group: Group, settings: EvaluationSettings) -> Decoded:
    """Return the images that the records of a group were made from."""
    wanted = group.basis.fingerprint
    # A cell does not record which copies of test images were left out; its fingerprint tells.
    for drop in (None, True, False):
        data = prepare(
            group.name,
            root=settings.root,
            size=group.basis.settings.size,
            bad_images="skip",
            drop_leaks=drop,
        )
        if data.fingerprint == wanted:
            return data
    raise DataError(
        f"{group.name}: the images below {settings.root} are not those that the generators were "
        f"trained on (fingerprint {wanted[:12]}): name the folder that holds them with --data"
    )


def _classifiers(
    data: Decoded, settings: EvaluationSettings, weights: Any, log: Callable[[str], None]
) -> list[ImageClassifier]:
    """Return the oracles, and after them InceptionV3 if its weights are given."""
    folder, device = cache_folder() / _ORACLES, settings.device
    found = [
        trained_oracle(
            data.train,
            OracleSettings(settings.network, settings.steps, seed),
            folder,
            device=device,
            log=log,
        )
        for seed in range(settings.oracles)
    ]
    if weights is not None:
        tuning = settings.fine_tuning
        found.append(fine_tuned(data.train, weights, tuning, folder, device=device, log=log))
    return found


def _report(
    group: Group,
    stored: Sequence[StoredGenerators],
    evaluator: Evaluator,
    settings: EvaluationSettings,
) -> GeneratorReport:
    known: dict[tuple[str, int], PairQuality] = {}
    pairs, faults = [], []
    for pair in stored:
        key = pair.file, pair.label
        try:
            # Methods that share a pair (AUG with two values of gamma) share its measurements.
            if key not in known:
                known[key] = _evaluate(pair, evaluator, settings)
            pairs.append(EvaluatedPair(pair, known[key]))
        except DataError as error:
            faults.append(str(error))
    labels = sorted({pair.stored.label for pair in pairs})
    return GeneratorReport(
        group=group,
        classes=evaluator.data.classes,
        settings=settings,
        standards={label: make_standard(evaluator, label) for label in labels},
        rows=tuple(
            make_row(row, evaluator, settings.oracles) for row in pairs_by_row(group, pairs)
        ),
        faults=tuple(faults),
    )


def _evaluate(
    stored: StoredGenerators, evaluator: Evaluator, settings: EvaluationSettings
) -> PairQuality:
    cell = stored.record.cell
    shape = evaluator.data.test.pixels.shape[1:]
    translator = load_generators(stored, settings.results, shape, settings.device)
    return evaluator.evaluate(
        lambda x, to_minority: translator(x, to_minority=to_minority),
        stored.label,
        minority=cell.minority,
        majority=cell.majority,
        seed=cell.seed,
    )


def _plain(report: GeneratorReport) -> dict[str, Any]:
    basis, settings = report.group.basis, report.settings
    return {
        "dataset": report.group.name,
        "classes": list(report.classes),
        "fingerprint": basis.fingerprint,
        "majority": report.group.majority,
        "settings": basis.settings.model_dump(mode="json"),
        "oracle": {
            "network": settings.network,
            "steps": settings.steps,
            "seeds": list(range(settings.oracles)),
            "environment": training_environment(choose_device(settings.device)),
        },
        "inception": settings.inception or None,
        "standards": {str(label): standard.plain() for label, standard in report.standards.items()},
        "rows": [row.plain() for row in report.rows],
        "faults": list(report.faults),
    }
