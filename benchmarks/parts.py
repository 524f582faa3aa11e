"""What a part adds to a step of the training: each recipe against vanilla, by processor time.

A recipe and vanilla are trained in two threads that take turns, a step each, so that both meet the
same machine; times are processor seconds of each thread, and the ratio is the median over pairs of
neighbouring steps. Preparation and second stages (neighbours, autoencoders) are no steps.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from _images import decode, picture_folder
from _measure import arguments, show_machine, show_ratio
from numpy.typing import NDArray

from imbench.training.method import Method
from imbench.training.part import Part
from imbench.training.state import TrainState

Data = tuple[NDArray[np.uint8], NDArray[np.int64]]
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


class Side(threading.Thread):
    """One of two trainings that take turns."""

    def __init__(self, recipe: str, data: Data, steps: int) -> None:
        super().__init__()
        self.recipe, self.data, self.steps = recipe, data, steps
        self.turn = threading.Semaphore(0)
        self.other: Side | None = None
        self.at: list[float] = []

    def run(self) -> None:
        """Train, and let the other side go on alone afterwards."""
        probed = f"{Path(__file__)}:Probe"
        whole = probed if self.recipe == "vanilla" else f"{self.recipe}+{probed}"
        self.turn.acquire()
        try:
            Method(whole, network="cnn", steps=self.steps, device="cpu").fit(*self.data)
        finally:
            self.pass_on(2 * self.steps)

    def pass_on(self, turns: int = 1) -> None:
        """Let the other side take its turns."""
        if self.other is not None:
            self.other.turn.release(turns)

    def stepped(self) -> None:
        """Note the end of a step and wait for the next turn."""
        self.at.append(time.thread_time())
        self.pass_on()
        self.turn.acquire()


class Probe(Part):
    """Tell the thread that trains of each step."""

    def after_step(self, state: TrainState) -> None:
        """Take turns."""
        side: Any = threading.current_thread()
        side.stepped()


def ratio(recipe: str, data: Data, steps: int) -> float:
    """Return the median ratio of a recipe's steps to vanilla's."""
    sides = [Side(name, data, steps) for name in ("vanilla", recipe)]
    for side, other in zip(sides, sides[::-1], strict=True):
        side.other = other
        side.start()
    sides[0].turn.release()
    for side in sides:
        side.join()
    plain, ours = (np.diff(side.at)[FIRST:] for side in sides)
    return float(np.median(ours / plain))


def measure(recipes: tuple[str, ...], steps: int, repeats: int, where: Path) -> None:
    """Print the ratio of each recipe's step to vanilla's."""
    train = decode(where, 32)[0].train
    pixels, labels = np.array(train.pixels), np.array(train.labels)
    rare = np.flatnonzero(labels == 1)[len(labels) // 20 :]
    data = np.delete(pixels, rare, axis=0), np.delete(labels, rare)
    for name in recipes:
        limit = None if name in DEARER else 1.03
        found = [ratio(name, data, steps) for _ in range(repeats)]
        show_ratio(f"step of {name}", found, [1.0] * repeats, at_most=limit)


def main() -> None:
    """Measure all parts with a small CNN, whose step is so short that hooks would show."""
    args = arguments(__doc__, repeats=3).parse_args()
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
