"""Packs: the records of whole studies in one file, small enough for a repository.

A record is kept as it is but for the outputs of its test images, which are rounded
(`imbench.records.rounded_outputs`), and for what is lost: see `LOST`. Scores are those of the
record; the tuned F1, which records do not hold, is computed before outputs are rounded and kept
with them. Floors, plans, names of classes and images are packed too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from imbench.errors import ImbenchError, NotComparable
from imbench.records.image_names import ImageNames
from imbench.records.metric_specs import load_metric
from imbench.records.pack_file import read_parts, write_parts
from imbench.records.planned import Plans, parse_plan
from imbench.records.predicted_steps import LINE_SIZE, Block, differences, steps_of
from imbench.records.record import Record, Scores, label_type
from imbench.records.rounded_outputs import (
    FIRST_ROUNDING,
    ROUNDING,
    STREAMS,
    DamagedOutputs,
    Reader,
    columns_of,
    restored,
    rounded,
)
from imbench.records.scored import score
from imbench.records.shared_parts import SharedParts
from imbench.records.store import Store
from imbench.records.upgrade import upgrade

__all__ = ["LOST", "PackContents", "read_pack", "write_pack"]

LOST = (
    "log-odds of test images are rounded to steps of 1/16, finer where classes meet, so that every "
    "decision and ranking of classes is kept; logits before any adjustment, logs, generators, maps "
    "and kept models are left out, and so are the commands of plans"
)
"""What a pack lacks of the results it was made from."""
TUNED = "f1_tuned"
"""The score that verdicts need and records do not hold."""
_LEFT_OUT = ("checksum", "scores", "log", "files", "file_hashes")
_MOST = 50_000_000
"""Most probabilities that the records of a pack are unpacked to: 1 GB of text in records."""

Measured = Mapping[str, Any]
"""Differences between methods that claims need and records do not hold, as plain data."""


@dataclass(frozen=True)
class PackContents:
    """What a pack holds.

    Attributes
    ----------
    records, floors : sequences of Record
        Of methods, and of floors.
    plans : Plans
        What the runs were asked for.
    names : mapping
        Fingerprint to names of classes and test images.
    measured : mapping
        What explanations gave: code of a group to measures.
    """

    records: Sequence[Record]
    floors: Sequence[Record] = ()
    plans: Plans = field(default_factory=Plans)
    names: Mapping[str, ImageNames] = field(default_factory=dict)
    measured: Measured = field(default_factory=dict)


def write_pack(path: Path, contents: PackContents) -> int:
    """Write a pack, replacing what is there as a whole; return its size in bytes.

    Raises
    ------
    NotComparable
        If there is no record, or too much for a pack.
    EnvironmentFault
        If the file cannot be written.
    """
    if not contents.records:
        raise NotComparable("there is no record to pack: run `bench run` first")
    writer = _Writer()
    plain = {
        "records": [writer.plain(record) for record in _sorted(contents.records)],
        "floors": [writer.plain(record) for record in _sorted(contents.floors)],
        "plans": sorted({run.text for run in contents.plans.runs if run.text}),
        "names": [
            contents.names[code].model_dump(mode="json", by_alias=True)
            for code in sorted(contents.names)
        ],
        "measured": _measured_rows(contents.measured),
        "labels": [[classes, len(raw)] for classes, raw in writer.labels],
    }
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    streams = {name: b"".join(writer.streams[name]) for name in STREAMS}
    made, lines = differences(_joined(streams), writer.blocks)
    parts = {
        "records": text.encode(),
        "labels": b"".join(raw for _, raw in writer.labels),
        "lines": lines,
        **streams,
        **_split(made),
    }
    return write_parts(path, parts, LOST)


def read_pack(path: Path) -> PackContents:
    """Return what a pack holds.

    Raises
    ------
    NotComparable
        If there is no such file, it is no pack, or it is damaged.
    EnvironmentFault
        If it cannot be read, or a newer imbench wrote it.
    """
    schema, parts = read_parts(path)
    try:
        plain = json.loads(parts["records"])
        reader = _Outputs(plain, parts, schema)
        records = [reader.record(one) for one in plain["records"]]
        floors = [reader.record(one) for one in plain["floors"]]
        if not reader.spent:
            raise DamagedOutputs("it holds outputs of no record")
        shared = SharedParts()
        return PackContents(
            shared.of(records),
            shared.of(floors),
            _plans(path, plain["plans"]),
            {one.fingerprint: one for one in map(ImageNames.model_validate, plain["names"])},
            _measured(plain["measured"]),
        )
    except (ValidationError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        why = str(error) if isinstance(error, DamagedOutputs) else type(error).__name__
        raise NotComparable(
            f"{str(path)!r} is no pack that this imbench reads ({why}): make it again from its "
            "records"
        ) from error


def _joined(parts: Mapping[str, bytes]) -> NDArray[np.int16]:
    """Return the steps of all outputs, whose low and high bytes are streams of their own."""
    pair = [np.frombuffer(parts[name], np.uint8) for name in ("low", "high")]
    return np.stack(pair, axis=1).view("<i2")[:, 0].astype(np.int16)


def _split(steps: NDArray[np.integer[Any]]) -> dict[str, bytes]:
    """Return the low and high bytes of steps."""
    pair = steps.astype("<u2").view(np.uint8).reshape(-1, 2)
    return {"low": pair[:, 0].tobytes(), "high": pair[:, 1].tobytes()}


def _sorted(records: Iterable[Record]) -> list[Record]:
    """Return records in the order of a results folder, in which a report reads them."""
    store = Store(Path())
    return sorted(records, key=lambda record: (store.path(record.cell).parts, record.key))


class _Writer:
    """Collects the outputs of records, test labels once for all that share them."""

    def __init__(self) -> None:
        self.streams: dict[str, list[bytes]] = {name: [] for name in STREAMS}
        self.labels: list[tuple[int, bytes]] = []
        self.blocks: list[Block] = []

    def plain(self, record: Record) -> dict[str, Any]:
        """Return a record as plain data, and add its outputs to the streams."""
        plain = {k: v for k, v in record.plain().items() if k not in _LEFT_OUT}
        packed: dict[str, Any] = {"record": plain}
        if not record.intact:
            packed["edited"] = True
        if record.scores is None:
            return packed
        try:
            labels, _, proba = record.scores.arrays()
            made = rounded(labels, proba)
        except (ValueError, ImbenchError):  # damaged outputs stay what they are
            packed["scores"] = record.scores.model_dump(mode="json")
            return packed
        for name in STREAMS:
            self.streams[name].append(made[name])
        if TUNED not in plain["metrics"]:
            value, _ = score(record, TUNED, load_metric(TUNED))
            if value is not None:
                plain["metrics"] = {**plain["metrics"], TUNED: value}
        own = proba.shape[1], labels.astype(label_type(proba.shape[1])).tobytes()
        if own not in self.labels:
            self.labels.append(own)
        packed["labels"] = self.labels.index(own)
        self.blocks += _blocks(packed["labels"], proba.shape[1], len(labels))
        return packed


def _blocks(labels: int, classes: int, images: int) -> list[Block]:
    """Return the blocks of a record's steps: of two classes one, else one a class."""
    return [Block((labels, column), images) for column in range(columns_of(classes))]


class _Outputs:
    """Puts records and their outputs together again."""

    def __init__(self, plain: Mapping[str, Any], parts: Mapping[str, bytes], schema: int) -> None:
        self._labels: list[tuple[int, NDArray[np.int64]]] = []
        self._left = _MOST
        raw = memoryview(parts["labels"])
        for classes, length in plain["labels"]:
            if not (2 <= classes <= 1 << 16 and 0 <= length <= len(raw)):
                raise DamagedOutputs("its labels are cut off")
            own = np.frombuffer(raw[:length], label_type(classes)).astype(np.int64)
            if len(own) and own.max() >= classes:
                raise DamagedOutputs("a label is of no class")
            self._labels.append((classes, own))
            raw = raw[length:]
        if schema > 2:
            most = len(parts["lines"]) // LINE_SIZE
            blocks = self._blocks([*plain["records"], *plain["floors"]], most)
            steps = steps_of(_joined(parts).view(np.uint16), parts["lines"], blocks)
            parts = {**parts, **_split(steps)}
        self._reader = Reader(parts, FIRST_ROUNDING if schema == 1 else ROUNDING)

    def _blocks(self, packed: Iterable[Mapping[str, Any]], most: int) -> list[Block]:
        """Return the blocks of all records, of which there are no more than `most`."""
        blocks: list[Block] = []
        for one in packed:
            if "labels" in one:
                classes, labels = self._labels[one["labels"]]
                blocks += _blocks(one["labels"], classes, len(labels))
                if len(blocks) > most:
                    raise DamagedOutputs("it has outputs of more records than lines")
        return blocks

    @property
    def spent(self) -> bool:
        """Whether all outputs belong to a record that was read."""
        return self._reader.spent

    def record(self, packed: Mapping[str, Any]) -> Record:
        """Return the next record."""
        plain = dict(packed["record"])
        if plain["schema"] != Record.model_fields["schema_"].default:
            plain = upgrade(plain)
        record = Record.model_validate({**plain, "scores": self._scores(packed)})
        return record if packed.get("edited") else record.sealed()

    def _scores(self, packed: Mapping[str, Any]) -> Any:
        if "labels" not in packed:
            return packed.get("scores")
        classes, labels = self._labels[packed["labels"]]
        self._left -= classes * len(labels)
        if self._left < 0:
            raise DamagedOutputs(f"it unpacks to more than {_MOST} probabilities")
        proba = restored(labels, classes, self._reader)
        with np.errstate(divide="ignore"):
            logits = np.maximum(np.log(proba), np.finfo(np.float32).min)
        return Scores.of(labels, logits, proba)


def _plans(path: Path, texts: Iterable[str]) -> Plans:
    return Plans(tuple(parse_plan(text.encode(), path) for text in texts))


def _measured_rows(measured: Measured) -> dict[str, Any]:
    """Return differences as lists: their keys are pairs and numbers, which JSON has not."""
    return {
        code: {
            name: sorted([*key, sorted(seeds.items())] for key, seeds in differences.items())
            for name, differences in own.items()
        }
        for code, own in measured.items()
    }


def _measured(plain: Any) -> Measured:
    """Return differences as `imbench.report.measured` has them, from lists."""
    return {
        str(code): {
            str(name): {
                (str(pair), int(count)): {int(seed): float(value) for seed, value in seeds}
                for pair, count, seeds in rows
            }
            for name, rows in own.items()
        }
        for code, own in plain.items()
    }
