"""What a demo of the robot graph is: whose hair, which arm, which goal, where to write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hairsim.errors import CombwiseError
from planner.demo.config import DemoConfig


@dataclass(frozen=True)
class RosDemoConfig:
    """One demo of the robot graph.

    Attributes:
        out: output folder of the run.
        arm: which arm the virtual robot has.
        seed: of the groom, the hidden goal strokes, the sensors' noise and the planner.
        family: procedural hairstyle.
        head: file of the head's shape (hairsim/head/head_file.py); None for the built-in adult.
        goal: recorded goal (.npz or a demo's folder) in place of a goal made by combing a copy.
        preset: how far MPPI searches.
        weights: checkpoint of the learned model; None for the shipped one.
        strokes: most strokes.
        hidden_strokes: strokes that make the goal, where none is given.
        guides: simulated strands.
        vertices: vertices of each; edges longer than a comb's teeth are apart (10 mm) jam between them, and
            pull harder than the supervisor allows.
        children: interpolated hairs that the cameras see.
        camera_size: width and height of each camera's images [pixel].
        camera_rate: looks of the cameras [1/s of ROS time].
        speed: ROS seconds per second of wall time, at most; 0 for what the machine sustains.
        pictures: ROS time between pictures of a camera that the bag keeps, 0 keeps all [s].
        device: where the model computes, "cpu" or "cuda".
        domain: ROS_DOMAIN_ID of the graph; None for one of its own, which it tells.
        overwrite: replace the run in `out`.
    """

    out: Path = Path("runs/ros_demo")
    arm: Literal["ur5e", "xarm7", "panda"] = "ur5e"
    seed: int = 0
    family: str = "straight_long"
    head: Path | None = None
    goal: Path | None = None
    preset: Literal["cpu", "quick", "gpu"] = "cpu"
    weights: Path | None = None
    strokes: int = 3
    hidden_strokes: int = 3
    guides: int = 400
    vertices: int = 32
    children: int = 4000
    camera_size: int = 400
    camera_rate: float = 5.0
    speed: float = 0.0
    pictures: float = 1.0
    device: str = "cpu"
    domain: int | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        self.scene()  # refuses what it cannot be made of
        if self.head is not None and not self.head.is_file():
            raise CombwiseError(f"--head {self.head} does not exist; expected a file that describes a head")
        if not 0.0 <= self.speed <= 10.0:
            raise CombwiseError(f"--speed is {self.speed}; expected 0 (what the machine sustains) to 10")
        if self.domain is not None and not 0 <= self.domain <= 101:
            raise CombwiseError(
                f"--domain is {self.domain}; expected 0 to 101, what ROS 2 can use everywhere"
            )

    def scene(self) -> DemoConfig:
        """Return the hair, its goal and the strokes that are allowed as `combwise demo` has them."""
        return DemoConfig(
            seed=self.seed,
            family=self.family,
            goal=self.goal,
            weights=self.weights,
            strokes=self.strokes,
            hidden_strokes=self.hidden_strokes,
            guides=self.guides,
            vertices=self.vertices,
            children=self.children,
            video=False,
        )
