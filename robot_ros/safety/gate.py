"""The gate: one motion, walked as fast as the supervisor allows, told to the controller in pieces.

begin(trajectory) -> walking -- verdict says stop -> braking along the path -> at rest: stopped
                        |                                                        | after a snag
                        +-- cancel() -> braking -> at rest: cancelled            +-> backing off: snagged
                        +-- end reached and joints there: done
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from robot_ros.safety.governor import Governor, GovernorConfig, Piece
from robot_ros.safety.samples import SetPoint
from robot_ros.safety.supervisor import Supervisor
from robot_ros.safety.verdict import Mode, Verdict

RENEW = 0.020
"""Time between two pieces [s]; a third of the governor's lead."""

CLEAR = 0.05
"""Distance from the skin at which backing off has come far enough [m]."""

END_TOLERANCE, END_TIME = 0.02, 0.5
"""How near the joints must come to the end [rad], and how much later than the set-point [s]."""

PAUSE = 0.25
"""Time at rest before a stopped motion is over or backs off [s]: the arm settles after its set-point."""

SEED_TIME = 0.2
"""Time in which the controller's set-point goes to where the joints are measured, after a stop [s]."""


class End(Enum):
    """How a motion ended."""

    DONE = "done"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    SNAGGED = "snagged"
    NOT_THERE = "not there"


@dataclass(frozen=True)
class Step:
    """What to do now: a piece for the controller, and how the motion ended, if so, with a sentence."""

    piece: Piece | None = None
    end: End | None = None
    text: str = ""


@dataclass(frozen=True)
class CombAt:
    """What the gate asks of kinematics on the way out: distance from the skin [m] and comb speed [m/s]."""

    skin: Callable[[np.ndarray], float]
    speed: Callable[[np.ndarray, np.ndarray], float]


class Gate:
    """Lets one motion at a time through."""

    def __init__(self, supervisor: Supervisor, comb: CombAt, config: GovernorConfig | None = None) -> None:
        self._supervisor, self._comb = supervisor, comb
        self._config = config or GovernorConfig(horizon=supervisor.limits.horizon)
        self._governor: Governor | None = None
        self._clear()

    @property
    def active(self) -> bool:
        """Whether a motion is under way."""
        return self._governor is not None

    @property
    def tau(self) -> float:
        """Trajectory time of the motion under way [s]; 0 without one."""
        return 0.0 if self._governor is None or self._backing_off else self._governor.tau

    def begin(
        self,
        times: np.ndarray,
        positions: np.ndarray,
        velocities: np.ndarray,
        *,
        measured: np.ndarray,
        plan_stamp: float,
        now: float,
    ) -> str:
        """Take a motion on: times [T], positions and velocities [T, J]; '' or why not.

        Raises:
            CombwiseError: the trajectory is malformed or starts elsewhere.
        """
        if self.active:
            return "another motion is under way; cancel it first"
        governor = Governor(times, positions, velocities, measured, config=self._config)
        refusal = self._supervisor.begin_stroke(plan_stamp, now)
        if not refusal:
            self._clear()
            self._governor, self._clock = governor, now
        return refusal

    def cancel(self) -> None:
        """Brake and end the motion under way."""
        self._cancelled = True

    def advance(self, now: float) -> None:
        """Walk to ROS time `now` [s] just as the controller does with the piece that it has."""
        governor = self._governor
        if governor is None or now <= self._clock:
            return
        for until, share in self._told:
            governor.advance(max(0.0, min(now, until) - self._clock), share)
            self._clock = max(self._clock, min(now, until))
        self._supervisor.feed_set_point(SetPoint(now, tuple(governor.set_point().tolist())))

    def step(self, verdict: Verdict, measured: np.ndarray | None, now: float) -> Step:
        """Return what the verdict means for the motion; call `advance` with the same time before.

        Args:
            verdict: of now.
            measured: joints [J] [rad]; None while not known or too old: nothing is seeded from those.
            now: ROS time [s].
        """
        governor = self._governor
        if governor is None:
            return Step()
        stopping = self._note(verdict)
        if governor.at_rest and stopping:
            return self._at_rest(measured, now)
        if governor.done:
            return self._at_end(measured, now)
        share, was = 0.0 if stopping else verdict.share, self._share
        if share == was and now - self._sent < RENEW - 1e-9:
            return Step()
        self._sent, self._share = now, share
        lead, sample = self._config.lead, self._config.sample
        self._told = ((now + sample, was), (now + lead, share), (np.inf, 0.0))
        return Step(governor.piece(share, was=was))

    def seed(self, measured: np.ndarray) -> Piece:
        """Return the piece that brings the controller's set-point to the measured joints [J], to rest."""
        ends = np.stack([measured, measured])
        return Piece(np.array([0.5 * SEED_TIME, SEED_TIME]), ends, np.zeros_like(ends))

    def _clear(self) -> None:
        self._governor = None
        self._cancelled = self._backing_off = False
        self._why = ""
        self._sent, self._share = -np.inf, 0.0
        self._told: tuple[tuple[float, float], ...] = ((np.inf, 0.0),)
        self._clock = -np.inf
        self._ended_at: float | None = None

    def _note(self, verdict: Verdict) -> bool:
        """Remember why the motion must stop; say whether it must."""
        if verdict.mode in (Mode.STOPPED, Mode.EMERGENCY, Mode.STARTING):
            fresh = [i.finding.sentence() for i in verdict.interventions]
            fresh = fresh or [f.sentence() for f in verdict.findings] or [f"mode {verdict.mode.name.lower()}"]
            if not self._why or (self._backing_off and verdict.interventions):
                self._why = "; ".join([*([self._why] if self._why else []), *fresh])
            return True
        return self._cancelled

    def _at_rest(self, measured: np.ndarray | None, now: float) -> Step:
        """End a motion that was stopped or cancelled, or back off."""
        governor = self._governor
        assert governor is not None
        self._ended_at = now if self._ended_at is None else self._ended_at
        if now - self._ended_at < PAUSE:
            return Step()
        snagged = self._why and not self._backing_off and measured is not None
        if measured is not None and snagged and not self._supervisor.retreat(now):
            self._backing_off = True
            until, speed = self._way_out(governor)
            if until < governor.tau - 0.01:
                self._governor = governor.backwards(measured, speed=speed, until=until)
                self._sent, self._share, self._ended_at = -np.inf, 0.0, None
                self._told = ((np.inf, 0.0),)
                return Step()
        end = End.SNAGGED if self._backing_off else End.STOPPED if self._why else End.CANCELLED
        return self._over(end, self._why or "cancelled", measured)

    def _at_end(self, measured: np.ndarray | None, now: float) -> Step:
        """End a motion that walked to its end."""
        governor = self._governor
        assert governor is not None
        if self._backing_off:
            return self._over(End.SNAGGED, f"{self._why}; backed off along the way in", measured)
        off = np.full_like(governor.end, np.inf) if measured is None else np.abs(measured - governor.end)
        if off.max() <= END_TOLERANCE:
            return self._over(End.DONE, "", None)
        self._ended_at = now if self._ended_at is None else self._ended_at
        if now - self._ended_at <= END_TIME:
            return Step()
        text = (
            f"joint {int(off.argmax())} is {off.max():.4f} rad from the end {END_TIME} s after it; "
            f"expected {END_TOLERANCE} rad"
        )
        return self._over(End.NOT_THERE, text, measured)

    def _over(self, end: End, text: str, seed: np.ndarray | None) -> Step:
        self._supervisor.retreat_done()
        self._supervisor.end_stroke()
        self._clear()
        return Step(None if seed is None else self.seed(seed), end, text)

    def _way_out(self, governor: Governor) -> tuple[float, float]:
        """Return to which trajectory time to back off [s], and at what share of the planned speed."""
        limits = self._supervisor.limits
        taus = np.arange(governor.tau, governor.begin_time, -0.05)
        fastest, until = 1e-3, governor.begin_time
        for tau in taus:
            q, speed = governor.at(float(tau))
            fastest = max(fastest, self._comb.speed(q, speed))
            if self._comb.skin(q) > CLEAR:
                until = float(tau)
                break
        share = min(1.0, 0.8 * limits.retreat_speed / fastest)
        # Its half cosine takes pi / 2 times the way at full share; it must end before the supervisor's clock.
        longest = 0.9 * limits.retreat_time * share * 2.0 / np.pi
        return max(until, governor.tau - longest), share
