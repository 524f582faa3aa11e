"""The optimiser of every training is torch's SGD bit for bit, and loads no compiler."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from imbench.training.budget import Budget
from imbench.training.loop import new_optimiser
from imbench.training.optimiser import Descent

SETTINGS = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "fused": True}


def trained(make, steps=6):
    """Return weights after some steps; one layer is frozen in half of them, another joins late."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 7), nn.Tanh(), nn.Linear(7, 2))
    x = torch.randn(9, 5)
    optimiser = make([*net[0].parameters(), *net[2].parameters()])
    for step in range(steps):
        if step == 2:
            optimiser.add_param_group({"params": list(net[4].parameters()), "weight_decay": 0.5})
        for group in optimiser.param_groups:
            group["lr"] = 0.1 / (step + 1)
        optimiser.zero_grad(set_to_none=True)
        net(x).square().sum().backward()
        if step % 2:
            net[0].weight.grad = None
        optimiser.step()
    return [p.detach().clone() for p in net.parameters()]


@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_steps_are_torchs_bit_for_bit(momentum):
    settings = {**SETTINGS, "momentum": momentum}
    ours = trained(lambda found: Descent(found, **settings))
    theirs = trained(lambda found: torch.optim.SGD(found, **settings))
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
    assert not torch.equal(ours[1], trained(lambda found: Descent(found, **settings), steps=5)[0])


def test_a_network_without_gradients_stays():
    net = nn.Linear(2, 2)
    before = net.weight.detach().clone()
    new_optimiser(net, Budget()).step()
    assert torch.equal(net.weight, before)


def test_a_step_takes_no_closure():
    with pytest.raises(TypeError, match="gradients once"):
        new_optimiser(nn.Linear(2, 2), Budget()).step(lambda: 0.0)


def test_a_worker_that_trains_loads_no_compiler():
    code = (
        "import sys, numpy as np\n"
        "from imbench.runs.worker import _import_torch\n"
        "from imbench.training.method import Method\n"
        "_import_torch()\n"
        "before = set(sys.modules)\n"
        "x = np.random.default_rng(0).integers(0, 255, (12, 8, 8, 3), dtype=np.uint8)\n"
        "y = np.repeat([0, 1], 6)\n"
        "Method('us+cs', network='cnn:width=2', steps=2, batch_size=4).fit(x, y).predict(x)\n"
        "print(*{'torch._dynamo', 'sympy'} & set(sys.modules))\n"
        "print(len(set(sys.modules) - before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    heavy, late = done.stdout.splitlines()
    assert heavy == ""
    assert int(late) < 30  # what a first cell imports is what its time should not hold
