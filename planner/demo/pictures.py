"""Pictures of the report: three views, and strokes drawn on the head."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from hairsim.cameras.camera import Camera
from hairsim.cameras.picture import draw, portrait_camera
from hairsim.head.head import Head
from hairsim.tools.tool import ToolPath

VIEWS = (("left", 65.0), ("right", -65.0), ("back", 180.0))
"""The report's views: name and azimuth [deg]."""

STROKE_COLOURS = (
    "#ff5a36",
    "#ffb000",
    "#18b5a5",
    "#3d7dff",
    "#c04bff",
    "#ff4fa0",
    "#7bc043",
    "#00a0e0",
    "#e04040",
)
"""One for each stroke, in order."""


def view_cameras(size: int) -> list[Camera]:
    """Return the cameras of the report's three views; size of the picture [pixel]."""
    return [portrait_camera(azimuth, 12.0, size, size) for _, azimuth in VIEWS]


def draw_views(hair: np.ndarray, head: Head, cameras: Sequence[Camera], device: str) -> list[np.ndarray]:
    """Draw hair [N, V, 3] [m] from each camera; pictures [height, width, 3] uint8."""
    return [draw(hair, head, camera, supersample=3, device=device) for camera in cameras]


def facing_camera(path: ToolPath, head: Head, size: int) -> Camera:
    """Return a portrait camera that looks at the middle of a stroke."""
    middle = path.positions[len(path.positions) // 2] - np.asarray(head.centre)
    azimuth = float(np.degrees(np.arctan2(middle[1], middle[0])))
    elevation = float(np.degrees(np.arctan2(middle[2], np.hypot(middle[0], middle[1]))))
    return portrait_camera(azimuth, float(np.clip(elevation, 0.0, 50.0)), size, size)


def draw_stroke(picture: np.ndarray, camera: Camera, path: ToolPath, number: int) -> np.ndarray:
    """Return a picture with a stroke's way through the hair drawn over it, as an arrow in its colour."""
    first, last = path.in_hair
    pixel, _ = camera.project(path.positions[first : last + 1])
    canvas = Image.fromarray(picture)
    pen = ImageDraw.Draw(canvas)
    width = max(3, camera.width // 90)
    line = [(float(x), float(y)) for x, y in pixel]
    colour = STROKE_COLOURS[number % len(STROKE_COLOURS)]
    pen.line(line, fill="white", width=width + 4, joint="curve")
    pen.line(line, fill=colour, width=width, joint="curve")
    tip = pixel[-1]
    back = tip - pixel[max(0, len(pixel) - 8)]
    along = back / max(float(np.linalg.norm(back)), 1e-6)
    side = np.array([-along[1], along[0]])
    for grow, fill in ((2.0, "white"), (0.0, colour)):
        size = 2.6 * width + grow
        corners = [tip + 1.4 * size * along, tip + 0.8 * size * side, tip - 0.8 * size * side]
        pen.polygon([(float(x), float(y)) for x, y in corners], fill=fill)
    x, y = line[0]
    radius = 1.6 * width
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour, outline="white", width=2)
    return np.asarray(canvas)


def embedded(picture: np.ndarray) -> str:
    """Return a picture [height, width, 3] uint8 as a data address for a page that needs no other file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="JPEG", quality=88, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
