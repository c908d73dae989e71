"""Calibration sessions of a virtual cell whose truth is known: to try the commands, and to test them.

The arm carries a board before a camera and touches with its comb, as an operator would; pictures and touches
carry the noise of real ones. The truth goes into truth.json beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from hairsim.atomic_file import written_aside
from hairsim.errors import CombwiseError
from robot_ros.arms.arm import Arm, arm_named
from robot_ros.arms.kinematics import Flange
from robot_ros.calibrate.board import Board, draw_board, opencv
from robot_ros.calibrate.file import write_calibration
from robot_ros.calibrate.session import BoardLooks, Touches, write_looks, write_touches
from robot_ros.frames import Calibration, comb_mount, inverse, standing_head
from robot_ros.lens import Lens

LENS = Lens(np.array([[615.0, 0.0, 322.0], [0.0, 616.0, 238.0], [0.0, 0.0, 1.0]]))
"""About that of a RealSense D435 at 640 x 480."""

SIZE = (640, 480)
TOUCH_NOISE = 3e-4
"""How well a mark is brought to a point by hand and eye [m]."""

MARKS = {"left tooth": (0.0, 0.04, 0.0), "right tooth": (0.0, -0.04, 0.0), "handle": (0.0, 0.0, 0.12)}
"""Marks of the comb, comb frame [m]."""

LANDMARKS = {
    "left tragus": (0.0, 0.075, 0.0),
    "right tragus": (0.0, -0.075, 0.0),
    "nose tip": (0.11, 0.0, -0.03),
    "crown": (-0.006, 0.0, 0.13),
    "back": (-0.10, 0.0, 0.04),
}
"""Landmarks of the head, head frame [m]."""


@dataclass(frozen=True)
class VirtualSession:
    """Which cell is made up.

    Attributes:
        arm: which arm.
        seed: of the cell's offsets, the postures and the noise.
        looks: pictures of the board.
        board: what is printed.
    """

    arm: str = "ur5e"
    seed: int = 0
    looks: int = 30
    board: Board = field(default_factory=Board)

    def __post_init__(self) -> None:
        if self.looks < 5 or self.seed < 0:
            raise CombwiseError(
                f"{self.looks} looks, seed {self.seed}; expected at least 5 looks and a seed >= 0"
            )


def record_virtual_session(config: VirtualSession, folder: Path) -> Calibration:
    """Write camera/looks.json with pictures, comb.json, head.json and truth.json; return the truth."""
    arm = arm_named(config.arm)
    rng = np.random.default_rng(config.seed)
    truth = _offset_cell(arm, rng)
    write_calibration(folder / "truth.json", truth)
    _record_looks(config, arm, truth, rng, folder / "camera")
    _record_comb(arm, truth, rng, folder / "comb.json")
    _record_head(arm, truth, rng, folder / "head.json")
    return truth


def _offset_cell(arm: Arm, rng: np.random.Generator) -> Calibration:
    """Return a cell some millimetres and degrees beside the usual one."""

    def beside(pose: np.ndarray) -> np.ndarray:
        offset = np.eye(4)
        offset[:3, :3] = Rotation.from_rotvec(rng.normal(0.0, 0.06, 3)).as_matrix()
        offset[:3, 3] = rng.normal(0.0, 0.01, 3)
        return pose @ offset

    # In front of the arm and above it, looking back and down at the ready posture.
    forward = np.array([-0.7, 0.0, -0.7])
    right = np.array([0.0, 1.0, 0.0])
    camera = np.eye(4)
    camera[:3, :3] = np.stack([right, np.cross(forward / np.linalg.norm(forward), right), forward], axis=1)
    camera[:3, 2] /= np.linalg.norm(forward)
    camera[:3, 3] = _board_place(arm) - 0.6 * camera[:3, 2]
    return Calibration(beside(standing_head(*arm.head)), beside(comb_mount()), {"left": beside(camera)})


def _board_place(arm: Arm) -> np.ndarray:
    """Return where in the base frame the board is shown [m]."""
    return Flange(arm).to_base(np.array(arm.ready))[:3, 3] + [0.05, 0.0, 0.05]


def _record_looks(
    config: VirtualSession, arm: Arm, truth: Calibration, rng: np.random.Generator, folder: Path
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    board, camera = config.board, truth.cameras["left"]
    middle = np.eye(4)
    middle[:3, 3] = 0.5 * board.square * np.array([board.columns, board.rows, 0.0])
    # The board lies on the flange, its printed side away from the arm: a camera sees +z going in.
    board_to_flange = np.eye(4)
    board_to_flange[:3, :3] = Rotation.from_euler("xyz", [np.pi, 0.0, 0.3]).as_matrix()
    board_to_flange[:3, 3] = [0.01, -0.02, 0.03]
    board_to_flange = board_to_flange @ inverse(middle)
    joints, pictures = [], []
    while len(joints) < config.looks:
        facing = np.eye(4)
        facing[:3, :3] = Rotation.from_rotvec(rng.normal(0.0, 0.35, 3)).as_matrix()
        facing[:3, 3] = rng.uniform([-0.12, -0.08, 0.5], [0.12, 0.08, 0.7])
        wanted = camera @ facing @ inverse(middle) @ inverse(board_to_flange)
        q = _posture(arm, wanted, rng)
        if q is None:
            continue
        seen = inverse(camera) @ Flange(arm).to_base(q) @ board_to_flange
        path = folder / f"{len(joints):02d}.png"
        _write_picture(path, photograph(board, seen, rng))
        joints.append(q)
        pictures.append(path)
    write_looks(
        folder, BoardLooks(arm.name, "left", LENS, board, tuple(pictures), np.array(joints, np.float64))
    )


def _record_comb(arm: Arm, truth: Calibration, rng: np.random.Generator, path: Path) -> None:
    point = _board_place(arm)
    marks, at, joints = [], [], []
    for name, mark in MARKS.items():
        for _ in range(10):
            q = _touch(arm, truth.tool_to_flange, np.array(mark), point, rng)
            marks.append(name)
            at.append(mark)
            joints.append(q)
    write_touches(path, Touches(arm.name, tuple(marks), np.array(at), np.array(joints)))


def _record_head(arm: Arm, truth: Calibration, rng: np.random.Generator, path: Path) -> None:
    joints = []
    for mark in LANDMARKS.values():
        point = truth.head_to_base[:3, :3] @ np.array(mark) + truth.head_to_base[:3, 3]
        joints.append(_touch(arm, truth.tool_to_flange, np.zeros(3), point, rng))
    write_touches(
        path, Touches(arm.name, tuple(LANDMARKS), np.array(list(LANDMARKS.values())), np.array(joints))
    )


def _touch(
    arm: Arm, tool_to_flange: np.ndarray, mark: np.ndarray, point: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return a posture in which a mark of the comb [3] is at a point of the base frame, turned at random."""
    noisy = point + rng.normal(0.0, TOUCH_NOISE, 3)
    while True:
        turn = Rotation.from_rotvec(rng.normal(0.0, 0.5, 3)).as_matrix()
        flange = Flange(arm).to_base(np.array(arm.ready))
        flange[:3, :3] = flange[:3, :3] @ turn
        tip = tool_to_flange[:3, :3] @ mark + tool_to_flange[:3, 3]
        flange[:3, 3] = noisy - flange[:3, :3] @ tip
        q = _posture(arm, flange, rng)
        if q is not None:
            return q


def _posture(arm: Arm, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Return joint angles [J] that bring the flange to a pose [4, 4], or None where none was found."""
    flange = Flange(arm)

    def gap(q: np.ndarray) -> np.ndarray:
        found = flange.to_base(q)
        turn = Rotation.from_matrix(wanted[:3, :3].T @ found[:3, :3]).as_rotvec()
        return np.concatenate([found[:3, 3] - wanted[:3, 3], 0.2 * turn])

    start = np.array(arm.ready) + rng.normal(0.0, 0.1, len(arm.ready))
    done = least_squares(gap, start, xtol=1e-12, ftol=1e-12, gtol=1e-12, max_nfev=200)
    return done.x if float(np.linalg.norm(done.fun)) < 1e-6 else None


def photograph(board: Board, board_to_camera: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return what the camera sees of the board [height, width] uint8: 16 samples a pixel, with noise."""
    cv2 = opencv()
    printed, to_metres = draw_board(board)
    plane = LENS.matrix @ board_to_camera[:3][:, [0, 1, 3]] @ to_metres
    samples = 4
    finer = np.array([[samples, 0.0, (samples - 1) / 2], [0.0, samples, (samples - 1) / 2], [0.0, 0.0, 1.0]])
    large = (SIZE[0] * samples, SIZE[1] * samples)
    picture = cv2.warpPerspective(printed, finer @ plane, large, borderValue=110)
    picture = cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA).astype(np.float64)
    return np.clip(0.8 * picture + 15.0 + rng.normal(0.0, 2.0, picture.shape), 0, 255).astype(np.uint8)


def _write_picture(path: Path, picture: np.ndarray) -> None:
    import imageio.v3 as imageio

    with written_aside(path) as aside:
        imageio.imwrite(aside, picture)
