"""Pictures that belong together: one colour, depth and (if asked) mask of every camera, of the same moment.

Cameras do not send at once, and messages are lost. A moment is complete when every camera has all its kinds
within `slop` of it; what is older than a complete moment is dropped. `missing` says what is not there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class _Stream:
    """The newest messages of one kind of one camera, with their stamps [s]."""

    kept: deque[tuple[float, Any]] = field(default_factory=lambda: deque(maxlen=8))
    newest: float | None = None

    def nearest(self, stamp: float, slop: float) -> tuple[float, Any] | None:
        found = min(self.kept, key=lambda item: abs(item[0] - stamp), default=None)
        return found if found is not None and abs(found[0] - stamp) <= slop else None


@dataclass(frozen=True)
class Moment:
    """What all cameras saw at one time.

    Attributes:
        stamp: of the first camera's depth [s].
        parts: message by (camera, kind).
    """

    stamp: float
    parts: dict[tuple[str, str], Any]


class FrameGatherer:
    """Collects messages by stamp, in any order, until a moment is complete."""

    def __init__(self, cameras: Sequence[str], kinds: Sequence[str], *, slop: float = 0.05) -> None:
        """Wait for the given kinds (first kind: the reference) of the given cameras.

        Args:
            cameras: names, one or more.
            kinds: such as "depth", "colour", "info", "mask".
            slop: largest difference of stamps within a moment [s].
        """
        self.cameras, self.kinds, self.slop = tuple(cameras), tuple(kinds), slop
        self._streams = {(camera, kind): _Stream() for camera in cameras for kind in kinds}
        self._last = float("-inf")

    def add(self, camera: str, kind: str, stamp: float, message: Any) -> Moment | None:
        """Take one message; return the newest moment if it became complete now."""
        stream = self._streams[camera, kind]
        if stream.newest is not None and stamp < stream.newest - 1.0:
            self.clear()  # time was set back: a simulation began anew
        stream.kept.append((stamp, message))
        stream.newest = stamp
        for reference, _ in reversed(self._streams[self.cameras[0], self.kinds[0]].kept):
            if reference <= self._last:
                return None
            found = {key: stream.nearest(reference, self.slop) for key, stream in self._streams.items()}
            parts = {key: item[1] for key, item in found.items() if item is not None}
            if len(parts) == len(found):
                self._last = reference
                return Moment(reference, parts)
        return None

    def clear(self) -> None:
        """Forget everything."""
        for stream in self._streams.values():
            stream.kept.clear()
            stream.newest = None
        self._last = float("-inf")

    def missing(self, now: float, oldest: float) -> list[str]:
        """Return one phrase for each stream that never came or is older than `oldest` [s] at `now` [s]."""
        phrases = []
        for (camera, kind), stream in self._streams.items():
            if stream.newest is None:
                phrases.append(f"camera '{camera}' never sent its {kind}")
            elif now - stream.newest > oldest:
                phrases.append(f"camera '{camera}' sent its last {kind} {now - stream.newest:.1f} s ago")
        if not phrases and now - self._last > 2.0 * oldest:
            phrases.append(
                f"stamps of the cameras are over {1000 * self.slop:.0f} ms apart; are their clocks the same?"
            )
        return phrases
