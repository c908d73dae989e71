"""The goal server: a goal file becomes the goal volume.

    python -m robot_ros.nodes.goal_server --ros-args -p goal:=runs/demo/goal.npz

Reads what `combwise demo --goal` reads: a file of `combwise goal make`, or the folder of a demo.
"""

from __future__ import annotations

import sys
from pathlib import Path

from combwise_interfaces.msg import HairVolume as HairVolumeMessage
from combwise_interfaces.srv import LoadGoal
from sensor_msgs.msg import CompressedImage

from hairsim.cameras.camera import three_camera_rig
from hairsim.errors import CombwiseError
from hairsim.head.head_file import head_or_built_in
from hairsim.volume import GRIDS, HairVolume
from planner.goal import goal_volume, load_goal, require_head
from planner.observe import OBSERVER_VERSION
from robot_ros.nodes import names, qos
from robot_ros.nodes.hair_messages import to_volume_message
from robot_ros.nodes.hair_observer import picture_message
from robot_ros.nodes.head_options import HEAD
from robot_ros.nodes.node import ManagedNode, run
from robot_ros.nodes.parameters import Param, declare

PARAMS = (
    Param("goal", "", "goal to load at the start; empty for none"),
    Param("mirror", False, "that goal is a mirror image"),
    Param("grid", "small", "grid of the volume; that of the planner's model", choices=tuple(GRIDS)),
    HEAD,
)


class GoalServer(ManagedNode):
    """Publishes what the hair should be."""

    BEATS_AS = "goal"

    def __init__(self) -> None:
        super().__init__(names.GOAL_SERVER)
        self.options = declare(self, PARAMS)
        self._head = head_or_built_in(self.options["head"])
        self._grid = GRIDS[self.options["grid"]]
        self._loaded = ""

    def start(self) -> None:
        """Offer the service; load the first goal, if there is one."""
        self._volume_out = self.create_publisher(HairVolumeMessage, names.GOAL_VOLUME, qos.LATCHED)
        self._picture_out = self.create_publisher(CompressedImage, names.GOAL_PICTURE, qos.LATCHED)
        self._service = self.create_service(LoadGoal, names.LOAD_GOAL, self._load)
        if self.options["goal"]:
            self._publish(Path(self.options["goal"]), self.options["mirror"])

    def stop(self) -> None:
        """Withdraw the service."""
        self.destroy_service(self._service)
        self.destroy_publisher(self._volume_out)
        self.destroy_publisher(self._picture_out)

    def report(self) -> tuple[bool, str, dict[str, str]]:
        """Tell which goal is loaded."""
        return True, f"goal {self._loaded}" if self._loaded else "no goal yet", {}

    def _load(self, request: LoadGoal.Request, response: LoadGoal.Response) -> LoadGoal.Response:
        try:
            response.message = self._publish(Path(request.path), request.mirror)
            response.success = True
        except CombwiseError as error:
            response.success, response.message = False, str(error)
            self.get_logger().warning(str(error))
        return response

    def _publish(self, path: Path, mirror: bool) -> str:
        """Publish a goal; return what it is."""
        goal = load_goal(path)
        require_head(goal, self._head.name)
        volume = goal_volume(goal, self._head, self._grid, three_camera_rig())
        volume = mirrored(volume) if mirror else volume
        stamp = self.get_clock().now().to_msg()
        self._picture_out.publish(picture_message(goal.pictures, stamp))
        self._volume_out.publish(to_volume_message(volume, stamp, OBSERVER_VERSION))
        self._loaded = path.name
        voxels = int(volume.occupied.sum())
        return f"{path.name}: {voxels} voxels of hair, shown by {len(goal.pictures)} camera(s)"


def mirrored(volume: HairVolume) -> HairVolume:
    """Return a volume with the wearer's left and right exchanged.

    Raises:
        CombwiseError: a grid that does not lie evenly about the middle.
    """
    grid = volume.grid
    if abs(2.0 * grid.origin[1] + grid.voxel * grid.shape[1]) > 1e-6:
        raise CombwiseError(f"grid {grid} is not even about y = 0; a goal on it cannot be mirrored")
    direction = volume.direction[:, ::-1].copy()
    direction[..., 1] *= -1.0
    return HairVolume(volume.occupancy[:, ::-1].copy(), direction, grid)


def main() -> int:
    """Run the goal server."""
    return run(GoalServer)


if __name__ == "__main__":
    sys.exit(main())
