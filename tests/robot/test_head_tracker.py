"""A board on the head's stand tells where the head is: its mount is learned once, its movement followed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("combwise_interfaces.msg", reason="nodes need make ros")
pytest.importorskip("cv2", reason="boards need the calibrate extra")

import rclpy
from geometry_msgs.msg import PoseStamped
from rclpy.executors import SingleThreadedExecutor
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger

from hairsim.errors import CombwiseError
from robot_ros.calibrate.board import Board
from robot_ros.calibrate.file import write_calibration
from robot_ros.calibrate.head_board import head_to_board, read_head_board
from robot_ros.calibrate.virtual_session import LENS, photograph
from robot_ros.frames import Calibration, comb_mount, inverse, pose_error, standing_head, transform
from robot_ros.nodes import convert, names, qos
from robot_ros.nodes.head_tracker import LOOKS, HeadTracker
from tests.robot.ros_process import ros_domain


def _pose(turn: tuple[float, float, float], shift: tuple[float, float, float]) -> np.ndarray:
    return transform(np.array(shift), Rotation.from_rotvec(turn).as_quat())


HEAD = standing_head(0.55, 0.0, 0.35, 0.0)
BOARD_TO_CAMERA = _pose((0.3, -0.2, 0.1), (-0.10, -0.07, 0.6))
CAMERA = HEAD @ _pose((0.0, 1.2, 0.0), (-0.08, 0.0, -0.20)) @ inverse(BOARD_TO_CAMERA)
"""camera_to_base: the board is 20 cm below the middle of the head."""

MOVED = _pose((0.0, 0.0, 0.05), (0.0, -0.02, 0.0)) @ HEAD


@pytest.fixture(scope="module", autouse=True)
def _domain() -> Iterator[None]:
    with ros_domain():
        yield


def picture(head_to_base: np.ndarray | None, stamp: float, rng: np.random.Generator) -> Image:
    """Return what the camera sees when the head is somewhere; None: somebody stands before the board."""
    away = _pose((0.0, 0.0, 0.0), (9.0, 0.0, 0.6))
    moved = None if head_to_base is None else head_to_base @ inverse(HEAD)
    seen = away if moved is None else inverse(CAMERA) @ moved @ CAMERA @ BOARD_TO_CAMERA
    grey = photograph(Board(), seen, rng)
    return convert.to_image(np.repeat(grey[..., None], 3, axis=-1), "rgb8", "camera", convert.to_time(stamp))


def test_a_moved_head_is_told_where_its_board_says_it_is(tmp_path: Path) -> None:
    """To 2 mm and half a degree; nothing is told before the mount is known, nor while the board is hidden."""
    write_calibration(tmp_path / "cell.json", Calibration(HEAD, comb_mount(), {"back": CAMERA}))
    mount, rng = tmp_path / "board.json", np.random.default_rng(0)
    words = ["--ros-args", "-p", f"calibration:={tmp_path / 'cell.json'}", "-p", f"mount:={mount}"]
    rclpy.shutdown()
    rclpy.init(args=words)
    tracker, other, spinner = HeadTracker(), rclpy.create_node("other"), SingleThreadedExecutor()
    spinner.add_node(tracker)
    spinner.add_node(other)
    told: list[PoseStamped] = []
    other.create_subscription(PoseStamped, names.HEAD_POSE, told.append, qos.SENSOR)
    lens = other.create_publisher(CameraInfo, names.camera_info_topic("back"), qos.SENSOR)
    pictures = other.create_publisher(Image, names.colour_topic("back"), qos.SENSOR)
    remember = other.create_client(Trigger, names.REMEMBER_BOARD)
    tracker.trigger_configure()
    tracker.trigger_activate()
    info = CameraInfo(k=LENS.matrix.ravel(), distortion_model="plumb_bob", width=640, height=480)

    def show(head: np.ndarray | None, stamp: float, until: Callable[[], bool], seconds: float = 60.0) -> bool:
        end = time.monotonic() + seconds
        while not until() and time.monotonic() < end:
            lens.publish(info)
            pictures.publish(picture(head, stamp, rng))
            spinner.spin_once(timeout_sec=0.02)
        return until()

    def ask() -> Trigger.Response:
        asked = remember.call_async(Trigger.Request())
        spinner.spin_until_future_complete(asked, timeout_sec=30.0)
        answer = asked.result()
        assert answer is not None
        return answer

    assert remember.wait_for_service(30.0)
    assert not ask().success, "the board was never seen"
    phrase: Callable[[], str] = lambda: tracker.report()[1]  # noqa: E731
    seen = 0

    def enough() -> bool:
        nonlocal seen
        seen += 1
        return seen > 3 * LOOKS and ask().success

    assert show(HEAD, 3.0, enough), phrase()
    assert mount.is_file()
    learned = inverse(BOARD_TO_CAMERA) @ inverse(CAMERA) @ HEAD
    assert pose_error(read_head_board(mount), learned)[0] < 0.002
    newest: Callable[[], float] = lambda: convert.seconds(told[-1].header.stamp) if told else 0.0  # noqa: E731
    assert show(MOVED, 4.0, lambda: newest() == 4.0), phrase()
    shift, turn = pose_error(convert.from_pose(told[-1].pose), MOVED)
    assert shift < 0.002
    assert np.degrees(turn) < 0.5
    assert told[-1].header.frame_id == names.BASE
    assert show(None, 5.0, lambda: phrase() == "the board is not seen")
    show(None, 5.0, lambda: False, seconds=0.5)  # poses told before may be on their way
    told.clear()
    assert not show(None, 6.0, lambda: bool(told), seconds=1.0)
    tracker.close()
    tracker.destroy_node()
    other.destroy_node()


def test_a_mount_is_not_learned_from_a_board_that_moves() -> None:
    looks = [_pose((0.0, 0.0, 0.0), (0.0, 0.0, 0.6)), _pose((0.0, 0.0, 0.0), (0.01, 0.0, 0.6))]
    with pytest.raises(CombwiseError, match="nothing may move"):
        head_to_board(CAMERA, looks, HEAD)
    with pytest.raises(CombwiseError, match="no look"):
        head_to_board(CAMERA, [], HEAD)
