"""The virtual robot's hair: physics and cameras, each in a process of its own.

physics = Worker(make_physics, config, name="hair")        comb pose -> (force on the comb, strands or None)
cameras = Worker(make_cameras, config, name="cameras")     strands -> frames
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from hairsim.cameras.camera import Camera, Frame, three_camera_rig
from hairsim.cameras.capture import capture
from hairsim.cameras.depth_noise import MILD_NOISE
from hairsim.device import start_warp
from hairsim.groom.children import make_children
from hairsim.groom.families import make_groom
from hairsim.groom.groom import Groom
from hairsim.head.head import Head
from hairsim.head.head_file import head_or_built_in
from hairsim.tools.tool import rake_comb
from hairsim.world import HairWorld


@dataclass(frozen=True)
class HairConfig:
    """Whose hair it is, as in `combwise demo`.

    Attributes:
        family: of the groom.
        guides, vertices: strands that are simulated, and vertices of each.
        children: hairs that cameras see.
        seed: of groom and camera noise.
        settle: longest time that the hair may take to come to rest before the start [s].
        camera_size: width and height of each camera's images [pixel].
        head: file of the head's shape; empty for the built-in adult.
    """

    family: str = "straight_long"
    guides: int = 500
    vertices: int = 32
    children: int = 4000
    seed: int = 0
    settle: float = 12.0
    camera_size: int = 400
    head: str = ""


@dataclass(frozen=True)
class CombStep:
    """The comb's pose [4, 4] at the end of a step, head frame; `look` asks for the strands as well."""

    pose: np.ndarray
    look: bool = False


@dataclass(frozen=True)
class Felt:
    """Force of the hair on the comb [3] [N], head frame, and the guide strands if they were asked for."""

    force: np.ndarray
    strands: np.ndarray | None


@dataclass(frozen=True)
class Look:
    """What to take pictures of: guide strands, number of the look, how the head moved, head axes [m]."""

    strands: np.ndarray
    number: int
    shift: np.ndarray


def customer(config: HairConfig) -> tuple[Head, Groom]:
    """Return the head and the hair on it."""
    head = head_or_built_in(config.head)
    return head, make_groom(
        config.family, head, guides=config.guides, vertices=config.vertices, seed=config.seed
    )


def make_physics(config: HairConfig) -> Callable[[CombStep], Felt]:
    """Let the hair come to rest; return what steps it once for each comb pose."""
    start_warp()
    head, groom = customer(config)
    world, comb = HairWorld([head], [groom]), rake_comb()
    if config.settle > 0.0:
        world.settle_until_still(longest=config.settle)

    def step(request: CombStep) -> Felt:
        pose = (request.pose[:3, 3], Rotation.from_matrix(request.pose[:3, :3]).as_quat())
        force = world.step_comb([pose], comb)[0]
        return Felt(np.asarray(force, np.float64), world.strands() if request.look else None)

    return step


def make_cameras(config: HairConfig) -> Callable[[Look], list[Frame]]:
    """Return what takes a look with every camera; frames carry the poses that cameras were calibrated to."""
    start_warp()
    head, groom = customer(config)
    children = make_children(groom, count=config.children, seed=config.seed)
    rig = three_camera_rig(config.camera_size, config.camera_size)

    def look(request: Look) -> list[Frame]:
        seed = int(np.random.SeedSequence([config.seed, request.number]).generate_state(1)[0])
        moved = [replace(camera, camera_to_head=_seen_from(camera, request.shift)) for camera in rig]
        frames = capture(children.strands(request.strands), head, moved, seed=seed, noise=MILD_NOISE)
        return [replace(frame, camera=camera) for frame, camera in zip(frames, rig, strict=True)]

    return look


def _seen_from(camera: Camera, shift: np.ndarray) -> np.ndarray:
    """Return where a fixed camera is in the frame of a head that moved by `shift` [3] [m]."""
    pose = camera.camera_to_head.copy()
    pose[:3, 3] -= shift
    return pose
