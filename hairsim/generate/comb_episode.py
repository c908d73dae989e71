"""One episode of data: a random head of hair, combed stroke by stroke, seen by noisy cameras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from hairsim.cameras.camera import Frame, three_camera_rig
from hairsim.cameras.capture import capture
from hairsim.cameras.depth_noise import MILD_NOISE
from hairsim.cameras.look import STUDIO
from hairsim.generate.config import GenerateConfig
from hairsim.generate.dataset import Episode, SparseVolume
from hairsim.generate.random_stroke import random_stroke
from hairsim.groom.children import make_children
from hairsim.groom.families import make_groom
from hairsim.head.head import Head
from hairsim.head.parametric import random_head
from hairsim.tools.stroke_path import stroke_path
from hairsim.volume import GRIDS, GridSpec, HairVolume, volume_from_strands
from hairsim.world import HairWorld

Observe = Callable[[Sequence[Frame], Head, GridSpec], HairVolume]
"""Frames, head and grid to a volume: `planner.observe` hands itself in, so that imports run one way."""


@cache
def numbered_head(seed: int, number: int) -> Head:
    """Return head `number` of a dataset; kept, because its distance field takes seconds to measure."""
    return random_head(np.random.default_rng([seed, 2**31 + number]))


def comb_episode(index: int, config: GenerateConfig, observe: Observe) -> Episode:
    """Simulate episode `index`; the same (config, index) gives the same episode.

    The observed volumes are fused from one to three of the rig's cameras, drawn anew for each state.
    """
    rng = np.random.default_rng([config.seed, index])
    head = numbered_head(config.seed, int(rng.integers(config.heads)))
    family = config.families[index % len(config.families)]
    groom_seed = int(rng.integers(2**31))
    groom = make_groom(family, head, guides=config.guides, vertices=config.vertices, seed=groom_seed)
    children = make_children(groom, count=config.children, seed=groom_seed)
    material = config.randomisation.material(rng)
    world = HairWorld([head], [groom], material=material, threads=1)
    world.settle(config.settle_seconds)
    grid = GRIDS[config.profile]
    tool = config.randomisation.tool(rng)
    rig = three_camera_rig()

    strands, full, observed, cameras = [], [], [], []
    strokes, paths, peaks = [], [], []

    def keep_state() -> None:
        guides = world.strands()
        hair = children.strands(guides)
        used = sorted(rng.permutation(3)[: rng.choice([1, 2, 3], p=config.randomisation.cameras)])
        frames = capture(
            hair, head, [rig[c] for c in used], seed=int(rng.integers(2**31)), noise=MILD_NOISE, look=STUDIO
        )
        strands.append(guides)
        full.append(SparseVolume.of(volume_from_strands(hair, children.hair_count, grid)))
        observed.append(SparseVolume.of(observe(frames, head, grid)))
        cameras.append(len(used))

    keep_state()
    for _ in range(config.strokes):
        stroke = random_stroke(strands[-1], head, rng, config.randomisation.strokes)
        path = stroke_path(stroke, head)
        reading = world.comb([path], tool, rest_seconds=config.rest_seconds)[0]
        strokes.append(stroke.to_vector())
        paths.append(path)
        peaks.append(float(np.linalg.norm(reading.force, axis=-1).max(initial=0.0)))
        keep_state()
    return Episode(
        index=index,
        family=family,
        head_name=head.name,
        head_distance=head.field.sample(grid.centres()).astype(np.float32),
        strands=np.array(strands),
        hair_count=groom.hair_count,
        strokes=np.array(strokes),
        tool=tool,
        paths=tuple(paths),
        peak_force=np.array(peaks),
        full=tuple(full),
        observed=tuple(observed),
        cameras=np.array(cameras),
        info={"groom": groom.name, "material": vars(material)},
    )
