# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false
"""What the RGB-D cameras see of a head of hair, and the exact orientation that only evaluation may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import warp as wp

from hairsim.cameras.camera import Camera, Frame
from hairsim.cameras.depth_noise import MILD_NOISE, DepthNoise, measure_depth, miscalibrated, too_dark
from hairsim.cameras.develop import develop_picture
from hairsim.cameras.fine_strands import refine_strands
from hairsim.cameras.head_view import FAR, trace_head
from hairsim.cameras.light_grid import light_hair
from hairsim.cameras.look import STUDIO, HairLook
from hairsim.cameras.rasterise import EMPTY_KEY, HairView, close_holes, key_depth, rasterise_strands
from hairsim.cameras.shading import shade
from hairsim.cameras.view import make_view
from hairsim.head.head import Head

SAMPLES = 2
"""Samples along each side of a camera's pixel."""

LIGHT_VOXEL = 0.012
"""Grid of the light in cameras' pictures [m]."""


def capture(
    strands: np.ndarray,
    head: Head,
    cameras: Sequence[Camera],
    *,
    seed: int,
    noise: DepthNoise | None = MILD_NOISE,
    look: HairLook = STUDIO,
    device: str = "cpu",
) -> list[Frame]:
    """Take one look at a head of hair with every camera.

    Args:
        strands: what hangs there, [S, V, 3] [m], head frame, root first; usually interpolated children.
        head: what the hair hangs on.
        cameras: as calibrated; frames carry these poses even where `noise` says that they are wrong.
        seed: of the noise; the same seed gives the same bits.
        noise: the sensor, or None for exact depth and colour.
        look: colours and lights.
        device: where to render.

    Returns:
        One frame a camera. A pixel is hair where hair fills half of it or more; holes of a sample
        between hairs are closed. Depth is that of the nearest surface in the pixel.

    Raises:
        CombwiseError: strands or a camera that cannot be drawn.
    """
    fine = refine_strands(strands, pieces=1, hairs=1, spread=0.0, device=device)
    light = light_hair(fine, head, look, voxel=LIGHT_VOXEL, device=device)
    frames = []
    for index, camera in enumerate(cameras):
        truth = camera if noise is None else miscalibrated(camera, noise, index)
        view = make_view(truth, SAMPLES)
        solid = trace_head(head, view, device, block=SAMPLES)
        hair = rasterise_strands(fine, solid, view, width=look.width * look.hairs, ragged=0.0, device=device)
        hair = close_holes(hair, device)
        size = (camera.height, camera.width)
        depth = wp.empty(size, dtype=wp.float32, device=device)
        mask = wp.empty(size, dtype=wp.int32, device=device)
        wp.launch(
            gather_pixel,
            dim=size,
            inputs=[hair.key, solid.depth, SAMPLES],
            outputs=[depth, mask],
            device=device,
        )
        colour = develop_picture(shade(hair, solid, light, look, view, device=device), SAMPLES, device)
        reading = depth.numpy().copy()
        if noise is not None:
            rng = np.random.default_rng([seed, index])
            reading = measure_depth(reading, truth, noise, rng, device)
            if noise.dark > 0.0:
                reading[too_dark(colour, noise, np.random.default_rng([seed, index, 1]))] = 0.0
            colour = colour + np.float32(noise.colour) * rng.standard_normal(colour.shape, dtype=np.float32)
        picture = np.clip(np.round(colour), 0.0, 255.0).astype(np.uint8)
        frames.append(Frame(camera=camera, colour=picture, depth=reading, hair_mask=mask.numpy() > 0))
    return frames


@dataclass(frozen=True)
class OrientationImage:
    """The true strand direction behind each hair pixel: for evaluation only.

    Attributes:
        direction: [height, width, 3] float32, unit, root to tip, head frame; 0 where no hair is.
        angle: [height, width] float32, direction in the image, from +x (right) towards +y (down) [rad].
        mask: [height, width] bool, pixels with hair.
        strand: [height, width] int64, which strand; -1 where no hair is.
    """

    direction: np.ndarray
    angle: np.ndarray
    mask: np.ndarray
    strand: np.ndarray


def orientation_image(
    strands: np.ndarray, head: Head, camera: Camera, *, look: HairLook = STUDIO, device: str = "cpu"
) -> OrientationImage:
    """Return the exact direction of the nearest strand in each pixel, drawn as `capture` draws it.

    Raises:
        CombwiseError: strands or a camera that cannot be drawn.
    """
    fine = refine_strands(strands, pieces=1, hairs=1, spread=0.0, device=device)
    view = make_view(camera)
    solid = trace_head(head, view, device)
    hair: HairView = close_holes(
        rasterise_strands(fine, solid, view, width=look.width * look.hairs, ragged=0.0, device=device), device
    )
    _, edge = hair.unpack()
    mask = edge >= 0
    strand, along = np.divmod(np.where(mask, edge, 0), strands.shape[1] - 1)
    start = np.asarray(strands, np.float64)[strand, along]
    end = np.asarray(strands, np.float64)[strand, along + 1]
    span = end - start
    unit = span / np.maximum(np.linalg.norm(span, axis=-1, keepdims=True), 1e-12)
    step = camera.project(start + 1e-4 * unit)[0] - camera.project(start)[0]
    return OrientationImage(
        direction=np.where(mask[..., None], unit, 0.0).astype(np.float32),
        angle=np.where(mask, np.arctan2(step[..., 1], step[..., 0]), 0.0).astype(np.float32),
        mask=mask,
        strand=np.where(mask, strand, -1),
    )


@wp.kernel(enable_backward=False)
def gather_pixel(
    key: wp.array2d(dtype=wp.uint64),
    solid_depth: wp.array2d(dtype=wp.float32),
    samples: wp.int32,
    # out
    depth_out: wp.array2d(dtype=wp.float32),
    mask_out: wp.array2d(dtype=wp.int32),
):
    """Write a pixel's depth and label from its samples: hair where it fills at least half of them."""
    row, column = wp.tid()
    hairs = int(0)
    nearest_hair = float(FAR)
    nearest_solid = float(FAR)
    for i in range(samples):
        for j in range(samples):
            r = row * samples + i
            c = column * samples + j
            if key[r, c] != wp.uint64(EMPTY_KEY):
                hairs += 1
                nearest_hair = wp.min(nearest_hair, key_depth(key[r, c]))
            else:
                nearest_solid = wp.min(nearest_solid, solid_depth[r, c])
    is_hair = 2 * hairs >= samples * samples
    nearest = wp.where(is_hair, nearest_hair, nearest_solid)
    # Samples of the same surface are averaged; others belong to something behind it.
    total = float(0.0)
    count = float(0.0)
    for i in range(samples):
        for j in range(samples):
            r = row * samples + i
            c = column * samples + j
            own = solid_depth[r, c]
            if is_hair:
                own = float(FAR)
                if key[r, c] != wp.uint64(EMPTY_KEY):
                    own = key_depth(key[r, c])
            if own < nearest + 0.010:
                total += own
                count += 1.0
    depth_out[row, column] = wp.where(nearest < FAR, total / wp.max(count, 1.0), 0.0)
    mask_out[row, column] = wp.where(is_hair, 1, 0)
