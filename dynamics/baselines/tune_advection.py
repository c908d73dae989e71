"""The advection's numbers, chosen on training episodes."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from dynamics.baselines.advection import Advection, candidates
from dynamics.cases import Case, case_batch
from dynamics.data import Combing, Store
from dynamics.editing.branch import EditingModel
from dynamics.metrics import changed, changed_region, score
from dynamics.precision import fast_arithmetic


def tune_advection(
    model: EditingModel, episodes: Sequence[Combing], store: Store, device: torch.device
) -> Advection:
    """Choose the advection's numbers on training episodes: least occupancy plus scaled direction error."""
    cost = dict.fromkeys(candidates()[1:], 0.0)
    for combing in episodes:
        for stroke in range(0, len(combing.paths), 2):
            batch, _ = case_batch(Case("training", 0, store, combing, stroke, 1, "full"), device)
            start, truth = batch.start, (batch.occupancy[0], batch.direction[0])
            with fast_arithmetic(device):
                state = model.encode(start.seen, start.seen_direction, start.head_distance)
            truly = changed(start.occupancy, start.direction, *truth)
            for rule in cost:
                after = rule.predict(
                    state.occupancy, state.direction, state.head_distance, batch.rasters[0], store.grid.voxel
                )
                own = changed(state.occupancy, state.direction, *after)
                found = score(*after, *truth, changed_region(truly, own))
                cost[rule] += float(found.occupancy_error + torch.nan_to_num(found.direction_deg) / 90.0)
    return min(cost, key=lambda rule: cost[rule])
