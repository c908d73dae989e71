"""The learned dynamics: locality to the bit, honest metrics, checkpoints that say what they are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dynamics.baselines.nearest import Nearest
from dynamics.baselines.predictors import Volume
from dynamics.baselines.train import TrainBaselinesConfig, train_baselines
from dynamics.batches import stroke_batch
from dynamics.cases import Case, case_batch
from dynamics.checkpoint import CheckpointInfo, file_hash, load_checkpoint, require_hash, save_checkpoint
from dynamics.completion.unet import UNetConfig
from dynamics.data import Store, Window, mirrored_path
from dynamics.editing.branch import EditingConfig, EditingModel
from dynamics.editing.caution import Caution
from dynamics.editing.mask import MaskConfig, edit_mask
from dynamics.editing.stroke_raster import SparseRaster, rasterise, swept
from dynamics.editing.train import TrainDynamicsConfig, train_dynamics
from dynamics.evaluation import EvaluateDynamicsConfig, evaluate_dynamics
from dynamics.latent.autoencoder import LatentConfig
from dynamics.latent.model import LatentModel
from dynamics.latent.quantiser import Quantiser
from dynamics.latent.train import TrainLatentConfig, train_latent
from dynamics.metrics import chamfer_mm, changed, changed_region, score
from dynamics.model import HairDynamics, load_model
from dynamics.training import FitConfig, fit
from hairsim.errors import CombwiseError
from hairsim.generate.splits import split_of
from hairsim.groom.families import TRAINING_FAMILIES, UNSEEN_FAMILIES
from hairsim.tools.stroke import Stroke
from hairsim.tools.tool import ToolPath, rake_comb
from hairsim.volume import GRIDS, HairVolume
from tests.hair_episodes import GRID, ball_head, curtain_volume, sideways_path, write_dataset

TINY = LatentConfig(half=8, quarter=16, eighth=16, codebooks=2, encoder_blocks=1, decoder_blocks=1)


def tiny_dynamics(caution: float = 0.0) -> HairDynamics:
    """Return an untrained model whose branch edits wildly."""
    torch.manual_seed(0)
    model = EditingModel(LatentModel(TINY), EditingConfig(blocks=1), voxel=GRID.voxel)
    with torch.no_grad():
        for parameter in model.branch.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    info = CheckpointInfo("dynamics", "small", GRID, "observer-7", {}, {})
    return HairDynamics(model, info, device=torch.device("cpu"), caution=Caution(caution))


def tensors(volume: HairVolume) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(volume.occupancy)[None], torch.from_numpy(volume.direction)[None]


# The quantiser


def test_quantising_twice_changes_nothing_to_the_bit() -> None:
    quantiser = Quantiser(4)
    latent = 3.0 * torch.rand(2, 3, 3, 3, 16) - 1.5
    once = quantiser(latent)
    assert torch.equal(quantiser(once), once)
    assert set(once.unique().tolist()) == {-1.0, -0.5, 0.0, 0.5, 1.0}
    assert int(quantiser.indices(once).max()) < 625


# The raster


def test_the_raster_of_a_straight_stroke_is_where_the_teeth_went() -> None:
    path = sideways_path()
    raster = rasterise([path], rake_comb(), GRID)
    sweep = swept(raster)[0].numpy()
    centres = GRID.centres()[sweep > 0.5]
    tips = path.positions[0, 0]
    # Nine teeth, 35 mm long from 2 mm above the tips, 80 mm wide along z, and the spine above them.
    assert centres[:, 0].min() > tips - GRID.voxel and centres[:, 0].max() < tips + 0.045 + GRID.voxel
    assert abs(centres[:, 1]).max() < 0.06 + GRID.voxel
    assert abs(centres[:, 2] + 0.03).max() < 0.045 + GRID.voxel
    # No gaps: within the swept box nearly every voxel is swept.
    inside = GRID.centres()
    box = (
        (abs(inside[..., 1]) < 0.05)
        & (abs(inside[..., 2] + 0.03) < 0.035)
        & (inside[..., 0] > tips + 0.008)
        & (inside[..., 0] < tips + 0.028)
    )
    assert sweep[box].mean() > 0.9


def test_motion_remaining_way_and_phase_follow_the_stroke() -> None:
    raster = rasterise([sideways_path()], rake_comb(), GRID)[0]
    used = raster[..., :8].amax(-1) >= 1.0
    motion, remaining, phase, speed = raster[..., 8:11], raster[..., 11:14], raster[..., 14], raster[..., 15]
    assert torch.allclose(motion[used], torch.tensor([0.0, 1.0, 0.0]), atol=1e-4)
    cells = GRID.centres()[::2, ::2, ::2][used.numpy()] + 0.5 * GRID.voxel
    assert np.allclose(0.1 * remaining[used][:, 1].numpy(), 0.06 - cells[:, 1], atol=0.006)
    assert np.allclose(phase[used].numpy(), (cells[:, 1] + 0.06) / 0.12, atol=0.06)
    assert torch.allclose(speed[used], torch.tensor(0.1 / 0.25), atol=0.01)


def test_no_stroke_and_a_stroke_outside_the_grid_leave_an_empty_raster() -> None:
    outside = replace(sideways_path(), positions=sideways_path().positions + 2.0)
    raster = rasterise([None, outside, sideways_path()], rake_comb(), GRID)
    assert not raster[:2].any() and raster[2].any()


def test_a_mirrored_stroke_has_the_mirrored_raster() -> None:
    slanted = sideways_path()
    slanted = replace(slanted, positions=slanted.positions + np.linspace(0, 0.05, 40)[:, None] * [0, 0, 1.0])
    ours = swept(rasterise([mirrored_path(slanted)], rake_comb(), GRID))
    theirs = swept(rasterise([slanted], rake_comb(), GRID)).flip(2)
    assert float((ours - theirs).abs().mean() / theirs.mean()) < 0.05


def test_a_crop_of_a_kept_raster_is_the_raster_of_the_crop() -> None:
    slanted = sideways_path()
    slanted = replace(slanted, positions=slanted.positions + np.linspace(0, 0.05, 40)[:, None] * [0, 0, 1.0])
    kept = SparseRaster.of(slanted, rake_comb(), GRID)
    for mirror in (False, True):
        window = Window((30, 10, 20), (24, 32, 40), mirror)
        path = mirrored_path(slanted) if mirror else slanted
        ours = torch.from_numpy(kept.crop(window.low, window.shape, mirror=mirror).copy())
        theirs = rasterise([path], rake_comb(), window.grid(GRID))[0]
        assert theirs[..., :8].sum() > 10
        # Mirrored sample points on the border of two voxels may fall to either side.
        assert float((ours - theirs).abs().mean() / theirs.abs().mean()) < (0.05 if mirror else 0.001)


# Where an edit may act


def test_the_mask_holds_sweep_and_tails_and_not_the_roots_far_above() -> None:
    occupancy, direction = tensors(curtain_volume())
    low = sideways_path(z=-0.08)
    raster = rasterise([low], rake_comb(teeth=2), GRID)
    config = MaskConfig(upstream=1, swing=0, dilate=1)
    mask = edit_mask(occupancy, direction, raster, GRID.voxel, config).voxels[0].numpy()
    hair = curtain_volume().occupied & (np.abs(GRID.centres()[..., 1]) < 0.05)
    height = GRID.centres()[..., 2]
    assert mask[hair & (height < -0.09)].mean() > 0.97  # downstream: every tail
    assert not mask[hair & (height > -0.01)].any()  # upstream: roots stay


def test_a_sweep_through_air_has_an_empty_mask() -> None:
    occupancy, direction = tensors(curtain_volume())
    raster = rasterise([sideways_path(x=-0.15)], rake_comb(), GRID)
    mask = edit_mask(occupancy, direction, raster, GRID.voxel, MaskConfig())
    assert raster.any() and not mask.cells.any() and not mask.carried.any()


def test_a_stroke_far_from_the_hair_predicts_the_reconstruction_to_the_bit() -> None:
    model, head = tiny_dynamics(), ball_head()
    state = model.encode(curtain_volume(), head)
    # Behind the head, where no hair is; and a wait. Thrice in a row.
    behind = Stroke(azimuth=np.pi, elevation=0.0, heading=0.0, length=0.05, depth=0.02)
    found = model.rollout(state, [[behind] * 3] * 2, head)
    still = model.decode(state)
    for n in range(2):
        assert np.array_equal(found.occupancy[n].numpy(), still.occupancy)
        assert np.array_equal(found.direction[n].numpy(), still.direction)


def test_a_stroke_changes_hair_inside_its_mask_only() -> None:
    model, head = tiny_dynamics(), ball_head()
    state = model.encode(curtain_volume(), head)
    found = model.rollout_paths(state, [[sideways_path(z=-0.08)]])
    still = model.decode(state)
    differs = (found.occupancy[0].numpy() != still.occupancy) | np.any(
        found.direction[0].numpy() != still.direction, axis=-1
    )
    assert differs.sum() > 100
    raster = rasterise([sideways_path(z=-0.08)], rake_comb(), state.box)
    mask = edit_mask(state.hair.occupancy, state.hair.direction, raster, GRID.voxel, MaskConfig())
    inside = np.zeros(GRID.shape, bool)
    window = tuple(slice(a, a + n) for a, n in zip(state.low, state.box.shape, strict=True))
    inside[window] = mask.voxels[0].numpy()
    assert not differs[~inside].any()


def test_a_cautious_model_changes_nothing_without_a_stroke() -> None:
    model, head = tiny_dynamics(caution=0.5), ball_head()
    state = model.encode(curtain_volume(), head)
    after = model.rollout_paths(state, [[sideways_path(z=-0.08)], [None]])
    still = model.decode(state)
    assert np.array_equal(after.occupancy[1].numpy(), still.occupancy)
    assert not np.array_equal(after.occupancy[0].numpy(), still.occupancy)
    empty = after.occupancy[0] == 0.0
    assert not after.direction[0][empty].any()


def test_rollouts_are_batched_and_independent() -> None:
    model, head = tiny_dynamics(), ball_head()
    state = model.encode(curtain_volume(), head)
    paths: list[list[ToolPath | None]] = [[sideways_path()], [None], [sideways_path(z=-0.08)]]
    together = model.rollout_paths(state, paths).occupancy
    for number, path in enumerate(paths):
        alone = model.rollout_paths(state, [path]).occupancy[0]
        # bfloat16 sums depend on the batch: equal as hair, not as bits.
        assert ((together[number] >= 0.5) == (alone >= 0.5)).float().mean() > 0.995
    assert together.shape == (3, *GRID.shape)


def test_a_rollout_is_unsure_of_what_its_strokes_touch_only() -> None:
    model, head = tiny_dynamics(), ball_head()
    state = model.encode(curtain_volume(), head)
    stroke, low = sideways_path(), sideways_path(z=-0.08)
    found = model.rollout_paths(state, [[None, None], [None, stroke], [stroke, None], [stroke, low]])
    unsure = found.uncertainty
    assert unsure is not None and unsure.shape == (4,)
    assert float(unsure[0]) == 0.0 and (unsure[1:] > 0.0).all() and (unsure <= 1.0).all()
    # What an early stroke touched is not forgotten while the next one waits.
    assert float(unsure[1]) == pytest.approx(float(unsure[2]), abs=0.02)


def test_volumes_of_another_grid_and_ragged_sequences_are_refused() -> None:
    model, head = tiny_dynamics(), ball_head()
    other = GRIDS["base"]
    volume = HairVolume(np.zeros(other.shape, np.float32), np.zeros((*other.shape, 3), np.float32), other)
    with pytest.raises(CombwiseError, match=r"128\^3 voxels of 3\.75 mm .* expected the model's 64\^3"):
        model.encode(volume, head)
    stroke = Stroke(0.0, 0.5, 0.0, 0.1, 0.01)
    with pytest.raises(CombwiseError, match="sequences of"):
        model.rollout(model.encode(curtain_volume(), head), [[stroke], [stroke, stroke]], head)


# Metrics


def slab(
    first: int, last: int, heading: tuple[float, float, float] = (0.0, 0.0, -1.0)
) -> tuple[Tensor, Tensor]:
    """Return hair in the planes `first` .. `last - 1` of a 16^3 grid."""
    occupancy = torch.zeros(1, 16, 16, 16)
    occupancy[:, first:last] = 1.0
    return occupancy, occupancy[..., None] * torch.tensor(heading)


def test_scores_of_a_shifted_slab_are_the_counted_ones() -> None:
    truth, predicted = slab(4, 8), slab(5, 9)
    found = score(*predicted, *truth, torch.ones(1, 16, 16, 16, dtype=torch.bool))
    assert float(found.occupancy_error) == pytest.approx(1.0 - 3.0 / 4.0)
    assert float(found.direction_deg) == pytest.approx(90.0 * 2.0 / 5.0)


def test_the_chamfer_distance_of_a_shifted_slab_is_the_counted_one() -> None:
    truth, predicted = slab(4, 8)[0], slab(6, 10)[0]
    everywhere = torch.ones(1, 16, 16, 16, dtype=torch.bool)
    # Planes 8 and 9 are 1 and 2 voxels from plane 7, and 4 and 5 as far from 6; the others touch.
    assert float(chamfer_mm(predicted, truth, everywhere, 0.01)) == pytest.approx(10.0 * 3.0 / 4.0)
    far = torch.zeros_like(everywhere)
    far[:, 9] = True
    assert float(chamfer_mm(predicted, truth, far, 0.01)) == pytest.approx(20.0)
    assert float(chamfer_mm(truth, truth, ~everywhere, 0.01)) == 0.0
    assert np.isnan(float(chamfer_mm(0.0 * truth, truth, everywhere, 0.01)))


def test_direction_errors_know_sign() -> None:
    truth, predicted = slab(4, 8), slab(4, 8, (0.0, 0.0, 1.0))
    found = score(*predicted, *truth, torch.ones(1, 16, 16, 16, dtype=torch.bool))
    assert float(found.direction_deg) == pytest.approx(180.0, abs=0.1)
    assert float(found.direction_unsigned_deg) == pytest.approx(0.0, abs=0.1)


def test_changed_voxels_are_flips_and_turns_beyond_20_degrees_dilated_by_two() -> None:
    before = slab(4, 8)
    assert not changed(*before, *slab(4, 8, (0.0, np.sin(0.34), -np.cos(0.34)))).any()  # 19.5 degrees
    assert int(changed(*before, *slab(4, 8, (0.0, np.sin(0.36), -np.cos(0.36)))).sum()) == 4 * 256  # 20.6
    flips = changed(*before, *slab(4, 9))
    assert int(flips.sum()) == 256
    region = changed_region(flips)
    assert torch.equal(region[0, :, 0, 0].nonzero()[:, 0], torch.arange(6, 11))


# Data


def test_unseen_families_never_train_and_splits_do_not_move() -> None:
    assert {split_of(i, UNSEEN_FAMILIES[0]) for i in range(50)} == {"unseen"}
    found = [split_of(i, TRAINING_FAMILIES[0]) for i in range(1000)]
    assert 60 < found.count("validation") < 140 and "unseen" not in found


def test_a_mirrored_window_shows_the_mirrored_head(tmp_path: Path) -> None:
    store = Store(write_dataset(tmp_path, 1))
    combing = (store.split("training") + store.split("validation"))[0]
    plain, mirrored = Window((16, 0, 8), (40, 64, 48)), Window((16, 0, 8), (40, 64, 48), mirror=True)
    a = stroke_batch([(combing, 0, "full", plain)], 1, GRID)
    b = stroke_batch([(combing, 0, "full", mirrored)], 1, GRID)
    assert torch.equal(a.start.occupancy.flip(2), b.start.occupancy)
    assert torch.equal(a.occupancy[0].flip(2), b.occupancy[0])
    assert torch.allclose(a.direction[0].flip(2) * torch.tensor([1.0, -1.0, 1.0]), b.direction[0], atol=1e-6)
    sweep_a, sweep_b = swept(a.rasters[0]).flip(2), swept(b.rasters[0])
    assert float((sweep_a - sweep_b).abs().mean() / sweep_a.mean()) < 0.05


def test_a_training_stroke_is_its_own_nearest_neighbour(tmp_path: Path) -> None:
    store = Store(write_dataset(tmp_path, 4))
    nearest = Nearest([store])
    for combing in store.split("training")[:2]:
        case = Case("training", 0, store, combing, 1, 1, "full")
        batch, window = case_batch(case, torch.device("cpu"))
        before = Volume(batch.start.occupancy, batch.start.direction)
        found, stroke = nearest.look_up(before, batch.rasters[0], window)
        assert torch.equal(
            stroke_batch([(found, stroke, "full", window)], 1, GRID).occupancy[0], batch.occupancy[0]
        )


# Checkpoints


def info(**changes: Any) -> CheckpointInfo:
    return replace(
        CheckpointInfo("latent", "small", GRID, "observer-7", {"latent": {}}, {"seed": 1}), **changes
    )


def test_a_checkpoint_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, info(), {"w": torch.arange(3.0)})
    found = load_checkpoint(path, kind="latent", profile="small", grid=GRID, observer_version="observer-7")
    assert found.info == info() and torch.equal(found.tensors["w"], torch.arange(3.0))


@pytest.mark.parametrize(
    ("changes", "expected", "sentence"),
    [
        ({"grid": GRIDS["base"]}, {"grid": GRID}, r"was trained on grid 128\^3 .*; expected 64\^3"),
        ({"profile": "base"}, {"profile": "small"}, "was trained for profile base; expected small"),
        ({"kind": "dynamics"}, {"kind": "latent"}, "is of kind dynamics; expected latent"),
        ({"simulator_version": "0"}, {}, "was trained on simulator version 0; expected"),
        ({"observer_version": "x"}, {"observer_version": "y"}, "on observer version x; expected y"),
    ],
)
def test_a_mismatch_is_named_with_both_values(
    tmp_path: Path, changes: dict[str, Any], expected: dict[str, Any], sentence: str
) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, info(**changes), {"w": torch.zeros(1)})
    with pytest.raises(CombwiseError, match=sentence):
        load_checkpoint(path, **expected)


def test_shipped_weights_are_checked_by_their_hash(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, info(), {"w": torch.zeros(10)})
    require_hash(path, file_hash(path))
    with pytest.raises(CombwiseError, match=r"have SHA-256 .* expected 0000.*install the package again"):
        require_hash(path, "0" * 64)


def test_missing_truncated_and_foreign_checkpoints_get_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(CombwiseError, match="does not exist"):
        load_checkpoint(path)
    save_checkpoint(path, info(), {"w": torch.zeros(1000)})
    content = path.read_bytes()
    for kept in (5, len(content) - 100):
        path.write_bytes(content[:kept])
        with pytest.raises(CombwiseError, match="truncated or no safetensors file"):
            load_checkpoint(path)
    from safetensors.torch import save_file

    save_file({"w": torch.zeros(1)}, path)
    with pytest.raises(CombwiseError, match="was not made by Combwise"):
        load_checkpoint(path)


# Training


class Line:
    """Fit a line; raise at a step to be killed at."""

    def __init__(self, killed_at: int = -1) -> None:
        torch.manual_seed(1)
        self._module = nn.Linear(2, 1)
        self._killed_at = killed_at
        self._losses = 0

    def trainable(self) -> nn.Module:
        return self._module

    def draw(self, rng: np.random.Generator, progress: float) -> Tensor:
        return torch.from_numpy(rng.standard_normal((8, 2)).astype(np.float32))

    def loss(self, batch: Tensor, progress: float) -> dict[str, Tensor]:
        if self._losses == self._killed_at:
            raise KeyboardInterrupt
        self._losses += 1
        return {"total": (self._module(batch) - batch.sum(1, keepdim=True)).square().mean()}

    def validate(self) -> dict[str, float]:
        return {"bias": float(self._module.bias.detach())}


def test_a_killed_training_resumes_to_the_same_weights(tmp_path: Path) -> None:
    config = FitConfig(minutes=10.0, steps=12, batch=8, warmup=2, checkpoint_seconds=0.0)
    cpu = torch.device("cpu")
    whole, killed, resumed = Line(), Line(killed_at=5), Line()
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    fit(whole, config, tmp_path / "whole", info(), device=cpu, label="whole")
    with pytest.raises(KeyboardInterrupt):
        fit(killed, config, tmp_path / "killed", info(), device=cpu, label="killed")
    result = fit(resumed, config, tmp_path / "killed", info(), device=cpu, label="resumed")
    assert result.steps == 12
    for a, b in zip(whole.trainable().parameters(), resumed.trainable().parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_another_models_training_is_not_resumed(tmp_path: Path) -> None:
    config = FitConfig(minutes=10.0, steps=1)
    fit(Line(), config, tmp_path, info(), device=torch.device("cpu"), label="one")
    with pytest.raises(CombwiseError, match="is the training of another model"):
        fit(Line(), config, tmp_path, info(kind="dynamics"), device=torch.device("cpu"), label="other")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_latent_then_dynamics_then_evaluation_on_made_up_hair(tmp_path: Path) -> None:
    """Train both for a few steps; the shipped form loads, rolls out, and is scored beside its baselines."""
    data = write_dataset(tmp_path / "data", 8, ("straight_long", "straight_long", UNSEEN_FAMILIES[0]))
    latent = TrainLatentConfig(data=data, out=tmp_path / "latent", steps=3, batch=1, model=TINY)
    assert "latent model" in train_latent(latent)
    with pytest.raises(CombwiseError, match="--resume"):
        train_latent(latent)
    editing = TrainDynamicsConfig(
        data=data, latent=tmp_path / "latent", out=tmp_path / "dynamics", steps=3, batch=1, rollout_share=1.0
    )
    assert "dynamics" in train_dynamics(editing)
    model = load_model(tmp_path / "dynamics")
    assert (
        model.rollout(
            model.encode(curtain_volume(), ball_head()), [[Stroke(0.0, 0.3, 1.5, 0.1, 0.01)]], ball_head()
        )
        .occupancy.isfinite()
        .all()
    )
    baselines = TrainBaselinesConfig(
        data=data, dynamics=tmp_path / "dynamics", out=tmp_path / "baselines", unet=UNetConfig(8, 16, 16, 16)
    )
    assert "unet 3 steps" in train_baselines(baselines)
    pictures = [sorted((tmp_path / run / "validation").iterdir()) for run in ("latent", "dynamics")]
    assert [[p.name for p in found] for found in pictures] == [["000003.png"]] * 2
    evaluate_dynamics(
        EvaluateDynamicsConfig(
            data=(data,),
            baselines=tmp_path / "baselines",
            out=tmp_path / "scores",
            weights=tmp_path / "dynamics",
            splits=("unseen",),
            horizons=(1, 2),
        )
    )
    found = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    names = {
        "model",
        "split",
        "input",
        "horizon",
        "region",
        "hair_class",
        "metric",
        "mean",
        "low",
        "high",
        "n",
    }
    assert all(set(row) == names for row in found["rows"])
    identity = {
        (r["metric"], r["horizon"]): r["mean"]
        for r in found["rows"]
        if r["model"] == "identity" and r["region"] == "changed" and r["hair_class"] == "all"
    }
    assert 0.0 < identity["occupancy_error", 1] < identity["occupancy_error", 2] < 1.0
    metrics = {row["metric"] for row in found["rows"]}
    assert metrics == {"occupancy_error", "chamfer_mm", "direction_deg", "direction_unsigned_deg"}
    learned = {"editing", "cautious", "unet", "no_pretraining"}
    assert learned | {"identity", "reconstruction", "advection", "nearest"} <= {
        row["model"] for row in found["rows"]
    }
    names_of_calibration = {row["metric"] for row in found["calibration"]["rows"]}
    assert all(set(row) == names for row in found["calibration"]["rows"])
    assert names_of_calibration == set(found["calibration"]["metrics"])
    seen = {name: cost["strokes"] for name, cost in found["effort"].items()}
    assert seen == {"editing": 3, "unet": 3, "no_pretraining": 3}
    assert found["speed"]["rollouts_per_second"] > 0.0 and "particle_graph" in found["not_run"]
    assert list((tmp_path / "scores" / "pictures").glob("*.png"))
    page = (tmp_path / "scores" / "report.html").read_text()
    assert "data:image/png;base64" in page and "particle_graph" in page and "<svg" in page
