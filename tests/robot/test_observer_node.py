"""Hair observer and goal server as processes: pictures in, volumes out, and what is missing is said."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hairsim.cameras.camera import three_camera_rig
from hairsim.cameras.capture import capture
from hairsim.groom.children import make_children
from hairsim.groom.families import make_groom
from hairsim.head.parametric import parametric_head
from hairsim.volume import GRIDS
from planner.goal import save_look
from planner.observe import observe
from tests.robot.ros_process import RosProcess, ros_domain, wait_for

for module in ("rclpy", "combwise_interfaces.msg", "tf2_msgs.msg"):
    pytest.importorskip(module, reason="nodes need make ros")

HEAD = parametric_head()


@pytest.fixture(scope="module")
def frames() -> list[Any]:
    groom = make_groom("straight_bob", HEAD, guides=80, seed=0)
    hair = make_children(groom, count=2500).strands(groom.strands)
    return capture(hair, HEAD, three_camera_rig(240, 240), seed=0)


def _rest() -> None:
    time.sleep(0.02)


class Watcher:
    """A node of the test: hears the volumes and asks the services, spinning in a thread."""

    def __init__(self) -> None:
        import rclpy
        from combwise_interfaces.msg import HairVolume
        from combwise_interfaces.srv import LoadGoal
        from rclpy.executors import SingleThreadedExecutor
        from sensor_msgs.msg import PointCloud2
        from std_srvs.srv import Trigger

        from robot_ros.nodes import names, qos

        self.node = rclpy.create_node("watcher")
        self.volumes: dict[str, list[Any]] = {names.HAIR_VOLUME: [], names.GOAL_VOLUME: []}
        self.clouds: list[Any] = []
        for topic, heard in self.volumes.items():
            self.node.create_subscription(HairVolume, topic, heard.append, qos.LATCHED)
        self.node.create_subscription(PointCloud2, names.HAIR_POINTS, self.clouds.append, qos.LATCHED)
        self.look = self.node.create_client(Trigger, names.LOOK)
        self.load = self.node.create_client(LoadGoal, names.LOAD_GOAL)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        threading.Thread(target=self._executor.spin, daemon=True).start()

    def ask(self, client: Any, request: Any, seconds: float = 150.0) -> Any:
        assert client.wait_for_service(seconds), client.srv_name
        future = client.call_async(request)
        wait_for(client.srv_name, future.done, seconds=seconds, spin=_rest)
        return future.result()

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()


class Cameras:
    """Publishes one look over and over, as cameras do, until stopped; some may be silent."""

    def __init__(self, node: Any, frames: list[Any]) -> None:
        from sensor_msgs.msg import CameraInfo, Image
        from tf2_msgs.msg import TFMessage

        from robot_ros.nodes import convert, names, qos

        self.silent: set[tuple[str, str]] = set()
        self._node, self._frames, self._stop = node, frames, threading.Event()
        topics = {
            "info": (CameraInfo, names.camera_info_topic), "colour": (Image, names.colour_topic),
            "depth": (Image, names.depth_topic), "mask": (Image, names.mask_topic),
        }  # fmt: skip
        self._out = {
            (frame.camera.name, kind): node.create_publisher(message, topic(frame.camera.name), qos.SENSOR)
            for frame in frames
            for kind, (message, topic) in topics.items()
        }
        static = node.create_publisher(TFMessage, names.TF_STATIC, qos.TF_STATIC)
        stamp = node.get_clock().now().to_msg()
        static.publish(
            TFMessage(
                transforms=[
                    convert.to_transform(
                        f.camera.camera_to_head, names.HEAD, names.camera_frame(f.camera.name), stamp
                    )
                    for f in frames
                ]
            )
        )
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        from robot_ros.nodes import convert, names

        while not self._stop.wait(0.25):
            stamp = self._node.get_clock().now().to_msg()
            for frame in self._frames:
                name, optical = frame.camera.name, names.camera_frame(frame.camera.name)
                depth = convert.depth_millimetres(frame.depth)
                mask = frame.hair_mask.astype(np.uint8) * 255
                for kind, message in (
                    ("info", convert.to_camera_info(frame.camera, stamp)),
                    ("colour", convert.to_image(frame.colour, "rgb8", optical, stamp)),
                    ("depth", convert.to_image(depth, "16UC1", optical, stamp)),
                    ("mask", convert.to_image(mask, "mono8", optical, stamp)),
                ):
                    if (name, kind) not in self.silent:
                        self._out[name, kind].publish(message)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5.0)


@pytest.fixture(scope="module")
def watcher() -> Iterator[Watcher]:
    with ros_domain():
        watcher = Watcher()
        yield watcher
        watcher.close()


def _look(watcher: Watcher, success: bool) -> str:
    """Ask for a look until the answer is as expected; return its message."""
    from std_srvs.srv import Trigger

    answers: list[Any] = []

    def asked() -> bool:
        answers.append(watcher.ask(watcher.look, Trigger.Request()))
        return answers[-1].success == success

    wait_for(f"an answer '{success}'", asked, seconds=90.0, spin=_rest)
    return answers[-1].message


@pytest.mark.timeout(400)
def test_pictures_become_the_volume_that_the_pure_observer_makes(
    watcher: Watcher, frames: list[Any], tmp_path: Path
) -> None:
    """And a silent camera is named, not waited for for ever."""
    from robot_ros.nodes import names
    from robot_ros.nodes.hair_messages import from_volume_message

    cameras = Cameras(watcher.node, frames)
    observer = RosProcess("robot_ros.nodes.hair_observer", {}, tmp_path / "observer.log")
    try:
        _look(watcher, True)
        heard = watcher.volumes[names.HAIR_VOLUME]
        wait_for("a volume", lambda: bool(heard), seconds=60.0, spin=_rest)
        seen, wanted = from_volume_message(heard[-1]), observe(frames, HEAD, GRIDS["small"])
        assert seen.grid == wanted.grid
        # Depth crosses the wire in whole millimetres: a few voxels at the rim differ.
        apart = (seen.occupied ^ wanted.occupied).sum() / wanted.occupied.sum()
        assert apart < 0.05
        wait_for("points", lambda: bool(watcher.clouds), seconds=60.0, spin=_rest)
        assert watcher.clouds[-1].width == seen.occupied.sum()

        cameras.silent = {("right", "depth")}
        assert "camera 'right' sent its last depth" in _look(watcher, False)
        cameras.silent = set()
        _look(watcher, True)
    finally:
        cameras.stop()
        status = observer.stop(60.0)
    assert status == 0, observer.log.read_text()


@pytest.mark.timeout(400)
def test_a_recorded_goal_is_loaded_and_mirrored(watcher: Watcher, frames: list[Any], tmp_path: Path) -> None:
    from combwise_interfaces.srv import LoadGoal

    from robot_ros.nodes import names
    from robot_ros.nodes.hair_messages import from_volume_message

    goal = save_look(tmp_path, frames)
    server = RosProcess("robot_ros.nodes.goal_server", {}, tmp_path / "goal.log")
    try:
        answer = watcher.ask(watcher.load, LoadGoal.Request(path=str(tmp_path / "nothing.npz")))
        assert not answer.success
        assert "nothing.npz does not exist" in answer.message
        other = save_look(tmp_path / "other", frames, {"head": "somebody else"})
        answer = watcher.ask(watcher.load, LoadGoal.Request(path=str(other)))
        assert not answer.success
        assert "taken of head 'somebody else', the hair grows on 'built-in head'" in answer.message
        heard = watcher.volumes[names.GOAL_VOLUME]
        for count, mirror in enumerate((False, True), 1):
            answer = watcher.ask(watcher.load, LoadGoal.Request(path=str(goal), mirror=mirror))
            assert answer.success, answer.message
            assert "3 camera(s)" in answer.message
            wait_for(
                "a goal", lambda n=count: len(heard) == n, seconds=60.0,
                spin=_rest,
            )  # fmt: skip
        plain, mirrored = (from_volume_message(message) for message in heard)
        assert np.array_equal(plain.occupancy[:, ::-1], mirrored.occupancy)
        np.testing.assert_allclose(plain.direction[:, ::-1] * [1.0, -1.0, 1.0], mirrored.direction, atol=1e-6)
    finally:
        status = server.stop(60.0)
    assert status == 0, server.log.read_text()
