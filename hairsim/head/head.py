"""A head: a signed distance field of any closed shape, and the scalp that hair grows from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from hairsim.head.frame import HeadFrame


@dataclass(frozen=True)
class DistanceField:
    """Signed distance sampled at grid points, negative inside, head frame.

    Sample (i, j, k) lies at `origin + spacing * (i, j, k)`; between samples it is trilinear.

    Attributes:
        values: [X, Y, Z] float32 [m].
        origin: position of sample (0, 0, 0) [m].
        spacing: distance between samples [m].
    """

    values: np.ndarray
    origin: tuple[float, float, float]
    spacing: float

    def sample(self, points: np.ndarray) -> np.ndarray:
        """Return the signed distance [...] [m] at points [..., 3] [m]; clamped to the field's box."""
        points = np.asarray(points, np.float64)
        grid = (points - np.asarray(self.origin)) / self.spacing
        flat = grid.reshape(-1, 3).T
        value = map_coordinates(self.values, flat, order=1, mode="nearest")
        return value.reshape(points.shape[:-1])

    def gradient(self, points: np.ndarray) -> np.ndarray:
        """Return the unit outward normal [..., 3] at points [..., 3] [m], by central differences."""
        points = np.asarray(points, np.float64)
        step = 0.5 * self.spacing
        axes = np.eye(3) * step
        slope = np.stack([self.sample(points + a) - self.sample(points - a) for a in axes], axis=-1)
        return slope / np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-12)


@dataclass(frozen=True)
class Scalp:
    """The part of the skin that hair grows from, as an even cloud of points.

    Attributes:
        points: [P, 3] float32 [m], on the skin, head frame.
        normals: [P, 3] float32, unit, outward.
    """

    points: np.ndarray
    normals: np.ndarray


@dataclass(frozen=True)
class Head:
    """A head in the head frame: origin between the tragi, +x nose, +y wearer's left, +z up.

    Attributes:
        field: signed distance to the skin.
        scalp: where hair grows.
        name: what to call it in reports.
        centre: centre of the cranium [m]; directions of a Stroke's start are seen from here.
        frame: from the coordinates of the file it came from to the head frame; None when built in.
    """

    field: DistanceField
    scalp: Scalp
    name: str
    centre: tuple[float, float, float]
    frame: HeadFrame | None = None

    def surface_point(self, direction: np.ndarray, offset: float = 0.0) -> np.ndarray:
        """Return where rays from the centre leave the skin's offset surface, [..., 3] [m].

        Args:
            direction: [..., 3], need not be unit.
            offset: height above the skin [m].
        """
        direction = np.asarray(direction, np.float64)
        direction = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
        distance = np.full(direction.shape[:-1], 0.30)
        for _ in range(60):
            point = np.asarray(self.centre) + distance[..., None] * direction
            distance = distance - 0.8 * (self.field.sample(point) - offset)
        return np.asarray(self.centre) + distance[..., None] * direction
