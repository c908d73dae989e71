"""The only way to the controller: a trajectory handed over 200 ms at a time, each piece ending at rest.

The supervisor does not pass a goal on; it walks along it at a rate it chooses (1 as planned, 0 at rest) and
tells the controller every few milliseconds what to do for the next 200 ms: go on for a lead time, then brake
along the same path. A supervisor that dies, an executor that is killed, a cable that is pulled: nobody renews
the piece, and the arm stops on the path within the horizon. Slowing down and stopping are the same thing with
another rate.

        rate
         1 |----------\\                 tau: time along the planned trajectory,
           |           \\                d tau / dt = rate
         0 |            \\________
           now   lead    horizon
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class GovernorConfig:
    """How the path is walked.

    Attributes:
        horizon: how far ahead the controller is told [s]; the piece ends at rest there.
        lead: how far ahead motion goes on undiminished [s]; pieces must be renewed faster than this.
        rise: change of the rate per second when speeding up [1/s].
        sample: time between points of a piece [s].
    """

    horizon: float = 0.20
    lead: float = 0.06
    rise: float = 2.0
    sample: float = 0.02

    def __post_init__(self) -> None:
        if not 0.0 < self.sample <= self.lead < self.horizon <= 0.20 + 1e-9:
            raise CombwiseError(
                f"governor sample {self.sample}, lead {self.lead} and horizon {self.horizon} s; expected "
                "0 < sample <= lead < horizon <= 0.2"
            )

    @property
    def fall(self) -> float:
        """Change of the rate per second when braking: from full speed to rest between lead and horizon."""
        return 1.0 / (self.horizon - self.lead)


@dataclass(frozen=True)
class Piece:
    """What the controller is told.

    Attributes:
        times: [N] from now [s].
        positions, velocities: [N, J]; the last velocities are zero.
    """

    times: np.ndarray
    positions: np.ndarray
    velocities: np.ndarray


class Governor:
    """Walks along one trajectory."""

    def __init__(
        self,
        times: np.ndarray,
        positions: np.ndarray,
        velocities: np.ndarray,
        measured: np.ndarray,
        *,
        config: GovernorConfig | None = None,
        start_tolerance: float = 0.02,
    ) -> None:
        """Take a trajectory that starts where the arm is.

        Args:
            times: [T] rising from 0 [s].
            positions, velocities: [T, J] [rad, rad/s], at rest at both ends.
            measured: [J] where the arm is [rad].
            config: how to walk.
            start_tolerance: how far the start may be from the measured joints [rad].

        Raises:
            CombwiseError: it is malformed, moves at an end, or starts elsewhere: the arm would jump.
        """
        self.config = config or GovernorConfig()
        times, positions = np.asarray(times, np.float64), np.asarray(positions, np.float64)
        velocities, measured = np.asarray(velocities, np.float64), np.asarray(measured, np.float64)
        if len(times) < 2 or positions.shape != velocities.shape or len(positions) != len(times):
            raise CombwiseError(
                f"trajectory of {len(times)} times, positions {positions.shape} and velocities "
                f"{velocities.shape}; expected at least 2 points and the same shapes"
            )
        rows = (times, positions, velocities)
        if not all(np.isfinite(row).all() for row in rows) or times[0] < 0.0 or np.any(np.diff(times) <= 0.0):
            raise CombwiseError("trajectory has times that do not rise from 0, or holds NaN or infinity")
        if max(np.abs(velocities[0]).max(), np.abs(velocities[-1]).max()) > 1e-6:
            raise CombwiseError("trajectory does not start and end at rest; expected zero speed at both ends")
        off = np.abs(positions[0] - measured)
        if off.max() > start_tolerance:
            raise CombwiseError(
                f"trajectory starts {off.max():.4f} rad from where joint {int(off.argmax())} is measured; at "
                f"most {start_tolerance} rad are allowed: plan again from the measured joints"
            )
        self._times, self._positions, self._velocities = times, positions, velocities
        self.tau = float(times[0])
        self.rate = 0.0

    @property
    def done(self) -> bool:
        """Whether the end is reached."""
        return self.tau >= self._times[-1]

    @property
    def at_rest(self) -> bool:
        """Whether the set-point stands still."""
        return self.done or self.rate == 0.0

    def at(self, tau: float) -> tuple[np.ndarray, np.ndarray]:
        """Return positions and planned velocities [J] at a trajectory time."""
        return self._state(tau, 1.0)

    @property
    def end(self) -> np.ndarray:
        """Where it ends [J] [rad]."""
        return self._positions[-1]

    @property
    def begin_time(self) -> float:
        """Trajectory time at which it begins [s]."""
        return float(self._times[0])

    def advance(self, seconds: float, share: float) -> None:
        """Walk for a while, toward a rate of `share` (0 to 1) of the planned speed."""
        self.tau, self.rate = self._walk(self.tau, self.rate, seconds, share)

    def piece(self, share: float, *, was: float | None = None) -> Piece:
        """Return what to tell the controller now: go on for the lead time, then brake to rest.

        Args:
            share: of the planned speed to walk toward.
            was: the share of the piece before, kept for one sample: by the time that this piece arrives the
                controller has walked on with it, and would jump to catch up with another.
        """
        config = self.config
        count = int(round(config.horizon / config.sample))
        tau, rate = self.tau, self.rate
        rows = [self._state(tau, rate)]
        times = [0.0]
        for number in range(count):
            wish = share if (number + 1) * config.sample <= config.lead + 1e-9 else 0.0
            wish = was if number == 0 and was is not None else wish
            tau, rate = self._walk(tau, rate, config.sample, wish)
            times.append((number + 1) * config.sample)
            rows.append(self._state(tau, rate if number < count - 1 else 0.0))
        positions, velocities = (np.array(column) for column in zip(*rows, strict=True))
        return Piece(np.array(times), positions, velocities)

    def set_point(self) -> np.ndarray:
        """Return where the joints should be now [J] [rad]."""
        return self._state(self.tau, self.rate)[0]

    def backwards(self, measured: np.ndarray, *, speed: float, until: float) -> Governor:
        """Return the way back from here to trajectory time `until`, at a share `speed` of the planned speed.

        This is how the arm backs off after a snag: out along the way it came in.
        """
        steps = max(2, int(np.ceil((self.tau - until) / 0.02)) + 1)
        taus = np.linspace(self.tau, min(until, self.tau - 1e-3), steps)
        states = [self._state(float(tau), -1.0) for tau in taus]
        # Speed rises and falls smoothly over the whole way: a half cosine.
        share = np.linspace(0.0, 1.0, steps)
        length = (self.tau - taus[-1]) / max(speed, 1e-3)
        smooth = 0.5 - 0.5 * np.cos(np.pi * share)
        along = [np.interp(smooth, share, np.array([s[0][j] for s in states])) for j in range(len(measured))]
        positions = np.stack(along, axis=1)
        times = share * length * np.pi / 2.0
        velocities = np.gradient(positions, times, axis=0)
        velocities[0] = velocities[-1] = 0.0
        return Governor(times, positions, velocities, measured, config=self.config, start_tolerance=0.15)

    def _walk(self, tau: float, rate: float, seconds: float, share: float) -> tuple[float, float]:
        """Return trajectory time and rate after `seconds` of moving the rate toward `share`."""
        share = min(max(share, 0.0), 1.0)
        slope = self.config.rise if share > rate else -self.config.fall
        ramp = min(seconds, (share - rate) / slope) if share != rate else 0.0
        reached = share if ramp < seconds else rate + slope * ramp
        tau += 0.5 * (rate + reached) * ramp + reached * (seconds - ramp)
        return min(tau, float(self._times[-1])), reached

    def _state(self, tau: float, rate: float) -> tuple[np.ndarray, np.ndarray]:
        """Return positions and velocities [J] at trajectory time tau walked at a rate: cubic Hermite."""
        after = int(np.clip(np.searchsorted(self._times, tau, side="right"), 1, len(self._times) - 1))
        step = self._times[after] - self._times[after - 1]
        u = min(max((tau - self._times[after - 1]) / step, 0.0), 1.0)
        p0, p1 = self._positions[after - 1], self._positions[after]
        m0, m1 = step * self._velocities[after - 1], step * self._velocities[after]
        position = (2 * u**3 - 3 * u**2 + 1) * p0 + (u**3 - 2 * u**2 + u) * m0
        position = position + (-2 * u**3 + 3 * u**2) * p1 + (u**3 - u**2) * m1
        slope = (6 * u**2 - 6 * u) * (p0 - p1) + (3 * u**2 - 4 * u + 1) * m0 + (3 * u**2 - 2 * u) * m1
        return position, rate * slope / step
