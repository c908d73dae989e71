"""A head that is not where the rig was calibrated for it is found from its skin, or it is said why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from combwise.goal import MakeOptions, make
from hairsim.cameras.camera import Frame, three_camera_rig
from hairsim.cameras.capture import capture
from hairsim.errors import CombwiseError
from hairsim.groom.children import make_children
from hairsim.groom.families import make_groom
from hairsim.head.head import Head
from hairsim.head.parametric import parametric_head
from planner.goal.look import load_look, save_look
from planner.observe import observe
from planner.observe.head_pose import HeadPoseConfig, head_pose, reposed
from tests.hair_episodes import GRID

RIG = three_camera_rig(240, 240)
MOVED = np.eye(4)
MOVED[:3, :3] = Rotation.from_rotvec(np.radians(5.0) * np.array([0.6, 0.0, 0.8])).as_matrix()
MOVED[:3, 3] = [0.006, -0.008, 0.0]


@pytest.fixture(scope="module")
def head() -> Head:
    return parametric_head()


@pytest.fixture(scope="module")
def frames(head: Head) -> list[Frame]:
    """What the rig sees of the moved head, noise and all."""
    groom = make_groom("straight_bob", head, guides=200, seed=5)
    hair = make_children(groom, count=3000).strands(groom.strands)
    to_head = np.linalg.inv(MOVED)
    true = [replace(camera, camera_to_head=to_head @ camera.camera_to_head) for camera in RIG]
    seen = capture(hair, head, true, seed=1)
    return [replace(frame, camera=camera) for frame, camera in zip(seen, RIG, strict=True)]


def test_a_moved_head_is_found_to_a_millimetre_and_half_a_degree(head: Head, frames: list[Frame]) -> None:
    found = head_pose(frames, head)
    apart = np.linalg.inv(MOVED) @ found.head_to_rig
    middle = np.asarray(head.centre)
    assert np.linalg.norm(apart[:3, :3] @ middle + apart[:3, 3] - middle) < 0.001
    assert np.degrees(Rotation.from_matrix(apart[:3, :3]).magnitude()) < 0.5
    assert found.off_skin < 0.001 and found.points > 1000


def test_frames_put_right_show_the_hair_where_it_is_on_the_head(head: Head, frames: list[Frame]) -> None:
    """Read as calibrated, much hair of a moved head lies in the head; read through its pose, next to none."""

    def in_head(some: list[Frame]) -> float:
        volume = observe(some, head, GRID)
        return float((head.field.sample(GRID.centres()[volume.occupied]) < -0.004).mean())

    right = reposed(frames, head_pose(frames, head))
    assert in_head(right) < 0.5 * in_head(frames)
    assert head_pose(right, head).head_to_rig == pytest.approx(np.eye(4), abs=2e-3)


def test_skin_that_does_not_say_how_a_head_lies_is_refused(head: Head, frames: list[Frame]) -> None:
    with pytest.raises(CombwiseError, match=r"does not say how the head|points of skin lie where"):
        head_pose(frames[2:], head)  # the back of a head under hair


def test_bad_input_gets_one_sentence(head: Head, frames: list[Frame]) -> None:
    bald = [replace(frame, hair_mask=frame.depth > 0.0) for frame in frames]
    with pytest.raises(CombwiseError, match="0 points of skin lie where the head"):
        head_pose(bald, head)
    with pytest.raises(CombwiseError, match="no camera frames to find a head in"):
        head_pose([], head)
    lost = np.full((4, 4), np.nan)
    astray = [replace(frames[0], camera=replace(frames[0].camera, camera_to_head=lost))]
    with pytest.raises(CombwiseError, match="camera 'left' is not calibrated"):
        head_pose(astray, head)
    with pytest.raises(CombwiseError, match="head pose"):
        HeadPoseConfig(kept=0.0)


def test_a_look_at_a_moved_head_becomes_a_goal_of_the_head(
    head: Head, frames: list[Frame], tmp_path: Path
) -> None:
    save_look(tmp_path / "look.npz", frames, {"head": head.name})
    options = MakeOptions(source=tmp_path / "look.npz", out=tmp_path / "goal.npz", moved=True)
    make(options)
    goal = load_look(tmp_path / "goal.npz")
    assert goal.notes["head_turned_deg"] == pytest.approx(5.0, abs=0.5)
    right = np.linalg.inv(MOVED) @ RIG[0].camera_to_head
    assert goal.frames[0].camera.camera_to_head == pytest.approx(right, abs=0.01)
    (tmp_path / "wish.png").touch()
    with pytest.raises(CombwiseError, match="--moved and --one belong to a look"):
        make(replace(options, source=tmp_path / "wish.png", segment=True, overwrite=True))
