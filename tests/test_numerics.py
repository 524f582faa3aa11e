"""The hash of the machine's rounding: the same in every process, another with other kernels."""

import os
import subprocess
import sys

import pytest

from imbench.records import environment
from imbench.training.numerics import numerics

CODE = (
    "import torch; torch.set_num_threads({threads}); torch.manual_seed({threads})\n"
    "before = torch.random.get_rng_state()\n"
    "from imbench.training.numerics import numerics\n"
    "print(numerics(), torch.get_num_threads(), torch.backends.cpu.get_cpu_capability())\n"
    "assert torch.equal(before, torch.random.get_rng_state())"
)


def told(threads: int = 1, **variables: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", CODE.format(threads=threads)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_another_process_with_more_threads_says_the_same_and_keeps_its_state():
    found = told(threads=2)
    assert found[:2] == [numerics(), "2"]


def test_other_kernels_round_differently():
    here = told()[2]
    if here == "DEFAULT":
        pytest.skip("this processor has no kernels but the plain ones")
    digest, _, capability = told(ATEN_CPU_CAPABILITY="default")
    assert capability == "DEFAULT"
    assert digest != numerics()


def test_records_of_trainings_know_it():
    assert environment.describe_environment("cpu", 1)["numerics"] == numerics()


def test_planning_does_not_compute_it():
    code = (
        "import sys; from imbench.records.environment import describe_environment\n"
        "print('numerics' in describe_environment('cpu', 1), 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False False\n"
