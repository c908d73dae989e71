"""Cross-entropy search over the promise that MPPI searches, at the same number of model calls.

    draw -> sieve -> roll out -> elite -> Gaussian: sample, roll out, refit to the elite -> best of all

One Gaussian for everything [Rubinstein1999]: where two good strokes lie apart it covers what is between them,
which is what MPPI's modes avoid.
"""

from __future__ import annotations

import numpy as np

from hairsim.tools.stroke import Stroke
from planner.planners.mppi import MppiPlanner
from planner.planners.search import Search

ELITE = 0.2
"""Share of all strokes tried so far that the Gaussian is fitted to."""

ELITE_LEAST = 4
"""Fewer strokes than this say nothing about a spread."""

SMALLEST = 0.1
"""Standard deviations do not fall below this share of MPPI's noise."""


class CemPlanner(MppiPlanner):
    """MPPI's proposals, cost and promise with another search; see `MppiPlanner`."""

    name = "cem"

    def _refine(self, search: Search, rng: np.random.Generator) -> None:
        config = self.config
        count = config.modes * config.samples
        for _ in range(config.iterations):
            mean, deviation = _search_gaussian(search, np.array(config.noise))
            plans = []
            for _ in range(count):
                sample = mean + deviation * rng.normal(size=mean.shape)
                plan = [Stroke.from_vector(vector) for vector in sample]
                if not search.sampler.on_hair(plan[0]):
                    sample = np.concatenate([mean[:, :2], sample[:, 2:]], axis=1)
                    plan = [Stroke.from_vector(vector) for vector in sample]
                plans.append(plan)
            search.evaluate(plans)


def _search_gaussian(search: Search, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation [H, 8] of the elite of a search."""
    vectors = np.array([[stroke.to_vector() for stroke in plan] for plan in search._plans])
    costs = np.array(search._costs)
    elite = np.argsort(costs, kind="stable")[: max(ELITE_LEAST, round(ELITE * len(costs)))]
    return gaussian_of(vectors[elite], SMALLEST * noise)


def gaussian_of(elite: np.ndarray, smallest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation [H, 8] of an elite [N, H, 8], best first.

    Azimuth and heading are averaged on the circle, around the best.
    """
    offset = elite - elite[0]
    for angle in (0, 2):
        offset[..., angle] = (offset[..., angle] + np.pi) % (2.0 * np.pi) - np.pi
    return elite[0] + offset.mean(axis=0), np.maximum(offset.std(axis=0), smallest)
