"""Hair as a Gymnasium environment: comb many heads side by side, see volumes or pictures, reach a style.

    import gymnasium
    import hairsim.environment                      # registers Combwise/Hair-v0; extra `gym`

    heads = gymnasium.make_vec("Combwise/Hair-v0", num_envs=8)
    head = gymnasium.make("Combwise/Hair-v0", goal_strokes=0, images=True)

An action is one stroke, the eight parameters of `Stroke` in its order; a step combs with it and lets the hair
rest. An episode is `strokes` steps of all heads alike, then it is truncated; nothing terminates it. The goal
is the same hair after `goal_strokes` hidden random strokes. The reward is by how many millimetres the step
brought the strands that had to move nearer to it, on average, less `disturbance_weight` times by how many it
moved the others away. `info` tells both and more: moved_mm, disturbance_mm, success, peak_force_n.

Worlds share one clock and one reset: the autoreset mode is NEXT_STEP, for all of them in the same step.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hairsim.cameras.camera import three_camera_rig
from hairsim.cameras.capture import capture
from hairsim.cameras.picture import draw, portrait_camera
from hairsim.device import resolve_device, start_warp
from hairsim.errors import CombwiseError
from hairsim.generate.random_stroke import random_stroke
from hairsim.groom.children import make_children
from hairsim.groom.families import FAMILIES, TRAINING_FAMILIES, make_groom
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke import STROKE_HIGH, STROKE_LOW, Stroke
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool_file import load_tool
from hairsim.volume import GRIDS, volume_from_strands
from hairsim.world import HairWorld

try:
    import gymnasium
    from gymnasium import spaces
    from gymnasium.vector import AutoresetMode, VectorEnv
    from gymnasium.vector.utils import batch_space
except ImportError as missing:
    raise CombwiseError(
        "the environment needs Gymnasium, which is not installed; "
        "install it with: pip install 'combwise[gym]'"
    ) from missing

MUST_MOVE = 0.015
"""Mean distance to its goal [m] from which a strand is one that has to move (DESIGN section 7)."""

ENVIRONMENT = "Combwise/Hair-v0"


@dataclass(frozen=True)
class HairEnvironmentConfig:
    """What is combed, and what is seen.

    Attributes:
        families: of grooms, drawn at each reset.
        guides, vertices, children: strands, points of a strand, and hairs that volumes and cameras see.
        strokes: steps of an episode.
        goal_strokes: hidden strokes that make the goal; 0 for no goal, and no reward.
        disturbance_weight: of the strands that should stay, in the reward.
        tool: name of a shipped tool or path of a tool file.
        profile: grid of the volumes, small or base.
        normalised: actions run from -1 to 1 between the bounds of `Stroke`; else they are in its SI units.
        images: observe the three-camera rig's colour and depth as well.
        image_size: their width and height [pixel].
        render_size: of the portraits that `render` draws [pixel].
        settle_seconds, rest_seconds: before the first stroke and after each [s].
        device: where to simulate and render.
        threads: of the simulation, on the CPU; all cores when left out.
    """

    families: Sequence[str] = tuple(TRAINING_FAMILIES)
    guides: int = 300
    vertices: int = 24
    children: int = 4000
    strokes: int = 6
    goal_strokes: int = 2
    disturbance_weight: float = 0.5
    tool: str = "rake_comb"
    profile: str = "small"
    normalised: bool = True
    images: bool = False
    image_size: int = 128
    render_size: int = 480
    settle_seconds: float = 1.0
    rest_seconds: float = 0.8
    device: str = "cpu"
    threads: int | None = None

    def __post_init__(self) -> None:
        unknown = sorted(set(self.families) - set(FAMILIES))
        if unknown or not self.families:
            raise CombwiseError(f"no groom families {unknown}; expected some of {', '.join(FAMILIES)}")
        if self.profile not in GRIDS:
            raise CombwiseError(f"no profile '{self.profile}'; expected one of {', '.join(GRIDS)}")
        for name, least in (
            ("strokes", 1),
            ("goal_strokes", 0),
            ("image_size", 16),
            ("render_size", 16),
            ("guides", 4),
        ):
            if getattr(self, name) < least:
                raise CombwiseError(f"{name} is {getattr(self, name)}; expected at least {least}")


class HairVectorEnv(VectorEnv):
    """W heads of hair as one vector environment.

    Observations are dictionaries of arrays with the worlds first: occupancy [W, X, Y, Z] and direction
    [W, X, Y, Z, 3] as in `HairVolume`; goal_occupancy and goal_direction where there is a goal; colour
    [W, 3, H, W', 3] uint8 and depth [W, 3, H, W'] [m] of the rig where images are asked for.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 1, "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int = 1,
        *,
        config: HairEnvironmentConfig | None = None,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        """Prepare heads; `reset` grows their hair.

        Args:
            num_envs: heads, W.
            config: what is combed and seen.
            render_mode: "rgb_array" or None.
            options: fields of `HairEnvironmentConfig`, over `config`.

        Raises:
            CombwiseError: no heads, an unknown option, family, tool, profile, device or render mode.
        """
        known = HairEnvironmentConfig.__dataclass_fields__
        if unknown := sorted(set(options) - set(known)):
            raise CombwiseError(
                f"no environment options {', '.join(unknown)}; expected some of {', '.join(known)}"
            )
        self.config = replace(config or HairEnvironmentConfig(), **options)
        if num_envs < 1 or render_mode not in (None, "rgb_array"):
            raise CombwiseError(
                f"{num_envs} heads rendered as {render_mode!r}; expected 1 and up, rgb_array or None"
            )
        self.num_envs, self.render_mode = num_envs, render_mode
        self._device = resolve_device(self.config.device)
        start_warp()
        self._tool = load_tool(self.config.tool)
        self._head = parametric_head()
        self._grid = GRIDS[self.config.profile]
        self._rig = three_camera_rig(self.config.image_size, self.config.image_size)
        self.single_action_space = _action_space(self.config.normalised)
        self.single_observation_space = self._observation_space()
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._world: HairWorld | None = None
        self.over = False
        self._stroke = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Grow new hair on every head, settle it, and hide a goal; `options` are not used.

        The same seed gives the same hair, goals and sensor noise, to the bit on the same device.
        """
        super().reset(seed=seed)
        self._rngs = self.np_random.spawn(self.num_envs)
        grooms = [self._grown(rng) for rng in self._rngs]
        self._children = [
            make_children(groom, count=self.config.children, seed=index) for index, groom in enumerate(grooms)
        ]
        world = HairWorld(
            [self._head] * self.num_envs,
            grooms,
            device=self._device,
            threads=self.config.threads or os.cpu_count() or 1,
        )
        world.settle(self.config.settle_seconds)
        self._world, self.over, self._stroke = world, False, 0
        self._start = self._strands()
        self._goal = self._hidden_goal() if self.config.goal_strokes else None
        observation = self._observed()
        return observation, self._scores(np.zeros(self.num_envs))

    def step(
        self, actions: np.ndarray
    ) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Comb every head with its stroke [W, 8]; after the last step of an episode, reset instead.

        Angles beyond their bounds are wrapped, the rest is clipped, as `Stroke.from_vector` does.

        Raises:
            CombwiseError: no reset yet, or actions of another shape or that are not finite.
        """
        if self._world is None:
            raise CombwiseError("the environment was stepped before its first reset; call reset() first")
        none = np.zeros(self.num_envs, bool)
        if self.over:
            observation, info = self.reset()
            return observation, np.zeros(self.num_envs), none, none.copy(), info
        before = self._distances()
        paths = [stroke_path(stroke, self._head, self._tool) for stroke in self._strokes(actions)]
        readings = self._world.comb(paths, self._tool, rest_seconds=self.config.rest_seconds)
        force = np.array([np.linalg.norm(r.force, axis=-1).max(initial=0.0) for r in readings])
        after = self._distances()
        reward = (before[0] - after[0]) - self.config.disturbance_weight * (after[1] - before[1])
        self._stroke += 1
        self.over = self._stroke >= self.config.strokes
        return self._observed(), reward, none, np.full(self.num_envs, self.over), self._scores(force)

    def render(self) -> tuple[np.ndarray, ...] | None:
        """Return a portrait of every head, [size, size, 3] uint8, or None without a render mode."""
        if self.render_mode is None or self._world is None:
            return None
        size = self.config.render_size
        camera = portrait_camera(40.0, 10.0, size, size)
        return tuple(
            draw(children.strands(strands), self._head, camera, device=self._device)
            for children, strands in zip(self._children, self._strands(), strict=True)
        )

    def close_extras(self, **kwargs: Any) -> None:
        """Let go of the hair."""
        self._world = None

    def _grown(self, rng: np.random.Generator) -> Any:
        family = str(rng.choice(list(self.config.families)))
        seed = int(rng.integers(2**31))
        return make_groom(
            family, self._head, guides=self.config.guides, vertices=self.config.vertices, seed=seed
        )

    def _strands(self) -> np.ndarray:
        """Return the guides of all worlds, [W, S, V, 3] [m]."""
        assert self._world is not None
        return np.stack([self._world.strands(w) for w in range(self.num_envs)])

    def _hidden_goal(self) -> np.ndarray:
        """Comb hidden strokes, keep the strands [W, S, V, 3] and their volumes, go back to the start."""
        assert self._world is not None
        kept = self._world.snapshot()
        for _ in range(self.config.goal_strokes):
            strokes = [
                random_stroke(s, self._head, rng) for s, rng in zip(self._strands(), self._rngs, strict=True)
            ]
            paths = [stroke_path(stroke, self._head, self._tool) for stroke in strokes]
            self._world.comb(paths, self._tool, rest_seconds=self.config.rest_seconds)
        goal = self._strands()
        self._goal_volumes = self._volumes(goal, "goal_")
        self._world.restore(kept)
        return goal

    def _strokes(self, actions: np.ndarray) -> list[Stroke]:
        vectors = np.asarray(actions, np.float64)
        if vectors.shape != (self.num_envs, len(STROKE_LOW)) or not np.isfinite(vectors).all():
            raise CombwiseError(
                f"actions have shape {vectors.shape} or hold NaN; "
                f"expected finite ({self.num_envs}, {len(STROKE_LOW)})"
            )
        if self.config.normalised:
            vectors = STROKE_LOW + 0.5 * (vectors + 1.0) * (STROKE_HIGH - STROKE_LOW)
        return [Stroke.from_vector(vector) for vector in vectors]

    def _distances(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean distances to the goal [mm]: of strands that had to move, and of the others, [W]."""
        if self._goal is None:
            return np.zeros(self.num_envs), np.zeros(self.num_envs)
        away = 1e3 * np.linalg.norm(self._strands() - self._goal, axis=-1).mean(axis=-1)
        must = np.linalg.norm(self._start - self._goal, axis=-1).mean(axis=-1) > MUST_MOVE
        moved = np.array([a[m].mean() if m.any() else 0.0 for a, m in zip(away, must, strict=True)])
        stayed = np.array([a[~m].mean() if (~m).any() else 0.0 for a, m in zip(away, must, strict=True)])
        return moved, stayed

    def _scores(self, force: np.ndarray) -> dict[str, Any]:
        """Return what is told beside the observation, an array [W] each."""
        moved, stayed = self._distances()
        if self._stroke == 0:
            self._moved_at_start = moved
        success = (moved <= 0.5 * self._moved_at_start) & (moved <= 15.0) & (stayed <= 5.0)
        return {
            "moved_mm": moved,
            "disturbance_mm": stayed,
            "success": success & (self._moved_at_start > 0.0),
            "peak_force_n": force,
        }

    def _observed(self) -> dict[str, np.ndarray]:
        strands = self._strands()
        seen = self._volumes(strands, "")
        if self._goal is not None:
            seen |= {name: values.copy() for name, values in self._goal_volumes.items()}
        if self.config.images:
            looks = [
                capture(
                    children.strands(guides),
                    self._head,
                    self._rig,
                    seed=int(rng.integers(2**31)),
                    device=self._device,
                )
                for children, guides, rng in zip(self._children, strands, self._rngs, strict=True)
            ]
            seen["colour"] = np.array([[frame.colour for frame in look] for look in looks], np.uint8)
            seen["depth"] = np.array([[frame.depth for frame in look] for look in looks], np.float32)
        return seen

    def _volumes(self, strands: np.ndarray, prefix: str) -> dict[str, np.ndarray]:
        volumes = [
            volume_from_strands(children.strands(guides), children.hair_count, self._grid)
            for children, guides in zip(self._children, strands, strict=True)
        ]
        return {
            prefix + "occupancy": np.stack([v.occupancy for v in volumes]),
            prefix + "direction": np.clip(np.stack([v.direction for v in volumes]), -1.0, 1.0),
        }

    def _observation_space(self) -> spaces.Dict:
        shape, size = self._grid.shape, self.config.image_size
        boxes: dict[str, spaces.Space] = {}
        for prefix in ("", "goal_") if self.config.goal_strokes else ("",):
            boxes[prefix + "occupancy"] = spaces.Box(0.0, 1.0, shape, np.float32)
            boxes[prefix + "direction"] = spaces.Box(-1.0, 1.0, (*shape, 3), np.float32)
        if self.config.images:
            boxes["colour"] = spaces.Box(0, 255, (len(self._rig), size, size, 3), np.uint8)
            boxes["depth"] = spaces.Box(0.0, 10.0, (len(self._rig), size, size), np.float32)
        return spaces.Dict(boxes)


class HairEnv(gymnasium.Env):
    """One head of hair: a `HairVectorEnv` of one, without the first axis."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 1}  # noqa: RUF012

    def __init__(
        self, *, config: HairEnvironmentConfig | None = None, render_mode: str | None = None, **options: Any
    ) -> None:
        """Prepare a head; arguments and errors as in `HairVectorEnv`."""
        self._heads = HairVectorEnv(1, config=config, render_mode=render_mode, **options)
        self.config, self.render_mode = self._heads.config, render_mode
        self.action_space = self._heads.single_action_space
        self.observation_space = self._heads.single_observation_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Grow new hair, as `HairVectorEnv.reset` does."""
        super().reset(seed=seed)
        observation, info = self._heads.reset(seed=seed)
        return _only(observation), _only(info)

    def step(self, action: np.ndarray) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Comb with one stroke [8].

        Raises:
            CombwiseError: no reset yet, the episode is over, or no finite action of eight numbers.
        """
        if self._heads.over:
            raise CombwiseError("the episode is over; call reset() before the next step")
        seen, reward, terminated, truncated, info = self._heads.step(np.asarray(action)[None])
        return _only(seen), float(reward[0]), bool(terminated[0]), bool(truncated[0]), _only(info)

    def render(self) -> np.ndarray | None:
        """Return a portrait [size, size, 3] uint8, or None without a render mode."""
        pictures = self._heads.render()
        return None if pictures is None else pictures[0]

    def close(self) -> None:
        """Let go of the hair."""
        self._heads.close()


def _action_space(normalised: bool) -> spaces.Box:
    """Return the space of strokes: -1 .. 1, or the bounds of `Stroke` in radians, metres and m/s."""
    if normalised:
        return spaces.Box(-1.0, 1.0, (len(STROKE_LOW),), np.float32)
    return spaces.Box(STROKE_LOW.astype(np.float32), STROKE_HIGH.astype(np.float32), dtype=np.float32)


def _only(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value[0] for name, value in values.items()}


if ENVIRONMENT not in gymnasium.registry:
    gymnasium.register(
        ENVIRONMENT,
        entry_point="hairsim.environment:HairEnv",
        vector_entry_point="hairsim.environment:HairVectorEnv",
    )
