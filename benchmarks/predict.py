"""Predicting files with rows, notes and resuming, against decoding and network alone.

The bare side decodes the same files in as many threads, ahead of the network, and keeps the
probabilities. Both have to give the same ones, bit for bit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from _images import picture_folder
from _measure import (
    arguments,
    clock,
    interleave,
    processor_clock,
    show_machine,
    show_ratio,
    show_times,
)
from numpy.typing import NDArray

from imbench import Method, load_model, prepare, save_model
from imbench.commands.predict import predicted
from imbench.images.decode import quiet_pillow
from imbench.models.model import Model
from imbench.models.prediction_csv import open_rows
from imbench.models.summary import Summary
from imbench.models.unlike import Unlike
from imbench.training.device import fixed_threads
from imbench.training.forward import forward_all, probabilities

THREADS, BATCH, SIZE = 2, 256, 32


def bare(model: Model, files: Sequence[Path]) -> NDArray[Any]:
    """Return the probabilities of all files: threads that decode, and the network."""

    def decoded(some: Sequence[Path]) -> NDArray[np.uint8]:
        return np.stack([model.core.view.square(file.read_bytes())[0] for file in some])

    def batches() -> Iterator[NDArray[np.uint8]]:
        pending: deque[Future[NDArray[np.uint8]]] = deque()
        starts = iter(range(0, len(files), 32))
        held: list[NDArray[np.uint8]] = []
        while True:
            while len(pending) < 17 and (start := next(starts, None)) is not None:
                pending.append(pool.submit(decoded, files[start : start + 32]))
            if not pending:
                break
            held.append(pending.popleft().result())
            if sum(map(len, held)) >= BATCH:
                yield np.concatenate(held)
                held = []
        if held:
            yield np.concatenate(held)

    priors = model.core.members[0].priors
    # As many threads of torch as the model's settings have: more fight those that decode.
    threads = fixed_threads(model.core.settings.threads)
    with quiet_pillow(), threads, ThreadPoolExecutor(THREADS) as pool:
        outputs = [forward_all(model.networks[0], x, model.device) for x in batches()]
    return probabilities(model.parts, np.concatenate(outputs), priors)


def ours(model: Model, files: Sequence[Path], table: Path) -> NDArray[Any]:
    """Return the same, with a row for each file and all that `bench predict` says at the end."""
    summary, unlike = Summary(), Unlike(model.description.trained_on)
    found = []
    with open_rows(table, model, summary.add) as rows:
        for pairs in predicted(model, list(rows.todo(files)), THREADS):
            rows.add(row for row, _ in pairs)
            for row, one in pairs:
                summary.add(row)
                unlike.count(one)
                found.append(one.proba)
    table.unlink()
    return np.stack([proba for proba in found if proba is not None])


def measure(where: Path, network: str, repeats: int) -> None:
    """Time both ways with a network and print the ratio."""
    train = prepare(f"folder:{where}", root=where, size=SIZE, cache=where / "cache").train
    method = Method("vanilla", network=network, steps=2, batch_size=16)
    method.fit(np.array(train.pixels), train.labels)
    save_model(where / network, method, classes=["horse", "zebra"])
    model = load_model(where / network)
    files = [where / name for name in train.names]
    if not np.array_equal(bare(model, files), ours(model, files, where / "p.csv")):
        raise SystemExit("both sides should give the same probabilities")
    table = where / "p.csv"
    works = {
        f"{network}: decoding and network alone": lambda: bare(model, files),
        f"{network}: bench predict": lambda: ours(model, files, table),
    }
    for what, timed in (("speed", clock), ("processor time", processor_clock)):
        sides = {name: partial(timed, work) for name, work in works.items()}
        times = interleave(sides, repeats)
        show_times(times, "ms")
        alone, whole = times.values()
        show_ratio(f"predict {network}, {what} of decoding and network", alone, whole, at_least=0.8)


def main() -> None:
    """Measure with a small and a larger network."""
    args = arguments(__doc__, repeats=7).parse_args()
    show_machine()
    with TemporaryDirectory() as folder:
        where = Path(folder)
        print(picture_folder(where, per_class=40 if args.tiny else 1000))
        for network in ("cnn", "resnet20"):
            measure(where, network, 1 if args.tiny else args.repeats)


if __name__ == "__main__":
    main()
