"""How fast a simulated clock runs: a chosen speed, or what the machine sustains.

Where hair and pictures take longer than their time, the clock waits for them by itself. That is not enough: a
clock that runs as fast as it can leaves nothing to the processes around it, whose silence then stops the arm.
So the sustained speed leaves a share of every tick free.

    |<---- took ---->|<- free ->|          period = took (mean) / BUSY, at least the tick itself
    due           ended        due
"""

from __future__ import annotations

BUSY = 0.7
"""Share of the wall clock that ticks may take at the sustained speed, waiting for hair and pictures too."""

MEMORY = 1.0
"""Simulated time over which the mean of what ticks take is formed [s]."""

SLOWEST = 0.02
"""Least sustained speed: below it a clock that is being watched looks as if it stood still."""


class Pace:
    """Says when the next tick is due.

    Args:
        tick: simulated time of one tick [s].
        now: wall time at which the first tick is due [s].
    """

    def __init__(self, tick: float, now: float) -> None:
        self._tick = tick
        self._due = self._ended = now
        self._took = tick * BUSY

    @property
    def sustained(self) -> float:
        """Simulated seconds per second of wall time that the machine sustains, at most 1."""
        return min(1.0, max(SLOWEST, BUSY * self._tick / max(self._took, 1e-9)))

    def next(self, ended: float, *, speed: float) -> float:
        """Return the wall time at which the next tick is due [s].

        Args:
            ended: wall time at which the last tick ended [s].
            speed: simulated seconds per second of wall time, at most; 0 for the sustained speed.
        """
        # From when it could have begun: that the thread was woken late is load of the machine as well.
        took = ended - max(self._due, self._ended)
        self._took += (took - self._took) * self._tick / MEMORY
        self._ended = ended
        # Time that a tick took too long is not made up for, but for one tick: no burst of readings.
        self._due = max(self._due + self._tick / (speed or self.sustained), ended - self._tick)
        return self._due
