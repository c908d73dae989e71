"""What kernels need to know of a camera, and the two formulas of a pinhole: project, unproject."""

from __future__ import annotations

import numpy as np
import warp as wp

from hairsim.cameras.camera import Camera
from hairsim.errors import CombwiseError


@wp.struct
class View:
    """A camera as kernels see it: `Camera` with its samples per pixel folded in.

    Attributes:
        rotation: optical frame to head frame.
        position: pinhole in the head frame [m].
        focal: [sample]. centre_x, centre_y: principal point [sample].
        width, height: [sample].
    """

    rotation: wp.mat33
    position: wp.vec3
    focal: wp.float32
    centre_x: wp.float32
    centre_y: wp.float32
    width: wp.int32
    height: wp.int32


def make_view(camera: Camera, supersample: int = 1) -> View:
    """Return the view of a camera whose pixels are split into supersample^2 samples.

    Raises:
        CombwiseError: image size or focal length not positive, or a pose that is not rigid.
    """
    pose = np.asarray(camera.camera_to_head, np.float64)
    if camera.width < 1 or camera.height < 1 or not camera.focal > 0.0:
        raise CombwiseError(
            f"camera '{camera.name}' is {camera.width} x {camera.height} with focal length {camera.focal}; "
            "expected at least one pixel and a positive focal length"
        )
    if pose.shape != (4, 4) or not np.allclose(pose[:3, :3].T @ pose[:3, :3], np.eye(3), atol=1e-4):
        raise CombwiseError(f"camera '{camera.name}': camera_to_head is not a rigid 4 x 4 transform")
    if supersample < 1:
        raise CombwiseError(f"supersample is {supersample}; expected at least 1")
    cx, cy = camera.centre
    view = View()
    view.rotation = wp.mat33(*(float(x) for x in pose[:3, :3].ravel()))
    view.position = wp.vec3(*(float(x) for x in pose[:3, 3]))
    view.focal = float(camera.focal * supersample)
    view.centre_x = float((cx + 0.5) * supersample - 0.5)
    view.centre_y = float((cy + 0.5) * supersample - 0.5)
    view.width = int(camera.width * supersample)
    view.height = int(camera.height * supersample)
    return view


@wp.func
def project_point(view: View, point: wp.vec3):
    """Return (x, y) [sample] and depth z [m] of a point in the head frame."""
    local = wp.transpose(view.rotation) * (point - view.position)
    z = wp.max(local[2], 1.0e-6)
    return wp.vec3(
        view.focal * local[0] / z + view.centre_x, view.focal * local[1] / z + view.centre_y, local[2]
    )


@wp.func
def view_ray(view: View, x: wp.float32, y: wp.float32):
    """Return the ray through sample (x, y), head frame, scaled to unit depth."""
    local = wp.vec3((x - view.centre_x) / view.focal, (y - view.centre_y) / view.focal, 1.0)
    return view.rotation * local
