"""A groom to a goal: hair as it was modelled, every strand known."""

from __future__ import annotations

from hairsim.cameras.camera import three_camera_rig
from hairsim.cameras.picture import draw
from hairsim.groom.children import make_children
from hairsim.groom.groom import Groom
from hairsim.head.head import Head
from hairsim.volume import GridSpec, volume_from_strands
from planner.goal.look import Picture
from planner.goal.volume_goal import VolumeGoal


def groom_goal(
    groom: Groom, head: Head, grid: GridSpec, *, hairs: int = 4000, seed: int = 0, device: str = "cpu"
) -> VolumeGoal:
    """Return a groom as a goal for the head that it lies on, with pictures from our rig's places.

    Args:
        groom: lying on the head; it is taken as it is, nothing settles.
        head: to be styled.
        grid: where to put the hair.
        hairs: interpolated hairs.
        seed: of them.
        device: where pictures are drawn.

    Raises:
        CombwiseError: a groom that children cannot be made of.
    """
    children = make_children(groom, count=hairs, seed=seed)
    strands = children.strands(groom.strands)
    pictures = tuple(
        Picture(camera, draw(strands, head, camera, device=device)) for camera in three_camera_rig()
    )
    notes = {"head": head.name, "made_from": f"groom {groom.name}"}
    return VolumeGoal(volume_from_strands(strands, children.hair_count, grid), True, pictures, notes)
