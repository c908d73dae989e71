"""Newton's second law for all hair together: what a tool feels is what roots, scalp and inertia give.

    F_tool = R_roots + F_scalp + weight - dP/dt

F_tool is the force of the hair on the tool, as `HairWorld.comb` reports it. The right-hand side is read from
the state alone: tension and bending moment of the root edges, height above the skin and friction anchors,
mass and velocity. Forces of hair on hair are internal and must cancel. There is no air.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.physics.laws import Laws, Row, row
from benchmarks.physics.scenes import bundle, floor, rod_tool, straight_path
from hairsim.physics.config import PhysicsConfig
from hairsim.physics.material import Material
from hairsim.tools.tool import Tool, ToolPath
from hairsim.world import HairWorld

FLOOR = -0.0015
"""Height of the floor that plays the scalp, below the roots [m]."""


def tool_force(laws: Laws) -> Iterator[Row]:
    """Yield how far the tool's force is from what roots, scalp, weight and inertia say, over a stroke."""
    for touching in (False, True):
        for hanging in (True, False):
            felt, expected = tool_force_history(laws, hanging, touching)
            error = float(root_mean_square(felt - expected) / root_mean_square(felt))
            case = (
                f"hair {'hanging free' if hanging else 'lying on a floor'}, "
                f"{'touching' if touching else 'none touching'}, root mean square over the stroke [N]"
            )
            values = float(root_mean_square(felt)), float(root_mean_square(expected))
            yield row("tool force", case, *values, error, 0.02)


def root_mean_square(force: np.ndarray) -> np.floating:
    """Return the root mean square of forces [T, 3] [N]."""
    return np.sqrt(np.mean(np.sum(force**2, axis=-1)))


def tool_force_history(laws: Laws, hanging: bool, touching: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the tool's force and what the balance says it is, [T, 3] [N], 60 times a second.

    Hairs of 20 cm are pushed sideways by one tooth: they hang from their roots, or they lie on a floor and
    the tooth drags them over it. Touching hairs are 2.5 mm apart and feel each other from 3 mm; the others
    hang in one row along the tooth, or one lies alone.
    """
    material = laws.material(air_drag=0.0)
    direction = (0.0, 0.0, -1.0) if hanging else (1.0, 0.0, 0.0)
    if touching:
        rows, columns, apart = (5, 5, 0.0025) if hanging else (1, 12, 0.0025)
    else:
        rows, columns, apart = (1, 12, 0.005) if hanging else (1, 1, 0.0)
    hair = bundle(24, 0.20, direction, rows=rows, columns=columns, apart=apart)
    config = laws.config(hair_distance=0.0015 / hair.bundle_radius)
    scalp = floor() if hanging else floor(FLOOR)
    world = HairWorld([scalp], [hair], material=material, config=config)
    world.settle(1.0)
    tool, path = across_hanging() if hanging else across_lying()
    before = world.snapshot()
    expected: list[np.ndarray] = []
    count, every = 0, max(1, round(1.0 / (60.0 * config.time_step)))

    def read(_: float) -> None:
        nonlocal before, count
        after = world.snapshot()
        if count % every == 0:  # where the world reads the comb's force
            expected.append(balance(before, after, world, material, None if hanging else FLOOR))
        before, count = after, count + 1

    [reading] = world.comb(
        [path], tool, rest_seconds=0.0, on_frame=read, frames_per_second=1.0 / config.time_step
    )
    return reading.force, np.array(expected)


def across_hanging() -> tuple[Tool, ToolPath]:
    """Return a tooth along y and a level path through hair that hangs about x = 5 mm."""
    return rod_tool(0.002), straight_path(np.array([-0.02, 0.0, -0.08]), np.array([0.06, 0.0, -0.08]), 0.8)


def across_lying() -> tuple[Tool, ToolPath]:
    """Return an upright tooth just above the floor and a path across hair that lies along x."""
    upright = Tool(
        "upright tooth",
        np.array([[0.0, 0.0, 0.0023]], np.float32),
        np.array([[0.0, 0.0, 0.04]], np.float32),
        np.array([0.002], np.float32),
    )
    start, end = np.array([0.12, -0.02, FLOOR]), np.array([0.12, 0.06, FLOOR])
    return upright, straight_path(start, end, 0.8)


def balance(
    before: dict[str, np.ndarray],
    after: dict[str, np.ndarray],
    world: HairWorld,
    material: Material,
    level: float | None,
) -> np.ndarray:
    """Return the force [3] [N] that roots, scalp, weight and inertia of straight hairs leave to the tool.

    Args:
        before, after: states around one step.
        world: where the hair is.
        material: of the hair.
        level: height of a level floor [m]; None where no hair touches any.
    """
    config = world.config
    position = after["position"].astype(np.float64)
    velocity = after["velocity"].astype(np.float64)
    edge = np.linalg.norm(world.strands()[:, 1] - world.strands()[:, 0], axis=-1)[:, None]
    mass = material.linear_density * edge * np.ones(position.shape[1])
    mass[:, -1] *= 0.5
    mass[:, :2] = 0.0
    gained = (velocity - before["velocity"]) / config.time_step
    weight_less_inertia = np.sum(mass[..., None] * (np.asarray(config.gravity) - gained), axis=(0, 1))
    force = weight_less_inertia + roots_pull(position, after["tension"][:, 1:2], edge, material)
    if level is None:
        return force
    return force + floor_pushes(before, position, level, config, material)


def roots_pull(position: np.ndarray, tension: np.ndarray, edge: np.ndarray, material: Material) -> np.ndarray:
    """Return the force [3] [N] of the follicles on the hair: tension and shear of the first free edge.

    The shear is the difference of the bending moments E I kappa at the edge's ends over its length.
    """
    tangent = np.diff(position[:, :4], axis=1)
    tangent = tangent / np.linalg.norm(tangent, axis=-1, keepdims=True)
    axis = np.cross(tangent[:, :-1], tangent[:, 1:])
    sine = np.maximum(np.linalg.norm(axis, axis=-1, keepdims=True), 1e-12)
    angle = np.arctan2(sine, np.sum(tangent[:, :-1] * tangent[:, 1:], axis=-1, keepdims=True))
    moment = material.bending_stiffness / edge[:, None] * axis / sine * angle
    shear = np.cross(moment[:, 1] - moment[:, 0], tangent[:, 1]) / edge
    return np.sum(shear - tension * tangent[:, 1], axis=0)


def floor_pushes(
    before: dict[str, np.ndarray],
    position: np.ndarray,
    level: float,
    config: PhysicsConfig,
    material: Material,
) -> np.ndarray:
    """Return the force [3] [N] of a level floor on the hair: its two springs, and friction about the anchors.

    A layer acts where the step began in it or was predicted to end in it (hairsim/physics/skin_contact.py).
    """
    predicted = before["position"] + config.time_step * before["velocity"].astype(np.float64)
    height = position[..., 2] - level
    lowest = np.minimum(predicted[..., 2] - level, before["skin_height"])
    soft, hard = lowest < config.skin_layer, lowest < config.skin_hard
    push = np.where(soft, config.skin_soft_stiffness * (config.skin_layer - height), 0.0)
    push += np.where(hard, config.skin_hard_stiffness * (config.skin_hard - height), 0.0)
    anchor = before["skin_anchor"][..., :2]
    reach = np.linalg.norm(predicted[..., :2] - anchor, axis=-1)
    hold = material.friction_skin * before["skin_normal"] / np.maximum(reach, config.skin_slip)
    along = -np.where(soft, hold, 0.0)[..., None] * (position[..., :2] - anchor)
    force = np.concatenate([along, push[..., None]], axis=-1)
    return np.sum(force[:, 2:], axis=(0, 1))
