"""A head of straight hair to plan on, and models of combing simple enough to know the answer of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
import torch
from scipy.spatial import KDTree
from torch import Tensor

from hairsim.cameras.camera import Frame, three_camera_rig
from hairsim.cameras.capture import capture
from hairsim.groom.children import make_children
from hairsim.groom.families import make_groom
from hairsim.head.head import Head
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_paths
from hairsim.tools.tool import rake_comb
from hairsim.volume import GRIDS, HairVolume, volume_from_strands
from planner.planners import MppiConfig

GRID = GRIDS["small"]
QUICK = MppiConfig(drawn=96, proposals=24, modes=2, samples=6, iterations=2)


class Scene(NamedTuple):
    """A head of straight hair, as a volume and as frames."""

    head: Head
    hair: np.ndarray
    volume: HairVolume
    frames: list[Frame]


@pytest.fixture(scope="module")
def scene() -> Scene:
    head = parametric_head()
    groom = make_groom("straight_bob", head, guides=200, seed=5)
    children = make_children(groom, count=4000)
    hair = children.strands(groom.strands)
    volume = volume_from_strands(hair, children.hair_count, GRID)
    return Scene(head, hair, volume, capture(hair, head, three_camera_rig(240, 240), seed=1))


def lock_moved(scene: Scene, by: float) -> HairVolume:
    """The same hair with the lower half of the left side's strands moved forward by `by` [m]."""
    hair = scene.hair.copy()
    left = hair[:, -1, 1] > 0.04
    along = np.linspace(0.0, 1.0, hair.shape[1])[None, :, None]
    hair[left] += by * along * np.array([1.0, 0.0, 0.0], np.float32)
    return volume_from_strands(hair, 25.0, GRID)


class SweepModel:
    """A model of combing with one rule: within 4 cm of the path hair turns to the direction of travel."""

    grid = GRID

    def encode(self, volume: HairVolume, head: Head) -> HairVolume:
        return volume

    def decode(self, state: HairVolume) -> HairVolume:
        return state

    def rollout(
        self, state: HairVolume, strokes: Sequence[Sequence[Stroke]], head: Head
    ) -> tuple[Tensor, Tensor]:
        hair = state.occupied
        centres = GRID.centres()[hair]
        directions = []
        for plan in strokes:
            field = state.direction[hair].copy()
            for path in stroke_paths(plan, head, rake_comb()):
                first, last = path.in_hair
                points = path.positions[first : last + 1]
                travel = np.gradient(points, axis=0)
                travel /= np.linalg.norm(travel, axis=1, keepdims=True)
                distance, nearest = KDTree(points).query(centres)
                field[distance < 0.04] = travel[np.asarray(nearest)[distance < 0.04]]
            whole = np.zeros((*GRID.shape, 3), np.float32)
            whole[hair] = field
            directions.append(whole)
        occupancy = np.repeat(state.occupancy[None], len(strokes), axis=0)
        return torch.from_numpy(occupancy), torch.from_numpy(np.array(directions))


class BrokenModel(SweepModel):
    """A model whose predictions are not numbers."""

    def rollout(
        self, state: HairVolume, strokes: Sequence[Sequence[Stroke]], head: Head
    ) -> tuple[Tensor, Tensor]:
        occupancy, direction = super().rollout(state, strokes, head)
        return occupancy * float("nan"), direction
