"""Time steps as long as the config allows: hair degrades, it never explodes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.physics.rods import elastica
from benchmarks.physics.scenes import clamped_rods, floor
from hairsim.groom.families import make_groom
from hairsim.head.parametric import parametric_head
from hairsim.physics.config import PhysicsConfig
from hairsim.physics.material import Material
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import rake_comb
from hairsim.world import HairWorld

LONGEST = PhysicsConfig(time_step=0.1)
GRAVITY = 9.81


def strain(strands: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """Return by how much of its length each edge [S, V - 1] is too long or too short."""
    return np.abs(np.linalg.norm(np.diff(strands, axis=1), axis=-1) / edge - 1.0)


def test_free_rods_fall_and_hang_as_with_short_steps() -> None:
    """Falling, the edge at the clamp may be twice as long for a step; after 2 s all edges keep their length
    to 0.1 %, and the rod hangs within 1 % of the elastica at Gamma 100.
    """
    material = Material(air_drag=20.0)
    length = (100.0 * material.bending_stiffness / (material.linear_density * GRAVITY)) ** (1.0 / 3.0)
    rods = clamped_rods(32, length, (1.0, 0.0, 0.0))
    edge = np.linalg.norm(np.diff(rods.strands, axis=1), axis=-1)
    world = HairWorld([floor()], [rods], material=material, config=replace(LONGEST, contacts=False))
    for step in range(60):
        world.settle(LONGEST.time_step)
        assert strain(world.strands(), edge).max() < (1.0 if step < 20 else 0.001)
    strand = world.strands()[0].astype(np.float64)
    tip = strand[-1] - 0.5 * (strand[0] + strand[1])
    assert -tip[2] / tip[0] == pytest.approx(elastica(100.0), rel=0.01)


@pytest.mark.parametrize("family", ["straight_pixie", "curly_bob", "wavy_long"])
def test_hair_on_a_head_never_explodes(family: str) -> None:
    """At 0.1 s single edges jump for a step where hair touches; 99 % keep their length within 10 %, all is
    finite, and nothing is deeper than 1 mm: settling, under a comb at 2 m/s, and after it.
    """
    head = parametric_head()
    groom = make_groom(family, head, guides=120, vertices=16, seed=6)
    edge = np.linalg.norm(np.diff(groom.strands, axis=1), axis=-1)
    world = HairWorld([head], [groom], config=LONGEST)

    def look(_: object = None) -> None:
        strands = world.strands()
        assert np.isfinite(strands).all() and np.abs(strands).max() < 0.4
        assert np.quantile(strain(strands, edge), 0.99) < 0.1
        assert head.field.sample(strands[:, 2:]).min() > -0.001

    def rest() -> None:
        for _ in range(20):
            world.settle(LONGEST.time_step)
            look()

    rest()
    path = stroke_path(Stroke(0.5, 0.7, 2.0, 0.25, 0.002), head, rake_comb())
    for faster in (1.0, 20.0):
        hurried = replace(path, times=path.times / faster)
        world.comb([hurried], rake_comb(), rest_seconds=0.0, on_frame=look)
    rest()
    assert np.isfinite(world.tension()).all()
