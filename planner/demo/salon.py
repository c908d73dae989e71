"""A virtual salon: one simulated head of hair that can be looked at and combed, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hairsim.cameras.camera import Camera, Frame
from hairsim.cameras.capture import capture
from hairsim.cameras.depth_noise import DepthNoise
from hairsim.groom.children import Children
from hairsim.head.head import Head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import poses_at, stroke_path
from hairsim.tools.tool import Tool, ToolPath
from hairsim.world import HairWorld
from planner.episode import StrokeReading

WAIT_SECONDS = 3.0
"""How long a stroke takes about, with entry and exit [s]: what a planner that waits waits."""

REST_SECONDS = 1.0
"""Rest after a stroke before the next look [s]; the same as in the training data."""


@dataclass(frozen=True)
class FilmFrame:
    """The state of the salon at one moment of a stroke, for the video.

    Attributes:
        strands: [S, V, 3] guide strands [m].
        position: [3] of the tool [m], None while it is away.
        quaternion: [4] x, y, z, w of the tool, None while it is away.
        stroke: number of the stroke, from 0.
    """

    strands: np.ndarray
    position: np.ndarray | None
    quaternion: np.ndarray | None
    stroke: int


class SimulatedSalon:
    """The environment of a virtual episode.

    Args:
        world: one head in the simulator.
        children: interpolated hair that the cameras see.
        cameras: the calibrated rig.
        tool: the comb.
        seed: of the cameras' noise; every look draws new noise.
        noise: of the cameras; None for the exact picture.
        film_rate: film frames kept per second of stroke; 0 for none.
        device: where pictures are taken.
    """

    def __init__(
        self,
        world: HairWorld,
        children: Children,
        cameras: Sequence[Camera],
        tool: Tool,
        *,
        seed: int,
        noise: DepthNoise | None,
        film_rate: float = 0.0,
        device: str = "cpu",
    ) -> None:
        self.world = world
        self.children = children
        self.cameras = tuple(cameras)
        self.tool = tool
        self.film: list[FilmFrame] = []
        self.history: list[np.ndarray] = [world.strands()]
        self.paths: list[ToolPath] = []
        self._seed = seed
        self._looks = 0
        self._noise = noise
        self._film_rate = film_rate
        self._device = device

    @property
    def head(self) -> Head:
        """The head in front of the cameras."""
        return self.world.heads[0]

    def look(self) -> list[Frame]:
        """Return what all cameras see now, with fresh noise."""
        return self.look_at(self.world.strands())

    def look_at(self, guides: np.ndarray) -> list[Frame]:
        """Return what all cameras would see of guide strands [S, V, 3]; for goals."""
        self._looks += 1
        noise_seed = int(np.random.SeedSequence([self._seed, self._looks]).generate_state(1)[0])
        return capture(
            self.children.strands(guides),
            self.head,
            self.cameras,
            seed=noise_seed,
            noise=self._noise,
            device=self._device,
        )

    def execute(self, stroke: Stroke | None) -> StrokeReading:
        """Comb and let the hair come to rest, or wait as long; ground truth is kept aside in `history`."""
        if stroke is None:
            self.world.settle(WAIT_SECONDS + REST_SECONDS)
            self.history.append(self.world.strands())
            return StrokeReading(WAIT_SECONDS, 0.0)
        path = stroke_path(stroke, self.head, self.tool)
        number = len(self.paths)

        def keep_frame(seconds: float) -> None:
            position = quaternion = None
            if seconds <= path.times[-1]:
                positions, quaternions = poses_at(path, np.array([seconds]))
                position, quaternion = positions[0], quaternions[0]
            self.film.append(FilmFrame(self.world.strands(), position, quaternion, number))

        reading = self.world.comb(
            [path],
            self.tool,
            rest_seconds=REST_SECONDS,
            on_frame=keep_frame if self._film_rate > 0.0 else None,
            frames_per_second=self._film_rate or 30.0,
        )[0]
        self.paths.append(path)
        self.history.append(self.world.strands())
        force = np.linalg.norm(reading.force, axis=-1)
        mean = float(force.mean()) if len(force) else 0.0
        return StrokeReading(float(path.times[-1]), float(force.max(initial=0.0)), mean)
