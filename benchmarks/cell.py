"""Where a cell goes beside its training: lease, images, scores, environment, record.

Tiny cells of one step (logistic regression, `digits` at 8 px) are done as a worker does them, in
this process, one after the other. Of each is taken what fitting and predicting cost; what is left
has a limit of 50 ms. Processor time of one thread: on a busy machine the wall time of writing a
record is that of its disk.

A cell of AUG comes after them (small CNN, 32 px): shares of its processor time, the second of two
seeds, as the first imports what it needs.
"""

from __future__ import annotations

import logging
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from _measure import arguments, show_machine, show_ratio

from imbench.files import checkpoint
from imbench.methods._pair import GeneratorPair
from imbench.methods._translated import TranslatedPart
from imbench.records import environment
from imbench.records.store import Store
from imbench.runs import outputs, worker
from imbench.runs.job import Job, JobReport
from imbench.runs.pool import Pool
from imbench.training import members
from imbench.training.method import Method

Places = Mapping[str, Sequence[tuple[Any, str]]]
"""What time goes to: functions, each as its owner and name, that a clock is put around."""

LIMIT = 0.05
FIRST = 5
"""Cells that are left out: they import what the others have."""


class Clock:
    """Adds up the processor time of some functions, one cell after the other."""

    def __init__(self) -> None:
        self.cells: list[dict[str, float]] = [defaultdict(float)]
        """The first is for what is asked before any cell."""

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that is timed under a name."""

        def timed(*given: Any, **named: Any) -> Any:
            begun = time.thread_time()
            try:
                return function(*given, **named)
            finally:
                self.cells[-1][name] += time.thread_time() - begun

        return timed

    def run(self, pool: Pool, jobs: Iterable[Job], **_: Any) -> Iterator[JobReport]:
        """Do jobs here, in the place of `Pool.run`."""
        for job in jobs:
            pool.unreported[job.key] = job
            self.cells.append(defaultdict(float))
            yield self.around("whole", pool.work)(job)
            del pool.unreported[job.key]


TINY = (
    *("--datasets", "digits", "--minority", "5", "--majority", "100", "--methods", "us"),
    *("--network", "linear", "--size", "8", "--steps", "1", "--set", "augment=none"),
)
TINY_PLACES: Places = {
    "fit and predict": [(Method, "fit"), (Method, "logits")],
    "images": [(outputs, "open_decoded")],
    "scores": [(worker, "_all_scored")],
    "environment": [(environment, "describe_environment")],
    "record": [(Store, "put_first")],
}
JOINT = (
    *("--datasets", "savanna", "--minority", "25", "--methods", "aug"),
    *("--network", "cnn", "--size", "32"),
)
JOINT_PLACES: Places = {
    "steps of the pair": [(GeneratorPair, "run")],
    "storing the pair": [(checkpoint, "save_tensors")],
    "translating": [(GeneratorPair, "translate")],
    "pictures, some translations in them": [(TranslatedPart, "_report")],
    "steps of the classifier": [(members, "train")],
    "outputs on the test images": [(Method, "logits")],
    "scores": [(worker, "_all_scored")],
    "record": [(Store, "put_first")],
}


def measured(words: Sequence[str], places: Places, folder: Path) -> list[dict[str, float]]:
    """Run cells and return the processor seconds of each, by what they went to."""
    from imbench.commands.cli import main as bench

    logging.disable(logging.INFO)  # the generators' losses, which go to the logs of cells
    clock = Clock()
    with ExitStack() as stack:
        for name, functions in places.items():
            for owner, attribute in functions:
                function = clock.around(name, getattr(owner, attribute))
                stack.enter_context(mock.patch.object(owner, attribute, function))
        stack.enter_context(mock.patch.object(Pool, "run", lambda *a, **k: clock.run(*a, **k)))
        words = ["run", *words, "--jobs", "1", "--floor", "none", "--quiet", "--out", str(folder)]
        try:
            bench(words)
        except SystemExit as ended:
            if ended.code:
                raise
    return clock.cells[1:]


def main() -> None:
    """Run the cells, and print medians."""
    parser = arguments(__doc__, repeats=60)
    args = parser.parse_args()
    show_machine()
    sys.stdout.flush()
    last = FIRST + (2 if args.tiny else args.repeats) - 1
    with TemporaryDirectory() as folder:
        cells = measured([*TINY, "--seeds", f"0-{last}"], TINY_PLACES, Path(folder))[FIRST:]
        steps = "2" if args.tiny else "400"
        joint = measured([*JOINT, "--seeds", "0-1", "--steps", steps], JOINT_PLACES, Path(folder))
    for name in cells[0]:
        print(f"  {name}: {1e3 * median(cell[name] for cell in cells):.1f} ms a cell")
    beside = [cell["whole"] - cell["fit and predict"] for cell in cells]
    show_ratio("cell beside its training, share of 50 ms", beside, [LIMIT] * len(beside), at_most=1)
    joint_cell = joint[-1]
    print(f"  a cell of aug, {steps} steps: {joint_cell['whole']:.1f} s, of it")
    for name in JOINT_PLACES:
        print(f"    {name}: {joint_cell[name] / joint_cell['whole']:.3f}")
    rest = joint_cell["whole"] - sum(joint_cell[name] for name in JOINT_PLACES)
    print(f"    what is left: {rest / joint_cell['whole']:.3f}")


if __name__ == "__main__":
    main()
