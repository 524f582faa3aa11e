"""Intervals of the mean of few scores between 0 and 1: how often they hold it, and how wide.

Eight ways to an interval at 95 %, on replicates drawn from distributions whose mean is known. Ways
by which more than one interval in a thousand misses the mean of its own scores are marked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from _measure import arguments, show_ratio
from numpy.typing import NDArray
from scipy.special import betaincinv, expit, logit, ndtr, ndtri, stdtrit

from imbench.stats.intervals import mean_interval

Floats = NDArray[np.float64]
Ends = tuple[Floats, Floats]
Draw = Callable[[np.random.Generator, tuple[int, int]], Floats]

COUNTS = (3, 5, 10)
TAILS = np.array([0.025, 0.975])
RESAMPLES = 400


class Case(NamedTuple):
    """Scores as seeds give them: how they are drawn, and their true mean."""

    draw: Draw
    mean: float


def beta(mean: float, deviation: float) -> Case:
    """Return scores of a Beta distribution with this mean and standard deviation."""
    size = mean * (1 - mean) / deviation**2 - 1
    return Case(lambda rng, shape: rng.beta(mean * size, (1 - mean) * size, shape), mean)


def some_at(share: float, low: Case, high: Case) -> Case:
    """Return a mixture in which a share of the scores comes from `low`."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
        return np.where(rng.random(shape) < share, low.draw(rng, shape), high.draw(rng, shape))

    return Case(draw, share * low.mean + (1 - share) * high.mean)


ZERO = Case(lambda _, shape: np.zeros(shape), 0.0)
CASES = {
    "near .5, SD .05": beta(0.5, 0.05),
    "near .5, SD .15": beta(0.5, 0.15),
    "near .95, SD .03": beta(0.95, 0.03),
    "near .05, SD .05": beta(0.05, 0.05),
    "0 in 40 %, else near .6": some_at(0.4, ZERO, beta(0.6, 0.08)),
    "near .3 or near .8, half each": some_at(0.5, beta(0.3, 0.05), beta(0.8, 0.05)),
    "0 in 10 %, else near .9": some_at(0.1, ZERO, beta(0.9, 0.03)),
}


def t(scores: Floats) -> Ends:
    """Student's interval, as wide as it comes."""
    n = scores.shape[1]
    mean = scores.mean(axis=1)
    half = stdtrit(n - 1, TAILS[1]) * scores.std(axis=1, ddof=1) / np.sqrt(n)
    return mean - half, mean + half


def cut_t(scores: Floats) -> Ends:
    """Student's interval, cut at 0 and 1, as tables print it."""
    ends = np.array([mean_interval(row, bounds=(0.0, 1.0)).ends for row in scores.tolist()])
    return ends[:, 0], ends[:, 1]


def arcsine(scores: Floats) -> Ends:
    """Student's interval of the arcsine of the square root, and back."""
    low, high = t(np.arcsin(np.sqrt(scores)))
    return np.sin(np.clip(low, 0, np.pi / 2)) ** 2, np.sin(np.clip(high, 0, np.pi / 2)) ** 2


def shrunk_logit(scores: Floats) -> Ends:
    """Student's interval of the logit, of scores drawn towards .5 by half a replicate, and back."""
    n = scores.shape[1]
    low, high = t(logit((scores * (n - 1) + 0.5) / n))
    return expit(low), expit(high)


def resampled_means(scores: Floats) -> Floats:
    """Means of bootstrap samples, shape (samples, resamples), each row sorted."""
    rng = np.random.default_rng(1)
    n = scores.shape[1]
    drawn = rng.integers(n, size=(len(scores), RESAMPLES * n))
    taken = np.take_along_axis(scores, drawn, axis=1).reshape(len(scores), RESAMPLES, n)
    return np.sort(taken.mean(axis=2), axis=1)


def percentile(scores: Floats) -> Ends:
    """Percentiles of bootstrap means."""
    low, high = np.quantile(resampled_means(scores), TAILS, axis=1)
    return low, high


def bca(scores: Floats) -> Ends:
    """Percentiles of bootstrap means, corrected for bias and skewness (BCa)."""
    means = resampled_means(scores)
    mean = scores.mean(axis=1, keepdims=True)
    below = (means < mean).mean(axis=1) + (means == mean).mean(axis=1) / 2
    shift = ndtri(np.clip(below, 1 / RESAMPLES, 1 - 1 / RESAMPLES))[:, None]
    gaps = (scores - mean) / (scores.shape[1] - 1)
    squares = (gaps**2).sum(axis=1)
    skew = np.divide((gaps**3).sum(axis=1), 6 * squares**1.5, where=squares > 0, out=squares * 0)
    moved = shift + ndtri(TAILS)
    level = ndtr(shift + moved / (1 - skew[:, None] * moved))
    place = np.clip((level * RESAMPLES).astype(np.int64), 0, RESAMPLES - 1)
    low, high = np.take_along_axis(means, place, axis=1).T
    return low, high


def beta_quantiles(scores: Floats) -> Ends:
    """Quantiles of a Beta distribution with the mean and, stretched as t's, its standard error."""
    n = scores.shape[1]
    mean = np.clip(scores.mean(axis=1), 1e-6, 1 - 1e-6)
    stretch = stdtrit(n - 1, TAILS[1]) / ndtri(TAILS[1])
    error = np.maximum(stretch * scores.std(axis=1, ddof=1) / np.sqrt(n), 1e-6)
    size = np.maximum(mean * (1 - mean) / error**2 - 1, 0.5)
    low, high = (betaincinv(mean * size, (1 - mean) * size, tail) for tail in TAILS)
    return low, high


def worst_case(scores: Floats) -> Ends:
    """Dirichlet weights on the scores and one more at 0, or at 1 (Gaffke): holds for any scores."""
    rng = np.random.default_rng(2)
    weights = rng.dirichlet(np.ones(scores.shape[1] + 1), size=RESAMPLES).T
    ordered = np.sort(scores, axis=1)
    low = np.quantile(ordered @ weights[1:], TAILS[0], axis=1)
    high = np.quantile(ordered @ weights[1:] + weights[0], TAILS[1], axis=1)
    return low, high


WAYS: dict[str, Callable[[Floats], Ends]] = {
    "t": t,
    "t, cut": cut_t,
    "arcsine": arcsine,
    "logit": shrunk_logit,
    "bootstrap": percentile,
    "BCa": bca,
    "Beta": beta_quantiles,
    "Gaffke": worst_case,
}


def main() -> None:
    """Print coverage and median width by distribution, replicates and way."""
    args = arguments(__doc__, repeats=4000).parse_args()
    samples = 200 if args.tiny else args.repeats
    print(f"{samples} samples each: coverage of the true mean, median width")
    print(f"{'':>33}" + "".join(f"{name:>15} " for name in WAYS))
    held: dict[tuple[str, int], list[float]] = {}
    width: dict[tuple[str, int], list[float]] = {}
    for row, (title, case) in enumerate(CASES.items()):
        for n in COUNTS:
            scores = case.draw(np.random.default_rng([row, n]), (samples, n))
            told = ""
            for name, way in WAYS.items():
                low, high = way(scores)
                inside = float(np.mean((low <= case.mean) & (case.mean <= high)))
                own = scores.mean(axis=1)
                mark = "*" if np.mean((own < low - 1e-9) | (own > high + 1e-9)) > 0.001 else " "
                held.setdefault((name, n), []).append(inside)
                width.setdefault((name, n), []).append(float(np.median(high - low)))
                told += f"{inside:9.3f} {width[name, n][-1]:.3f}{mark}"
            print(f"{title:<30}{n:>3}{told}")
    print("* intervals that do not hold the mean of their own scores")
    for n in COUNTS:
        title = f"t, cut over t, n = {n}"
        show_ratio(f"coverage of {title}", held["t, cut", n], held["t", n], at_least=1)
        show_ratio(f"width of {title}", width["t, cut", n], width["t", n], at_most=1)


if __name__ == "__main__":
    main()
