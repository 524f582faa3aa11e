"""Start-up: `bench --help`, `bench list methods`, `import imbench`; the imports of planning.

Wall time of whole processes, one command after the other and round again, beside a bare Python
and `import torch`. The ratio is to the limit of 0.3 s, so it carries over to machines about as
fast as this one only; the multiple of a bare Python start carries further.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from _measure import arguments, clock, interleave, show_machine, show_ratio, show_times

LIMIT = 0.3
PLANNING = "import imbench.runs.plan, imbench.training.recipe, imbench.images.cache"


def commands() -> dict[str, list[str]]:
    """Return what is started; `bench` is the one beside this Python."""
    bench = str(Path(sys.executable).parent / "bench")
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        "bench --help": [bench, "--help"],
        "bench list methods": [bench, "list", "methods"],
        "import imbench": [sys.executable, "-c", "import imbench"],
        "planning imports": [sys.executable, "-c", PLANNING],
        "import torch": [sys.executable, "-c", "import torch"],
    }


def start(command: Sequence[str], where: str) -> None:
    """Run a command to its end, away from the checkout."""
    subprocess.run(command, cwd=where, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Time every command in turn."""
    args = arguments(__doc__, repeats=11).parse_args()
    show_machine()
    with tempfile.TemporaryDirectory() as where:
        check = PLANNING + "\nimport sys\nsys.exit('torch' in sys.modules)"
        start([sys.executable, "-c", check], where)
        sides = {
            name: (lambda command=command: clock(lambda: start(command, where)))
            for name, command in commands().items()
        }
        for side in sides.values():  # from disk into memory, and bytecode
            side()
        times = interleave(sides, 1 if args.tiny else args.repeats)
    show_times(times, "ms")
    bare = times["python -c pass"]
    limit = [LIMIT] * len(bare)
    for name in ("bench --help", "bench list methods", "import imbench"):
        show_ratio(f"start-up {name}, share of {LIMIT} s", times[name], limit, at_most=1)
        show_ratio(f"start-up {name}, in bare Python starts", times[name], bare)
    show_ratio(
        "start-up planning imports, over import torch",
        times["planning imports"],
        times["import torch"],
    )


if __name__ == "__main__":
    main()
