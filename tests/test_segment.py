"""Hair is found in a picture by its colour and where the head is; where it cannot be, a sentence says so."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from combwise.goal import MakeOptions, make
from hairsim.cameras.camera import Camera, Frame, look_at
from hairsim.cameras.capture import capture
from hairsim.cameras.look import HairLook
from hairsim.cameras.picture import portrait_camera
from hairsim.errors import CombwiseError
from hairsim.groom.children import make_children
from hairsim.groom.families import make_groom
from hairsim.head.head import Head
from hairsim.head.parametric import parametric_head
from planner.goal.from_picture import read_mask
from planner.goal.segment import GraphCut, head_parts

CV2 = "cv2"


@pytest.fixture(scope="module")
def head() -> Head:
    return parametric_head()


def picture(head: Head, azimuth: float, colour: str) -> Frame:
    groom = make_groom("straight_bob", head, guides=200, seed=1)
    hair = make_children(groom, count=3000, seed=1).strands(groom.strands)
    camera = portrait_camera(azimuth, 10.0, 300, 340, distance=1.1, span=0.5)
    return capture(hair, head, [camera], seed=1, noise=None, look=HairLook(colour=colour))[0]


@pytest.mark.parametrize(("azimuth", "colour"), [(20.0, "brown"), (90.0, "blond"), (180.0, "black")])
def test_hair_is_found_where_it_is(head: Head, azimuth: float, colour: str) -> None:
    pytest.importorskip(CV2)
    seen = picture(head, azimuth, colour)
    found = GraphCut().mask(seen.colour, seen.camera, head)
    assert found.shape == seen.hair_mask.shape and found.dtype == bool
    assert (found & seen.hair_mask).sum() > 0.85 * (found | seen.hair_mask).sum()
    assert np.array_equal(found, GraphCut().mask(seen.colour, seen.camera, head))


def test_scalp_and_face_are_where_a_camera_sees_them(head: Head) -> None:
    front, back = (portrait_camera(a, 0.0, 200, 200, distance=1.1, span=0.5) for a in (0.0, 180.0))
    scalp, face, near = head_parts(front, head)
    assert scalp.any() and face.any() and not (scalp & face).any()
    assert near[scalp | face].all()
    assert np.nonzero(scalp)[0].mean() < np.nonzero(face)[0].mean()  # rows run down
    assert not head_parts(back, head)[1].any()


def test_what_cannot_be_cut_gets_one_sentence(head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(CV2)
    away = Camera("away", 80, 80, 100.0, look_at(np.array([1.0, 0.0, 0.1]), np.array([2.0, 0.0, 0.1])))
    grey = np.full((80, 80, 3), 128, np.uint8)
    with pytest.raises(CombwiseError, match="iterations"):
        GraphCut(iterations=0)
    with pytest.raises(CombwiseError, match="does not show the scalp"):
        GraphCut().mask(grey, away, head)
    monkeypatch.setitem(sys.modules, CV2, None)
    with pytest.raises(CombwiseError, match="needs OpenCV; install Combwise with its calibrate extra"):
        GraphCut().mask(grey, away, head)


def test_a_goal_can_be_made_of_a_picture_alone_and_its_mask_is_left_to_be_looked_at(
    head: Head, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip(CV2)
    seen = picture(head, 20.0, "brown")
    imageio.imwrite(tmp_path / "wish.png", seen.colour)
    options = MakeOptions(
        source=tmp_path / "wish.png", out=tmp_path / "goal.npz", segment=True,
        azimuth=20.0, elevation=10.0, span=0.5,
    )  # fmt: skip
    line = make(options)
    assert "voxels of hair on 'built-in head', made from one picture" in line
    assert "goal_mask.png: the hair found in the picture" in capsys.readouterr().out
    found = read_mask(tmp_path / "goal_mask.png", seen.hair_mask.shape)
    assert (found & seen.hair_mask).sum() > 0.85 * (found | seen.hair_mask).sum()
    with pytest.raises(CombwiseError, match="exclude each other"):
        make(replace(options, mask=tmp_path / "goal_mask.png", overwrite=True))
    with pytest.raises(CombwiseError, match=r"nothing says which pixels .* or --segment"):
        make(replace(options, segment=False, overwrite=True))
    kept = (tmp_path / "goal_mask.png").read_bytes()
    (tmp_path / "goal.npz").unlink()
    with pytest.raises(CombwiseError, match=r"goal_mask\.png exists; use --overwrite"):
        make(options)
    assert (tmp_path / "goal_mask.png").read_bytes() == kept and not (tmp_path / "goal.npz").exists()
