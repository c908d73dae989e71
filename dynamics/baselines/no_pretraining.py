"""The editing model without pre-training: what is it worth that the latent space is there first?"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dynamics.batches import StrokeBatch
from dynamics.data import Store
from dynamics.editing.branch import EditingModel
from dynamics.editing.train import EditingTask, TrainDynamicsConfig
from dynamics.latent.train import reconstruction_loss


class NoPretrainingTask(EditingTask):
    """Latent model and editing branch, untrained both, learn all at once from the strokes."""

    def __init__(
        self, model: EditingModel, store: Store, config: TrainDynamicsConfig, device: torch.device
    ) -> None:
        super().__init__(model, store, config, device)
        model.latent.requires_grad_(True)

    def trainable(self) -> nn.Module:
        """Return both."""
        return self._model

    def loss(self, batch: StrokeBatch, progress: float) -> dict[str, Tensor]:
        """Return the editing loss, the latent model's of the state before the stroke, and their sum."""
        edit = super().loss(batch, progress)
        start = type(batch.start)(*(t.to(self._device) for t in batch.start))
        latent = reconstruction_loss(self._model.latent, start)["total"]
        return {**edit, "latent": latent, "total": edit["total"] + latent}
