"""Kinematic advection behind the planners' face of a model: what is learning worth to a planner?"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from dynamics.baselines.advection import Advection
from dynamics.editing.stroke_raster import rasterise
from dynamics.model import HairDynamics, LatentState, Rollout, on_grid
from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_paths
from hairsim.tools.tool import rake_comb
from hairsim.volume import HairVolume


class AdvectionDynamics:
    """The rule of `Advection` on hair that the latent space completes: it is not to lose for what is hidden.

    Args:
        dynamics: the learned model, for its latent space alone.
        rule: the rule's numbers.
    """

    def __init__(self, dynamics: HairDynamics, rule: Advection | None = None) -> None:
        self.grid = dynamics.grid
        self._dynamics = dynamics
        self._rule = Advection() if rule is None else rule

    def encode(self, volume: HairVolume, head: Head) -> LatentState:
        """Return the latent state of hair as seen."""
        return self._dynamics.encode(volume, head)

    def decode(self, state: LatentState) -> HairVolume:
        """Return the completed hair of a state."""
        return self._dynamics.decode(state)

    @torch.no_grad()
    def rollout(self, state: LatentState, strokes: Sequence[Sequence[Stroke]], head: Head) -> Rollout:
        """Return what the rule leaves of the hair after N sequences of H strokes."""
        hair, count, tool = state.hair, len(strokes), rake_comb()
        occupancy = hair.occupancy.expand(count, *hair.occupancy.shape[1:]).float()
        direction = hair.direction.expand(count, *hair.direction.shape[1:]).float()
        distance = hair.head_distance.expand(count, *hair.head_distance.shape[1:])
        for step in range(len(strokes[0])):
            paths = stroke_paths([sequence[step] for sequence in strokes], head, tool)
            raster = rasterise(list(paths), tool, state.box).to(occupancy.device)
            occupancy, direction = self._rule.predict(occupancy, direction, distance, raster, self.grid.voxel)
        return Rollout(on_grid(occupancy, state.low, self.grid), on_grid(direction, state.low, self.grid))
