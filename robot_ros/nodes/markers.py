"""What RViz and Foxglove draw: the stroke, and hair as short lines along its strands."""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import Tool
from hairsim.volume import HairVolume
from robot_ros.nodes import names

STROKE, GOAL, PREDICTED, REFUSED = "stroke", "goal hair", "predicted hair", "refused strokes"
"""Namespaces of the markers, to be switched on and off."""

COLOURS = {
    STROKE: (1.0, 0.35, 0.2, 1.0),
    GOAL: (0.2, 0.75, 0.35, 0.6),
    PREDICTED: (0.25, 0.5, 1.0, 0.6),
    REFUSED: (0.6, 0.6, 0.6, 0.8),
}

MOST_LINES = 5000
"""Lines that one marker draws of a volume."""


def stroke_markers(
    stroke: Stroke, head: Head, tool: Tool, stamp: Time, *, refused: bool = False
) -> list[Marker]:
    """Return the comb's way through the hair as a line, and its end as an arrow."""
    path = stroke_path(stroke, head, tool)
    first, last = path.in_hair
    way = path.positions[first : last + 1]
    space = REFUSED if refused else STROKE
    line = _marker(Marker.LINE_STRIP, space, 0, stamp)
    line.scale.x = 0.004
    line.points = _points(way)
    arrow = _marker(Marker.ARROW, space, 1, stamp)
    arrow.scale.x, arrow.scale.y, arrow.scale.z = 0.006, 0.016, 0.02
    along = way[-1] - way[-2]
    along = along / max(float(np.linalg.norm(along)), 1e-9)
    arrow.points = _points(np.stack([way[-1], way[-1] + 0.03 * along]))
    return [line, arrow]


def hair_marker(volume: HairVolume, space: str, stamp: Time) -> Marker:
    """Return hair as one line a voxel along its strands, thinned evenly to `MOST_LINES`."""
    hair = volume.occupied & (np.abs(volume.direction).max(axis=-1) > 0.0)
    centres, direction = volume.grid.centres()[hair], volume.direction[hair]
    kept = np.linspace(0, len(centres) - 1, min(len(centres), MOST_LINES)).round().astype(int)
    half = 0.6 * volume.grid.voxel * direction[kept]
    marker = _marker(Marker.LINE_LIST, space, 0, stamp)
    marker.scale.x = 0.0012
    marker.points = _points(np.stack([centres[kept] - half, centres[kept] + half], axis=1).reshape(-1, 3))
    return marker


def cleared(space: str, stamp: Time) -> list[Marker]:
    """Return what takes a namespace's markers away."""
    markers = []
    for number in (0, 1):
        marker = _marker(Marker.LINE_STRIP, space, number, stamp)
        marker.action = Marker.DELETE
        markers.append(marker)
    return markers


def marker_array(*markers: Marker) -> MarkerArray:
    """Return markers as one message."""
    return MarkerArray(markers=list(markers))


def _marker(kind: int, space: str, number: int, stamp: Time) -> Marker:
    marker = Marker(type=kind, ns=space, id=number, action=Marker.ADD)
    marker.header.frame_id, marker.header.stamp = names.HEAD, stamp
    marker.pose.orientation.w = 1.0
    red, green, blue, alpha = COLOURS[space]
    marker.color = ColorRGBA(r=red, g=green, b=blue, a=alpha)
    return marker


def _points(points: np.ndarray) -> list[Point]:
    return [Point(x=float(x), y=float(y), z=float(z)) for x, y, z in points]
