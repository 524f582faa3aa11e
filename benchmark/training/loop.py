"""The training loop: the only one for classifiers. Parts change it through their hooks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imbench.errors import Diverged, EnvironmentFault
from imbench.training.augment import augment, parse_augment
from imbench.training.budget import Budget
from imbench.training.part import Part, overrides
from imbench.training.state import TrainState

__all__ = [
    "choose_device",
    "fixed_threads",
    "forward_all",
    "learning_rate",
    "own_torch_rng",
    "to_tensor",
    "train",
]


def train(
    state: TrainState,
    parts: Sequence[Part],
    chances: NDArray[np.float64] | None,
    class_weights: NDArray[np.float64] | None,
) -> None:
    """Train ``state.net`` in place for the whole budget.

    Parameters
    ----------
    state : TrainState
        The run, at step 0.
    parts : sequence of Part
        Their batch-level hooks are called in this order.
    chances : float array (n,) or None
        Chance of each example to be drawn; None walks shuffled passes.
    class_weights : float array (K,) or None
        Weight of each class in the loss.

    Raises
    ------
    Diverged
        When the loss is NaN or infinite.
    """
    loop = _Loop(state, parts, class_weights)
    state.net.train()
    for step, rows in enumerate(_batches(state, chances)):
        state.step = step
        loop.step(rows)
    for part in parts:
        part.finish(state)


class _Loop:
    """One step of the loop, in pieces, with what does not change between steps at hand."""

    def __init__(
        self,
        state: TrainState,
        parts: Sequence[Part],
        class_weights: NDArray[np.float64] | None,
    ) -> None:
        self.state = state
        self.weigh = _Weights(state, class_weights)
        self.loss_part = next((part for part in parts if overrides(part, "losses")), None)
        self.makers = [part for part in parts if overrides(part, "compose")]
        self.mixers = [part for part in parts if overrides(part, "mix")]
        self.weighers = [part for part in parts if overrides(part, "weigh")]
        self.companions = [part for part in parts if overrides(part, "before_step")]
        images = state.examples.pixels.ndim == 4
        self.augment = parse_augment(state.budget.augment) if images else ()

    def step(self, rows: NDArray[np.int64]) -> None:
        state = self.state
        for part in self.companions:
            part.before_step(state)
        x, y = self.batch(rows)
        _set_lr(state.optimiser, learning_rate(state.step, state.budget))
        losses = self.weigh(self.losses(state.net(x), y), y, rows)
        for part in self.weighers:
            weights = part.weigh(state, x, y, rows)
            losses = losses if weights is None else losses * weights
        loss = losses.mean()
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimiser.step()
        state.losses.append(loss.detach())
        _check_finite(state)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        state = self.state
        raw = state.examples.take(rows)
        for part in self.makers:
            raw = part.compose(state, raw, rows)
        x = to_tensor(augment(raw, self.augment, state.rng("augmentation")), state.device)
        y = torch.from_numpy(state.labels[rows]).to(state.device)
        for part in self.mixers:
            x, y = part.mix(x, y, state.rng("mixing"))
        return x, y

    def losses(self, logits: Tensor, y: Tensor) -> Tensor:
        if self.loss_part is None:
            return nn.functional.cross_entropy(logits, y, reduction="none")
        return self.loss_part.losses(logits, y, self.state.counts)


def learning_rate(step: int, budget: Budget) -> float:
    """Return the rate at a step: a linear warm-up, then half a cosine down to 0."""
    rising = round(budget.warmup * budget.steps)
    if step < rising:
        return budget.lr * (step + 1) / rising
    done = (step - rising) / max(1, budget.steps - rising)
    return budget.lr * 0.5 * (1 + math.cos(math.pi * done))


def to_tensor(x: NDArray[Any], device: torch.device) -> Tensor:
    """Turn images (m, height, width, channels) in 0..255 into (m, channels, ...) in [0, 1].

    The memory format is channels_last, x 1.2 in ResNet-20 training on CPU. Rows of features pass
    unscaled. A read-only array (a memory map) is copied, since torch has no read-only tensors.
    """
    tensor = torch.from_numpy(x if x.flags.writeable else x.copy()).to(device)
    if tensor.ndim == 4:
        return tensor.permute(0, 3, 1, 2).float().div_(255)
    return tensor.float()


def forward_all(
    net: nn.Module, x: NDArray[Any], device: torch.device, batch_size: int = 256
) -> NDArray[np.float64]:
    """Return the logits (n, K) of all rows of `x`, in evaluation mode.

    The score of an image does not depend on how many others are scored with it: on some
    processors a matrix product of one row sums in another order than one of many (differences
    of 5e-7 in logits), so short batches are filled up.
    """
    net.eval()
    with torch.inference_mode():
        pieces = [
            _forward(net, to_tensor(np.ascontiguousarray(x[i : i + batch_size]), device))
            for i in range(0, len(x), batch_size)
        ]
    return np.asarray(torch.cat(pieces).numpy(), np.float64)


def _forward(net: nn.Module, x: Tensor, multiple: int = 16) -> Tensor:
    missing = -len(x) % multiple
    if missing:
        x = torch.cat([x, x[:1].expand(missing, *x.shape[1:])])
        x = x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
    logits: Tensor = net(x).double().cpu()
    return logits[: len(logits) - missing]


def choose_device(name: str) -> torch.device:
    """Return the device of a name; ``auto`` is CUDA where there is one.

    Raises
    ------
    EnvironmentFault
        If the named device is not there.
    RuntimeError
        If it is, and others have taken its memory.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(1, device=torch.device(name)).device  # ``cuda`` becomes ``cuda:0``
    except (RuntimeError, AssertionError) as error:
        if "out of memory" in str(error):
            raise
        reason = str(error).splitlines()[0]
        raise EnvironmentFault(f"device {name!r} cannot be used: {reason}") from error


@contextmanager
def fixed_threads(threads: int) -> Iterator[None]:
    """Fix torch's number of threads, on which float sums depend, and restore it."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _batches(state: TrainState, chances: NDArray[np.float64] | None) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of each step's batch; passes follow each other without a short batch."""
    n, m = len(state.labels), state.budget.batch_size
    rng = state.rng("batch order")
    if chances is not None:
        share = chances / chances.sum()
        for _ in range(state.steps):
            yield rng.choice(n, size=m, p=share)
        return
    ahead = np.empty(0, np.int64)
    for _ in range(state.steps):
        while len(ahead) < m:
            ahead = np.concatenate([ahead, rng.permutation(n)])
        yield ahead[:m]
        ahead = ahead[m:]


class _Weights:
    """Multiplies losses by class and image weights.

    The batch loss is mean(w * loss), never torch's weighted mean, which divides by the weights
    of the batch: at a ratio of 200 and batches of 64, 73 % of them hold no minority image, and
    there the weights would cancel.
    """

    def __init__(self, state: TrainState, by_class: NDArray[np.float64] | None) -> None:
        self.by_class = self._tensor(by_class, state.device)
        self.by_example = self._tensor(state.examples.weights, state.device)

    @staticmethod
    def _tensor(values: NDArray[np.float64] | None, device: torch.device) -> Tensor | None:
        return None if values is None else torch.from_numpy(values).float().to(device)

    def __call__(self, losses: Tensor, y: Tensor, rows: NDArray[np.int64]) -> Tensor:
        if self.by_class is not None:
            soft = y.ndim == 2
            losses = losses * (y.to(losses.dtype) @ self.by_class if soft else self.by_class[y])
        if self.by_example is not None:
            losses = losses * self.by_example[torch.from_numpy(rows).to(losses.device)]
        return losses


def _set_lr(optimiser: torch.optim.Optimizer, lr: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = lr


def _check_finite(state: TrainState) -> None:
    """Raise at the first loss that is not finite; on a GPU look every 50 steps, a look waits."""
    if state.device.type == "cpu":
        if not math.isfinite(float(state.losses[-1])):
            raise Diverged(state.step)
        return
    last = state.step + 1 == state.steps
    if last or state.step % 50 == 49:
        since = state.step - state.step % 50
        finite = torch.isfinite(torch.stack(state.losses[since:])).cpu()
        if not bool(finite.all()):
            raise Diverged(since + int((~finite).nonzero()[0]))


@contextmanager
def own_torch_rng(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch inside the block and leave the caller's random state as it was.

    Only that of the CPU and of one device: a card whose state is read takes half a GB of it.
    """
    cards = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cards):
        torch.default_generator.manual_seed(seed)
        for card in cards:
            with torch.cuda.device(card):
                torch.cuda.manual_seed(seed)
        yield
