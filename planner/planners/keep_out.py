"""Strokes that would bring the comb into a keep-out zone, told before anybody makes them.

A robot refuses them by itself; a virtual salon has nobody who would. A check of reach for planners that ask
before they search (`MppiPlanner(reach=)`), and a reason for those that are told (`FeasiblePlanner`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from hairsim.head.head import Head
from hairsim.head.keep_out import Zone, zone_depths, zones_of
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import Tool, ToolPath


class KeepOut:
    """Knows which strokes keep a tool out of zones of the head.

    Args:
        head: that is combed.
        tool: what combs; both ends of every tooth are asked about; a robot asks about its
            handle too.
        zones: where no part of it may be; default those of the head.
    """

    def __init__(self, head: Head, tool: Tool, zones: Sequence[Zone] | None = None) -> None:
        self._head = head
        self._tool = tool
        self._zones = zones_of(head) if zones is None else tuple(zones)

    def allows(self, stroke: Stroke) -> bool:
        """Return whether a stroke stays out of every zone, entry and exit included."""
        return self.why_not(stroke) is None

    def why_not(self, stroke: Stroke) -> str | None:
        """Return into which zone a stroke would go deepest, in a sentence; None where it enters none."""
        depths = path_depths(stroke_path(stroke, self._head, self._tool), self._tool, self._zones)
        worst = int(np.argmax(depths))
        if depths[worst] <= 0.0:
            return None
        return (
            f"the comb would come {1000.0 * depths[worst]:.1f} mm into the keep-out zone of the "
            f"{self._zones[worst].name}"
        )


def path_depths(path: ToolPath, tool: Tool, zones: Sequence[Zone]) -> np.ndarray:
    """Return how deep a tool comes into each zone on a path [m], negative where it stays out."""
    ends = np.concatenate([tool.start, tool.end]).astype(np.float64)
    turn = Rotation.from_quat(path.quaternions).as_matrix()
    points = np.einsum("tij,pj->tpi", turn, ends) + path.positions[:, None]
    return zone_depths(zones, points.reshape(-1, 3))
