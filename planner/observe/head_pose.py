"""Where the head is, found from the skin in view: the known head laid onto the points that cameras see.

    frames -> skin pixels -> clean depth -> points -> distance to the skin, Gauss-Newton, trimmed -> pose

Point-to-plane registration [Chen1992]. Nearest points and normals are those of the head's distance field, so
nothing is searched; the furthest share of the points is left out in each step [Chetverikov2002].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import binary_erosion
from scipy.spatial.transform import Rotation

from hairsim.cameras.camera import Frame
from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from planner.observe.calibrated import require_calibrated
from planner.observe.depth import clean_depth

FEWEST_POINTS = 300
"""Less skin than this in all frames together says nothing of a head."""

ARM = 0.1
"""Length at which a turn counts as much as a shift [m]: about the radius of a head."""


@dataclass(frozen=True)
class HeadPoseConfig:
    """How a head is registered.

    Attributes:
        border: skin pixels as near as this to anything else are left out: depth is poor there [pixel].
        points: about how many skin points are used, up to twice as many, spread evenly over those in view.
        iterations: steps of Gauss-Newton.
        far: at first points further off the skin than this are of something else [m].
        near: the same at the end [m].
        kept: share of the points, nearest first, that each step uses.
        least: least stiffness of the answer, from 0 (a direction that nothing holds) to 1.
    """

    border: int = 3
    points: int = 6000
    iterations: int = 25
    far: float = 0.040
    near: float = 0.008
    kept: float = 0.85
    least: float = 0.01

    def __post_init__(self) -> None:
        if min(self.border, self.points, self.iterations) < 1 or not 0.0 < self.near <= self.far:
            raise CombwiseError(f"head pose {self}; expected counts of at least 1 and 0 < near <= far")
        if not 0.0 < self.kept <= 1.0 or not 0.0 <= self.least < 1.0:
            raise CombwiseError(f"head pose {self}; expected kept in (0, 1] and least in [0, 1)")


@dataclass(frozen=True)
class HeadPose:
    """Where a head is.

    Attributes:
        head_to_rig: [4, 4], from the head's own frame to the one that the cameras were calibrated in.
        off_skin: median distance of the points used from the skin [m].
        points: how many were used.
        held: stiffness of the least certain direction, from 0 (nothing holds it) to 1.
    """

    head_to_rig: np.ndarray
    off_skin: float
    points: int
    held: float


def head_pose(frames: Sequence[Frame], head: Head, *, config: HeadPoseConfig | None = None) -> HeadPose:
    """Find the pose of a known head that is not quite where the rig was calibrated for it.

    Args:
        frames: looks of calibrated cameras, poses in the rig's frame; pixels with depth that are not hair
            count as skin where the head can be.
        head: whose distance field and frame it is. It must be near the rig's frame: a few centimetres and
            degrees.
        config: how it is registered.

    Raises:
        CombwiseError: no frames, a camera without a pose, too little skin in view, or skin that does not say
            how the head lies.
    """
    config = HeadPoseConfig() if config is None else config
    points = skin_points(frames, head, config)
    pose = np.eye(4)  # rig to head
    scale = np.array([1.0, 1.0, 1.0, ARM, ARM, ARM])
    used, held = np.zeros(len(points), bool), 0.0
    distance = np.zeros(len(points))
    for step in range(config.iterations):
        at = points @ pose[:3, :3].T + pose[:3, 3]
        distance, normal = head.field.sample(at), head.field.gradient(at)
        share = step / max(config.iterations - 1, 1)
        limit = config.far * (config.near / config.far) ** share
        size = np.abs(distance)
        used = size <= min(limit, float(np.quantile(size, config.kept)))
        if used.sum() < FEWEST_POINTS:
            raise CombwiseError(
                f"{used.sum()} points of skin lie where the head '{head.name}' may be; expected at least "
                f"{FEWEST_POINTS}: is the rig calibrated, and is it this head?"
            )
        slope = np.concatenate([normal, np.cross(at, normal)], axis=1)[used] / scale
        matrix = slope.T @ slope / used.sum()
        change = -np.linalg.solve(matrix + 1e-6 * np.eye(6), slope.T @ distance[used] / used.sum()) / scale
        held = float(np.linalg.eigvalsh(matrix)[0] * 6.0)
        turn = np.eye(4)
        turn[:3, :3] = Rotation.from_rotvec(change[3:]).as_matrix()
        turn[:3, 3] = change[:3]
        pose = turn @ pose
    if held < config.least:
        raise CombwiseError(
            f"the skin in view does not say how the head '{head.name}' lies (held {held:.3f}); expected at "
            f"least {config.least}: a camera that sees face and ears"
        )
    off = float(np.median(np.abs(distance[used])))
    return HeadPose(np.linalg.inv(pose), off, int(used.sum()), held)


def reposed(frames: Sequence[Frame], pose: HeadPose) -> list[Frame]:
    """Return frames whose cameras stand where they do as seen from the head, so that `observe` is right."""
    rig_to_head = np.linalg.inv(pose.head_to_rig)
    return [
        replace(frame, camera=replace(frame.camera, camera_to_head=rig_to_head @ frame.camera.camera_to_head))
        for frame in frames
    ]


def skin_points(frames: Sequence[Frame], head: Head, config: HeadPoseConfig) -> np.ndarray:
    """Return points [N, 3] [m] of what is not hair, in the rig's frame, near to where the head is expected.

    Raises:
        CombwiseError: as `head_pose` says.
    """
    if len(frames) == 0:
        raise CombwiseError("no camera frames to find a head in; expected at least one calibrated camera")
    found = []
    for frame in frames:
        require_calibrated(frame.camera, head)
        skin = binary_erosion(~frame.hair_mask & (frame.depth > 0.0), iterations=config.border)
        surface = clean_depth(frame.depth, skin)
        ray = frame.camera.rays()[surface.valid]
        local = ray * surface.depth[surface.valid].astype(np.float64)[:, None]
        pose = frame.camera.camera_to_head
        found.append(local @ pose[:3, :3].T + pose[:3, 3])
    points = np.concatenate(found)
    points = points[np.abs(head.field.sample(points)) < config.far]
    if len(points) < FEWEST_POINTS:
        raise CombwiseError(
            f"{len(points)} points of skin lie where the head '{head.name}' may be; expected at least "
            f"{FEWEST_POINTS}: is the rig calibrated, and does a camera see face, ears or neck?"
        )
    return points[:: max(1, len(points) // config.points)]
