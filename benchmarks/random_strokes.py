"""Strokes anywhere on a scalp, in any direction: what reach is measured with."""

from __future__ import annotations

import numpy as np

from hairsim.head.head import Head
from hairsim.tools.stroke import STROKE_LOW, Stroke


def random_stroke(rng: np.random.Generator, head: Head) -> Stroke:
    """Draw a stroke that starts anywhere on the scalp and goes anywhere."""
    outward = head.scalp.points[rng.integers(len(head.scalp.points))] - np.asarray(head.centre)
    elevation = float(np.arctan2(outward[2], np.hypot(outward[0], outward[1])))
    return Stroke(
        azimuth=float(np.arctan2(outward[1], outward[0])),
        elevation=float(np.clip(elevation, STROKE_LOW[1], 1.5)),
        heading=float(rng.uniform(-np.pi, np.pi)),
        length=float(rng.uniform(0.04, 0.20)),
        depth=float(rng.uniform(0.006, 0.025)),
        tilt=float(np.clip(rng.normal(0.0, 0.15), -0.5, 0.5)),
        roll=float(np.clip(rng.normal(0.0, 0.15), -0.5, 0.5)),
        speed=float(rng.uniform(0.05, 0.25)),
    )
