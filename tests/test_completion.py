"""What fills in hidden hair: strokes taken out of a U-Net to the bit, training, and the shipped weights."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from combwise.weights import InstallOptions, install
from dynamics.baselines.train import TrainBaselinesConfig, train_baselines
from dynamics.checkpoint import MODEL_FILE, load_checkpoint, save_checkpoint
from dynamics.completion.completion import Completion, completion_of
from dynamics.completion.train import TrainCompletionConfig, train_completion, without_strokes
from dynamics.completion.unet import Hair, UNet, UNetConfig
from dynamics.editing.stroke_raster import RASTER_CHANNELS
from dynamics.editing.train import TrainDynamicsConfig, train_dynamics
from dynamics.latent.train import TrainLatentConfig, train_latent
from dynamics.metrics import intersection_over_union
from dynamics.model import WEIGHTS, load_model
from hairsim.cameras.camera import three_camera_rig
from hairsim.cameras.capture import capture
from hairsim.errors import CombwiseError
from hairsim.groom.children import make_children
from hairsim.groom.families import UNSEEN_FAMILIES, make_groom
from hairsim.head.parametric import parametric_head
from hairsim.volume import HairVolume, volume_from_strands
from planner.observe import observe
from tests.hair_episodes import ball_head, curtain_volume, write_dataset
from tests.test_dynamics import TINY

SMALL = UNetConfig(8, 16, 16, 16)


def made_up_hair(shape: tuple[int, int, int] = (16, 16, 16)) -> Hair:
    torch.manual_seed(1)
    direction = torch.nn.functional.normalize(torch.randn(1, *shape, 3), dim=-1)
    return Hair(torch.rand(1, *shape), direction, 0.1 * torch.rand(1, *shape))


def overlap(one: HairVolume, other: HairVolume) -> float:
    """Return the intersection over union of what is hair."""
    both = (torch.from_numpy(v.occupancy)[None] for v in (one, other))
    return float(intersection_over_union(*both)[0])


def test_a_u_net_without_its_eyes_for_strokes_says_what_no_stroke_leaves() -> None:
    torch.manual_seed(0)
    reads, blind = UNet(SMALL), UNet(SMALL, strokes=False)
    with torch.no_grad():
        for parameter in reads.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    blind.load_state_dict(without_strokes(reads.state_dict()))
    hair = made_up_hair()
    asked = reads(hair, torch.zeros(1, 8, 8, 8, RASTER_CHANNELS))
    told = blind(hair)
    torch.testing.assert_close(told.logits, asked.logits)
    torch.testing.assert_close(told.direction, asked.direction)
    assert (told.logits - torch.logit(hair.occupancy, eps=1e-4)).abs().max() > 0.1


def test_an_untrained_completion_leaves_hair_as_it_was_seen() -> None:
    hair = made_up_hair()
    occupancy, _ = Completion(UNet(SMALL, strokes=False).eval())(*hair)
    assert torch.equal(occupancy >= 0.5, hair.occupancy >= 0.5)


def test_a_completion_trained_into_a_run_is_used_with_its_model(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", 8, ("straight_long", "straight_long", UNSEEN_FAMILIES[0]))
    train_latent(TrainLatentConfig(data=data, out=tmp_path / "latent", steps=2, batch=1, model=TINY))
    run = tmp_path / "dynamics"
    train_dynamics(TrainDynamicsConfig(data=data, latent=tmp_path / "latent", out=run, steps=2, batch=1))
    train_baselines(
        TrainBaselinesConfig(
            data=data, dynamics=run, out=tmp_path / "baselines", models=("unet",), unet=SMALL
        )
    )
    alone = load_model(run)
    with pytest.raises(CombwiseError, match="no completion belongs to the weights"):
        load_model(run, completes=True)
    config = TrainCompletionConfig(
        data=data, out=run / "completion", begin=tmp_path / "baselines" / "unet", steps=3, batch=1
    )
    assert "3 steps" in train_completion(config)
    told = load_checkpoint(run / "completion" / "model.safetensors", kind="completion").info
    assert told.training["begun_with"]["training"]["steps"] == 2
    assert told.sizes["unet"]["half"] == SMALL.half
    completed = load_model(run, completes=True)
    hair, head = curtain_volume(), ball_head()
    states = [model.encode(hair, head).hair for model in (alone, completed)]
    assert not torch.equal(states[0].occupancy, states[1].occupancy)
    assert torch.equal(states[0].occupancy, completed.encode(hair, head, full=True).hair.occupancy)
    found = completion_of(run, completed.info, torch.device("cpu"))
    assert found is not None
    options = InstallOptions(run=run / "completion", kind="completion", out=tmp_path / "shipped")
    assert "small_completion.safetensors" in install(options)
    (tmp_path / "shipped" / "small.safetensors").write_bytes((run / "model.safetensors").read_bytes())
    shipped = completion_of(tmp_path / "shipped" / "small.safetensors", completed.info, torch.device("cpu"))
    assert shipped is not None
    assert torch.equal(shipped.network.out.weight, found.network.out.weight)
    (run / "completion" / "model.safetensors").write_bytes((run / "model.safetensors").read_bytes())
    with pytest.raises(CombwiseError, match="is of kind dynamics; expected completion"):
        load_model(run, completes=True)


def test_cameras_shares_out_of_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CombwiseError, match="cameras share 0"):
        TrainCompletionConfig(data=tmp_path, out=tmp_path, cameras_share=0.0)


def test_a_completion_goes_on_from_one_of_an_earlier_simulator(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", 6, ("straight_long", "straight_long"))
    out = tmp_path / "completion"
    train_completion(TrainCompletionConfig(data=data, out=out, steps=2, batch=1, model=SMALL))
    made = load_checkpoint(out / MODEL_FILE, kind="completion")
    older = tmp_path / "older.safetensors"
    save_checkpoint(older, dataclasses.replace(made.info, simulator_version="0"), made.tensors)
    with pytest.raises(CombwiseError, match="was trained on simulator version 0"):
        load_checkpoint(older)
    foreign = tmp_path / "foreign.safetensors"
    save_checkpoint(foreign, dataclasses.replace(made.info, kind="dynamics"), made.tensors)
    with pytest.raises(CombwiseError, match="is of kind dynamics; expected unet or completion"):
        train_completion(TrainCompletionConfig(data=data, out=tmp_path / "no", begin=foreign, steps=1))
    again = tmp_path / "again"
    train_completion(TrainCompletionConfig(data=data, out=again, begin=older, steps=1, batch=1))
    told = load_checkpoint(again / MODEL_FILE, kind="completion").info
    assert told.training["begun_with"]["simulator_version"] == "0"
    assert told.sizes["unet"]["half"] == SMALL.half


def test_a_damaged_shipped_completion_is_refused(tmp_path: Path) -> None:
    for name in ("small.safetensors", "small_completion.safetensors", "small_completion.json"):
        (tmp_path / name).write_bytes((WEIGHTS / name).read_bytes())
    card = json.loads((tmp_path / "small_completion.json").read_text())
    (tmp_path / "small_completion.json").write_text(json.dumps(card | {"sha256": "0" * 64}))
    info = load_checkpoint(tmp_path / "small.safetensors").info
    with pytest.raises(CombwiseError, match="SHA-256"):
        completion_of(tmp_path / "small.safetensors", info, torch.device("cpu"))


def test_the_shipped_completion_fills_in_what_cameras_miss_and_keeps_what_they_saw() -> None:
    """On a head of a family that no training saw."""
    head, model = parametric_head(), load_model(completes=True)
    groom = make_groom(UNSEEN_FAMILIES[0], head, guides=300, seed=5)
    children = make_children(groom, count=4000)
    hair = children.strands(groom.strands)
    whole = volume_from_strands(hair, children.hair_count, model.grid)
    seen = observe(capture(hair, head, three_camera_rig(), seed=1), head, model.grid)
    as_seen = overlap(seen, whole)
    completed = overlap(model.decode(model.encode(seen, head)), whole)
    assert completed > max(0.75, as_seen + 0.1)
    assert overlap(model.decode(model.encode(whole, head)), whole) > 0.95
