"""The nearest training transition: look up the most similar stroke on similar hair, do what it did."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from dynamics.baselines.predictors import Seen, Volume
from dynamics.batches import stroke_batch
from dynamics.data import Combing, Store, Window
from dynamics.metrics import changed

KNOWN = 200
"""Training episodes that are remembered of each dataset, the first: reading thousands would take as many
tenths of a second, and cutting them up as many seconds."""

CELL = 8
"""Edge of the cells in which hair and strokes are compared [voxels]: 60 mm in `small`."""


class Nearest:
    """Remember the strokes of `KNOWN` training episodes; change hair where, and as, the most similar one did.

    Hair is compared by mean occupancy and direction in coarse cells of the head frame, strokes by sweep
    and motion there; both differences count alike, each over its mean among the training transitions.
    """

    def __init__(self, stores: Sequence[Store]) -> None:
        self._grid = stores[0].grid
        whole = Window((0, 0, 0), self._grid.shape)
        self._known: list[tuple[Combing, int]] = []
        hair, strokes = [], []
        for store in stores:
            for combing in store.split("training")[:KNOWN]:
                for stroke in range(len(combing.paths)):
                    batch = stroke_batch([(combing, stroke, "full", whole)], 1, self._grid)
                    self._known.append((combing, stroke))
                    hair.append(_hair_cells(batch.start.occupancy, batch.start.direction))
                    strokes.append(_stroke_cells(batch.rasters[0]))
        self._hair, self._strokes = torch.cat(hair), torch.cat(strokes)
        self._scale = [x.var(0).sum().clamp_min(1e-9) for x in (self._hair, self._strokes)]

    def predict(self, seen: Seen, rasters: Sequence[Tensor]) -> tuple[Volume, Volume]:
        """Return the reconstruction, and the same changed by each stroke's nearest neighbour in turn."""
        before = volume = Volume(seen.state.occupancy, seen.state.direction)
        for raster in rasters:
            combing, stroke = self.look_up(volume, raster, seen.window)
            first, then = (
                [torch.from_numpy(x.copy()).to(raster.device)[None] for x in hair.crop(seen.window)]
                for hair in combing.full[stroke : stroke + 2]
            )
            moved = changed(first[0], first[1], then[0], then[1])
            volume = Volume(
                torch.where(moved, then[0], volume.occupancy),
                torch.where(moved[..., None], then[1], volume.direction),
            )
        return before, volume

    def look_up(self, volume: Volume, raster: Tensor, window: Window) -> tuple[Combing, int]:
        """Return the episode and the stroke whose hair and raster, in a window, are most similar."""
        occupancy = self._whole(volume.occupancy, window, 1)
        direction = torch.stack([self._whole(x, window, 1) for x in volume.direction.unbind(-1)], dim=-1)
        channels = torch.stack([self._whole(x, window, 2) for x in raster.unbind(-1)], dim=-1)
        pairs = ((self._hair, _hair_cells(occupancy, direction)), (self._strokes, _stroke_cells(channels)))
        apart = [
            (known - ours).square().sum(1) / scale
            for (known, ours), scale in zip(pairs, self._scale, strict=True)
        ]
        return self._known[int((apart[0] + apart[1]).argmin())]

    def _whole(self, field: Tensor, window: Window, stride: int) -> Tensor:
        """Put a field [1, X, Y, Z] of a window, of every `stride`th voxel, into the empty grid."""
        whole = torch.zeros(1, *(n // stride for n in self._grid.shape))
        x, y, z = (
            slice(a // stride, (a + n) // stride) for a, n in zip(window.low, window.shape, strict=True)
        )
        whole[:, x, y, z] = field.float().cpu()
        return whole


def _hair_cells(occupancy: Tensor, direction: Tensor) -> Tensor:
    hair = (occupancy >= 0.5).float()[..., None]
    return _cells(torch.cat([hair, direction * hair], dim=-1), CELL)


def _stroke_cells(raster: Tensor) -> Tensor:
    sweep = raster[..., :8].mean(-1, keepdim=True)
    return _cells(torch.cat([sweep, raster[..., 8:11]], dim=-1), CELL // 2)


def _cells(fields: Tensor, edge: int) -> Tensor:
    """Return means over cells of `edge`^3 of fields [N, X, Y, Z, C] as one row each, [N, M]."""
    return functional.avg_pool3d(fields.permute(0, 4, 1, 2, 3), edge).flatten(1)
