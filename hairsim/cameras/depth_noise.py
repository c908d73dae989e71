# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false
"""What a real stereo depth camera makes of the true depth.

Stereo measures disparity d = f b / z over a window of pixels, so its error in z grows as
z^2 / (f b) [Keselman2017]; it is quantised, drops out where the depth jumps, and leaves flying
pixels there that lie on neither side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import warp as wp

from hairsim.cameras.camera import Camera
from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class DepthNoise:
    """A stereo depth camera. The default is mild but real: about 1.5 mm at 0.75 m.

    Attributes:
        baseline: distance between the two eyes [m].
        disparity: standard deviation of the disparity [pixel].
        patch: pixels over which half of that noise is the same; the other half is white.
        subpixel: step of the disparity [pixel].
        window: half width of the matching window [pixel]; depth is the mean of its surface.
        jump: depth steps above this within a window are discontinuities [m].
        edge_dropout: part of the pixels at discontinuities that are not measured.
        flying: part of the pixels at discontinuities that land between the two sides.
        dropout: part of all pixels that are not measured.
        dark: part of the pixels that are not measured where the picture is black: dark hair gives too little
            light back. With brightness it falls off as exp(-level / dark_level).
        dark_level: [sRGB levels of 255].
        colour: standard deviation of the colour sensor [sRGB levels of 255].
        position: miscalibration, error of the camera's position up to this [m].
        rotation: miscalibration, error of its orientation up to this [rad].
        rig_seed: which miscalibrated rig; it stays the same from look to look.
    """

    baseline: float = 0.05
    disparity: float = 0.06
    patch: float = 6.0
    subpixel: float = 1.0 / 16.0
    window: int = 2
    jump: float = 0.015
    edge_dropout: float = 0.4
    flying: float = 0.05
    dropout: float = 0.005
    dark: float = 0.0
    dark_level: float = 40.0
    colour: float = 1.5
    position: float = 0.0
    rotation: float = 0.0
    rig_seed: int = 0

    def __post_init__(self) -> None:
        positive = {
            "baseline": self.baseline,
            "patch": self.patch,
            "subpixel": self.subpixel,
            "jump": self.jump,
            "dark_level": self.dark_level,
        }
        for name, value in positive.items():
            if not (np.isfinite(value) and value > 0.0):
                raise CombwiseError(f"depth noise {name} is {value}; expected a positive number")
        for name in ("disparity", "colour", "position", "rotation", "window", "rig_seed"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise CombwiseError(f"depth noise {name} is {value}; expected 0 or more")
        for name in ("edge_dropout", "flying", "dropout", "dark"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise CombwiseError(f"depth noise {name} is {getattr(self, name)}; expected a part in 0..1")

    def sigma(self, camera: Camera, depth: float) -> float:
        """Return the standard deviation of the depth [m] at a depth [m]: noise and quantisation."""
        step = float(np.hypot(self.disparity, self.subpixel / np.sqrt(12.0)))
        return depth**2 / (camera.focal * self.baseline) * step


MILD_NOISE = DepthNoise()
"""The depth camera that is used unless another is asked for."""


def measure_depth(
    depth: np.ndarray, camera: Camera, noise: DepthNoise, rng: np.random.Generator, device: str
) -> np.ndarray:
    """Return what the depth camera reads where the truth is `depth` [height, width] [m], 0 = nothing."""
    shape = depth.shape
    truth = wp.array(np.ascontiguousarray(depth, np.float32), dtype=wp.float32, device=device)
    smooth, far = wp.empty_like(truth), wp.empty_like(truth)
    wp.launch(
        match_window,
        dim=shape,
        inputs=[truth, noise.window, noise.jump],
        outputs=[smooth, far],
        device=device,
    )
    near, beyond = smooth.numpy(), far.numpy()
    measured = near > 0.0
    edge = measured & (beyond > 0.0)
    # Every draw is made for every pixel, so that one pixel's luck does not depend on another's.
    luck = rng.random(shape, dtype=np.float32)
    mix = rng.random(shape, dtype=np.float32)
    flying = edge & (luck > 1.0 - noise.flying)
    surface = np.where(flying, near + mix * (beyond - near), near)
    scale = np.float32(camera.focal * noise.baseline)
    disparity = scale / np.where(measured, surface, np.float32(1.0))
    disparity += noise.disparity * unit_noise(shape, noise.patch, rng)
    disparity = np.maximum(np.round(disparity / noise.subpixel), 1.0) * np.float32(noise.subpixel)
    dropped = (edge & (luck < noise.edge_dropout)) | (rng.random(shape, dtype=np.float32) < noise.dropout)
    return np.where(measured & ~dropped, scale / disparity, 0.0).astype(np.float32)


def too_dark(colour: np.ndarray, noise: DepthNoise, rng: np.random.Generator) -> np.ndarray:
    """Return which pixels [height, width] are too dark to be measured, of a picture [height, width, 3]."""
    level = colour.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return rng.random(level.shape, dtype=np.float32) < noise.dark * np.exp(-level / noise.dark_level)


def unit_noise(shape: tuple[int, ...], patch: float, rng: np.random.Generator) -> np.ndarray:
    """Return noise [height, width] float32 of unit variance, half of it smooth over `patch` pixels."""
    white = rng.standard_normal(shape, dtype=np.float32)
    knots = rng.standard_normal([int(np.ceil(n / patch)) + 2 for n in shape], dtype=np.float32)
    for axis, count in enumerate(shape):
        at = np.arange(count, dtype=np.float32) / np.float32(patch)
        first = at.astype(np.int64)
        t = at - first
        # Weights of unit length rather than of unit sum keep the variance the same between knots.
        a, b = (1.0 - t) / np.hypot(1.0 - t, t), t / np.hypot(1.0 - t, t)
        outward = (slice(None), None) if axis == 0 else (None, slice(None))
        knots = np.take(knots, first, axis) * a[outward] + np.take(knots, first + 1, axis) * b[outward]
    return np.float32(np.sqrt(0.5)) * (white + knots)


def miscalibrated(camera: Camera, noise: DepthNoise, index: int) -> Camera:
    """Return the camera where it truly is; `camera` is where the calibration says it is."""
    if noise.position == 0.0 and noise.rotation == 0.0:
        return camera
    rng = np.random.default_rng([noise.rig_seed, index])
    directions = rng.standard_normal((2, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    amounts = rng.random(2) * (noise.position, noise.rotation)
    x, y, z = directions[1]
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turn = np.eye(3) + np.sin(amounts[1]) * cross + (1.0 - np.cos(amounts[1])) * cross @ cross
    pose = np.array(camera.camera_to_head, np.float64)
    pose[:3, 3] += pose[:3, :3] @ (amounts[0] * directions[0])
    pose[:3, :3] = pose[:3, :3] @ turn
    return Camera(camera.name, camera.width, camera.height, camera.focal, pose)


@wp.kernel(enable_backward=False)
def match_window(
    depth: wp.array2d(dtype=wp.float32),
    window: wp.int32,
    jump: wp.float32,
    # out
    smooth_out: wp.array2d(dtype=wp.float32),
    far_out: wp.array2d(dtype=wp.float32),
):
    """Write the depth that a pixel's window matches, and at discontinuities the far side's.

    The window matches the pixel's own surface, or one before it that fills most of the window: a gap
    between two locks reads as hair. A discontinuity is a window that shows a third or more of something
    behind; where that is nothing, it counts as two jumps behind. Elsewhere the far side is 0.
    """
    row, column = wp.tid()
    own = depth[row, column]
    own_sum = float(0.0)
    own_count = int(0)
    near_sum = float(0.0)
    near_count = int(0)
    far_sum = float(0.0)
    far_count = int(0)
    size = (2 * window + 1) * (2 * window + 1)
    behind = float(0.0)
    if own > 0.0:
        for i in range(-window, window + 1):
            for j in range(-window, window + 1):
                r = wp.clamp(row + i, 0, depth.shape[0] - 1)
                c = wp.clamp(column + j, 0, depth.shape[1] - 1)
                other = depth[r, c]
                if wp.abs(other - own) < jump:
                    own_sum += other
                    own_count += 1
                elif other > own:
                    far_sum += other
                    far_count += 1
                elif other > 0.0:
                    near_sum += other
                    near_count += 1
        missing = size - own_count - far_count - near_count
        own = own_sum / wp.float32(own_count)
        if 2 * near_count > size:
            own = near_sum / wp.float32(near_count)
        elif 3 * (far_count + missing) > size:
            behind = own + 2.0 * jump
            if far_count > missing:
                behind = far_sum / wp.float32(far_count)
    smooth_out[row, column] = own
    far_out[row, column] = behind
