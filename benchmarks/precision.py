"""Scores and time of training in bfloat16 beside float32: the same cells, seed by seed.

Vanilla with 25 minority images on each data set: subsets, initial weights and batches are the same
in both formats. Printed are F1 in each, the mean difference with its interval at 95 % over the
seeds, and processor time of one thread. Tables never mix the two; this says how far apart they are.
Data sets of files are looked for in IMBENCH_DATA; `savanna` and `digits` need none.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from _measure import arguments, processor_clock, show_machine, show_ratio

from imbench.images.cache import prepare
from imbench.images.dataset import Decoded
from imbench.models.cell_training import train_cell
from imbench.records.cell import Cell, Settings
from imbench.stats.intervals import mean_interval, paired_p
from imbench.stats.metrics import score_all
from imbench.training.forward import probabilities
from imbench.training.precision import has_instructions, measured_gain

FORMATS = ("float32", "bfloat16")


def score(cell: Cell, data: Decoded, scores: list[float]) -> None:
    """Train a cell as a worker does, and append its F1."""
    method = train_cell(cell, data, device="cpu", geometry="crop")
    proba = probabilities(method.parts_, method.logits(data.test.pixels), method.priors_)
    scores.append(score_all(data.test.labels, proba)["f1"])


def measure(
    dataset: str, data: Decoded, settings: Settings, minority: int, majority: int, seeds: int
) -> tuple[list[float], list[float]]:
    """Print the scores of both formats, and return the seconds of each cell in both."""
    scores: dict[str, list[float]] = {name: [] for name in FORMATS}
    times: dict[str, list[float]] = {name: [] for name in FORMATS}
    for seed in range(seeds):
        for name in FORMATS:
            cell = Cell(
                dataset=dataset,
                fingerprint=data.fingerprint,
                minority=minority,
                majority=majority,
                recipe="vanilla",
                seed=seed,
                settings=Settings(**{**settings.model_dump(), "precision": name}),
            )
            times[name].append(processor_clock(partial(score, cell, data, scores[name])))
    tell(dataset, *scores.values())
    return times["float32"], times["bfloat16"]


def tell(dataset: str, single: Sequence[float], half: Sequence[float]) -> None:
    """Print what the seeds say of the difference."""
    apart = [b - a for a, b in zip(single, half, strict=True)]
    line = f"  {dataset}: F1 {mean(single):.3f} in float32, {mean(half):.3f} in bfloat16"
    if len(apart) > 1:
        _, ends, _ = mean_interval(apart, bounds=(-1.0, 1.0))
        low, high = ends or (-1.0, 1.0)
        line += f", difference {mean(apart):+.3f} ({low:+.3f} to {high:+.3f})"
        line += f", p = {paired_p(single, half):.2f}"
    print(line, flush=True)


def main() -> None:
    """Measure every data set."""
    parser = arguments(__doc__, repeats=6)
    parser.add_argument("--datasets", nargs="+", default=["digits", "savanna", "horse2zebra"])
    parser.add_argument("--network", default="cnn")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--size", type=int, default=32)
    args = parser.parse_args()
    show_machine()
    if not has_instructions():
        print("this processor has no instructions for bfloat16: it is emulated, and slow")
    else:
        print(f"  a small convolution is {measured_gain():.2f} times as fast in bfloat16")
    network = "cnn:width=2" if args.tiny else args.network
    steps, size = (2, 8) if args.tiny else (args.steps, args.size)
    settings = Settings(network=network, steps=steps, size=size)
    root = Path(os.environ.get("IMBENCH_DATA", "/nowhere"))
    with TemporaryDirectory() as folder:
        for dataset in ["digits"] if args.tiny else args.datasets:
            data = prepare(dataset, root=root, size=size, cache=Path(folder))
            counts = (5, 20) if args.tiny else (25, 500)
            times = measure(dataset, data, settings, *counts, 1 if args.tiny else args.repeats)
            show_ratio(f"precision {dataset}, float32 over bfloat16, processor time", *times)


if __name__ == "__main__":
    main()
