"""Pictures for people: a head of hair as a photographer would show it."""

from __future__ import annotations

import numpy as np

from hairsim.cameras.camera import Camera, look_at
from hairsim.cameras.develop import develop_picture
from hairsim.cameras.fine_strands import refine_strands
from hairsim.cameras.head_view import trace_head
from hairsim.cameras.light_grid import light_hair
from hairsim.cameras.look import STUDIO, HairLook
from hairsim.cameras.rasterise import rasterise_strands
from hairsim.cameras.shading import shade
from hairsim.cameras.tool_view import ToolPose, add_tool
from hairsim.cameras.view import make_view
from hairsim.errors import CombwiseError
from hairsim.head.head import Head

LIGHT_VOXEL = 0.009
"""Grid of the light in pictures [m]."""

RAGGED = 0.25
"""Part of their length by which fine hairs may end before their strand does: tips thin out."""


def draw(
    strands: np.ndarray,
    head: Head,
    camera: Camera,
    *,
    look: HairLook = STUDIO,
    tool: ToolPose | None = None,
    supersample: int = 2,
    device: str = "cpu",
) -> np.ndarray:
    """Draw a head of hair, and the tool in it.

    Args:
        strands: what hangs there, [S, V, 3] [m], head frame, root first; interpolated children.
        head: what the hair hangs on.
        camera: from where; `portrait_camera` makes one.
        look: colours and lights.
        tool: (tool, position [3] [m], quaternion [4] x, y, z, w), tool to head; or None.
        supersample: samples along each side of a pixel; 3 for pictures that are looked at closely.
        device: where to render.

    Returns:
        sRGB picture [height, width, 3] uint8.

    Raises:
        CombwiseError: strands, camera or tool that cannot be drawn.
    """
    view = make_view(camera, supersample)
    fine = refine_strands(strands, pieces=2, hairs=look.hairs, spread=look.spread, device=device)
    light = light_hair(fine, head, look, voxel=LIGHT_VOXEL, device=device)
    solid = trace_head(head, view, device)
    if tool is not None:
        add_tool(solid, tool, camera, view, device)
    hair = rasterise_strands(fine, solid, view, width=look.width, ragged=RAGGED, device=device)
    picture = develop_picture(
        shade(hair, solid, light, look, view, fade_neck=True, device=device), supersample, device
    )
    return np.clip(np.round(picture), 0.0, 255.0).astype(np.uint8)


def portrait_camera(
    azimuth_degrees: float,
    elevation_degrees: float,
    width: int,
    height: int,
    *,
    distance: float = 1.1,
    span: float = 0.44,
    target: tuple[float, float, float] = (0.0, 0.0, -0.02),
) -> Camera:
    """Return a camera that looks at the head as in a portrait.

    Args:
        azimuth_degrees: from where about +z; 0 is in front, 90 the wearer's left.
        elevation_degrees: from how high above the horizon, -80 .. 80.
        width, height: of the picture [pixel].
        distance: of the camera from `target` [m].
        span: how much of the world the shorter side shows at `target` [m].
        target: what is in the middle [m], head frame.

    Raises:
        CombwiseError: an elevation near the poles, where the picture has no up.
    """
    if not -80.0 <= elevation_degrees <= 80.0:
        raise CombwiseError(f"portrait elevation is {elevation_degrees} degrees; expected -80 .. 80")
    azimuth, elevation = np.radians(azimuth_degrees), np.radians(elevation_degrees)
    level = np.cos(elevation)
    offset = distance * np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])
    focal = min(width, height) * distance / span
    return Camera(
        "portrait", width, height, float(focal), look_at(np.asarray(target) + offset, np.asarray(target))
    )
