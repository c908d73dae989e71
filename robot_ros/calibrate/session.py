"""Recorded calibration sessions, and what is computed from them.

A folder of looks at a board, for a camera:            A file of touches, for comb or head:

    looks.json                                             touches.json
      format   "combwise board looks 1"                      format   "combwise touches 1"
      arm      "ur5e"                                        arm      "ur5e"
      camera   "left"                                        touches  [{"mark": "left tooth",
      lens     {"matrix": [9 numbers], "distortion": []}                "at": [0.0, 0.04, 0.0],
      board    {"kind": "charuco", "columns": 8, ...}                   "joints": [...]}, ...]
      looks    [{"picture": "00.png", "joints": [...]}, ...]

`at` is the mark's place [m] in the comb's frame (comb: every mark touches one fixed point, 4 times or more,
turned) or in the head frame (head: each landmark is touched once with the comb's origin).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hairsim.atomic_file import write_json
from hairsim.errors import CombwiseError
from robot_ros.arms.arm import Arm, arm_named
from robot_ros.arms.kinematics import Flange
from robot_ros.calibrate.board import Board, find_board
from robot_ros.calibrate.file import read_calibration
from robot_ros.calibrate.hand_eye import hand_eye
from robot_ros.calibrate.touch import head_from_landmarks, mount_from_marks, tip_from_touches
from robot_ros.frames import Calibration, comb_mount, standing_head
from robot_ros.lens import Lens

LOOKS_FORMAT = "combwise board looks 1"
TOUCHES_FORMAT = "combwise touches 1"
LOOKS_FILE = "looks.json"

LARGEST_DISAGREEMENT = 0.005
"""Root mean square by which looks may disagree about where the board is [m]."""


@dataclass(frozen=True)
class BoardLooks:
    """Pictures of a board on the flange.

    Attributes:
        arm: which arm carried it.
        camera: name of the camera.
        lens: of the camera.
        board: what was printed.
        pictures: one file a look.
        joints: [N, J] joint angles at each look [rad].
    """

    arm: str
    camera: str
    lens: Lens
    board: Board
    pictures: tuple[Path, ...]
    joints: np.ndarray


@dataclass(frozen=True)
class Touches:
    """Touches with the comb.

    Attributes:
        arm: which arm.
        marks: name of what touched or was touched, one a touch.
        at: [N, 3] where it is [m].
        joints: [N, J] joint angles at each touch [rad].
    """

    arm: str
    marks: tuple[str, ...]
    at: np.ndarray
    joints: np.ndarray


@dataclass(frozen=True)
class Found:
    """A calibration with one part made new, and a sentence about how well it fits."""

    calibration: Calibration
    sentence: str


def start_calibration(path: Path, arm: Arm) -> Calibration:
    """Return the calibration of a file, or the arm's usual one where there is no file yet."""
    if path.exists():
        return read_calibration(path)
    return Calibration(standing_head(*arm.head), comb_mount())


def calibrate_camera(session: Path, calibration: Path) -> Found:
    """Find a camera from looks at a board on the flange.

    Raises:
        CombwiseError: the session cannot be read, the board was found too rarely, or looks disagree.
    """
    looks = read_looks(session)
    arm = arm_named(looks.arm)
    flange = Flange(arm)
    seen = [find_board(_picture(path), looks.board, looks.lens) for path in looks.pictures]
    used = [number for number, pose in enumerate(seen) if pose is not None]
    if not used:
        raise CombwiseError(
            f"{session}: the board was found in none of {len(seen)} pictures; expected a "
            f"{looks.board.kind} of {looks.board.columns} x {looks.board.rows}"
        )
    found = hand_eye(
        np.array([flange.to_base(looks.joints[number]) for number in used]),
        np.array([seen[number] for number in used]),
    )
    if found.offset_rms > LARGEST_DISAGREEMENT:
        raise CombwiseError(
            f"{session}: looks disagree by {1000 * found.offset_rms:.1f} mm about the board; at most "
            f"{1000 * LARGEST_DISAGREEMENT:.0f} mm are expected: is the board fixed, and its size right?"
        )
    before = start_calibration(calibration, arm)
    cameras = {**before.cameras, looks.camera: found.camera_to_base}
    return Found(
        replace(before, cameras=cameras),
        f"camera '{looks.camera}' from {len(used)} of {len(seen)} looks, which agree to "
        f"{1000 * found.offset_rms:.2f} mm and {np.degrees(found.angle_rms):.2f} degrees",
    )


def calibrate_comb(session: Path, calibration: Path) -> Found:
    """Find the comb's mount: each of three marks or more touches one fixed point from several sides.

    Raises:
        CombwiseError: the session cannot be read, or its touches do not tell.
    """
    touches = read_touches(session)
    arm = arm_named(touches.arm)
    flange = Flange(arm)
    names = list(dict.fromkeys(touches.marks))
    in_tool, in_flange, rms = [], [], []
    for name in names:
        chosen = [number for number, mark in enumerate(touches.marks) if mark == name]
        at = touches.at[chosen]
        if np.ptp(at, axis=0).max() > 0.0:
            raise CombwiseError(f"{session}: mark '{name}' is at two places; expected one")
        try:
            tip = tip_from_touches(np.array([flange.to_base(touches.joints[number]) for number in chosen]))
        except CombwiseError as error:
            raise CombwiseError(f"{session}: mark '{name}': {error}") from error
        in_tool.append(at[0])
        in_flange.append(tip.in_flange)
        rms.append(tip.rms)
    mount = mount_from_marks(np.array(in_tool), np.array(in_flange))
    return Found(
        replace(start_calibration(calibration, arm), tool_to_flange=mount.tool_to_flange),
        f"comb mount from {len(names)} marks, whose touches agree to {1000 * max(rms):.2f} mm and which fit "
        f"the comb to {1000 * mount.rms:.2f} mm",
    )


def calibrate_head(session: Path, calibration: Path) -> Found:
    """Find the head's pose from its landmarks, touched with the comb's origin.

    Raises:
        CombwiseError: the session cannot be read, or its touches do not fit a head.
    """
    touches = read_touches(session)
    arm = arm_named(touches.arm)
    flange, before = Flange(arm), start_calibration(calibration, arm)
    tips = np.array([(flange.to_base(q) @ before.tool_to_flange)[:3, 3] for q in touches.joints])
    found = head_from_landmarks(touches.at, tips)
    return Found(
        replace(before, head_to_base=found.head_to_base),
        f"head from {len(touches.marks)} landmarks, which fit to {1000 * found.rms:.2f} mm",
    )


def write_looks(folder: Path, looks: BoardLooks) -> None:
    """Write looks.json; the pictures are in the folder already."""
    entries = [
        {"picture": path.name, "joints": [float(v) for v in q]}
        for path, q in zip(looks.pictures, looks.joints, strict=True)
    ]
    lens = {"matrix": looks.lens.matrix.ravel().tolist(), "distortion": list(looks.lens.distortion)}
    record = {"arm": looks.arm, "camera": looks.camera, "lens": lens, "board": asdict(looks.board)}
    write_json(folder / LOOKS_FILE, {"format": LOOKS_FORMAT, **record, "looks": entries})


def read_looks(session: Path) -> BoardLooks:
    """Read a folder of looks, or its looks.json.

    Raises:
        CombwiseError: something is missing or not as the module says.
    """
    path = session / LOOKS_FILE if session.is_dir() else session
    content = _content(path, LOOKS_FORMAT)
    try:
        lens = content["lens"]
        return BoardLooks(
            str(content["arm"]),
            str(content["camera"]),
            Lens(np.array(lens["matrix"], np.float64).reshape(3, 3), tuple(map(float, lens["distortion"]))),
            Board(**content["board"]),
            tuple(path.parent / str(entry["picture"]) for entry in content["looks"]),
            np.array([entry["joints"] for entry in content["looks"]], np.float64),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CombwiseError(f"{path} is not '{LOOKS_FORMAT}' ({type(error).__name__}: {error})") from error


def write_touches(path: Path, touches: Touches) -> None:
    """Write a file of touches."""
    entries = [
        {"mark": mark, "at": [float(v) for v in at], "joints": [float(v) for v in q]}
        for mark, at, q in zip(touches.marks, touches.at, touches.joints, strict=True)
    ]
    write_json(path, {"format": TOUCHES_FORMAT, "arm": touches.arm, "touches": entries})


def read_touches(path: Path) -> Touches:
    """Read a file of touches.

    Raises:
        CombwiseError: it is missing or not as the module says.
    """
    content = _content(path, TOUCHES_FORMAT)
    try:
        entries = content["touches"]
        at = np.array([entry["at"] for entry in entries], np.float64)
        if at.ndim != 2 or at.shape[1] != 3:
            raise ValueError("'at' holds three numbers")
        joints = np.array([entry["joints"] for entry in entries], np.float64)
        return Touches(str(content["arm"]), tuple(str(entry["mark"]) for entry in entries), at, joints)
    except (KeyError, TypeError, ValueError) as error:
        raise CombwiseError(f"{path} is not '{TOUCHES_FORMAT}' ({type(error).__name__}: {error})") from error


def _content(path: Path, expected: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = content["format"]
    except OSError as error:
        raise CombwiseError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise CombwiseError(f"{path} is not a recorded session; expected '{expected}'") from error
    if found != expected:
        raise CombwiseError(f"{path}: format '{found}'; expected '{expected}'")
    return content


def _picture(path: Path) -> np.ndarray:
    import imageio.v3 as imageio

    try:
        picture = np.asarray(imageio.imread(path))
    except (OSError, ValueError) as error:
        raise CombwiseError(f"cannot read picture {path}: {error}") from error
    return picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., :3])
