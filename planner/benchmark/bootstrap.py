"""Paired bootstrap: is one planner better than another on the same episodes?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval.

    Attributes:
        mean: the sample mean.
        low, high: bounds of the interval.
        episodes: number of values it rests on.
    """

    mean: float
    low: float
    high: float
    episodes: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low > 0.0 or self.high < 0.0


def bootstrap_mean(
    values: np.ndarray, *, seed: int = 0, samples: int = 10_000, level: float = 0.95
) -> Interval:
    """Return mean and percentile interval of values [N], resampled with replacement.

    Raises:
        CombwiseError: no values, or a value is not finite.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise CombwiseError(
            f"cannot bootstrap values of shape {values.shape}; expected finite numbers [N >= 1]"
        )
    picks = np.random.default_rng(seed).integers(len(values), size=(samples, len(values)))
    means = values[picks].mean(axis=1)
    low, high = np.quantile(means, [0.5 * (1.0 - level), 0.5 * (1.0 + level)])
    return Interval(float(values.mean()), float(low), float(high), len(values))


def paired_difference(
    first: np.ndarray, second: np.ndarray, *, seed: int = 0, samples: int = 10_000, level: float = 0.95
) -> Interval:
    """Return the interval of first - second over the same episodes [N].

    Raises:
        CombwiseError: the two do not pair up.
    """
    if np.shape(first) != np.shape(second):
        raise CombwiseError(
            f"cannot pair shapes {np.shape(first)} and {np.shape(second)}; expected the same episodes"
        )
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return bootstrap_mean(difference, seed=seed, samples=samples, level=level)


def paired_change(
    first: np.ndarray, second: np.ndarray, *, seed: int = 0, samples: int = 10_000, level: float = 0.95
) -> Interval | None:
    """Return the interval of mean(first) / mean(second) - 1 over the same episodes [N].

    None where the mean of the second is 0 in one of the resamples: a share of nothing is not a number.

    Raises:
        CombwiseError: the two do not pair up.
    """
    if np.shape(first) != np.shape(second):
        raise CombwiseError(
            f"cannot pair shapes {np.shape(first)} and {np.shape(second)}; expected the same episodes"
        )
    mine, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    picks = np.random.default_rng(seed).integers(len(other), size=(samples, len(other)))
    below = other[picks].mean(axis=1)
    if (below == 0.0).any():
        return None
    low, high = np.quantile(
        mine[picks].mean(axis=1) / below - 1.0, [0.5 * (1.0 - level), 0.5 * (1.0 + level)]
    )
    return Interval(float(mine.mean() / other.mean() - 1.0), float(low), float(high), len(mine))
