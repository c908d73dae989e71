"""Models compared: edits read with caution, what each model has had, and the table that tells it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from benchmarks.dynamics import OUT, result
from benchmarks.dynamics_picture import draw_beside
from benchmarks.dynamics_table import dynamics_table
from dynamics.baselines.effort import Effort, crops_seen
from dynamics.editing.branch import Edit, EditState
from dynamics.editing.caution import Caution
from dynamics.editing.mask import EditMask
from dynamics.latent.autoencoder import Codes, Decoded
from dynamics.model import WEIGHTS
from hairsim.errors import CombwiseError


def test_a_cautious_reader_believes_sure_changes_inside_the_mask_only() -> None:
    cells = torch.tensor([True, False]).reshape(1, 2, 1, 1)  # four planes of voxels, two of them inside
    codes = Codes(torch.zeros(1), torch.zeros(1))

    def state(air: float, hair: float) -> EditState:
        occupancy = torch.tensor([air, hair, air, hair]).reshape(1, 4, 1, 1).expand(1, 4, 2, 2)
        return EditState(codes, occupancy, torch.ones(1, 4, 2, 2, 3) / 3**0.5, torch.zeros(1, 4, 2, 2))

    def read(air: float, hair: float) -> list[bool]:
        edit = Edit(state(air, hair), Decoded(*[torch.zeros(1)] * 2), EditMask(cells, torch.zeros(1)))
        found = Caution(0.5).applied(state(0.05, 0.95), edit).occupancy
        return (found[0, :, 0, 0] >= 0.5).tolist()

    # An even chance has a logit of 0; those of 0.6 and 0.7 are 0.41 and 0.85.
    assert read(0.6, 0.4) == [False, True, True, False]
    assert read(0.7, 0.3) == [True, False, True, False]
    plain = Edit(state(0.6, 0.4), Decoded(*[torch.zeros(1)] * 2), EditMask(cells, torch.zeros(1)))
    assert Caution().applied(state(0.05, 0.95), plain) is plain.state


def test_a_negative_margin_is_refused() -> None:
    with pytest.raises(CombwiseError, match="expected 0 or more"):
        Caution(-0.5)


def test_a_comparison_that_is_not_fair_is_told() -> None:
    ours = Effort(parameters=2_000_000, strokes=24_000, states=50_000)
    assert Effort(2_100_000, 23_000, 0).beside(ours) == ""
    assert Effort(2_000_000, 12_000, 0).beside(ours) == "50 % of the strokes"
    assert Effort(2_000_000, 24_000, 10_000).beside(ours) == "20 % of the pre-training"
    assert Effort(3_000_000, 24_000, 0).beside(ours) == "150 % of the parameters"
    assert Effort(1, 1, 0).beside(Effort(1, 0, 0)) == ""  # a checkpoint that does not tell


def test_crops_count_over_all_processes() -> None:
    assert crops_seen({"steps": 10, "batch": 3}) == 30
    assert crops_seen({"steps": 10, "batch": 3, "processes": 4}) == 120
    assert crops_seen({}) == 0


def test_the_published_figures_are_those_of_the_shipped_weights() -> None:
    published = json.loads(OUT.read_text(encoding="utf-8"))["weights"]
    for name, key in (("small", "sha256"), ("small_completion", "completion_sha256")):
        card = json.loads((WEIGHTS / f"{name}.json").read_text(encoding="utf-8"))
        told = "evaluate the weights, then python -m benchmarks.dynamics RUN"
        assert published[key] == card["sha256"], told


def evaluation(folder: Path, **changes: object) -> Path:
    """Write what `combwise evaluate dynamics` leaves of an evaluation of the shipped weights."""
    folder.mkdir()
    row = {"split": "unseen", "input": "full", "horizon": 3}
    one = row | {"model": "editing", "region": "changed", "hair_class": "all", "n": 4}
    rows = [
        one | {"metric": metric, "mean": mean, "low": 0.0, "high": 1.0}
        for metric, mean in (("occupancy_error", 0.1234567), ("chamfer_mm", 2.0), ("direction_deg", 20.0))
    ]
    beside = row | {"model": "editing", "against": "identity", "metric": "occupancy_error", "n": 4}
    beside |= {"mean": -0.1, "low": -0.2, "high": 0.1, "rival_mean": 0.5, "relative": -0.2}
    told = {"rows": rows, "paired": [beside], "not_run": {"unet": "not run: no checkpoint"}, "speed": {}}
    config = {
        "kind": "EvaluateDynamicsConfig",
        "code_version": "0.1.0+abc",
        "command": ["combwise", "evaluate", "dynamics", "--data", str(folder.resolve() / "train"), "sets/b"],
        "config": {"weights": None},
    } | changes
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "metrics.json").write_text(json.dumps(told))
    return folder


def test_what_is_published_of_an_evaluation_says_how_it_was_made(tmp_path: Path) -> None:
    found = result(evaluation(tmp_path / "run"))
    assert found["command"] == "combwise evaluate dynamics --data runs/train sets/b"
    assert found["commit"] == "0.1.0+abc" and found["rows"][0]["mean"] == 0.12346
    table = dynamics_table(found)
    assert "| full | 3 | editing | 0.123 | 2.00 | 20.0 | - |" in table
    assert "| - | - | unet | not run | - | - | - |" in table
    draw_beside(found, tmp_path / "beside.png")
    assert (tmp_path / "beside.png").read_bytes()[:4] == b"\x89PNG"


def test_only_finished_evaluations_of_dynamics_are_published(tmp_path: Path) -> None:
    with pytest.raises(CombwiseError, match="is no finished run"):
        result(tmp_path)
    with pytest.raises(CombwiseError, match="is a run of TrainLatentConfig; expected"):
        result(evaluation(tmp_path / "run", kind="TrainLatentConfig"))
    other = evaluation(tmp_path / "other")
    told = (other / "metrics.json").read_text()
    (other / "metrics.json").write_text(told.replace("unseen", "validation"))
    with pytest.raises(CombwiseError, match="scored no unseen families"):
        result(other)
