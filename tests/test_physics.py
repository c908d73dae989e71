"""The strand solver against mechanics: each test states a law."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_bvp

from hairsim.errors import CombwiseError
from hairsim.groom.families import make_groom
from hairsim.groom.groom import Groom
from hairsim.head.head import DistanceField, Head, Scalp
from hairsim.head.parametric import parametric_head
from hairsim.physics.assemble import rest_curvatures
from hairsim.physics.config import PhysicsConfig
from hairsim.physics.material import Material
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import poses_at, stroke_path
from hairsim.tools.tool import rake_comb
from hairsim.world import HairWorld

NOWHERE = np.zeros((1, 3), np.float32)


def plane_head(height: float) -> Head:
    """Return a horizontal floor at `height` [m] as a head."""
    spacing, origin, shape = 0.01, (-0.3, -0.3, -0.6), (61, 61, 81)
    z = origin[2] + spacing * np.arange(shape[2]) - height
    values = np.broadcast_to(z, shape).astype(np.float32).copy()
    return Head(DistanceField(values, origin, spacing), Scalp(NOWHERE, NOWHERE), "floor", (0.0, 0.0, -0.5))


def rods(vertices: int, length: float, count: int = 1) -> Groom:
    """Return straight rods along +x, side by side in y, whose free length starts mid-way on the held edge."""
    edge = length / (vertices - 1.5)
    strands = np.zeros((count, vertices, 3), np.float32)
    strands[:, :, 0] = edge * np.arange(vertices)
    strands[:, :, 1] = 0.2 * np.arange(count)[:, None]
    return Groom(strands, np.ones(count, np.float32), "rods", "test")


def elastica(gamma: float) -> float:
    """Return drop over reach of a heavy cantilever: theta'' = -gamma (1 - s) cos theta."""

    def slope(s: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.stack([y[1], -gamma * (1 - s) * np.cos(y[0]), np.cos(y[0]), np.sin(y[0])])

    def ends(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.array([a[0], b[1], a[2], a[3]])

    s = np.linspace(0.0, 1.0, 400)
    guess = np.zeros((4, len(s)))
    guess[0] = np.pi / 2 * np.tanh(3 * s)
    answer = solve_bvp(slope, ends, s, guess, tol=1e-8, max_nodes=100_000)
    assert answer.success
    return float(answer.y[3, -1] / answer.y[2, -1])


@pytest.mark.parametrize(("gamma", "target"), [(1.0, 0.01), (10.0, 0.01), (100.0, 0.01)])
def test_a_heavy_cantilever_hangs_as_the_elastica_says(gamma: float, target: float) -> None:
    material = Material(air_drag=20.0)
    weight = material.linear_density * 9.81
    length = (gamma * material.bending_stiffness / weight) ** (1.0 / 3.0)
    world = HairWorld([plane_head(-0.55)], [rods(32, length)], material=material)
    world.settle(4.0)
    strand = world.strands()[0]
    tip = strand[-1] - 0.5 * (strand[0] + strand[1])
    assert -tip[2] / tip[0] == pytest.approx(elastica(gamma), rel=target)


def test_strands_keep_their_length_while_they_fall() -> None:
    groom = rods(24, 0.25)
    world = HairWorld([plane_head(-0.55)], [groom])
    edge = np.linalg.norm(groom.strands[0, 1] - groom.strands[0, 0])
    for _ in range(20):
        world.settle(0.05)
        edges = np.linalg.norm(np.diff(world.strands()[0], axis=0), axis=-1)
        assert np.abs(edges / edge - 1.0).max() < 0.005


def test_a_curl_without_weight_keeps_its_rest_shape() -> None:
    turn = np.linspace(0.0, 4 * np.pi, 33)
    helix = np.stack([0.02 * np.cos(turn), 0.02 * np.sin(turn), 0.01 * turn], axis=-1)[None]
    groom = Groom(helix.astype(np.float32), np.ones(1, np.float32), "helix", "test")
    world = HairWorld([plane_head(-0.55)], [groom], config=PhysicsConfig(gravity=(0.0, 0.0, 0.0)))
    start = world.strands()
    world.settle(2.0)
    length = np.linalg.norm(np.diff(start[0], axis=0), axis=-1).sum()
    assert np.abs(world.strands() - start).max() < 0.005 * length


def helix() -> Groom:
    """Return one curl of two turns, 17 vertices a turn, hanging from its root."""
    turn = np.linspace(0.0, 4 * np.pi, 33)
    curl = np.stack([0.02 * np.cos(turn), 0.02 * np.sin(turn), -0.01 * turn], axis=-1)[None]
    return Groom(curl.astype(np.float32), np.ones(1, np.float32), "helix", "test")


def test_a_curl_that_was_shaken_comes_back_to_its_rest_shape() -> None:
    world = HairWorld([plane_head(-0.55)], [helix()], config=PhysicsConfig(gravity=(0.0, 0.0, 0.0)))
    start = world.strands()
    state = world.snapshot()
    state["velocity"][0, 2:] += np.random.default_rng(0).normal(size=(31, 3)).astype(np.float32) * 0.5
    world.restore(state)
    world.settle(1.0)
    shaken = np.abs(world.strands() - start).max()
    world.settle(13.0)
    assert shaken > 0.02
    assert np.abs(world.strands() - start).max() < 0.001


def test_without_twist_the_same_curl_does_not_keep_its_shape() -> None:
    config = PhysicsConfig(gravity=(0.0, 0.0, 0.0), twist=False)
    world = HairWorld([plane_head(-0.55)], [helix()], config=config)
    start = world.strands()
    world.settle(6.0)
    assert np.abs(world.strands() - start).max() > 0.005


@pytest.mark.parametrize("turns", [0.25, 5.0])
def test_a_rod_twisted_between_clamps_answers_with_its_torque(turns: float) -> None:
    world = HairWorld([plane_head(-0.55)], [rods(32, 0.3)], config=PhysicsConfig(gravity=(0.0, 0.0, 0.0)))
    world.hold_tips()
    for step in range(200):
        world.twist_tips(2.0 * np.pi * turns * (step + 1) / 200)
        world.settle(1.0 / 120.0)
    world.settle(1.0)
    free = 30 * 0.3 / 30.5  # the clamps hold the material of the first and of the last edge
    expected = Material().twisting_stiffness * 2.0 * np.pi * turns / free
    assert world.root_torque()[0] == pytest.approx(expected, rel=0.01)


def test_rest_curvature_of_a_circle_is_its_turning_angle() -> None:
    angle = np.linspace(0.0, np.pi, 17)
    circle = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)[None]
    curvature, _ = rest_curvatures(circle)
    assert np.linalg.norm(curvature[0, 1:-1], axis=-1) == pytest.approx(np.pi / 16, rel=1e-6)


@pytest.mark.parametrize(("slope", "slides"), [(0.30, False), (0.55, True)])
def test_hair_on_an_incline_slides_only_beyond_the_friction_angle(slope: float, slides: bool) -> None:
    # A rod lies along the fall line of a floor, held by a root that lets it slide by bending: here the floor
    # is level and gravity is tilted by atan(slope) across the rod, whose tip half is free to swing sideways.
    angle = np.arctan(slope)
    gravity = (0.0, 9.81 * np.sin(angle), -9.81 * np.cos(angle))
    groom = rods(24, 0.30)
    material = Material(friction_skin=0.4, young_modulus=4.0e7)
    world = HairWorld(
        [plane_head(-0.0012)], [groom], material=material, config=PhysicsConfig(gravity=gravity)
    )
    start = world.strands()
    world.settle(3.0)
    moved = np.abs(world.strands()[0, -1] - start[0, -1]).max()
    assert (moved > 0.02) == slides


@pytest.fixture(scope="module")
def salon() -> tuple[Head, Groom]:
    head = parametric_head()
    return head, make_groom("straight_long", head, guides=150, vertices=16, seed=5)


def combed(salon: tuple[Head, Groom], *, threads: int = 1, **material: float) -> tuple[HairWorld, np.ndarray]:
    head, groom = salon
    world = HairWorld([head], [groom], threads=threads, material=Material(**material))
    world.settle(2.5)
    before = world.strands()
    stroke = Stroke(azimuth=1.2, elevation=0.5, heading=1.2, length=0.15, depth=0.004)
    world.comb([stroke_path(stroke, head, rake_comb())], rake_comb(), rest_seconds=1.0)
    return world, before


def test_wavy_hair_comes_to_rest() -> None:
    """Until simulator version 6 hair hopped on hair, and such a head never moved at less than 0.4 mm/s."""
    head = parametric_head()
    world = HairWorld([head], [make_groom("wavy_long", head, guides=100, vertices=20, seed=3)])
    world.settle(8.0)
    speeds = []
    for _ in range(10):
        before = world.strands()
        world.settle(world.config.time_step)
        speeds.append(np.linalg.norm(world.strands() - before, axis=-1).mean() / world.config.time_step)
        world.settle(0.1)
    assert max(speeds) < 0.00015


def test_a_combed_style_stays(salon: tuple[Head, Groom]) -> None:
    world, before = combed(salon)
    after = world.strands()
    moved = np.linalg.norm(after - before, axis=-1).mean(axis=1)
    lock = moved > 0.015
    assert lock.sum() >= 5
    world.settle(5.0)
    kept = np.linalg.norm(world.strands() - before, axis=-1).mean(axis=1)
    assert kept[lock].mean() > 0.8 * moved[lock].mean()


def test_nothing_sinks_into_the_head_and_the_comb_feels_a_force(salon: tuple[Head, Groom]) -> None:
    head, groom = salon
    world = HairWorld([head], [groom])
    world.settle(1.0)
    lowest: list[float] = []
    stroke = Stroke(azimuth=1.2, elevation=0.6, heading=0.2, length=0.18, depth=0.003, speed=0.2)
    reading = world.comb(
        [stroke_path(stroke, head, rake_comb())],
        rake_comb(),
        on_frame=lambda _: lowest.append(float(head.field.sample(world.strands()[:, 2:]).min())),
    )[0]
    assert min(lowest) > -0.001
    force = np.linalg.norm(reading.force, axis=-1)
    assert 0.005 < force.max() < 60.0
    assert np.isfinite(reading.force).all()


def test_the_same_run_gives_the_same_bits_on_any_number_of_threads(salon: tuple[Head, Groom]) -> None:
    one, _ = combed(salon, threads=1)
    again, _ = combed(salon, threads=1)
    two, _ = combed(salon, threads=2)
    assert np.array_equal(one.strands(), again.strands())
    assert np.array_equal(one.strands(), two.strands())


def test_a_snapshot_brings_everything_back(salon: tuple[Head, Groom]) -> None:
    head, groom = salon
    world = HairWorld([head], [groom])
    world.settle(0.5)
    kept = world.snapshot()
    world.settle(0.3)
    first = world.strands()
    world.restore(kept)
    world.settle(0.3)
    assert np.array_equal(first, world.strands())


def test_a_comb_led_pose_by_pose_moves_hair_as_along_its_path(salon: tuple[Head, Groom]) -> None:
    """To the bit, force included; a comb that comes and goes disturbs only where it is."""
    head, groom = salon
    path = stroke_path(Stroke(3.0, 0.6, 0.1, 0.04, 0.004, speed=0.2), head, rake_comb())
    led, played = (HairWorld([head], [groom]) for _ in range(2))
    reading = played.comb([path], rake_comb(), rest_seconds=0.0)[0]
    times = (np.arange(int(np.ceil(path.times[-1] / led.config.time_step))) + 1) * led.config.time_step
    forces = []
    for position, quaternion, time in zip(*poses_at(path, times), times, strict=True):
        pose = (position, quaternion) if time <= path.times[-1] else None
        forces.append(led.step_comb([pose], rake_comb())[0])
    np.testing.assert_array_equal(led.strands(), played.strands())
    np.testing.assert_array_equal(np.array(forces)[::2][: len(reading.force)], reading.force)
    assert np.abs(reading.force).max() > 0.0


def test_worlds_of_a_batch_do_not_touch_each_other(salon: tuple[Head, Groom]) -> None:
    head, groom = salon
    alone = HairWorld([head], [groom])
    batch = HairWorld([head, head], [groom, make_groom("wavy_long", head, guides=150, vertices=16, seed=6)])
    for world in (alone, batch):
        world.settle(0.5)
    assert np.abs(alone.strands() - batch.strands(0)).max() < 1e-4


def test_a_violent_comb_degrades_but_never_explodes(salon: tuple[Head, Groom]) -> None:
    head, groom = salon
    world = HairWorld([head], [groom], config=PhysicsConfig(time_step=1.0 / 30.0))
    stroke = Stroke(azimuth=0.5, elevation=0.7, heading=2.0, length=0.25, depth=0.002)
    path = stroke_path(stroke, head, rake_comb())
    world.comb([replace(path, times=path.times / 20.0)], rake_comb(), rest_seconds=1.0)
    strands = world.strands()
    assert np.isfinite(strands).all()
    assert np.abs(strands).max() < 0.6


def test_grooms_that_do_not_fit_are_named(salon: tuple[Head, Groom]) -> None:
    head, groom = salon
    with pytest.raises(CombwiseError, match="expected one groom per head"):
        HairWorld([head, head], [groom])
    with pytest.raises(CombwiseError, match="time_step is 0"):
        PhysicsConfig(time_step=0.0)
    with pytest.raises(CombwiseError, match="diameter"):
        Material(diameter=-1.0)
    with pytest.raises(CombwiseError, match="NaN"):
        Groom(np.full((2, 5, 3), np.nan, np.float32), np.ones(2, np.float32), "bad", "test")
