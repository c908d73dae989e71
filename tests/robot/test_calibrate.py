"""Known offsets are found again to 2 mm and 0.5 degrees from noisy looks and touches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hairsim.errors import CombwiseError
from robot_ros.calibrate.file import read_calibration, write_calibration
from robot_ros.calibrate.hand_eye import hand_eye
from robot_ros.calibrate.touch import head_from_landmarks, tip_from_touches
from robot_ros.frames import Calibration, comb_mount, inverse, pose_error, standing_head

MIDDLE = np.array([0.4, 0.0, 0.4])
"""Of the place in which the flange is moved about, 0.7 m before the camera [m]."""


def _pose(position: np.ndarray, turn: np.ndarray) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = Rotation.from_rotvec(turn).as_matrix(), position
    return matrix


def _flange_poses(rng: np.random.Generator, count: int, tilt: float = 0.5) -> np.ndarray:
    return np.array(
        [_pose(MIDDLE + rng.uniform(-0.1, 0.1, 3), rng.normal(0.0, tilt, 3)) for _ in range(count)]
    )


def _looks(
    rng: np.random.Generator, count: int, tilt: float = 0.5
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return flange poses, noisy board poses (0.5 mm, 0.2 degrees), the true camera and the true mount."""
    away = rng.normal(size=3)
    camera = _pose(MIDDLE + 0.7 * away / np.linalg.norm(away), rng.normal(0.0, 1.5, 3))
    mount = _pose(rng.uniform(-0.1, 0.1, 3), rng.normal(0.0, 1.5, 3))
    flange = _flange_poses(rng, count, tilt)
    noise = [_pose(rng.normal(0.0, 5e-4, 3), rng.normal(0.0, np.radians(0.2), 3)) for _ in range(count)]
    return flange, inverse(camera) @ flange @ mount @ np.array(noise), camera, mount


@pytest.mark.parametrize("seed", range(8))
def test_camera_and_board_are_found_to_two_millimetres_and_half_a_degree(seed: int) -> None:
    flange, board, camera, mount = _looks(np.random.default_rng(seed), 30)
    found = hand_eye(flange, board)
    for solved, true in ((found.camera_to_base, camera), (found.board_to_flange, mount)):
        offset, angle = pose_error(solved, true)
        assert offset < 0.002
        assert angle < np.radians(0.5)
    assert 1e-5 < found.offset_rms < 0.003


def test_without_noise_the_answer_is_exact() -> None:
    rng = np.random.default_rng(3)
    camera, mount = (_pose(rng.normal(size=3), rng.normal(size=3)) for _ in range(2))
    flange = _flange_poses(rng, 6)
    found = hand_eye(flange, inverse(camera) @ flange @ mount)
    np.testing.assert_allclose(found.camera_to_base, camera, atol=1e-6)
    np.testing.assert_allclose(found.board_to_flange, mount, atol=1e-6)


def test_one_wrong_look_does_not_spoil_the_answer() -> None:
    flange, board, camera, _ = _looks(np.random.default_rng(5), 20)
    board[4] = board[4] @ _pose(np.array([0.05, 0.0, 0.0]), np.zeros(3))
    offset, angle = pose_error(hand_eye(flange, board).camera_to_base, camera)
    assert offset < 0.004
    assert angle < np.radians(0.7)


def test_looks_that_cannot_tell_are_refused() -> None:
    rng = np.random.default_rng(0)
    flange, board, _, _ = _looks(rng, 10)
    with pytest.raises(CombwiseError, match="from 3 looks; expected at least 5"):
        hand_eye(flange[:3], board[:3])
    with pytest.raises(CombwiseError, match="same number"):
        hand_eye(flange, board[:9])
    flat, seen, _, _ = _looks(rng, 10, tilt=0.01)
    with pytest.raises(CombwiseError, match="tilt the board in several directions"):
        hand_eye(flat, seen)


@pytest.mark.parametrize("seed", range(4))
def test_the_tip_is_found_from_touching_one_point(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tip, point = comb_mount()[:3, 3], np.array([0.5, 0.1, 0.2])
    poses = _flange_poses(rng, 8)
    poses[:, :3, 3] = point - poses[:, :3, :3] @ tip + rng.normal(0.0, 3e-4, (8, 3))
    found = tip_from_touches(poses)
    assert np.linalg.norm(found.in_flange - tip) < 0.002
    assert np.linalg.norm(found.point - point) < 0.002
    with pytest.raises(CombwiseError, match="several sides"):
        tip_from_touches(np.repeat(poses[:1], 5, axis=0))


@pytest.mark.parametrize("seed", range(4))
def test_the_head_is_found_from_its_landmarks(seed: int) -> None:
    """Both tragi, nose tip, crown and the back of the head, each touched to half a millimetre."""
    rng = np.random.default_rng(seed)
    marks = np.array([[0, 0.075, 0], [0, -0.075, 0], [0.11, 0, -0.03], [-0.006, 0, 0.13], [-0.1, 0, 0.04]])
    true = standing_head(0.55, 0.02, 0.35, 0.3) @ _pose(np.zeros(3), rng.normal(0.0, 0.1, 3))
    touched = marks @ true[:3, :3].T + true[:3, 3] + rng.normal(0.0, 5e-4, marks.shape)
    found = head_from_landmarks(marks, touched)
    offset, angle = pose_error(found.head_to_base, true)
    assert offset < 0.002
    assert angle < np.radians(0.5)
    with pytest.raises(CombwiseError, match="misses its touch"):
        head_from_landmarks(marks, touched[::-1])
    with pytest.raises(CombwiseError, match="of a line"):
        head_from_landmarks(np.outer(np.arange(4), [0.05, 0, 0]), np.outer(np.arange(4), [0.05, 0, 0]))


def test_a_calibration_file_is_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "cell.json"
    written = Calibration(standing_head(0.5, 0.1, 0.3, 0.2), comb_mount())
    write_calibration(path, written)
    read = read_calibration(path)
    np.testing.assert_allclose(read.head_to_base, written.head_to_base, atol=1e-12)
    np.testing.assert_allclose(read.tool_to_flange, written.tool_to_flange, atol=1e-12)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": "x"}', '{"format": "combwise calibration 1", "head_to_base": 3}'],
)
def test_other_files_are_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cell.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CombwiseError, match=r"cell\.json"):
        read_calibration(path)
    with pytest.raises(CombwiseError, match=r"nowhere\.json"):
        read_calibration(tmp_path / "nowhere.json")
