"""Train the direct U-Net on the strokes that the editing model learns from."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dynamics.batches import StrokeBatch
from dynamics.completion.unet import Hair, UNet
from dynamics.data import Store
from dynamics.editing.train import StrokeTask, TrainDynamicsConfig
from dynamics.latent.autoencoder import volume_of
from dynamics.metrics import changed, changed_region, score
from dynamics.precision import fast_arithmetic


class UNetTask(StrokeTask):
    """Predict the full hair after a stroke from what was seen before it, everywhere."""

    def __init__(self, model: UNet, store: Store, config: TrainDynamicsConfig, device: torch.device) -> None:
        super().__init__(store, config, device)
        self._model = model

    def trainable(self) -> nn.Module:
        """Return the U-Net."""
        return self._model

    def loss(self, batch: StrokeBatch, progress: float) -> dict[str, Tensor]:
        """Return the parts of the loss of the last stroke of the batch, as the editing model's."""
        del progress
        batch = batch.to(self._device)
        start = batch.start
        hair = Hair(start.seen, start.seen_direction, start.head_distance)
        before = (start.occupancy, start.direction)
        with torch.no_grad():
            for number, raster in enumerate(batch.rasters[:-1]):
                hair = Hair(*volume_of(self._model(hair, raster)), start.head_distance)
                before = (batch.occupancy[number], batch.direction[number])
        return self.stroke_loss(self._model(hair, batch.rasters[-1]), before, batch)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Score held-back strokes on changed voxels."""
        self._model.eval()
        scores: dict[str, float] = {}
        for source, batch in self._held_back.items():
            batch = batch.to(self._device)
            start, after = batch.start, (batch.occupancy[0], batch.direction[0])
            with fast_arithmetic(self._device):
                decoded = self._model(
                    Hair(start.seen, start.seen_direction, start.head_distance), batch.rasters[0]
                )
            region = changed_region(changed(start.occupancy, start.direction, *after))
            found = score(*volume_of(decoded), *after, region)
            scores[f"{source}_error"] = float(found.occupancy_error.mean())
            scores[f"{source}_deg"] = float(found.direction_deg.nanmean())
        return scores
