"""A training that is kept: begun again in pieces, killed, and wanted by two processes at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from killing import KILLING
from states import assert_same

from imbench.errors import DataError
from imbench.files import checkpoint
from imbench.methods import _kept
from imbench.methods._kept import KeptTraining, trained
from imbench.training.device import fixed_threads

__all__ = ["KeptCase", "whole"]

IMPORTS = """
import sys
from pathlib import Path

import numpy as np
import torch

from imbench.methods import _kept
from imbench.methods._kept import trained
from imbench.training.part import Context

torch.set_num_threads(1)
"""
KILLED = """
import os, signal
_kept.SAVE_EVERY = 0.0
training = make(Path(sys.argv[1]))
step = training.gan.{step}
def last(*given):
    if training.done == {done}:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(*given)
training.gan.{step} = last
trained(training, training.steps)
"""
BOTH = """
training = make(Path(sys.argv[1]))
steps = []
step = training.gan.{step}
training.gan.{step} = lambda *given: steps.append(1) or step(*given)
print("ready", flush=True)
sys.stdin.readline()
trained(training, training.steps)
print(len(steps), training.reused)
"""
KILLED_WRITING = """
import hashlib, tempfile
from imbench.files.atomic import is_abandoned

def digest(training):
    # Of what is kept in the end: optimisers and critics are not read again then.
    told = hashlib.sha256()
    for net in training.gan.state(ended=True)["nets"].values():
        for tensor in net.values():
            told.update(tensor.contiguous().numpy().tobytes())
    return told.hexdigest()

_kept.SAVE_EVERY = 0.0  # a checkpoint each ten steps, and at each end
straight = make(None)
straight.run(straight.steps)
with tempfile.TemporaryDirectory() as made:
    trained(make(Path(made)), 1)  # all that is imported late is
number = 0
while True:
    number += 1
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if not killed_at(number, lambda: trained(make(folder), straight.steps)):
            break
        training = trained(make(folder), straight.steps)
        assert digest(training) == digest(straight), number
        left = {{path.name for path in folder.glob("*.pt")}}
        assert left == {{f"{{training.key}}-{{name}}.pt" for name in {names}}}, (number, left)
        assert all(is_abandoned(path) for path in folder.glob(".*.tmp"))
print(number)
"""


class KeptCase:
    """What is trained, as source text for other processes, and what each of its steps calls.

    Parameters
    ----------
    source : str
        Defines ``make(folder)``, which returns a training that has not begun.
    step : str
        A method of the training's `gan` that each step calls once.
    """

    def __init__(self, source: str, step: str) -> None:
        self.source = IMPORTS + source
        self.step = step
        self.scope: dict[str, Any] = {}
        exec(self.source, self.scope)  # the same lines as the processes run
        self.make = self.scope["make"]

    def straight(self) -> Any:
        """Return a training without a break."""
        with fixed_threads(1):
            training = self.make(None)
            training.run(training.steps)
        return training

    def watched(self, folder: Path) -> tuple[Any, list[int]]:
        """Return a training, and a list that each step lengthens by how many were done."""
        training, done = self.make(folder), []
        step = getattr(training.gan, self.step)
        setattr(training.gan, self.step, lambda *given: done.append(training.done) or step(*given))
        return training, done

    def process(self, code: str, *given: object, **options: Any) -> subprocess.CompletedProcess:
        """Run code that may call `make` in a process of its own."""
        command = [sys.executable, "-P", "-c", self.source + code, *map(str, given)]
        return subprocess.run(command, capture_output=True, text=True, timeout=280, **options)

    def check_pieces(self, first_steps: int, straight: KeptTraining, folder: Path) -> None:
        """A training in two pieces is bitwise one training."""
        first = self.make(None)
        first.run(first_steps)
        checkpoint.save_tensors(folder / "part.pt", first.state())
        second = self.make(None)
        second.load(checkpoint.load_tensors(folder / "part.pt"))
        assert second.done == first_steps
        second.run(second.steps)
        assert_same(whole(second), whole(straight))

    def kill(self, done: int, folder: Path) -> None:
        """Train in a process that is killed in the step after so many."""
        ended = self.process(KILLED.format(step=self.step, done=done), folder)
        assert ended.returncode == -signal.SIGKILL, ended.stderr

    def two_at_once(self, folder: Path) -> list[str]:
        """Train in two processes; return how many steps each took and whether it read them."""
        code = self.source + BOTH.format(step=self.step)
        command = [sys.executable, "-P", "-c", code, str(folder)]
        pipe = subprocess.PIPE
        both = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
        for one in both:
            assert one.stdout.readline() == "ready\n"
        for one in both:
            one.stdin.write("go\n")
            one.stdin.flush()
        return sorted(one.communicate(timeout=250)[0].strip() for one in both)

    def killed_at_each_change(self, *names: int) -> int:
        """Kill a training at each change of the disk; return how many there were.

        It goes on bitwise after each, and leaves files of these names.
        """
        done = self.process(KILLING + KILLED_WRITING.format(names=names))
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    def check_forged(self, path: Path) -> None:
        """Files that claim to be a kept training are named."""
        content = checkpoint.load_tensors(path)
        for forged in ({"key": content["key"]}, {**content, "done": "x"}, {**content, "gan": 7}):
            checkpoint.save_tensors(path, forged)
            with pytest.raises(DataError, match="does not hold what its name says; delete it"):
                trained(self.make(path.parent), content["done"])

    def check_torch(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What another torch trained is not used."""
        old = trained(self.make(folder), 2)
        newer = {**old.environment, "torch": "99.0"}
        monkeypatch.setattr(_kept, "training_environment", lambda _device: newer)
        other = trained(self.make(folder), 2)
        assert not other.reused
        assert trained(self.make(folder), 2).reused
        assert other.key != old.key


def whole(training: Any) -> dict[str, Any]:
    """Return all of a training's state but the time it took."""
    return {**training.state(), "gan": training.gan.state(), "seconds": 0}
