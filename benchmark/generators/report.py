"""The report of `bench generators`: every pair of a results folder, judged, as tables or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from imbench.errors import DataError, NotComparable
from imbench.generators.inception import FineTuning, fine_tuned, read_weights
from imbench.generators.jury import Jury, PairQuality
from imbench.generators.oracle import Oracle, OracleSettings, trained_oracle
from imbench.generators.rows import (
    GeneratorRow,
    JudgedPair,
    Standard,
    in_rows,
    make_row,
    make_standard,
)
from imbench.generators.sheet import generator_sheet
from imbench.generators.stored import StoredGenerators, generators_left, open_generators
from imbench.images.cache import prepare
from imbench.images.dataset import Decoded
from imbench.records.groups import Group, groups
from imbench.records.record import Record
from imbench.report.sheet import Sheet

__all__ = ["FOLDER", "Ask", "GeneratorReport", "judged_report", "render_generators"]

FOLDER = "generators"
"""Where oracles are kept, below the results: beside the generators."""
SCHEMA = 1
"""Of the JSON form: raise it when a field changes its meaning or goes."""


@dataclass(frozen=True)
class Ask:
    """What is asked for."""

    results: Path
    root: Path
    """Folder that holds the data of all data sets."""
    network: str = "resnet20"
    steps: int = 1000
    oracles: int = 2
    """How many, each with a seed of its own. One is not enough: of the same zebras, drawn by
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
    ask: Ask
    standards: dict[int, Standard]
    """By the label of the minority."""
    rows: tuple[GeneratorRow, ...]
    faults: tuple[str, ...]
    """Generators that could not be judged, and why."""


def judged_report(
    records: Iterable[Record], ask: Ask, say: Callable[[str], None] = lambda _: None
) -> list[GeneratorReport]:
    """Judge every pair of generators that finished cells left.

    Parameters
    ----------
    records : iterable of Record
        Of the results folder.
    ask : Ask
        What is asked for.
    say : callable
        Is told what takes time.

    Raises
    ------
    NotComparable
        If no finished cell left generators, or none of them can be read.
    DataError
        If the images of a data set are missing, or others than the generators were trained on.
    """
    records = list(records)
    if not any(True for _ in generators_left(records)):
        raise NotComparable(
            "no finished cell left generators: `bench run --methods aug,alt` trains some"
        )
    weights = read_weights(ask.inception) if ask.inception else None
    reports = []
    for group in groups(records):
        left = list(generators_left(group.records))
        if left:
            data = _images(group, ask)
            jury = Jury(data, _judges(data, ask, weights, say))
            reports.append(_report(group, left, jury, ask, say))
    if not any(report.rows for report in reports):
        fault = next(fault for report in reports for fault in report.faults)
        raise NotComparable(f"no generators could be judged ({fault}): run their cells again")
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
        return _json(reports, command)
    from imbench.report.text import markdown, terminal

    sheets = [sheet for report in reports for sheet in _sheets(report)]
    return markdown(sheets) if form == "markdown" else terminal(sheets, width)


def _images(group: Group, ask: Ask) -> Decoded:
    """Return the images that the records of a group were made from."""
    wanted = group.basis.fingerprint
    # Which copies of test images were left out is no field of a cell: the fingerprint tells.
    for drop in (None, True, False):
        data = prepare(
            group.name,
            root=ask.root,
            size=group.basis.settings.size,
            bad_images="skip",
            drop_leaks=drop,
        )
        if data.fingerprint == wanted:
            return data
    raise DataError(
        f"{group.name}: the images below {ask.root} are not those that the generators were trained "
        f"on (fingerprint {wanted[:12]}): name the folder that holds them with --data"
    )


def _judges(data: Decoded, ask: Ask, weights: Any, say: Callable[[str], None]) -> list[Oracle]:
    folder = ask.results / FOLDER
    judges = [
        trained_oracle(
            data.train,
            OracleSettings(network=ask.network, steps=ask.steps, seed=seed),
            folder,
            device=ask.device,
            say=say,
        )
        for seed in range(ask.oracles)
    ]
    if weights is not None:
        judges.append(
            fine_tuned(data.train, weights, ask.fine_tuning, folder, device=ask.device, say=say)
        )
    return judges


def _report(
    group: Group, left: Sequence[StoredGenerators], jury: Jury, ask: Ask, say: Callable[[str], None]
) -> GeneratorReport:
    say(f"judging {len(left)} pairs of generators of {group.name}")
    known: dict[tuple[str, int], PairQuality] = {}
    seen, faults = [], []
    for one in left:
        try:
            # Methods that share a pair (AUG with two values of gamma) share what is measured.
            if (one.file, one.label) not in known:
                known[one.file, one.label] = _judged(one, jury, ask)
            seen.append(JudgedPair(one, known[one.file, one.label]))
        except DataError as error:
            faults.append(str(error))
    labels = sorted({one.left.label for one in seen})
    return GeneratorReport(
        group=group,
        classes=jury.data.classes,
        ask=ask,
        standards={label: make_standard(jury, label) for label in labels},
        rows=tuple(make_row(some, jury, ask.oracles) for some in in_rows(group, seen)),
        faults=tuple(faults),
    )


def _judged(left: StoredGenerators, jury: Jury, ask: Ask) -> PairQuality:
    cell = left.record.cell
    shape = jury.data.test.pixels.shape[1:]
    work = open_generators(left, ask.results, shape, ask.device)
    return jury.judge(
        lambda x, to_minority: work(x, to_minority=to_minority),
        left.label,
        minority=cell.minority,
        majority=cell.majority,
        seed=cell.seed,
    )


def _sheets(report: GeneratorReport) -> list[Sheet]:
    return [
        generator_sheet(
            [row for row in report.rows if row.label == label],
            standard,
            group=report.group,
            classes=(report.classes[0], report.classes[label]),
            oracle=OracleSettings(network=report.ask.network, steps=report.ask.steps),
            oracles=report.ask.oracles,
            inception=bool(report.ask.inception),
            faults=report.faults,
        )
        for label, standard in report.standards.items()
    ]


def _json(reports: Sequence[GeneratorReport], command: str) -> str:
    from importlib.metadata import version

    body = {
        "schema": SCHEMA,
        "imbench": version("imbench"),
        "command": command,
        "groups": [_plain(report) for report in reports],
    }
    return json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(report: GeneratorReport) -> dict[str, Any]:
    basis, ask = report.group.basis, report.ask
    return {
        "dataset": report.group.name,
        "classes": list(report.classes),
        "fingerprint": basis.fingerprint,
        "majority": report.group.majority,
        "settings": basis.settings.model_dump(mode="json"),
        "oracle": {"network": ask.network, "steps": ask.steps, "seeds": list(range(ask.oracles))},
        "inception": ask.inception or None,
        "standards": {
            str(label): {
                "ceiling": [verdict._asdict() for verdict in standard.ceiling],
                "floor": [verdict._asdict() for verdict in standard.floor],
                "untranslated": standard.untranslated._asdict(),
            }
            for label, standard in report.standards.items()
        },
        "rows": [row.plain() for row in report.rows],
        "faults": list(report.faults),
    }
