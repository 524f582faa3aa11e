"""A CycleGAN step: ours against a textbook implementation, same networks, images and losses.

The textbook side does what a reader of the paper writes: one forward pass for each term, torch's
InstanceNorm2d, Adam as torch gives it by default. Ours puts identity and fake, real and fake images
into one batch, norms as groups of one channel, and takes the fused Adam. Both start from the same
weights; the losses of the first steps must agree, or the comparison is refused. Times are processor
seconds of one thread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from _measure import (
    arguments,
    interleave,
    processor_clock,
    show_machine,
    show_ratio,
    show_times,
)
from _textbook import Textbook
from torch import Tensor

from imbench.methods._cyclegan import CycleGAN
from imbench.methods._gan_settings import GanSettings
from imbench.training.device import fixed_threads

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Case:
    """Sizes of the networks and of a batch."""

    side: int
    batch: int
    design: str = "paper"
    width: int = 0
    blocks: int = 0

    def __str__(self) -> str:
        width = f", width {self.width}" if self.width else ""
        return f"{self.design}{width}, {self.side} px, batch {self.batch}"

    @property
    def settings(self) -> GanSettings:
        """As our side takes them; no pool, whose draws would let the two sides drift apart."""
        return GanSettings(
            batch=self.batch, width=self.width, blocks=self.blocks, design=self.design, pool=0
        )


CASES = (
    Case(side=64, batch=1),
    Case(side=64, batch=8),
    Case(side=32, batch=1),
    Case(side=32, batch=8),
    Case(side=32, batch=4, design="small"),
)
TINY = (Case(side=16, batch=1, width=4, blocks=1), Case(16, 1, "small", width=4, blocks=1))
TARGETS = {CASES[0]: 1.1, CASES[-1]: 1.3}


def images(case: Case, steps: int) -> list[tuple[Tensor, Tensor]]:
    """Return noise: what a step costs does not depend on what it sees."""
    rng = np.random.default_rng(0)
    shape = (steps, 2, case.batch, 3, case.side, case.side)
    pixels = torch.from_numpy(rng.uniform(-1, 1, shape).astype(np.float32))
    return [(pair[0], pair[1]) for pair in pixels]


def refuse_other_losses(case: Case) -> None:
    """Stop unless both sides descend the same losses."""
    ours = CycleGAN((3, case.side, case.side), case.settings, 0, CPU)
    theirs = Textbook(ours)
    # Adam's first steps have one size whatever the gradient, and so make float noise grow.
    for (a, b), within in zip(images(case, 3), (1e-4, 0.05, 0.05), strict=True):
        found = ours.step(a, b, 1.0).tolist()
        expected = theirs.step(a, b)
        apart = max(abs(x / y - 1) for x, y in zip(found[:3] + found[4:], expected, strict=True))
        if apart > within:
            raise SystemExit(f"{case}: losses are {apart:.2g} apart: not the same work")


def measure(case: Case, steps: int, repeats: int) -> None:
    """Time both sides and print their ratio."""
    refuse_other_losses(case)
    ours = CycleGAN((3, case.side, case.side), case.settings, 0, CPU)
    theirs = Textbook(ours)
    pairs = images(case, steps)

    def run_ours() -> None:
        for a, b in pairs:
            float(ours.step(a, b, 1.0).sum())

    def run_theirs() -> None:
        for a, b in pairs:
            theirs.step(a, b)

    run_ours()
    run_theirs()
    times = interleave(
        {
            f"{case}: ours": lambda: processor_clock(run_ours) / steps,
            f"{case}: textbook": lambda: processor_clock(run_theirs) / steps,
        },
        repeats,
    )
    show_times(times, "ms")
    mine, textbook = times.values()
    show_ratio(f"cyclegan step, {case}", textbook, mine, at_least=TARGETS.get(case, 1.0))


def main() -> None:
    """Measure every case."""
    args = arguments(__doc__, repeats=7).parse_args()
    show_machine()
    with fixed_threads(1):
        for case in TINY if args.tiny else CASES:
            measure(case, 2 if args.tiny else max(2, 16 // case.batch), args.repeats)


if __name__ == "__main__":
    main()
