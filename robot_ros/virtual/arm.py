"""A virtual arm: joints that follow set-points with a lag, never faster than they can."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ArmResponse:
    """How the joints follow.

    Attributes:
        bandwidth: of the position loop [rad/s]; the lag behind a moving set-point is compensated.
        speed: largest joint speed [rad/s].
        acceleration: largest joint acceleration [rad/s^2].
    """

    bandwidth: float = 60.0
    speed: float = 3.0
    acceleration: float = 12.0


class VirtualJoints:
    """Positions [J] [rad] and velocities [J] [rad/s] that follow set-points."""

    def __init__(self, positions: np.ndarray, response: ArmResponse | None = None) -> None:
        """Start at rest."""
        self.positions = np.array(positions, np.float64)
        self.velocities = np.zeros_like(self.positions)
        self._response = response or ArmResponse()

    def step(self, target: np.ndarray, target_velocity: np.ndarray, seconds: float) -> None:
        """Follow a moving set-point [J] for a while: critically damped, with the arm's limits."""
        response, w = self._response, self._response.bandwidth
        wish = w * w * (target - self.positions) + 2.0 * w * (target_velocity - self.velocities)
        push = np.clip(wish, -response.acceleration, response.acceleration)
        # Half an explicit step each: stable for bandwidth * seconds below 1, and rest stays rest to the bit.
        velocity = np.clip(self.velocities + push * seconds, -response.speed, response.speed)
        self.positions = self.positions + 0.5 * (self.velocities + velocity) * seconds
        self.velocities = velocity
