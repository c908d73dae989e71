"""A board on the head's stand: what a head tracker measures instead of the head.

    base <-- camera_to_base -- camera <-- board_to_camera -- board <-- head_to_board -- head

`head_to_board` is learned once, where the head stands as it was calibrated, and kept in a file.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from hairsim.atomic_file import write_json
from hairsim.errors import CombwiseError
from robot_ros.calibrate.file import pose_matrix, pose_record
from robot_ros.frames import inverse

FORMAT = "combwise head board 1"


def head_to_board(
    camera_to_base: np.ndarray, boards: list[np.ndarray], head_to_base: np.ndarray
) -> np.ndarray:
    """Return where the head is in the board's frame [4, 4].

    Args:
        camera_to_base: [4, 4].
        boards: board_to_camera [4, 4] of several looks at the standing board; their mean counts.
        head_to_base: [4, 4] as calibrated, where the head stands now.

    Raises:
        CombwiseError: no look, or looks that do not agree to 2 mm and half a degree.
    """
    if not boards:
        raise CombwiseError("no look at the head's board; expected it in the camera's view")
    turns = Rotation.from_matrix(np.array([board[:3, :3] for board in boards]))
    mean = np.eye(4)
    mean[:3, :3] = turns.mean().as_matrix()
    mean[:3, 3] = np.mean([board[:3, 3] for board in boards], axis=0)
    apart = max(float(np.linalg.norm(board[:3, 3] - mean[:3, 3])) for board in boards)
    turned = float((turns.mean().inv() * turns).magnitude().max())
    if apart > 0.002 or turned > np.radians(0.5):
        raise CombwiseError(
            f"looks at the head's board are {1000 * apart:.1f} mm and {np.degrees(turned):.2f} degrees from "
            "their mean; expected 2 mm and 0.5 degrees: nothing may move meanwhile"
        )
    return inverse(mean) @ inverse(camera_to_base) @ head_to_base


def write_head_board(path: Path, pose: np.ndarray) -> None:
    """Write head_to_board [4, 4], whole or not at all."""
    write_json(path, {"format": FORMAT, "head_to_board": pose_record(pose)})


def read_head_board(path: Path) -> np.ndarray:
    """Read head_to_board [4, 4].

    Raises:
        CombwiseError: it cannot be read, or is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise CombwiseError(f"{path}: format '{content['format']}'; expected '{FORMAT}'")
        return pose_matrix(content["head_to_board"])
    except OSError as error:
        raise CombwiseError(f"cannot read head board {path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise CombwiseError(
            f"{path} is no head board ({type(error).__name__}: {error}); expected '{FORMAT}'"
        ) from error
