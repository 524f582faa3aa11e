"""Grad-CAM against one forward and one backward pass, RISE against its time, a wall of pictures.

The bare side runs the network forward and back to its input: Grad-CAM stops at the last feature map
and enlarges it, but has to watch the forward pass. RISE and the wall have limits of their own:
0.8 s an image at 32 px, and ten minutes on two cores for 8 images, 8 methods, 6 seeds and two maps.
The wall is measured on one network and counted for all, since every cell costs the same.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from _images import picture_folder
from _measure import (
    arguments,
    interleave,
    processor_clock,
    show_machine,
    show_ratio,
    show_times,
)
from numpy.typing import NDArray

from imbench import Method, prepare
from imbench.explain.chosen import Chosen
from imbench.explain.context import z_of_swaps
from imbench.explain.gradcam import GradCAM
from imbench.explain.measured_maps import measured
from imbench.explain.rise import RISE
from imbench.explain.trained import TrainedNetwork
from imbench.training.device import fixed_threads

SIZE, IMAGES = 32, 64
RISE_LIMIT = 0.8
"""Processor seconds of a RISE map at 32 px on one core."""
WALL_IMAGES, METHODS, SEEDS, CORES, WALL_LIMIT = 8, 8, 6, 2, 600.0


def there_and_back(network: TrainedNetwork, x: NDArray[np.uint8], y: NDArray[np.int64]) -> None:
    """Run the network forward, and back from the logits of the classes."""
    images = network.tensor(x).requires_grad_()
    logits = network.net(images)
    score = logits.gather(1, torch.from_numpy(y)[:, None]).sum()
    torch.autograd.grad(score, images)


def cell(network: TrainedNetwork, chosen: Chosen) -> None:
    """Compute all that `bench explain` keeps of a cell, but for t-SNE."""
    for saliency in (GradCAM(), RISE()):
        measured(network, saliency, chosen)
    masks = chosen.masks
    assert masks is not None
    z_of_swaps(network, chosen.pixels, masks, chosen.labels)


def main() -> None:
    """Measure with ResNet-20, trained for some steps so that its outputs are not constant."""
    args = arguments(__doc__, repeats=7).parse_args()
    show_machine()
    repeats, steps = (1, 2) if args.tiny else (args.repeats, 60)
    with TemporaryDirectory() as folder, fixed_threads(1):
        where = Path(folder)
        print(picture_folder(where, per_class=40 if args.tiny else 200))
        data = prepare(f"folder:{where}", root=where, size=SIZE, cache=where / "cache")
        x, y = np.array(data.train.pixels), data.train.labels
        method = Method("vanilla", network="cnn" if args.tiny else "resnet20", steps=steps)
        network = TrainedNetwork(method.fit(x, y).network_.eval(), method.parts_, method.priors_)
        rows = np.random.default_rng(0).permutation(len(x))
        some, labels = x[rows[:IMAGES]], y[rows[:IMAGES]]
        sides = {
            "forward and backward": partial(there_and_back, network, some, labels),
            "Grad-CAM": partial(GradCAM().maps, network, some, labels),
        }
        works = {name: partial(processor_clock, work) for name, work in sides.items()}
        times = interleave(works, repeats)
        show_times(times, "ms")
        bare, ours = times.values()
        show_ratio("Grad-CAM, processor time over a pass forward and back", ours, bare, at_most=1.5)
        few, fewer = (some[:2], labels[:2]) if args.tiny else (some[:8], labels[:8])
        rise = [processor_clock(partial(RISE().maps, network, few, fewer)) for _ in range(repeats)]
        each = [seconds / len(few) for seconds in rise]
        show_ratio(
            f"RISE, share of {RISE_LIMIT} s an image", each, [RISE_LIMIT] * repeats, at_most=1
        )
        masks = np.zeros((len(few), SIZE, SIZE), bool)
        masks[:, 8:24, 8:24] = True
        chosen = Chosen("test", np.arange(len(few)), few, fewer, masks)
        one = [processor_clock(partial(cell, network, chosen)) for _ in range(repeats)]
        share = WALL_IMAGES / len(few) * METHODS * SEEDS / CORES
        whole = [seconds * share for seconds in one]
        what = f"wall of {WALL_IMAGES} images, {METHODS} methods, {SEEDS} seeds"
        show_ratio(f"{what}, share of {WALL_LIMIT:.0f} s", whole, [WALL_LIMIT] * repeats, at_most=1)


if __name__ == "__main__":
    main()
