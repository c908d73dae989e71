"""Random strokes that meet hair: one sampler for training data and for hidden goal strokes."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.head.head import Head
from hairsim.tools.stroke import STROKE_HIGH, STROKE_LOW, Stroke

NEIGHBOURHOOD = 0.02
"""Hair within this of the start counts as the hair that is combed [m]: half a comb's width."""

REACH = 0.045
"""Hair further from the skin than this is out of the teeth's reach [m]: longest tooth plus shallow depth."""


@dataclass(frozen=True)
class StrokeRanges:
    """What random strokes are like; the defaults are those of hidden goal strokes and of the environment.

    Attributes:
        across, along, against: shares of strokes that go across the local flow of hair, with it, against it.
        length: [m], uniform.
        depth: height of the tooth tips over the skin as a share of the hair's layer there, uniform: small is
            deep, 1 only grazes the hair.
        lean: standard deviation of tilt and roll [rad].
        speed: [m/s], uniform.
    """

    across: float = 0.65
    along: float = 0.25
    against: float = 0.10
    length: tuple[float, float] = (0.06, 0.25)
    depth: tuple[float, float] = (0.05, 0.5)
    lean: float = 0.15
    speed: tuple[float, float] = (0.05, 0.25)

    def __post_init__(self) -> None:
        shares = (self.across, self.along, self.against)
        if min(shares) < 0.0 or abs(sum(shares) - 1.0) > 1e-9:
            raise CombwiseError(
                f"shares of strokes across, along and against are {shares}; expected a sum of 1"
            )
        limits = {
            "length": (STROKE_LOW[3], STROKE_HIGH[3]),
            "depth": (0.0, 1.0),
            "lean": (0.0, STROKE_HIGH[5]),
            "speed": (STROKE_LOW[7], STROKE_HIGH[7]),
        }
        for field in fields(self)[3:]:
            value = getattr(self, field.name)
            low, high = value if isinstance(value, tuple) else (value, value)
            least, most = limits[field.name]
            if not least <= low <= high <= most:
                raise CombwiseError(f"stroke {field.name} is {value}; expected within {least:g} .. {most:g}")


GOAL_STROKES = StrokeRanges()


def stroke_frame(
    head: Head, direction: np.ndarray, depth: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return where strokes of a start direction enter, and what their headings mean there.

    The same frame as in `stroke_path`: down is the meridian away from the crown, in the tangent plane.

    Args:
        head: the head.
        direction: [..., 3], seen from the head centre, not vertical.
        depth: height of the tooth tips above the skin [m].

    Returns:
        point, normal, down, side: each [..., 3]; heading h is cos(h) down + sin(h) side (DESIGN section 5).
    """
    point = head.surface_point(direction, depth)
    normal = head.field.gradient(point)
    level = np.maximum(np.linalg.norm(direction[..., :2], axis=-1, keepdims=True), 1e-9)
    meridian = np.concatenate([direction[..., :2] * direction[..., 2:] / level, -level], axis=-1)
    down = meridian - np.sum(meridian * normal, axis=-1, keepdims=True) * normal
    down = down / np.maximum(np.linalg.norm(down, axis=-1, keepdims=True), 1e-9)
    return point, normal, down, np.cross(normal, down)


def random_stroke(
    strands: np.ndarray, head: Head, rng: np.random.Generator, ranges: StrokeRanges = GOAL_STROKES
) -> Stroke:
    """Draw a stroke that starts on hair.

    It starts over a random vertex of a random strand within the teeth's reach, dips into the hair there, and
    heads across the local flow (restyling: it takes a lock along), with it, or against it.

    Args:
        strands: [S, V, 3] [m], head frame, root first.
        head: the head they grow on.
        rng: the source of chance.
        ranges: what strokes are like.

    Raises:
        CombwiseError: no vertex of 200 tried lies where a stroke can start.
    """
    vertices = strands.shape[1]
    for _ in range(200):
        strand = int(rng.integers(len(strands)))
        vertex = int(rng.integers(1, max(2, int(0.8 * vertices))))
        seed_point = strands[strand, vertex]
        outward = seed_point - np.asarray(head.centre)
        elevation = float(np.arctan2(outward[2], np.hypot(outward[0], outward[1])))
        if not STROKE_LOW[1] <= elevation <= STROKE_HIGH[1] or head.field.sample(seed_point) > REACH:
            continue
        near = np.linalg.norm(strands[:, :-1] - seed_point, axis=-1) < NEIGHBOURHOOD
        layer = float(np.quantile(head.field.sample(strands[:, :-1][near]), 0.9))
        flow = np.diff(strands, axis=1)[near].mean(axis=0)
        _, _, down, side = stroke_frame(head, outward)
        along = float(np.arctan2(flow @ side, flow @ down))
        kind = rng.choice(3, p=[ranges.across, ranges.along, ranges.against])
        turn = (
            rng.choice([-1.0, 1.0]) * rng.uniform(0.6, 1.9),
            rng.normal(0.0, 0.35),
            rng.choice([-1.0, 1.0]) * rng.uniform(1.9, np.pi),
        )[kind]
        return Stroke.from_vector(
            np.array(
                [
                    np.arctan2(outward[1], outward[0]),
                    elevation,
                    along + turn,
                    rng.uniform(*ranges.length),
                    layer * rng.uniform(*ranges.depth),
                    rng.normal(0.0, ranges.lean),
                    rng.normal(0.0, ranges.lean),
                    rng.uniform(*ranges.speed),
                ]
            )
        )
    raise CombwiseError(
        f"no place for a stroke found on {len(strands)} strands of head '{head.name}'; expected hair within "
        f"{1000 * REACH:.0f} mm of the skin and above {np.degrees(STROKE_LOW[1]):.0f} degrees of elevation"
    )
