"""Whether the comb is in a keep-out zone of the head, as a finding of the supervisor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hairsim.head.keep_out import Zone, zone_depths
from robot_ros.safety.samples import Vector
from robot_ros.safety.verdict import Finding, Level


def intrusions(zones: Sequence[Zone], points: Sequence[Vector]) -> list[Finding]:
    """Return a finding for each zone that some point lies in, with the deepest point's depth [m]."""
    if not zones or not points:
        return []
    deepest = zone_depths(zones, np.array(points, np.float64)).tolist()
    return [
        Finding("keep-out zone", Level.STOP, worst, 0.0, "m", zone.name)
        for zone, worst in zip(zones, deepest, strict=True)
        if worst > 0.0
    ]
