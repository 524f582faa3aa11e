"""Tell whether two processes round floating-point sums alike, by a hash of a fixed calculation.

Training on CPU is deterministic, but the order of its sums depends on torch's kernels, which are
chosen by the processor's instructions, torch's version and variables such as
``ATEN_CPU_CAPABILITY``. The processor's name is not enough: rented machines often report only
"Intel Xeon Processor". So typical layers are computed forward and backward, and their bits are
hashed. No other code of imbench is used, so that its changes never change the hash.
"""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["numerics", "training_environment"]

_SHAPES = ((64, 3, 16, 32, 1), (64, 16, 16, 8, 1), (64, 16, 32, 16, 2), (64, 64, 64, 4, 1))
"""Images, channels in and out, side, stride: those of ResNet-20 at 8 and 32 px."""


@cache
def numerics() -> str:
    """Return 12 hexadecimal digits: equal if CPUs, with one thread, round alike."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        digest = hashlib.sha256()
        for tensor in (*_convolutions(), *_products()):
            digest.update(tensor.detach().contiguous().numpy().tobytes())
    finally:
        torch.set_num_threads(threads)
    return digest.hexdigest()[:12]


def training_environment(device: torch.device) -> dict[str, str]:
    """Return what a training depends on besides its data, settings and threads, as plain data.

    What is stored to be used again is keyed by it: another torch, processor or card trains anew,
    so that a record's environment is that of all that it rests on.
    """
    found = {"torch": str(torch.__version__), "numpy": np.__version__, "numerics": numerics()}
    if device.type == "cuda":
        found |= {"card": torch.cuda.get_device_name(device), "cuda": str(torch.version.cuda)}
    return found


def _convolutions() -> list[Tensor]:
    """Return the outputs and gradients of convolution, batch norm and loss."""
    tensors = []
    for images, inner, outer, side, stride in _SHAPES:
        x = _numbers(images, inner, side, side).contiguous(memory_format=torch.channels_last)
        weight = _numbers(outer, inner, 3, 3).contiguous(memory_format=torch.channels_last)
        x.requires_grad_()
        weight.requires_grad_()
        y = nn.functional.conv2d(x, weight, stride=stride, padding=1)
        y = nn.functional.batch_norm(y, None, None, training=True).relu()
        losses = nn.functional.cross_entropy(y.mean((2, 3)), torch.arange(images) % 2)
        tensors += [y, *torch.autograd.grad(losses, [x, weight])]
    return tensors


def _products() -> list[Tensor]:
    a, b = _numbers(64, 300), _numbers(300, 70)
    return [a @ b, (a @ b).exp().sum(0), a.softmax(1), _numbers(64, 2, 9, 9).sum((0, 2, 3))]


def _numbers(*shape: int) -> Tensor:
    """Return numbers in [-1, 1) whose products cannot be summed without rounding."""
    count = np.arange(int(np.prod(shape)), dtype=np.uint64)
    scrambled = (count * np.uint64(2654435761) + np.uint64(12345)) % np.uint64(2**24)
    return torch.from_numpy((scrambled / 2**23 - 1).astype(np.float32).reshape(shape))
