"""Arms that can hold the comb: where their URDF is, how their joints are called, how fast they may go."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class Arm:
    """A serial arm, its working limits and a posture to start from.

    The working limits are ours: far below what the arms can do, because a head is in reach. Position limits
    and the hard speed limits come from the URDF.

    Attributes:
        name: what to call it.
        urdf: its description.
        packages: folder in which the URDF's `package://` names are looked up; None if it has none.
        flange: the URDF frame that the comb is screwed to; +z points away from the arm.
        joints: names of the J moving joints, base to flange. Other joints of the URDF stay at zero.
        ready: [J] posture in front of the head from which strokes start [rad].
        head: where the head stands by default, (x, y, z, yaw) of the head frame in the base frame [m, rad].
        srdf: which pairs of links need no collision check, because they never meet; None if there is none.
        speed: largest joint speed in use [rad/s].
        acceleration: largest joint acceleration in use [rad/s^2].
        jerk: largest joint jerk in use [rad/s^3].
        position_range: largest |angle| in use, where the URDF allows more [rad].
    """

    name: str
    urdf: Path
    packages: Path | None
    flange: str
    joints: tuple[str, ...]
    ready: tuple[float, ...]
    head: tuple[float, float, float, float]
    srdf: Path | None = None
    speed: float = 1.5
    acceleration: float = 3.0
    jerk: float = 60.0
    position_range: float = 6.2

    def __post_init__(self) -> None:
        if len(self.ready) != len(self.joints):
            raise CombwiseError(
                f"arm '{self.name}': ready posture of {len(self.ready)} angles for {len(self.joints)} joints"
            )
        if min(self.speed, self.acceleration, self.jerk, self.position_range) <= 0.0:
            raise CombwiseError(
                f"arm '{self.name}': speed {self.speed}, acceleration {self.acceleration}, jerk {self.jerk} "
                f"and position range {self.position_range}; expected positive numbers"
            )
        if not self.urdf.is_file():
            raise CombwiseError(f"arm '{self.name}': no URDF at {self.urdf}")


ARMS = ("ur5e", "xarm7", "panda")
"""Names of the arms that `arm_named` knows."""


def arm_named(name: str) -> Arm:
    """Return a known arm.

    Panda and xArm7 are read from the example-robot-data package, the UR5e from our urdf/ folder.

    Raises:
        CombwiseError: unknown name, or example-robot-data is not installed.
    """
    if name == "ur5e":
        return Arm(
            name="ur5e",
            urdf=Path(__file__).parents[1] / "urdf" / "ur5e.urdf",
            packages=None,
            flange="tool0",
            joints=(
                "shoulder_pan_joint",
                "shoulder_lift_joint",
                "elbow_joint",
                "wrist_1_joint",
                "wrist_2_joint",
                "wrist_3_joint",
            ),
            ready=(0.0, -1.9, 1.9, -0.6, -1.57, 0.0),
            head=(0.55, 0.0, 0.35, 0.0),
        )
    if name == "xarm7":
        return Arm(
            name="xarm7",
            urdf=_robots() / "xarm_description" / "urdf" / "xarm7.urdf",
            packages=_robots().parents[1],
            flange="link_eef",
            joints=tuple(f"joint{n}" for n in range(1, 8)),
            ready=(0.0, -0.7, 0.0, 0.9, 0.0, 0.4, 0.0),
            head=(0.50, 0.0, 0.35, 0.0),
            srdf=_robots() / "xarm_description" / "srdf" / "xarm7.srdf",
        )
    if name == "panda":
        return Arm(
            name="panda",
            urdf=_robots() / "panda_description" / "urdf" / "panda_collision.urdf",
            packages=_robots().parents[1],
            flange="panda_link8",
            joints=tuple(f"panda_joint{n}" for n in range(1, 8)),
            ready=(0.0, -0.9, 0.0, -2.4, 0.0, 1.8, 0.785),
            head=(0.55, 0.0, 0.40, 0.0),
            srdf=_robots() / "panda_description" / "srdf" / "panda.srdf",
        )
    raise CombwiseError(f"arm '{name}' is not known; expected one of {', '.join(ARMS)}")


def _robots() -> Path:
    """Return the folder of example-robot-data's robots."""
    try:
        folder = distribution("example-robot-data").locate_file(
            "cmeel.prefix/share/example-robot-data/robots"
        )
    except PackageNotFoundError as error:
        raise CombwiseError(
            "this arm's URDF comes with example-robot-data, which is not installed; "
            "install Combwise with its ros extra (make ros)"
        ) from error
    return Path(str(folder))
