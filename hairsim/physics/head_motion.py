# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false, reportIndexIssue=false
"""Heads that move: hair is stepped in the frame of its head, where a moving head is felt as inertial forces.

Roots, follicles and the skin rest in that frame, so hair follows them exactly, contact and friction included:

    a = R^T (g - p'') - alpha x r - omega x (omega x r) - 2 omega x v

and the air moves by R^T (wind - p') - omega x r, with p and R the pose of the head in the room, omega and
alpha its angular velocity and acceleration, and r, v a vertex's position and velocity: all but p in the
frame of the head.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import warp as wp
from scipy.spatial.transform import Rotation

from hairsim.physics.arrays import HeadMotion, RodModel, RodState, Workspace
from hairsim.physics.config import PhysicsConfig
from hairsim.tools.stroke_path import poses_at
from hairsim.tools.tool import ToolPath

wp.set_module_options({"enable_backward": False})


@wp.kernel
def ride_on_head(
    first: int,
    # model
    rod: RodModel,
    motion: HeadMotion,
    # state in
    step: int,
    state: RodState,
    # workspace
    work: Workspace,
):
    """Add the head's inertial forces, and the change of weight and wind, to the contact sums."""
    strand = first + wp.tid()
    world = strand // rod.strands_per_world
    if work.awake[world] == 0:
        return
    mass = rod.linear_density[world] * rod.edge_length[strand]
    spin = motion.spin[step, world]
    for v in range(2, rod.vertices):
        place = work.predicted[strand, v]
        velocity = state.velocity[strand, v]
        turning = wp.cross(spin, place)
        felt = motion.weight[step, world] - rod.gravity - wp.cross(motion.spin_change[step, world], place)
        felt = felt - wp.cross(spin, turning) - 2.0 * wp.cross(spin, velocity)
        felt = felt + (motion.air[step, world] - turning - rod.wind) * rod.air_drag[world]
        share = mass
        if v == rod.vertices - 1:
            share = 0.5 * mass
        work.force[strand, v] = work.force[strand, v] + felt * share


def head_motion(
    paths: Sequence[ToolPath | None], steps: int, config: PhysicsConfig, device: str
) -> tuple[Any, int]:
    """Return the `HeadMotion` of heads that start and end at rest, and its number of steps.

    Args:
        paths: poses of each head in the room, head to room; None stays upright.
        steps: of the longest path.
        config: time step, gravity and wind, which are those of the room.
        device: Warp device.
    """
    step = config.time_step
    times = np.arange(steps + 1) * step
    shape = (steps + 2, len(paths), 3)  # one step more to stop in, one to stay
    weight = np.broadcast_to(np.asarray(config.gravity), shape).copy()
    air = np.broadcast_to(np.asarray(config.wind), shape).copy()
    spin, spin_change = np.zeros(shape), np.zeros(shape)
    for world, path in enumerate(paths):
        if path is None:
            continue
        position, quaternion = poses_at(path, times)
        rotation = Rotation.from_quat(quaternion)
        zero, end = np.zeros((1, 3)), np.zeros((2, 3))
        speed = np.concatenate([zero, np.diff(position, axis=0) / step, end])
        turned = (rotation[:-1].inv() * rotation[1:]).as_rotvec() / step
        turned = np.concatenate([zero, turned, end])
        later = Rotation.concatenate([rotation[1:], rotation[-1:], rotation[-1:]])  # at the end of each step
        weight[:, world] = later.inv().apply(np.asarray(config.gravity) - np.diff(speed, axis=0) / step)
        air[:, world] = later.inv().apply(np.asarray(config.wind) - speed[1:])
        spin[:, world] = turned[1:]
        spin_change[:, world] = np.diff(turned, axis=0) / step
    motion = HeadMotion()
    for name, values in (("weight", weight), ("air", air), ("spin", spin), ("spin_change", spin_change)):
        setattr(motion, name, wp.array(values.astype(np.float32), dtype=wp.vec3, device=device))
    return motion, steps + 2
