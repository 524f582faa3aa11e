"""SMOTE of 10,000 + 50 images at 64 px: our part against imbalanced-learn's, time and memory.

Every run is a fresh process. Both sides get the same images and interpolate them in float between
the same neighbours at the same shares; a few new images are compared to show it. Our side is timed
twice: the resampling (row numbers and shares), and with it one whole pass that materialises every
image batch by batch, which is the fair one. imbalanced-learn gets its float32 rows for free: they
count in its peak memory but not in its time or in its memory above input.
"""

from __future__ import annotations

import json
import subprocess
import sys

from _measure import arguments, show_machine, show_ratio, show_times

SEED, BATCH, SHOWN = 7, 64, 4
OURS, THEIRS = "smote part", "imbalanced-learn"


def child(side: str, majority: int, minority: int, size: int) -> None:
    """Resample in this process, and print seconds, megabytes and some of the new images."""
    import resource
    import time

    import numpy as np

    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (majority + minority, size, size, 3), dtype=np.uint8)
    labels = np.repeat(np.array([0, 1]), [majority, minority])

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    if side == OURS:
        from imbench.methods.smote import SMOTE, neighbours
        from imbench.training.examples import Examples

        neighbours(np.random.default_rng(0).random((8, 2), np.float32), 2)  # imports
        part = SMOTE()
        part.notes_ = []
        before, start, spent = peak(), time.perf_counter(), time.process_time()
        found, _ = part.resample(Examples(pixels), labels, np.random.default_rng(SEED))
        examples = Examples.of(found)
        resampled = time.perf_counter() - start
        for first in range(0, len(examples), BATCH):
            rows = np.arange(first, min(first + BATCH, len(examples)))
            batch = np.asarray(examples.take(rows), np.float32) / np.float32(255)
        seconds, spent = time.perf_counter() - start, time.process_time() - spent
        some = examples.take(np.arange(len(labels), len(labels) + SHOWN)) / np.float32(255)
        del batch
    else:
        from imblearn.over_sampling import SMOTE as Theirs  # noqa: N811

        # The part draws its seed for imbalanced-learn's kind of generator from its own stream.
        state = np.random.RandomState(np.random.default_rng(SEED).integers(2**32))
        rows = np.empty((len(pixels), size * size * 3), np.float32)
        for first in range(0, len(rows), BATCH):  # in pieces, so that no copy is left in the peak
            some = pixels[first : first + BATCH].reshape(-1, rows.shape[1])
            rows[first : first + BATCH] = some / np.float32(255)
        del pixels
        before, start, spent = peak(), time.perf_counter(), time.process_time()
        out, _ = Theirs(random_state=state).fit_resample(rows, labels)
        seconds = resampled = time.perf_counter() - start
        spent = time.process_time() - spent
        some = out[len(labels) : len(labels) + SHOWN].reshape(SHOWN, size, size, 3)
    told = {
        "seconds": seconds,
        "processor": spent,
        "resampled": resampled,
        "peak": peak(),
        "above": peak() - before,
    }
    print(json.dumps({**told, "some": some.astype(float).ravel()[::97].tolist()}))


def run(side: str, numbers: tuple[int, int, int]) -> dict[str, object]:
    """Run one side in a fresh process."""
    command = [sys.executable, __file__, "--side", side, "--numbers", *map(str, numbers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout))


def main() -> None:
    """Run both sides in turn and print time and memory ratios."""
    parser = arguments(__doc__, repeats=3)
    parser.add_argument("--side", choices=[OURS, THEIRS], help="what a child process measures")
    parser.add_argument("--numbers", type=int, nargs=3, metavar=("MAJORITY", "MINORITY", "SIZE"))
    args = parser.parse_args()
    if args.side:
        child(args.side, *args.numbers)
        return
    numbers = (300, 20, 32) if args.tiny else (10_000, 50, 64)
    show_machine()
    print("{} + {} images, {} px, k = 5".format(*numbers))
    told: dict[str, list[dict[str, object]]] = {OURS: [], THEIRS: []}
    for _ in range(1 if args.tiny else args.repeats):
        for side, list_ in told.items():
            list_.append(run(side, numbers))
    compare(told)


def compare(told: dict[str, list[dict[str, object]]]) -> None:
    """Print the ratios; refuse them if the new images differ."""
    ours, theirs = told[OURS][0]["some"], told[THEIRS][0]["some"]
    apart = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))  # type: ignore[call-overload]
    if apart > 1e-5:
        raise SystemExit(f"the new images differ by up to {apart:.2g}: not the same interpolation")
    print(f"  new images agree within {apart:.1e}")

    def of(side: str, key: str) -> list[float]:
        return [float(one[key]) for one in told[side]]  # type: ignore[arg-type]

    show_times(
        {
            f"{THEIRS}": of(THEIRS, "seconds"),
            f"{OURS}, and a pass over all images": of(OURS, "seconds"),
            f"{OURS}, resampling alone": of(OURS, "resampled"),
            f"{THEIRS}: processor time": of(THEIRS, "processor"),
            f"{OURS}, and a pass over all images: processor time": of(OURS, "processor"),
        }
    )
    for key, what in (("peak", "of the process"), ("above", "above the input")):
        for side in told:
            values = of(side, key)
            print(f"  {side}, peak memory {what}: {min(values):.0f}..{max(values):.0f} MB")
    show_ratio("smote time", of(THEIRS, "seconds"), of(OURS, "seconds"), at_least=3)
    show_ratio("smote processor time", of(THEIRS, "processor"), of(OURS, "processor"))
    show_ratio("smote time, resampling alone", of(THEIRS, "seconds"), of(OURS, "resampled"))
    show_ratio("smote peak memory of the process", of(OURS, "peak"), of(THEIRS, "peak"))
    show_ratio(
        "smote peak memory above the input", of(OURS, "above"), of(THEIRS, "above"), at_most=0.25
    )


if __name__ == "__main__":
    main()
