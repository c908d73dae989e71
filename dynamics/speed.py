"""How fast the model is: seconds to encode, to predict a stroke, and rollouts a second."""

from __future__ import annotations

import time

import torch

from dynamics.batches import StrokeBatch
from dynamics.editing.branch import EditingModel
from dynamics.model import CHUNK, repeated
from dynamics.precision import fast_arithmetic

REPEATS = 3


@torch.no_grad()
def measure_speed(model: EditingModel, batch: StrokeBatch) -> dict[str, float | int | str]:
    """Return times on one head [s], the best of a few, and one-stroke rollouts a second, side by side."""
    start, device = batch.start, batch.start.seen.device
    given = (start.seen, start.seen_direction, start.head_distance)
    raster = batch.rasters[0]
    encode, alone, together = [], [], []
    for _ in range(REPEATS):
        with fast_arithmetic(device):
            began = _now(device)
            state = model.encode(*given)
            encode.append(_now(device) - began)
            began = _now(device)
            model(state, raster)
            alone.append(_now(device) - began)
            began = _now(device)
            model(repeated(state, CHUNK), raster.expand(CHUNK, *raster.shape[1:]))
            together.append(_now(device) - began)
    return {
        "voxels": start.seen[0].numel(),
        "encode_seconds": min(encode),
        "stroke_seconds": min(alone),
        "rollouts_per_second": CHUNK / min(together),
        "threads": torch.get_num_threads() if device.type == "cpu" else 0,
        "device": device.type,
    }


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
