"""`combwise goal make|show`: what the hair should look like, out of whatever there is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from combwise.options import DeviceOption
from hairsim.errors import CombwiseError

if TYPE_CHECKING:
    import numpy as np

    from hairsim.cameras.camera import Camera
    from hairsim.head.head import Head
    from planner.goal import Goal, VolumeGoal

Kind = Literal["look", "picture", "groom"]


@dataclass(frozen=True, kw_only=True)
class MakeOptions(DeviceOption):
    """Options of `combwise goal make`.

    Attributes:
        source: a look (.npz, or a demo's folder), a picture (.png, .jpg) or a groom file (.data, .usd, ...).
        out: the .npz file to write; `combwise demo --goal` reads it.
        kind: look, picture or groom; what the file is, when left out.
        head: a mesh file of the head to be styled, or a .toml that describes it (hairsim/head/head_file.py);
            the built-in adult when left out.
        look_head: such a file of the other head that the look was taken of, in whose frame its cameras are.
        unit: of the groom and head files: m, cm, mm or in; cm for heads, and the groom's own, when left out.
        axes: of them: y-up, z-up or z-up-facing-minus-y; y-up for heads, and the groom's own.
        moved: for a look: the head did not stand where the cameras were calibrated for it; where it did is
            found from its skin.
        one: name of the one camera of a look whose colour picture is all that may be used.
        mask: for a picture: one of its size that is light where hair is.
        segment: for a picture without --mask: find its hair by colour, as far as it hangs on the scalp (needs
            the extra calibrate); the mask is written beside the goal, to be looked at.
        camera: for a picture: a JSON file with width, height, focal [pixel] and camera_to_head [4][4].
        azimuth: for a picture without --camera: from where it was taken [degree], 0 in front, 90 the wearer's
            left.
        elevation: from how high [degree].
        distance: of the camera from the head [m].
        span: how much of the world the picture's shorter side shows at the head [m].
        weights: for a picture: checkpoint of `combwise train goal`; the shipped one when left out.
        latent: for a picture: the latent space that the weights belong to; the shipped one when left out.
        profile: grid of the goal.
        seed: of a groom's interpolated hairs.
        hairs: interpolated hairs of a groom.
        overwrite: replace the file when it exists.
    """

    source: Annotated[Path, tyro.conf.arg(name="from")]
    out: Path
    kind: Kind | None = None
    head: Path | None = None
    look_head: Path | None = None
    unit: str | None = None
    axes: str | None = None
    moved: bool = False
    one: str | None = None
    mask: Path | None = None
    segment: bool = False
    camera: Path | None = None
    azimuth: float = 0.0
    elevation: float = 0.0
    distance: float = 1.1
    span: float = 0.44
    weights: Path | None = None
    latent: Path | None = None
    profile: str = "small"
    seed: int = 0
    hairs: int = 4000
    overwrite: bool = False


@dataclass(frozen=True, kw_only=True)
class ShowOptions:
    """Options of `combwise goal show`.

    Attributes:
        goal: a goal file, or the folder of a demo.
        out: the .png picture to write: the goal's pictures, and its hair from the left, the front and above,
            coloured by strand direction.
        overwrite: replace the picture when it exists.
    """

    goal: tyro.conf.Positional[Path]
    out: Path
    overwrite: bool = False


def make(options: MakeOptions) -> str:
    """Write a goal; return the closing line."""
    from planner.goal import VolumeGoal, save_goal

    _check_target(options.out, ".npz", options.overwrite)
    if options.segment:  # a mask that was corrected by hand is work
        _check_target(_mask_file(options.out), ".png", options.overwrite)
    if not options.source.exists():
        raise CombwiseError(
            f"--from {options.source} does not exist; expected a look, a picture or a groom file"
        )
    kind = options.kind or _kind_of(options.source)
    _require_fitting(options, kind)
    head = _head(options, options.head)
    goal = {"look": _of_look, "picture": _of_picture, "groom": _of_groom}[kind](options, head)
    save_goal(options.out, goal)
    if isinstance(goal, VolumeGoal):
        found = f"{int(goal.volume.occupied.sum())} voxels of hair on '{head.name}'"
        return f"{options.out}: {found}, made from {goal.notes['made_from']}"
    return f"{options.out}: a look of {len(goal.frames)} cameras at '{goal.notes.get('head', head.name)}'"


def show(options: ShowOptions) -> str:
    """Draw a goal; return the closing line."""
    import imageio.v3 as imageio

    from hairsim.atomic_file import written_aside
    from planner.goal import load_goal
    from planner.goal.drawing import draw_goal

    _check_target(options.out, ".png", options.overwrite)
    goal = load_goal(options.goal)
    with written_aside(options.out) as aside:
        imageio.imwrite(aside, draw_goal(goal))
    notes = ", ".join(f"{name} {value}" for name, value in goal.notes.items())
    return f"{options.out}: {len(goal.pictures)} pictures and the hair of the goal ({notes or 'no notes'})"


def _kind_of(source: Path) -> Kind:
    """Return what a file is, by its ending and its format."""
    from planner.goal.goals import PICTURES, goal_format

    if source.suffix.lower() in PICTURES:
        return "picture"
    if source.is_dir() or goal_format(source) is not None:
        return "look"
    return "groom"


def _require_fitting(options: MakeOptions, kind: Kind) -> None:
    """Refuse options that the kind of source has no use for."""
    of_picture = options.mask is not None or options.camera is not None or options.segment
    if kind != "picture" and of_picture:
        raise CombwiseError(
            f"--mask, --segment and --camera belong to a picture; {options.source} is a {kind}"
        )
    if options.mask is not None and options.segment:
        raise CombwiseError("--mask and --segment exclude each other; give one of them")
    if kind == "picture" and options.mask is None and not options.segment:
        raise CombwiseError(
            f"nothing says which pixels of {options.source} are hair; expected --mask FILE, a picture of the "
            "same size that is light there, or --segment"
        )
    if kind != "look" and (options.look_head is not None or options.one is not None or options.moved):
        raise CombwiseError(f"--look-head, --moved and --one belong to a look; {options.source} is a {kind}")
    if options.look_head is not None and options.one is not None:
        raise CombwiseError(
            "one picture of another head cannot be registered; expected --look-head or --one, not both"
        )


def _of_look(options: MakeOptions, head: Head) -> Goal:
    """Keep a look as it is, register it to this head, or use one of its pictures."""
    from dynamics.checkpoint import profile_grid
    from planner.goal import load_look, require_head
    from planner.goal.from_picture import picture_goal, picture_of_look
    from planner.goal.picture_goal import load_picture_goals
    from planner.goal.registration import look_of_moved_head, registered_goal

    look = load_look(options.source)
    other = head if options.look_head is None else _head(options, options.look_head)
    if options.moved:
        look = look_of_moved_head(look, other)
    if options.look_head is not None:
        return registered_goal(look, other, head, profile_grid(options.profile))
    require_head(look, head.name)
    if options.one is None:
        return look
    goals = load_picture_goals(
        options.weights, latent=options.latent, device=options.device, profile=options.profile
    )
    return picture_goal(goals, *picture_of_look(look, options.one), head, notes=dict(look.notes))


def _of_picture(options: MakeOptions, head: Head) -> VolumeGoal:
    from planner.goal.from_picture import picture_goal, read_mask, read_picture
    from planner.goal.picture_goal import load_picture_goals

    colour = read_picture(options.source)
    size = (colour.shape[0], colour.shape[1])
    camera = _camera(options, size)
    if options.mask is not None:
        mask = read_mask(options.mask, size)
    else:
        mask = _found_mask(colour, camera, head, options.out)
    goals = load_picture_goals(
        options.weights, latent=options.latent, device=options.device, profile=options.profile
    )
    return picture_goal(goals, colour, mask, camera, head, notes={"picture": options.source.name})


def _found_mask(colour: np.ndarray, camera: Camera, head: Head, out: Path) -> np.ndarray:
    """Find the hair in a picture [height, width, 3]; write its mask beside the goal, and return it."""
    import imageio.v3 as imageio

    from hairsim.atomic_file import written_aside
    from planner.goal.segment import GraphCut

    mask = GraphCut().mask(colour, camera, head)
    path = _mask_file(out)
    with written_aside(path) as aside:
        imageio.imwrite(aside, mask.astype("uint8") * 255)
    print(f"{path}: the hair found in the picture; correct it and give it with --mask where it is wrong")
    return mask


def _mask_file(out: Path) -> Path:
    """Return where the mask that is found for a goal goes."""
    return out.with_name(f"{out.stem}_mask.png")


def _camera(options: MakeOptions, size: tuple[int, int]) -> Camera:
    """Return the camera of a picture (height, width): of a file, or from where it was taken."""
    from hairsim.cameras.picture import portrait_camera
    from planner.goal.from_picture import read_camera

    if options.camera is not None:
        return read_camera(options.camera, size)
    for name in ("distance", "span"):
        if not getattr(options, name) > 0.0:
            raise CombwiseError(f"--{name} is {getattr(options, name)} m; expected a positive length")
    return portrait_camera(
        options.azimuth,
        options.elevation,
        size[1],
        size[0],
        distance=options.distance,
        span=options.span,
    )


def _of_groom(options: MakeOptions, head: Head) -> VolumeGoal:
    from dynamics.checkpoint import profile_grid
    from hairsim.device import resolve_device
    from hairsim.groom.load import load_groom
    from planner.goal.from_groom import groom_goal

    groom, report = load_groom(options.source, head, unit=options.unit, axes=options.axes)
    print(report)
    return groom_goal(
        groom,
        head,
        profile_grid(options.profile),
        hairs=options.hairs,
        seed=options.seed,
        device=resolve_device(options.device),
    )


def _head(options: MakeOptions, mesh: Path | None) -> Head:
    from hairsim.head.head_file import head_or_built_in

    return head_or_built_in(mesh, unit=options.unit, axes=options.axes)


def _check_target(path: Path, ending: str, overwrite: bool) -> None:
    if path.suffix != ending or not path.parent.is_dir():
        raise CombwiseError(f"output file {path} cannot be; expected a {ending} in a folder that exists")
    if path.exists() and not overwrite:
        raise CombwiseError(f"file {path} exists; use --overwrite or another --out")
