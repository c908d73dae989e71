"""CameraInfo as a lens."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import CameraInfo

from hairsim.errors import CombwiseError
from robot_ros.lens import Lens

MODELS = ("", "plumb_bob", "rational_polynomial")
"""Distortion models of our lens; others must have zero coefficients."""


def lens_of(message: CameraInfo) -> Lens:
    """Return the lens that a CameraInfo describes.

    Raises:
        CombwiseError: not calibrated, binned or cropped, or a distortion that we cannot undo.
    """
    name = message.header.frame_id
    if message.binning_x > 1 or message.binning_y > 1 or message.roi.width or message.roi.height:
        raise CombwiseError(f"camera_info of {name} is binned or cropped; expected whole pictures")
    distortion = tuple(float(v) for v in message.d)
    if message.distortion_model not in MODELS and any(distortion):
        raise CombwiseError(
            f"camera_info of {name} has distortion model '{message.distortion_model}'; expected one of "
            f"{', '.join(MODELS[1:])}, or rectified pictures"
        )
    try:
        return Lens(
            np.array(message.k, np.float64).reshape(3, 3),
            distortion if any(distortion) else (),
        )
    except CombwiseError as error:
        raise CombwiseError(f"camera_info of {name}: {error}") from error
