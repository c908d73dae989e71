"""Models compared: edits read with caution, what each model has had, and the table that tells it."""

from __future__ import annotations

import pytest
import torch

from benchmarks.dynamics_table import PAGE, document
from dynamics.baselines.effort import Effort, crops_seen
from dynamics.baselines.unet import UNet, UNetConfig
from dynamics.editing.branch import Edit, EditingConfig, EditingModel, EditState
from dynamics.editing.caution import Caution
from dynamics.editing.mask import EditMask
from dynamics.latent.autoencoder import Codes, Decoded, LatentConfig
from dynamics.latent.model import LatentModel
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
    assert Effort(3_000_000, 24_000, 0).beside(ours) == "150 % of the parameters"
    assert Effort(1, 1, 0).beside(Effort(1, 0, 0)) == ""  # a checkpoint that does not tell


def test_crops_count_over_all_processes() -> None:
    assert crops_seen({"steps": 10, "batch": 3}) == 30
    assert crops_seen({"steps": 10, "batch": 3, "processes": 4}) == 120
    assert crops_seen({}) == 0


def test_the_table_of_the_page_is_that_of_the_shipped_card() -> None:
    assert PAGE.read_text(encoding="utf-8") == document(), "python -m benchmarks.dynamics_table"


def test_the_unet_has_as_many_parameters_as_latent_model_and_branch() -> None:
    ours = EditingModel(LatentModel(LatentConfig()), EditingConfig(), voxel=0.0075)
    theirs = UNet(UNetConfig())
    count, expected = (sum(p.numel() for p in m.parameters()) for m in (theirs, ours))
    assert abs(count / expected - 1.0) < 0.1
