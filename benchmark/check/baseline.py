"""A baseline: scores that a check compares with, in one file made for review.

``results/baseline.json`` holds the scores of each method, count and seed, and what they depend on:
the data's fingerprint, the settings, the versions, and fields of the environment that can change a
score. A method and count is one line, so that a change shows as few lines.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from imbench.check.sides import CaseKey, PredictedClasses, Run, Side
from imbench.errors import NotComparable
from imbench.files.atomic import write_output
from imbench.files.newer import refuse_newer
from imbench.files.reading import LARGE, SMALL, read_text
from imbench.records.cell import Settings
from imbench.records.groups import Basis
from imbench.records.later_fields import LaterFields
from imbench.records.metric_specs import base_name
from imbench.records.record import label_type
from imbench.registry import registered_names

__all__ = [
    "METRICS",
    "SCHEMA",
    "Baseline",
    "BaselineRow",
    "Data",
    "pack_classes",
    "read_baseline",
    "write",
]

SCHEMA = 1
METRICS = ("f1", "acsa", "auroc", "log_loss")
"""Default metrics of a baseline: the paper's two, one of the ranking of images, and one that
changes with every probability."""


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BaselineRow(_Plain):
    """One method at one minority count; lists go by seed."""

    recipe: str
    minority: int
    versions: dict[str, int]
    seeds: list[int]
    environment: list[int]
    """Index of the environment, in the baseline's list, of each seed."""
    scores: dict[str, list[float | None]]
    predicted: list[str] | None = None
    """Predicted class of each test image, packed."""


class Data(_Plain, LaterFields):
    """All methods on one data set, by one protocol with one majority count."""

    later = ("by_class",)

    names: list[str]
    fingerprint: str
    majority: int | None
    protocol: int
    settings: Settings
    by_class: tuple[int, ...] | None = None
    classes: int = 0
    labels: str = ""
    """True class of each test image, packed; empty if no predictions are kept."""
    lines: list[BaselineRow]


class Baseline(_Plain):
    """The content of the file."""

    schema_: int = Field(default=SCHEMA, alias="schema", serialization_alias="schema")
    reason: str
    made: str
    """Day, UTC."""
    imbench: str
    commits: list[str]
    environments: list[dict[str, str]]
    data: list[Data]
    checksum: str = ""

    def side(self) -> Side:
        """Return the baseline as one side of a check."""
        runs: dict[CaseKey, dict[int, Run]] = {}
        versions: dict[CaseKey, dict[str, int]] = {}
        names: dict[Basis, list[str]] = {}
        for data in self.data:
            basis = Basis(
                data.fingerprint, data.majority, data.protocol, data.settings, data.by_class
            )
            names[basis] = data.names
            labels = _unpack(data.labels, data.classes) if data.labels else None
            for line in data.lines:
                key = CaseKey(basis, line.recipe, line.minority)
                runs[key] = dict(_runs(line, self.environments, labels, data.classes))
                versions[key] = line.versions
        return Side(runs, versions, names, tuple(self.commits))

    def text(self) -> str:
        """Return the file's text."""
        return _format_json(self.model_copy(update={"checksum": _checksum(self)}))


def read_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises
    ------
    NotComparable
        If the file is missing, is no baseline, or was edited by hand.
    EnvironmentFault
        If a newer imbench wrote it.
    """
    make = "make one with `bench baseline update --from RESULTS --reason TEXT`"
    try:
        text = read_text(path, SMALL)
    except FileNotFoundError as error:
        raise NotComparable(f"there is no baseline {str(path)!r}: {make}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise NotComparable(
            f"the baseline {str(path)!r} cannot be read ({error}): {make}"
        ) from error
    try:
        refuse_newer(json.loads(text), SCHEMA, path)
        baseline = Baseline.model_validate_json(text)
    except (ValidationError, ValueError, RecursionError) as error:
        raise NotComparable(f"{str(path)!r} is no complete baseline: {make}") from error
    if baseline.checksum != _checksum(baseline):
        raise NotComparable(
            f"the baseline {str(path)!r} was edited by hand, its checksum is wrong: {make}"
        )
    try:
        _check_content(baseline)
    except (ValueError, zlib.error) as error:
        raise NotComparable(
            f"the content of the baseline {str(path)!r} does not fit together ({error}): {make}"
        ) from error
    return baseline


def _check_content(baseline: Baseline) -> None:
    """Raise ValueError or zlib.error for lists of different lengths and arrays that are none."""
    known = registered_names("metrics")
    for data in baseline.data:
        labels = _unpack(data.labels, data.classes) if data.labels else None
        for line in data.lines:
            name = f"{line.recipe} at {line.minority}"
            lists = [line.environment, *line.scores.values(), line.predicted]
            if any(one is not None and len(one) != len(line.seeds) for one in lists):
                raise ValueError(f"{name}: not one value for each of {len(line.seeds)} seeds")
            if any(not 0 <= place < len(baseline.environments) for place in line.environment):
                raise ValueError(f"{name}: an environment that is not there")
            # No file that a baseline names is imported.
            if unknown := sorted(one for one in line.scores if base_name(one) not in known):
                raise ValueError(f"{name}: no metric {unknown[0]!r} is installed")
            for packed in line.predicted or ():
                predicted = _unpack(packed, data.classes)
                both = (predicted,) if labels is None else (predicted, labels)
                if len({len(one) for one in both}) > 1 or any(
                    one.max(initial=0) >= max(data.classes, 1) for one in both
                ):
                    raise ValueError(f"{name}: predictions do not fit the labels")


def write(path: Path, baseline: Baseline) -> None:
    """Write a baseline, whole or not at all.

    Raises
    ------
    EnvironmentFault
        If it cannot be written.
    """
    write_output(path, baseline.text())


def _runs(
    line: BaselineRow,
    environments: list[dict[str, str]],
    labels: NDArray[np.unsignedinteger] | None,
    classes: int,
) -> Iterable[tuple[int, Run]]:
    for index, seed in enumerate(line.seeds):
        scores = {name: values[index] for name, values in line.scores.items()}
        outputs = None
        if line.predicted is not None and labels is not None:
            predicted = _unpack(line.predicted[index], classes)
            outputs = PredictedClasses(labels, predicted, classes)
        known = {name: value for name, value in scores.items() if value is not None}
        environment = environments[line.environment[index]]
        yield seed, Run("ok", scores=known, environment=environment, outputs=outputs)


def pack_classes(classes: NDArray[np.unsignedinteger]) -> str:
    """Return the class of each image as text."""
    return base64.b64encode(zlib.compress(classes.tobytes(), 9)).decode()


def _unpack(text: str, classes: int) -> NDArray[np.unsignedinteger]:
    opened = zlib.decompressobj()
    content = opened.decompress(base64.b64decode(text, validate=True), LARGE)
    if not opened.eof:
        raise ValueError("packed classes are cut off, or of gigabytes")
    return np.frombuffer(content, label_type(classes))


def _checksum(baseline: Baseline) -> str:
    plain = baseline.model_dump(mode="json", by_alias=True, exclude={"checksum"})
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _format_json(baseline: Baseline) -> str:
    """Return JSON with a line for each field above the methods, and one for each method."""
    plain = baseline.model_dump(mode="json", by_alias=True, exclude_none=False)
    blocks = []
    for data in plain.pop("data"):
        lines = [_json(_without_none(line)) for line in data.pop("lines")]
        fields = "".join(f"   {_json(key)}: {_json(value)},\n" for key, value in data.items())
        blocks.append(
            "  {\n" + fields + '   "lines": [\n    ' + ",\n    ".join(lines) + "\n   ]\n  }"
        )
    fields = "".join(f" {_json(key)}: {_json(value)},\n" for key, value in plain.items())
    return "{\n" + fields + ' "data": [\n' + ",\n".join(blocks) + "\n ]\n}\n"


def _without_none(line: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if value is not None}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
