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
    write_json(path, {"format": FORMAT, **{name: _plain(getattr(calibration, name)) for name in names}})


def read_calibration(path: Path) -> Calibration:
    """Read a calibration.

    Raises:
        CombwiseError: no such file, not a calibration, or a transform that is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise CombwiseError(f"{path}: format '{content['format']}'; expected '{FORMAT}'")
        return Calibration(_matrix(content["head_to_base"]), _matrix(content["tool_to_flange"]))
    except OSError as error:
        raise CombwiseError(f"cannot read calibration {path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise CombwiseError(
            f"{path} is not a calibration ({type(error).__name__}: {error}); expected '{FORMAT}'"
        ) from error


def _plain(matrix: np.ndarray) -> dict[str, list[float]]:
    quaternion = Rotation.from_matrix(matrix[:3, :3]).as_quat()
    return {"position": [float(v) for v in matrix[:3, 3]], "quaternion": [float(v) for v in quaternion]}


def _matrix(entry: dict[str, list[float]]) -> np.ndarray:
    position, quaternion = np.array(entry["position"], float), np.array(entry["quaternion"], float)
    if position.shape != (3,) or quaternion.shape != (4,) or abs(np.linalg.norm(quaternion) - 1.0) > 1e-3:
        raise ValueError("a position of 3 numbers and a unit quaternion of 4")
    return transform(position, quaternion)
