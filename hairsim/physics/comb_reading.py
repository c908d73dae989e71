# pyright: reportInvalidTypeForm=false, reportArgumentType=false, reportOperatorIssue=false, reportIndexIssue=false
"""What all hair together does to the comb, from what each strand's single hair does."""

from __future__ import annotations

from typing import Any

import numpy as np
import warp as wp

from hairsim.physics.launch import STRANDS_A_BLOCK


@wp.kernel(enable_backward=False)
def sum_of_hair(
    strands: int,
    hairs: wp.array(dtype=float),
    per_hair: wp.array(dtype=wp.vec3),
    # out
    total_out: wp.array2d(dtype=wp.vec3),
):
    """Sum over the strands of a world, in their order, times the hairs that each stands for."""
    reading, world = wp.tid()
    total = wp.vec3(0.0, 0.0, 0.0)
    place = reading * hairs.shape[0]
    for strand in range(world * strands, (world + 1) * strands):
        total = total + per_hair[place + strand] * hairs[strand]
    total_out[reading, world] = total


class KeptReadings:
    """Readings of a stroke, on the device until its end: to fetch each as it comes would hold a GPU up."""

    def __init__(self, readings: int, hairs: Any, worlds: int, device: str) -> None:
        """Make room.

        Args:
            readings: how many, T.
            hairs: [N strands] that each strand stands for.
            worlds: W.
            device: Warp device.
        """
        self._hairs, self._worlds, self._device = hairs, worlds, device
        self._readings = readings
        self._count = 0
        self._force, self._torque = (
            wp.zeros(readings * len(hairs), dtype=wp.vec3, device=device) for _ in range(2)
        )

    def add(self, force: Any, torque: Any) -> None:
        """Keep one more reading, [N strands] each; per single hair."""
        place = self._count * len(self._hairs)
        wp.copy(self._force, force, dest_offset=place)
        wp.copy(self._torque, torque, dest_offset=place)
        self._count += 1

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return forces [N] and torques [N m] of all hair of each world, [T, W, 3] float32."""
        return self._of_all_hair(self._force), self._of_all_hair(self._torque)

    def _of_all_hair(self, per_hair: Any) -> np.ndarray:
        total = wp.zeros((self._readings, self._worlds), dtype=wp.vec3, device=self._device)
        wp.launch(
            sum_of_hair,
            dim=(self._readings, self._worlds),
            inputs=[len(self._hairs) // self._worlds, self._hairs, per_hair],
            outputs=[total],
            device=self._device,
            block_dim=STRANDS_A_BLOCK,
        )
        return total.numpy()
