"""The calibration file: transforms by name, as position and quaternion."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from hairsim.atomic_file import write_json
from hairsim.errors import CombwiseError
from robot_ros.frames import Calibration, transform

FORMAT = "combwise calibration 1"


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write a calibration, whole or not at all."""
    names = ("head_to_base", "tool_to_flange")
    record: dict[str, object] = {name: pose_record(getattr(calibration, name)) for name in names}
    record["cameras"] = {name: pose_record(pose) for name, pose in calibration.cameras.items()}
    write_json(path, {"format": FORMAT, **record})


def read_calibration(path: Path) -> Calibration:
    """Read a calibration.

    Raises:
        CombwiseError: no such file, not a calibration, or a transform that is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise CombwiseError(f"{path}: format '{content['format']}'; expected '{FORMAT}'")
        cameras = {str(name): pose_matrix(entry) for name, entry in content.get("cameras", {}).items()}
        return Calibration(
            pose_matrix(content["head_to_base"]), pose_matrix(content["tool_to_flange"]), cameras
        )
    except OSError as error:
        raise CombwiseError(f"cannot read calibration {path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise CombwiseError(
            f"{path} is not a calibration ({type(error).__name__}: {error}); expected '{FORMAT}'"
        ) from error


def pose_record(matrix: np.ndarray) -> dict[str, list[float]]:
    """Return a rigid transform [4, 4] as position [m] and quaternion (x, y, z, w), for JSON."""
    quaternion = Rotation.from_matrix(matrix[:3, :3]).as_quat()
    return {"position": [float(v) for v in matrix[:3, 3]], "quaternion": [float(v) for v in quaternion]}


def pose_matrix(entry: dict[str, list[float]]) -> np.ndarray:
    """Return [4, 4] of a record of position [m] and unit quaternion; raises ValueError for anything else."""
    position, quaternion = np.array(entry["position"], float), np.array(entry["quaternion"], float)
    if position.shape != (3,) or quaternion.shape != (4,) or abs(np.linalg.norm(quaternion) - 1.0) > 1e-3:
        raise ValueError("a position of 3 numbers and a unit quaternion of 4")
    return transform(position, quaternion)
