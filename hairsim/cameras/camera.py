"""Calibrated RGB-D cameras and what one look with them gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with known pose (optical frame: +x right, +y down, +z forward).

    Attributes:
        name: what to call it.
        width, height: image size [pixel].
        focal: focal length, the same on both axes [pixel].
        camera_to_head: [4, 4] rigid transform, optical frame to head frame [m].
    """

    name: str
    width: int
    height: int
    focal: float
    camera_to_head: np.ndarray

    @property
    def centre(self) -> tuple[float, float]:
        """Principal point (x, y) [pixel]: the middle of the image."""
        return (self.width - 1) / 2.0, (self.height - 1) / 2.0

    def rays(self) -> np.ndarray:
        """Return ray directions [height, width, 3] in the optical frame, scaled to unit depth z."""
        cx, cy = self.centre
        u, v = np.meshgrid(np.arange(self.width), np.arange(self.height))
        return np.stack([(u - cx) / self.focal, (v - cy) / self.focal, np.ones_like(u, float)], axis=-1)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Project head-frame points [..., 3] [m] to pixels [..., 2] (x, y) and depth z [...] [m]."""
        rotation, translation = self.camera_to_head[:3, :3], self.camera_to_head[:3, 3]
        local = (np.asarray(points, np.float64) - translation) @ rotation
        z = local[..., 2]
        cx, cy = self.centre
        safe = np.where(np.abs(z) < 1e-6, 1e-6, z)
        pixel = np.stack([self.focal * local[..., 0] / safe + cx, self.focal * local[..., 1] / safe + cy], -1)
        return pixel, z


@dataclass(frozen=True)
class Frame:
    """What one camera sees: colour, depth, and which pixels show hair.

    Attributes:
        camera: intrinsics and pose.
        colour: [height, width, 3] uint8, sRGB.
        depth: [height, width] float32, z in the optical frame [m], 0 where nothing was measured.
        hair_mask: [height, width] bool, the renderer's label or a segmenter's.
    """

    camera: Camera
    colour: np.ndarray
    depth: np.ndarray
    hair_mask: np.ndarray

    def __post_init__(self) -> None:
        size = (self.camera.height, self.camera.width)
        if self.colour.shape != (*size, 3) or self.depth.shape != size or self.hair_mask.shape != size:
            raise CombwiseError(
                f"camera '{self.camera.name}': colour {self.colour.shape}, depth {self.depth.shape} and mask "
                f"{self.hair_mask.shape} do not fit; expected {(*size, 3)}, {size} and {size}"
            )


def look_at(position: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the [4, 4] camera_to_head of a camera at `position` looking at `target` [m], z up."""
    position, target = np.asarray(position, np.float64), np.asarray(target, np.float64)
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right = right / np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = position
    return pose


def three_camera_rig(width: int = 400, height: int = 400) -> list[Camera]:
    """Return the default rig: three cameras 0.75 m from the head, at azimuths +60, -60 and 180 degrees."""
    target = np.array([0.0, 0.0, -0.05])
    focal = 0.5 * width / np.tan(np.radians(38.0) / 2.0)
    cameras = []
    for name, azimuth in (("left", 60.0), ("right", -60.0), ("back", 180.0)):
        a, e = np.radians(azimuth), np.radians(25.0)
        offset = 0.75 * np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
        cameras.append(Camera(name, width, height, float(focal), look_at(target + offset, target)))
    return cameras
