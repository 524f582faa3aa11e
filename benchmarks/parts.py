"""What a part adds to a step of the training: each recipe against vanilla, by processor time.

Every recipe is trained for some steps, in turn with all others, with a part beside it that reads
the processor's clock after each step; a side is the mean step of a training, the first ones left
out. What is done before and after the steps (neighbours, generators, second stages) is no step.
"""

from __future__ import annotations

import os
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from _images import decode, picture_folder
from _measure import arguments, interleave, show_machine, show_ratio
from numpy.typing import NDArray

from imbench.training.method import Method
from imbench.training.part import Part
from imbench.training.state import TrainState

CHEAP = (
    *("cs", "us", "os", "us+cs", "smote", "bsmote", "cbl:beta=0.9999", "la", "vs", "ldam", "drw"),
    *("ldam+drw", "focal", "focal:form=sigmoid", "cas", "sqrt", "pb", "mixup", "remix", "cutmix"),
    *("smooth", "wd", "wd:maxnorm=1", "eeasy:members=2", "cascade:members=2"),
    *("m2m:start=1", "ssl:share=0.01", "deepsmote:steps=1"),
)
"""Recipes whose steps should cost what those of vanilla do."""
DEARER = ("cmo", "sam", "m2m:start=0")
"""Those whose idea costs more: a second batch, a second gradient, translations."""
FIRST = 5
"""Steps left out: memory is found and code is warmed up in them."""
VARIABLE = "IMBENCH_BENCHMARK_STEPS"


class Probe(Part):
    """Write the processor's time after each step into a file."""

    def after_step(self, state: TrainState) -> None:
        """Append step and time."""
        with Path(os.environ[VARIABLE]).open("a") as file:
            file.write(f"{state.step} {time.process_time()}\n")


def step_seconds(
    recipe: str, pixels: NDArray[np.uint8], labels: NDArray[np.int64], steps: int, log: Path
) -> float:
    """Train a recipe and return the processor seconds of its mean step."""
    log.write_text("")
    probed = f"{Path(__file__)}:Probe"
    whole = probed if recipe == "vanilla" else f"{recipe}+{probed}"
    Method(whole, network="cnn", steps=steps, device="cpu").fit(pixels, labels)
    lines = [line.split() for line in log.read_text().splitlines()]
    at = [(int(step), float(seconds)) for step, seconds in lines]
    # Between two networks of an ensemble lies more than a step.
    taken = [end - begin for (a, begin), (b, end) in pairwise(at) if a >= FIRST and b == a + 1]
    return float(np.mean(taken))


def measure(recipes: tuple[str, ...], steps: int, repeats: int, where: Path) -> None:
    """Time a step of each recipe and print its ratio to vanilla's."""
    train = decode(where, 32)[0].train
    pixels, labels = np.array(train.pixels), np.array(train.labels)
    rare = np.flatnonzero(labels == 1)[len(labels) // 20 :]
    pixels, labels = np.delete(pixels, rare, axis=0), np.delete(labels, rare)
    log = where / "steps.txt"
    os.environ[VARIABLE] = str(log)
    times = interleave(
        {
            name: lambda name=name: step_seconds(name, pixels, labels, steps, log)  # type: ignore[misc]
            for name in ("vanilla", *recipes)
        },
        repeats,
    )
    for name in recipes:
        limit = None if name in DEARER else 1.03
        show_ratio(f"step of {name}", times[name], times["vanilla"], at_most=limit)


def main() -> None:
    """Measure all parts with a small CNN, whose step is so short that hooks would show."""
    args = arguments(__doc__, repeats=7).parse_args()
    show_machine()
    with TemporaryDirectory() as folder:
        where = Path(folder)
        print(picture_folder(where, per_class=40 if args.tiny else 500))
        print("32 px, batches of 64, one thread, flip and crop, small CNN")
        if args.tiny:
            measure(("la", "sam"), FIRST + 4, 1, where)
        else:
            measure((*CHEAP, *DEARER), 40, args.repeats, where)


if __name__ == "__main__":
    main()
