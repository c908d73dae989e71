"""Set up a virtual salon: head, groom, settled hair, goal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hairsim.cameras.camera import three_camera_rig
from hairsim.cameras.depth_noise import MILD_NOISE
from hairsim.errors import CombwiseError
from hairsim.groom.children import Children, make_children
from hairsim.groom.families import make_groom
from hairsim.groom.groom import Groom
from hairsim.head.head import Head
from hairsim.head.head_file import head_or_built_in
from hairsim.head.parametric import parametric_head
from hairsim.tools.tool import rake_comb
from hairsim.volume import GridSpec, HairVolume
from hairsim.world import HairWorld
from planner.benchmark.metrics import is_task
from planner.demo.config import DemoConfig
from planner.demo.salon import SimulatedSalon
from planner.goal.goals import Goal, goal_volume, load_goal
from planner.goal.look import Look, require_head
from planner.goal.virtual_goal import Style, VirtualGoal, any_style, make_virtual_goal

FILM_RATE = 10.0
"""Film frames kept per second of a stroke."""

PIXELS = 400
"""Width and height of a camera's images."""


@dataclass(frozen=True)
class Scene:
    """A salon with its customer and the wanted style.

    Attributes:
        salon: the environment of the episode.
        groom: the hair as it grew.
        goal: the wanted style, a look or a volume: all that a planner learns of it.
        truth: the wanted strands and hidden strokes, for scores and replay; None for a recorded goal.
    """

    salon: SimulatedSalon
    groom: Groom
    goal: Goal
    truth: VirtualGoal | None

    @property
    def head(self) -> Head:
        """The customer's head."""
        return self.salon.head

    def goal_volume(self, grid: GridSpec) -> HairVolume:
        """Return the goal as the salon's cameras would observe it."""
        return goal_volume(self.goal, self.head, grid, self.salon.cameras)

    def hair(self, guides: np.ndarray) -> np.ndarray:
        """Return the hair [N, V, 3] that cameras see for guides [S, V, 3]."""
        return self.salon.children.strands(guides)


@dataclass(frozen=True)
class Wish:
    """All that the files of a demo tell: who comes, and a recorded goal where there is one."""

    head: Head
    groom: Groom
    goal: Goal | None


def read_wish(config: DemoConfig) -> Wish:
    """Read head, groom and recorded goal, in a second or two; nothing is written yet.

    Raises:
        CombwiseError: a file that cannot be read, or a goal on another head.
    """
    head, groom = customer(config)
    goal = None if config.goal is None else load_goal(config.goal)
    if goal is not None:
        require_head(goal, head.name)
    return Wish(head, groom, goal)


def set_scene(
    config: DemoConfig, wish: Wish | None = None, *, style: Style = any_style, pixels: int = PIXELS
) -> Scene:
    """Build the scene of a demo; the same config gives the same scene.

    Args:
        config: of the demo.
        wish: what its files tell, where they have been read already.
        style: how the hidden strokes are drawn, where no goal is given.
        pixels: width and height of each camera's images.

    Raises:
        CombwiseError: a file that cannot be read, or a groom of which no task can be made.
    """
    wish = wish or read_wish(config)
    head, groom = wish.head, wish.groom
    children = make_children(groom, count=config.children, seed=config.seed)
    world = HairWorld([head], [groom], device=config.device)
    world.settle_until_still()
    truth = None
    if config.goal is None:
        rng = np.random.default_rng([config.seed, 1])
        truth = make_virtual_goal(
            world, rake_comb(), rng, strokes=config.hidden_strokes, most=config.strokes, style=style
        )
    salon = open_salon(config, world, children, pixels=pixels)
    if truth is not None:
        goal = Look(tuple(salon.look_at(truth.strands)), {"head": head.name, "seed": config.seed})
    else:
        assert config.goal is not None
        assert wish.goal is not None
        goal = wish.goal
        truth = _recorded_truth(config.goal, world.strands())
    return Scene(salon, groom, goal, truth)


def open_salon(
    config: DemoConfig, world: HairWorld, children: Children, *, pixels: int = PIXELS
) -> SimulatedSalon:
    """Return a salon around a world as it stands now."""
    return SimulatedSalon(
        world,
        children,
        three_camera_rig(pixels, pixels),
        rake_comb(),
        seed=config.seed,
        noise=MILD_NOISE,
        film_rate=FILM_RATE if config.video else 0.0,
        device=config.device,
    )


def customer(config: DemoConfig) -> tuple[Head, Groom]:
    """Return the head and its groom, as they grew."""
    if config.groom is None:
        head = parametric_head()
        return head, make_groom(
            config.family, head, guides=config.guides, vertices=config.vertices, seed=config.seed
        )
    from hairsim.groom.load import load_groom  # late: reading foreign files needs trimesh

    head = head_or_built_in(config.head, unit=config.groom_unit, axes=config.groom_axes)
    groom, _ = load_groom(
        config.groom,
        head,
        guides=config.guides,
        vertices=config.vertices,
        unit=config.groom_unit,
        axes=config.groom_axes,
    )
    return head, groom


def save_truth(path: Path, truth: VirtualGoal) -> None:
    """Write the goal's strands [m] beside its look: for scores, never read by a planner."""
    from hairsim.atomic_file import written_aside

    with written_aside(path) as aside:
        np.savez_compressed(aside, allow_pickle=False, strands=truth.strands)


def _recorded_truth(goal: Path, start: np.ndarray) -> VirtualGoal | None:
    """Return the true strands of a recorded goal where its folder has them and they are of this hair."""
    path = (goal if goal.is_dir() else goal.parent) / "truth.npz"
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            strands = archive["strands"]
    except (OSError, ValueError, KeyError) as error:
        raise CombwiseError(f"{path} is damaged ({error}); delete it to style without scores") from error
    if strands.shape != start.shape or not is_task(start, strands):
        return None
    return VirtualGoal(strands, ())
