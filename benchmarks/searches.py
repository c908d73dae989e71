"""Searches for a stroke that begin with the same proposals and spend the same number of model calls.

    first proposals         what the calls before the search have found
    mppi                    ours: several modes, their own means, shrinking noise
    cem                     one Gaussian around the elite
    random                  further proposals, drawn as the first ones were
    pytorch_mppi, lambda L  the public library, from the best proposal, with our noise

The library [Williams2017] is the extra `peers`. Its temperature is its default of 1, or the 0.01 that its
manual advises. Besides what it tries it is given the stroke that it returns: one call more than others get.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace

import numpy as np
import torch

from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.tools.stroke import STROKE_HIGH, STROKE_LOW, Stroke
from planner.planners.cem import CemPlanner
from planner.planners.mppi import MppiPlanner
from planner.planners.mppi_config import MppiConfig
from planner.planners.search import Opening, Search

LIBRARY = {"pytorch_mppi, lambda 1": 1.0, "pytorch_mppi, lambda 0.01": 0.01}
"""Temperatures of pytorch_mppi: its default, and what its manual advises."""

SEARCHES = ("first proposals", "mppi", "cem", "random", *LIBRARY)


def proposals(
    planner: MppiPlanner, opening: Opening, start: str, seed: Sequence[int]
) -> tuple[list[list[Stroke]], list[list[Stroke]]]:
    """Return the plans that every search begins with, and as many further ones as it has calls left.

    `start` is "sieved", the best that the sieve finds among many, or "drawn".
    """
    config, rng = planner.config, np.random.default_rng(seed)
    if start == "sieved":
        all_calls = MppiPlanner(planner.dynamics, replace(config, proposals=config.model_calls))
        plans = all_calls._proposals(opening.sampler, opening.screen, rng)
    else:
        plans = [[opening.sampler.draw(rng)] for _ in range(config.model_calls)]
    return plans[: config.proposals], plans[config.proposals :]


class Searches:
    """All searches from the same first proposals.

    Args:
        planner: whose model and promise are searched.
        opening: of the look.
        head: that is combed.
    """

    def __init__(self, planner: MppiPlanner, opening: Opening, head: Head) -> None:
        self._planner, self._opening, self._head = planner, opening, head

    def run(
        self, first: list[list[Stroke]], further: list[list[Stroke]], seed: Sequence[int],
        *, names: Sequence[str] = SEARCHES,
    ) -> dict[str, float]:  # fmt: skip
        """Return by name the share of the present cost that the best stroke of each search leaves."""
        opening = self._opening
        begun = Search(self._planner, opening.sampler, opening.state, opening.promise, self._head)
        begun.evaluate(first)
        found = {}
        for name in names:
            search = copy(begun)
            search._plans, search._costs = list(begun._plans), list(begun._costs)
            self._refine(name, search, further, seed)
            found[name] = search.best()[1] / opening.promise.current
        return found

    def _refine(self, name: str, search: Search, further: list[list[Stroke]], seed: Sequence[int]) -> None:
        """Let a search spend the calls that are left."""
        planner = self._planner
        if name == "mppi":
            planner._refine(search, np.random.default_rng(seed))
        elif name == "cem":
            CemPlanner(planner.dynamics, planner.config)._refine(search, np.random.default_rng(seed))
        elif name == "random":
            search.evaluate(further)
        elif name in LIBRARY:
            refine_with_library(search, planner.config, LIBRARY[name], seed)


def refine_with_library(search: Search, config: MppiConfig, temperature: float, seed: Sequence[int]) -> None:
    """Let pytorch_mppi refine the best of a search: as many iterations and samples in each as ours has.

    Its control is the offset from the best proposal in standard deviations of our noise, so that its price of
    control, relative to zero, prices nothing at first.
    """
    try:
        from pytorch_mppi import MPPI  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise CombwiseError("pytorch_mppi is not installed; expected the extra 'peers'") from error
    plan, _ = search.best()
    assert plan is not None
    mean, noise = plan[0].to_vector(), np.array(config.noise)
    low, high = (STROKE_LOW - mean) / noise, (STROKE_HIGH - mean) / noise
    low[[0, 2]], high[[0, 2]] = -np.inf, np.inf  # azimuth and heading are angles all around

    def cost(_: torch.Tensor, control: torch.Tensor) -> torch.Tensor:
        plans = [[Stroke.from_vector(mean + noise * offset)] for offset in control.numpy()]
        return torch.from_numpy(search.evaluate(plans))

    with torch.random.fork_rng():
        torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
        library = MPPI(
            lambda state, control: state, cost, nx=1, noise_sigma=torch.eye(8, dtype=torch.float64),
            num_samples=config.modes * config.samples, horizon=1, lambda_=temperature,
            u_min=torch.from_numpy(low), u_max=torch.from_numpy(high),
            U_init=torch.zeros(1, 8, dtype=torch.float64),
        )  # fmt: skip
        control = np.zeros(8)
        for _ in range(config.iterations):
            control = library.command(torch.zeros(1), shift_nominal_trajectory=False).numpy()
    search.evaluate([[Stroke.from_vector(mean + noise * np.clip(control, low, high))]])
