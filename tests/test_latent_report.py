"""What the latent space keeps: honest scores, no drift of fixed points, a walk that ends at home."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from combwise.main import run
from dynamics.baselines.predictors import Volume
from dynamics.batches import StateBatch
from dynamics.cases import states
from dynamics.checkpoint import CheckpointInfo, save_checkpoint
from dynamics.data import Store
from dynamics.editing.branch import EditingConfig, EditingModel
from dynamics.latent.autoencoder import Codes, LatentConfig
from dynamics.latent.evaluation import EvaluateLatentConfig, evaluate_latent
from dynamics.latent.load import load_latent
from dynamics.latent.measure import (
    ENTRIES,
    CodebookUse,
    Reconstruction,
    closeness,
    drift,
    reconstruct,
    repeated,
    used_share,
)
from dynamics.latent.model import LatentModel
from dynamics.latent.quantiser import LEVELS, Quantiser
from dynamics.latent.train import perplexity
from dynamics.latent.walk import two_hairstyles, walk
from hairsim.errors import CombwiseError
from hairsim.groom.families import FAMILIES, UNSEEN_FAMILIES
from tests.hair_episodes import GRID, curtain_volume, write_dataset

TINY = LatentConfig(half=8, quarter=16, eighth=16, codebooks=2, encoder_blocks=1, decoder_blocks=1)


def hair(shift: float = 0.0) -> Volume:
    """Return a curtain of hair, its tips `shift` to the side [m], as one sample of 32^3 voxels."""
    volume = curtain_volume(shift)
    window = (slice(28, 60), slice(16, 48), slice(24, 56))
    occupancy = torch.from_numpy(volume.occupancy[window])[None]
    return Volume(occupancy, torch.from_numpy(volume.direction[window])[None])


def tiny_model(sizes: LatentConfig = TINY) -> LatentModel:
    torch.manual_seed(0)
    return LatentModel(sizes).eval()


def write_checkpoint(path: Path, kind: str = "latent", sizes: LatentConfig = TINY) -> Path:
    """Write an untrained model as a checkpoint of some kind that says it has the sizes of `TINY`."""
    record = {"latent": dataclasses.asdict(TINY)}
    model = tiny_model(sizes)
    tensors = model.state_dict()
    if kind == "dynamics":
        tensors = EditingModel(model, EditingConfig(blocks=1), voxel=GRID.voxel).state_dict()
    save_checkpoint(path, CheckpointInfo(kind, "small", GRID, "observer-7", record), tensors)
    return path


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five episodes: two unseen families on either of two equal heads, a training one."""
    families = (UNSEEN_FAMILIES[0], UNSEEN_FAMILIES[1], "straight_long")
    return write_dataset(tmp_path_factory.mktemp("latent") / "data", 5, families)


# Scores


def test_hair_that_equals_the_truth_is_perfect() -> None:
    found = closeness(hair(), hair())
    assert found == {"iou": 1.0, "f1": 1.0, "median_deg": 0.0, "direction_deg": 0.0}


def test_no_hair_where_there_is_some_scores_nothing() -> None:
    truth = hair()
    nothing = Volume(torch.zeros_like(truth.occupancy), torch.zeros_like(truth.direction))
    found = closeness(nothing, truth)
    assert found == {"iou": 0.0, "f1": 0.0, "median_deg": 90.0, "direction_deg": 90.0}


def test_a_fixed_point_does_not_drift() -> None:
    """Hair that is reconstructed to itself has drifted by nothing after any number of times."""
    quantiser = Quantiser(2)
    codes = Codes(
        quantiser(2.0 * torch.rand(1, 8, 8, 8, 8) - 1.0), quantiser(2.0 * torch.rand(1, 4, 4, 4, 8) - 1.0)
    )
    first = Reconstruction(codes, hair())
    third = repeated(lambda seen: Reconstruction(codes, seen), first, 2)
    assert drift(first, third, quantiser) == {
        "drift": 0.0, "drift_deg": 0.0, "same_fine": 1.0, "same_coarse": 1.0,
    }  # fmt: skip


def test_drift_counts_what_moved() -> None:
    quantiser = Quantiser(2)
    codes = Codes(torch.zeros(1, 8, 8, 8, 8), torch.zeros(1, 4, 4, 4, 8))
    other = Codes(codes.fine.clone(), codes.coarse.clone())
    other.fine[:, :2, ..., :4] = 1.0  # a quarter of the cells, one of two codebooks
    found = drift(Reconstruction(codes, hair()), Reconstruction(other, hair(0.03)), quantiser)
    assert found["same_fine"] == pytest.approx(7.0 / 8.0) and found["same_coarse"] == 1.0
    assert 0.0 < found["drift"] < 1.0 and found["drift_deg"] > 0.0


def test_reconstructing_three_times_in_a_row_is_what_it_says() -> None:
    model, seen = tiny_model(), hair()
    batch = StateBatch(*seen, torch.full_like(seen.occupancy, 0.02), *seen)
    found = reconstruct(model, batch)
    by_hand = found.first.hair
    for _ in range(2):
        by_hand = reconstruct(model, batch._replace(seen=by_hand[0], seen_direction=by_hand[1])).first.hair
    assert torch.equal(by_hand.occupancy, found.volumes["third"].occupancy)
    assert torch.equal(found.volumes["seen"].occupancy, seen.occupancy)
    assert not torch.equal(found.volumes["detail"].occupancy, found.volumes["codes"].occupancy)


def test_codebook_use_is_the_share_of_entries_that_occur() -> None:
    every = torch.arange(ENTRIES)[:, None].expand(-1, 3)
    assert used_share(every) == pytest.approx(1.0) and perplexity(every) == pytest.approx(ENTRIES, rel=1e-4)
    one = torch.zeros(50, 3, dtype=torch.long)
    assert used_share(one) == pytest.approx(1.0 / ENTRIES) and perplexity(one) == pytest.approx(1.0)


def test_codebook_use_tells_hair_from_air() -> None:
    """Codes that differ in the air alone are used there alone."""
    quantiser = Quantiser(1)
    occupancy = torch.zeros(1, 16, 16, 16)
    occupancy[:, :8] = 1.0
    fine, coarse = torch.zeros(1, 4, 4, 4, 4), torch.zeros(1, 2, 2, 2, 4)
    fine[:, 2:, 0, 0, 0] = 1.0
    use = CodebookUse(quantiser)
    use.add("unseen", "full", Codes(fine, coarse), occupancy)
    rows = {(row["level"], row["where"]): row for row in use.rows()}
    assert rows["fine", "all"]["used"] == pytest.approx(2.0 / ENTRIES)
    assert rows["fine", "hair"]["used"] == pytest.approx(1.0 / ENTRIES)
    assert rows["fine", "hair"]["cells"] == 32 and rows["coarse", "all"]["cells"] == 8
    assert len(LEVELS) == quantiser.dim


# The walk


def test_a_walk_begins_and_ends_at_the_reconstructions() -> None:
    model, distance = tiny_model(), torch.full((1, 32, 32, 32), 0.02)
    start, end = hair(), hair(0.05)
    found = walk(model, start, end, distance, 5)
    assert len(found) == 5
    for volume, seen in ((found[0], start), (found[-1], end)):
        alone = reconstruct(model, StateBatch(*seen, distance, *seen)).first.hair
        assert torch.equal(volume.occupancy, alone.occupancy)
        assert torch.equal(volume.direction, alone.direction)
    assert not torch.equal(found[2].occupancy, found[0].occupancy)


def test_a_walk_from_hair_to_itself_stays() -> None:
    found = walk(tiny_model(), hair(), hair(), torch.full((1, 32, 32, 32), 0.02), 3)
    assert all(torch.equal(volume.occupancy, found[0].occupancy) for volume in found)


def test_a_walk_joins_two_families_on_one_head(dataset: Path) -> None:
    found = list(states([Store(dataset)], ("unseen",), each=2))
    assert [one.state for one in found] == [0, 2] * 4
    start, end = two_hairstyles(found)
    assert start.combing.family != end.combing.family and start.state == end.state == 0
    assert np.array_equal(start.combing.head_distance, end.combing.head_distance)
    alone = two_hairstyles(found[:2])
    assert [one.state for one in alone] == [0, 2] and alone[0].combing is alone[1].combing


# Checkpoints


def test_the_latent_part_of_a_dynamics_checkpoint_is_the_latent_model(dataset: Path, tmp_path: Path) -> None:
    stores = [Store(dataset)]
    alone, _ = load_latent(write_checkpoint(tmp_path / "latent.safetensors"), stores)
    part, info = load_latent(write_checkpoint(tmp_path / "dynamics.safetensors", "dynamics"), stores)
    assert info.kind == "dynamics"
    for name, tensor in alone.state_dict().items():
        assert torch.equal(tensor, part.state_dict()[name])


@pytest.mark.parametrize(
    ("kind", "sizes", "says"),
    [
        ("unet", TINY, "is of kind unet; expected latent or dynamics"),
        ("latent", dataclasses.replace(TINY, half=16), "does not fit the networks of this version"),
    ],
)
def test_a_wrong_checkpoint_gets_one_sentence_and_leaves_no_folder(
    dataset: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    sizes: LatentConfig,
    says: str,
) -> None:
    weights = write_checkpoint(tmp_path / "model.safetensors", kind, sizes)
    words = ["evaluate", "latent", "--data", str(dataset), "--weights", str(weights)]
    assert run([*words, "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1 and says in told[0] and str(weights) in told[0]
    assert not (tmp_path / "out").exists()


def test_unknown_splits_and_walks_of_one_step_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CombwiseError, match=re.escape("splits out of training, validation, unseen")):
        EvaluateLatentConfig((tmp_path,), tmp_path, splits=("test",))
    with pytest.raises(CombwiseError, match="at least 2 steps"):
        EvaluateLatentConfig((tmp_path,), tmp_path, steps=1)


# The command


def test_the_command_scores_draws_and_walks(dataset: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "run" / "model.safetensors")
    config = EvaluateLatentConfig(
        (dataset,), tmp_path / "out", tmp_path / "run", splits=("unseen",), episodes=2, states=2, pictures=1
    )
    said = evaluate_latent(config)
    assert "aims IoU 0.75 at least, median direction 12 deg at most, entries used over 50 %" in said
    assert re.search(r"unseen, cameras input: IoU \d\.\d+ \((met|missed)\), median direction", said)
    assert "training" not in said and "validation" not in said
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert {frozenset(row) for row in found["rows"]} == {
        frozenset(("split", "input", "what", "metric", "mean", "low", "high", "n"))
    }
    means = {(row["input"], row["what"], row["metric"]): row["mean"] for row in found["rows"]}
    assert means["full", "seen", "iou"] == 1.0  # the truth is the full hair
    assert {"codes", "detail", "third"} <= {what for _, what, _ in means}
    assert all(row["n"] == 4 for row in found["rows"])
    assert {row["hair_class"] for row in found["by_hair_class"]} == {
        FAMILIES[family].hair_class for family in UNSEEN_FAMILIES[:2]
    }
    assert {row["level"] for row in found["codebooks"]} == {"fine", "coarse"}
    assert found["compression_ratio"] == pytest.approx(98.0, abs=0.1)
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("data:image/png;base64") == 2 and "codes + detail" in page
    assert (tmp_path / "out" / "walk.png").stat().st_size > 0
    assert len(list((tmp_path / "out" / "pictures").glob("unseen_*.png"))) == 1
    with pytest.raises(CombwiseError, match="--resume"):
        evaluate_latent(config)
    assert evaluate_latent(dataclasses.replace(config, resume=True)) == said
