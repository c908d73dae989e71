"""A head of hair in a batch does what it does alone, to the bit: whatever stands beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hairsim.errors import CombwiseError
from hairsim.groom.families import make_groom
from hairsim.head.parametric import parametric_head
from hairsim.physics.material import Material, hair_with_gel
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool_file import load_tool
from hairsim.world import CombReading, HairWorld

REST = 0.2


def test_heads_of_other_hair_and_other_tools_do_not_change_each_other() -> None:
    head = parametric_head()
    families = ("wavy_long", "straight_long", "straight_ponytail", "coily_afro", "straight_bob")
    grooms = [make_groom(f, head, guides=80, vertices=10, seed=i) for i, f in enumerate(families)]
    materials = [hair_with_gel(), Material(), Material(flatness=0.6), Material(diameter=60e-6), Material()]
    tools = [
        load_tool(n) for n in ("rake_comb", "paddle_brush", "two_finger_pinch", "fine_comb", "rake_comb")
    ]
    strokes = [
        Stroke(0.7 * i, 0.6, 0.4 * i, 0.04 + 0.02 * i, 0.004, speed=0.1 + 0.03 * i)
        for i in range(len(families))
    ]
    rounds = [
        [stroke_path(s, head, tool) for s, tool in zip(drawn, tools, strict=True)]
        for drawn in (strokes, [replace(s, azimuth=s.azimuth - 1.0, length=0.05) for s in strokes[::-1]])
    ]

    def comb(chosen: list[int]) -> tuple[np.ndarray, list[list[CombReading]]]:
        world = HairWorld(
            [head] * len(chosen),
            [grooms[i] for i in chosen],
            material=[materials[i] for i in chosen],
            threads=1,
        )
        world.settle(0.1)
        readings = [
            world.comb(
                [paths[i] for i in chosen], [tools[i] for i in chosen], rest_seconds=REST, each_its_own=True
            )
            for paths in rounds
        ]
        world.settle(0.1)
        return world.all_strands(), readings

    together, felt = comb(list(range(len(families))))
    most = 0.0
    for i in range(len(families)):
        alone, felt_alone = comb([i])
        np.testing.assert_array_equal(together[i], alone[0])
        for batch, own in zip(felt, felt_alone, strict=True):
            np.testing.assert_array_equal(batch[i].force, own[0].force)
            np.testing.assert_array_equal(batch[i].torque, own[0].torque)
            np.testing.assert_array_equal(batch[i].times, own[0].times)
            most = max(most, float(np.abs(own[0].force).max()))
    assert most > 0.0


def test_one_material_and_one_tool_or_one_per_world() -> None:
    head = parametric_head()
    groom = make_groom("wavy_long", head, guides=20, vertices=8, seed=1)
    with pytest.raises(CombwiseError, match="3 materials for 2 worlds"):
        HairWorld([head] * 2, [groom] * 2, material=[Material()] * 3)
    world = HairWorld([head] * 2, [groom] * 2)
    with pytest.raises(CombwiseError, match="1 tools for 2 worlds"):
        world.comb([None, None], [load_tool("rake_comb")])
