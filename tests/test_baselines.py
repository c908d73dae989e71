"""The learned baselines: as large as ours, trained as much, loaded back, each blind to what it is to be."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from dynamics.baselines.load import Learned, load_baselines
from dynamics.baselines.occupancy_only import with_directions
from dynamics.baselines.one_level import build_one_level
from dynamics.baselines.particle_graph import ParticleGraph, ParticleGraphConfig
from dynamics.baselines.particle_task import cell_motion
from dynamics.baselines.particles import Motion, hair_particles, moved
from dynamics.baselines.predictors import Seen, Volume
from dynamics.baselines.roster import BASELINES
from dynamics.baselines.train import TrainBaselinesConfig, train_baselines
from dynamics.cases import Case, case_batch
from dynamics.checkpoint import CheckpointInfo, load_checkpoint, save_checkpoint
from dynamics.completion.unet import UNetConfig
from dynamics.data import Store, Window
from dynamics.editing.branch import EditingConfig, EditingModel
from dynamics.editing.mask import EditMask, MaskConfig, edit_mask
from dynamics.editing.stroke_raster import rasterise
from dynamics.editing.train import TrainDynamicsConfig, train_dynamics
from dynamics.latent.autoencoder import LatentConfig
from dynamics.latent.model import LatentModel
from dynamics.latent.train import TrainLatentConfig, train_latent
from dynamics.model import build_model
from hairsim.errors import CombwiseError
from hairsim.tools.tool import rake_comb
from tests.hair_episodes import GRID, curtain, curtain_volume, sideways_path, write_dataset

TINY = LatentConfig(half=8, quarter=16, eighth=16, codebooks=2, encoder_blocks=1, decoder_blocks=1)
TINY_EDITING = EditingConfig(half=8, quarter=16, eighth=16, refine=8, blocks=1)
TINY_GRAPH = ParticleGraphConfig(width=16, rounds=2, hair=60, tool=20)
ADDED = ("occupancy_only", "one_level", "particle_graph")
VOXEL = GRID.voxel


def info(latent: LatentConfig = TINY, editing: EditingConfig = TINY_EDITING) -> CheckpointInfo:
    sizes = {"latent": dataclasses.asdict(latent), "editing": dataclasses.asdict(editing)}
    return CheckpointInfo("dynamics", "small", GRID, "observer-7", sizes)


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_has_as_many_parameters_as_latent_model_and_branch(name: str) -> None:
    ours = EditingModel(LatentModel(LatentConfig()), EditingConfig(), voxel=VOXEL)
    whole = info(LatentConfig(), EditingConfig())
    sizes = {
        **whole.sizes,
        "unet": dataclasses.asdict(UNetConfig()),
        "particle_graph": dataclasses.asdict(ParticleGraphConfig()),
    }
    theirs = BASELINES[name].build(dataclasses.replace(whole, sizes=sizes))
    count, expected = (sum(p.numel() for p in m.parameters()) for m in (theirs, ours))
    assert abs(count / expected - 1.0) < 0.1


# Occupancy alone


def test_hair_that_stays_keeps_its_direction_and_new_hair_takes_the_nearest_ones() -> None:
    before = Volume(torch.zeros(1, 6, 1, 1), torch.zeros(1, 6, 1, 1, 3))
    before.occupancy[0, [0, 5]] = 1.0
    before.direction[0, 0] = torch.tensor([1.0, 0.0, 0.0])
    before.direction[0, 5] = torch.tensor([0.0, 1.0, 0.0])
    occupancy = torch.tensor([0.9, 0.8, 0.0, 0.0, 0.7, 0.9]).reshape(1, 6, 1, 1)
    after = with_directions(occupancy, before)
    assert after.occupancy is occupancy
    assert after.direction[0, :, 0, 0].argmax(-1).tolist() == [0, 0, 0, 0, 1, 1]
    assert after.direction.norm(dim=-1)[0, :, 0, 0].tolist() == [1.0, 1.0, 0.0, 0.0, 1.0, 1.0]
    nothing = Volume(torch.zeros_like(occupancy), before.direction)
    assert not with_directions(occupancy, nothing).direction.any()


def test_occupancy_only_does_not_see_directions() -> None:
    torch.manual_seed(0)
    model = BASELINES["occupancy_only"].build(info()).eval()
    with torch.no_grad():
        for parameter in model.branch.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    hair, raster = Volume.of(curtain_volume()), rasterise([sideways_path()], rake_comb(), GRID)
    distance = torch.full_like(hair.occupancy, 0.02)
    with torch.no_grad():
        seen = [
            model(model.encode(hair.occupancy, d, distance), raster)
            for d in (hair.direction, -hair.direction)
        ]
    assert torch.equal(seen[0].state.occupancy, seen[1].state.occupancy)
    assert not seen[0].state.direction.any()


# One level


def test_the_coarse_codes_of_one_level_say_nothing_and_are_not_edited() -> None:
    torch.manual_seed(0)
    model = build_one_level(info()).eval()
    with torch.no_grad():
        for parameter in model.branch.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    hair, raster = Volume.of(curtain_volume()), rasterise([sideways_path()], rake_comb(), GRID)
    distance = torch.full_like(hair.occupancy, 0.02)
    with torch.no_grad():
        state = model.encode(*hair, distance)
        after = model(state, raster).state
    assert not after.codes.coarse.any()
    assert not torch.equal(after.codes.fine, state.codes.fine)


# Particles


def block(*, at: int = 4) -> Volume:
    """Return a block of hair of 4 x 8 x 8 voxels from (`at`, 4, 4) on, hanging down, in 16^3."""
    occupancy = torch.zeros(1, 16, 16, 16)
    occupancy[0, at : at + 4, 4:12, 4:12] = 1.0
    return Volume(occupancy, occupancy[..., None] * torch.tensor([0.0, 0.0, -1.0]))


def everywhere() -> EditMask:
    return EditMask(torch.ones(1, 8, 8, 8, dtype=torch.bool), torch.zeros(1, 8, 8, 8, 4))


@pytest.mark.parametrize("most", [5, 200])
def test_particles_that_all_move_alike_carry_the_hair_along(most: int) -> None:
    hair, mask = block(), everywhere()
    raster = torch.zeros(1, 8, 8, 8, 16)
    particles = hair_particles(hair, torch.zeros(1, 16, 16, 16), raster, mask, VOXEL, most)
    assert int(particles.valid.sum()) == min(most, 2 * 4 * 4)
    way = torch.zeros(1, most, 3)
    way[..., 0] = 3.0 * VOXEL
    turn = torch.tensor([1.0, 0.0, 1.0]).expand(1, most, 3)
    after = moved(hair, mask, particles, Motion(way, turn), VOXEL)
    assert torch.allclose(after.occupancy, block(at=7).occupancy, atol=1e-4)
    assert torch.allclose(after.direction[0, 8, 8, 8], torch.tensor([1.0, 0.0, 0.0]), atol=1e-4)
    still = moved(hair, mask, particles, Motion(0.1 * way, turn), VOXEL)
    assert torch.equal(still.occupancy, hair.occupancy)


def test_no_hair_moves_outside_the_mask() -> None:
    hair, mask = block(), everywhere()
    mask.cells[:, :, :4] = False
    raster = torch.zeros(1, 8, 8, 8, 16)
    particles = hair_particles(hair, torch.zeros(1, 16, 16, 16), raster, mask, VOXEL, 40)
    far = Motion(torch.full((1, 40, 3), 2.0 * VOXEL), torch.zeros(1, 40, 3))
    after = moved(hair, mask, particles, far, VOXEL)
    assert torch.equal(after.occupancy[:, :, :8], hair.occupancy[:, :, :8])
    assert not torch.equal(after.occupancy, hair.occupancy)


def test_cells_move_as_the_strands_in_them_and_mirror_with_their_window() -> None:
    before = curtain(0.0, 300)
    after = before + np.array([0.0, 0.02, -0.01], np.float32)
    low, shape = (32, 16, 24), (24, 32, 32)
    plain = cell_motion(before, after, Window(low, shape), GRID)
    assert plain.shape == (12, 16, 16, 6)
    assert np.allclose(plain, [0.0, 0.02, -0.01, 0.0, 0.0, 0.0], atol=1e-5)
    mirrored = cell_motion(before, after, Window(low, shape, mirror=True), GRID)
    assert np.allclose(mirrored, [0.0, -0.02, -0.01, 0.0, 0.0, 0.0], atol=1e-5)


def test_an_untrained_graph_leaves_hair_as_it_is_and_its_sides_do_not_mix() -> None:
    torch.manual_seed(0)
    model = ParticleGraph(TINY_GRAPH, voxel=VOXEL)
    hair, raster = Volume.of(curtain_volume()), rasterise([sideways_path(), None], rake_comb(), GRID)
    two = Volume(hair.occupancy.expand(2, -1, -1, -1), hair.direction.expand(2, -1, -1, -1, -1))
    distance = torch.full_like(two.occupancy, 0.02)
    assert torch.equal(model.after(two, distance, raster).occupancy, two.occupancy)
    with torch.no_grad():
        model.out.weight.normal_()
        model.out.bias[0] = 1.0
    after = model.after(two, distance, raster).occupancy
    mask = edit_mask(*two, raster, VOXEL, MaskConfig()).voxels
    assert not torch.equal(after[0], two.occupancy[0]) and mask[0].any()
    assert torch.equal(after[1], two.occupancy[1])  # no stroke


def test_particle_graphs_of_no_size_are_refused() -> None:
    with pytest.raises(CombwiseError, match="expected positive numbers"):
        ParticleGraphConfig(width=0)


# Trained, loaded, asked


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with made-up data, a latent and an editing model, and the three baselines."""
    folder = tmp_path_factory.mktemp("baselines")
    data = write_dataset(folder / "data", 3)
    train_latent(TrainLatentConfig(data, folder / "latent", steps=4, batch=2, model=TINY))
    train_dynamics(
        TrainDynamicsConfig(
            data, folder / "latent", folder / "dynamics", steps=2, batch=1, model=TINY_EDITING
        )
    )
    line = train_baselines(
        TrainBaselinesConfig(
            data, folder / "dynamics", folder / "run", models=ADDED, particle_graph=TINY_GRAPH
        )
    )
    assert all(f"{name} 2 steps" in line for name in ADDED)
    return folder


def loaded(folder: Path, run: Path) -> dict[str, Learned]:
    beside = load_checkpoint(folder / "dynamics" / "model.safetensors").info
    return load_baselines(run, beside, torch.device("cpu"))


@pytest.mark.slow
def test_trained_baselines_have_seen_as_much_and_predict(trained: Path) -> None:
    found = loaded(trained, trained / "run")
    assert set(found) == set(ADDED)
    seen = {name: (one.effort.strokes, one.effort.states) for name, one in found.items()}
    assert seen == {"occupancy_only": (2, 8), "one_level": (2, 8), "particle_graph": (2, 0)}
    ours = load_checkpoint(trained / "dynamics" / "model.safetensors")
    model = build_model(ours.info)
    model.load_state_dict({name: t.float() for name, t in ours.tensors.items()})
    store = Store(trained / "data")
    case = Case("training", 0, store, store.require("training")[0], 0, 2, "cameras")
    batch, window = case_batch(case, torch.device("cpu"))
    start = batch.start
    state = model.encode(start.seen, start.seen_direction, start.head_distance)
    given = Seen(Volume(start.seen, start.seen_direction), start.head_distance, state, window)
    for one in found.values():
        for volume in one.predictor.predict(given, batch.rasters):
            assert volume.occupancy.shape == start.seen.shape and volume.occupancy.isfinite().all()
            length = volume.direction.norm(dim=-1)[volume.occupancy >= 0.5]
            assert torch.allclose(length, torch.ones_like(length), atol=1e-3)


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_without_pre_training_again(trained: Path, tmp_path: Path) -> None:
    config = TrainBaselinesConfig(
        trained / "data", trained / "dynamics", tmp_path / "run", models=("one_level",)
    )
    train_baselines(config)
    place = tmp_path / "run" / "one_level"
    latent, model = (place / name / "model.safetensors" for name in ("latent", "."))
    kept, made = latent.stat().st_mtime_ns, load_checkpoint(model).tensors
    model.unlink()
    (place / "training.safetensors").unlink()
    train_baselines(dataclasses.replace(config, resume=True))
    assert latent.stat().st_mtime_ns == kept
    assert all(torch.equal(t, made[name]) for name, t in load_checkpoint(model).tensors.items())


@pytest.mark.slow
def test_a_checkpoint_of_another_model_or_a_damaged_one_is_one_sentence(
    trained: Path, tmp_path: Path
) -> None:
    place = tmp_path / "one_level"
    place.mkdir()
    other = (trained / "run" / "occupancy_only" / "model.safetensors").read_bytes()
    (place / "model.safetensors").write_bytes(other)
    with pytest.raises(CombwiseError, match="is of kind occupancy_only; expected one_level"):
        loaded(trained, tmp_path)
    (place / "model.safetensors").write_bytes(other[:1000])
    with pytest.raises(CombwiseError, match="is truncated"):
        loaded(trained, tmp_path)


@pytest.mark.slow
def test_baselines_that_pre_train_need_a_model_that_tells_of_its_latent_space(
    trained: Path, tmp_path: Path
) -> None:
    checkpoint = load_checkpoint(trained / "dynamics" / "model.safetensors")
    training = {name: value for name, value in checkpoint.info.training.items() if name != "latent"}
    alone = tmp_path / "alone.safetensors"
    save_checkpoint(alone, dataclasses.replace(checkpoint.info, training=training), checkpoint.tensors)
    with pytest.raises(CombwiseError, match="does not tell latent of its training"):
        train_baselines(
            TrainBaselinesConfig(trained / "data", alone, tmp_path / "run", models=("one_level",))
        )


def test_a_baseline_that_does_not_exist_is_refused() -> None:
    with pytest.raises(CombwiseError, match="expected some of unet, no_pretraining, occupancy_only"):
        TrainBaselinesConfig(Path("a"), Path("b"), Path("c"), models=("two_level",))
