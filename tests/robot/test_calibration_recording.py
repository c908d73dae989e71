"""Looks and touches are kept one by one as an operator makes them, and calibrate as a whole session does."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

pytest.importorskip("cv2", reason="boards need the calibrate extra")
pytest.importorskip("pinocchio", reason="arms need the arms extra")

from hairsim.errors import CombwiseError
from robot_ros.calibrate.board import Board
from robot_ros.calibrate.recording import StandingStill, add_look, add_touch
from robot_ros.calibrate.session import calibrate_camera, read_looks, read_touches
from robot_ros.calibrate.virtual_session import LENS, VirtualSession, record_virtual_session


def test_what_is_kept_one_by_one_is_the_whole_session(tmp_path: Path) -> None:
    record_virtual_session(VirtualSession(looks=9), tmp_path)
    given, folder = read_looks(tmp_path / "camera"), tmp_path / "kept" / "left"
    seen = []
    for number, (path, joints) in enumerate(zip(given.pictures, given.joints, strict=True)):
        with suppress(CombwiseError):  # in some pictures the board cannot be found; those are not kept
            said = add_look(folder, given.arm, "left", given.board, given.lens, imageio.imread(path), joints)
            seen.append(number)
            assert said.startswith(f"look {len(seen)}: the board is 0.")
    kept, cell = read_looks(folder), tmp_path / "cell.json"
    np.testing.assert_array_equal(kept.joints, given.joints[seen])
    assert kept.board == given.board
    one, whole = (calibrate_camera(session, cell) for session in (folder, tmp_path / "camera"))
    np.testing.assert_allclose(one.calibration.cameras["left"], whole.calibration.cameras["left"])
    said = ""
    touches, path = read_touches(tmp_path / "comb.json"), tmp_path / "kept" / "comb.json"
    for mark, at, joints in zip(touches.marks, touches.at, touches.joints, strict=True):
        said = add_touch(path, touches.arm, mark, at, joints)
    assert said == f"touch {len(touches.marks)}: 'handle', 10 of it"
    assert read_touches(path).marks == touches.marks
    np.testing.assert_array_equal(read_touches(path).joints, touches.joints)


def test_what_cannot_be_kept_is_said_and_leaves_the_session_as_it_was(tmp_path: Path) -> None:
    empty, joints = np.full((480, 640), 128, np.uint8), np.zeros(6)
    with pytest.raises(CombwiseError, match="camera 'left' does not see a charuco of 8 x 6 well"):
        add_look(tmp_path / "left", "ur5e", "left", Board(), LENS, empty, joints)
    assert not (tmp_path / "left").exists()
    path = tmp_path / "comb.json"
    with pytest.raises(CombwiseError, match="mark '' at"):
        add_touch(path, "ur5e", "", np.zeros(3), joints)
    add_touch(path, "ur5e", "left tooth", np.zeros(3), joints)
    with pytest.raises(CombwiseError, match="holds touches of ur5e; expected panda"):
        add_touch(path, "panda", "left tooth", np.zeros(3), np.zeros(7))
    assert read_touches(path).marks == ("left tooth",)


def test_an_arm_is_asked_for_its_posture_only_once_it_stands() -> None:
    still = StandingStill()
    with pytest.raises(CombwiseError, match=r"joint states of less than 0\.5 s"):
        still.posture(0.0)
    now = 0.0
    for tick in range(200):  # a second of moving, then a second of standing
        now = 0.01 * tick
        still.feed(now, np.array([min(now, 1.0), 0.2]))
        if tick == 120:
            with pytest.raises(CombwiseError, match="a joint moved by"):
                still.posture(now)
    np.testing.assert_allclose(still.posture(now), [1.0, 0.2])
    still.feed(0.0, np.array([0.0, 0.0]))
    with pytest.raises(CombwiseError, match="joint states of less"):
        still.posture(0.0)
