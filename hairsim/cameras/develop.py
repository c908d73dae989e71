# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false
"""From linear samples to pixels: tone curve, averaging, sRGB."""

from __future__ import annotations

import numpy as np
import warp as wp


def develop_picture(samples: wp.array, supersample: int, device: str) -> np.ndarray:
    """Return sRGB [height, width, 3] float32 in 0..255 from linear samples of supersample^2 a pixel."""
    height, width = samples.shape[0] // supersample, samples.shape[1] // supersample
    colour = wp.empty((height, width), dtype=wp.vec3, device=device)
    wp.launch(develop_pixel, dim=colour.shape, inputs=[samples, supersample], outputs=[colour], device=device)
    return colour.numpy()


@wp.func
def soften(light: wp.float32):
    """Return light with a shoulder: nearly linear when dark, never above 1."""
    return 1.0 - wp.exp(-light)


@wp.func
def encode_srgb(light: wp.float32):
    """Return the sRGB value 0..255 of linear light 0..1 (IEC 61966-2-1)."""
    value = 12.92 * light
    if light > 0.0031308:
        value = 1.055 * wp.pow(light, 1.0 / 2.4) - 0.055
    return 255.0 * wp.clamp(value, 0.0, 1.0)


@wp.kernel(enable_backward=False)
def develop_pixel(
    samples: wp.array2d(dtype=wp.vec3),
    supersample: wp.int32,
    # out
    colour_out: wp.array2d(dtype=wp.vec3),
):
    """Average a pixel's samples after the tone curve, so that bright specks do not bleed, and encode them."""
    row, column = wp.tid()
    total = wp.vec3(0.0, 0.0, 0.0)
    for i in range(supersample):
        for j in range(supersample):
            light = samples[row * supersample + i, column * supersample + j]
            total += wp.vec3(soften(light[0]), soften(light[1]), soften(light[2]))
    total = total / wp.float32(supersample * supersample)
    colour_out[row, column] = wp.vec3(encode_srgb(total[0]), encode_srgb(total[1]), encode_srgb(total[2]))
