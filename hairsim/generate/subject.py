"""One head of hair of a dataset: drawn, looked at after every stroke, and told the next one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from hairsim.cameras.camera import Camera, Frame
from hairsim.cameras.capture import capture
from hairsim.cameras.depth_noise import MILD_NOISE
from hairsim.cameras.look import STUDIO
from hairsim.generate.config import GenerateConfig
from hairsim.generate.episode import Episode, GroomRecord, HeadRecord, SparseVolume
from hairsim.generate.heads import head_number, numbered_head
from hairsim.generate.random_stroke import random_stroke
from hairsim.groom.families import make_groom
from hairsim.head.head import DistanceField, Head
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import ToolPath
from hairsim.volume import GRIDS, GridSpec, HairVolume
from hairsim.world import CombReading

Observe = Callable[[Sequence[Frame], Head, GridSpec], HairVolume]
"""Frames, head and grid to a volume: `planner.observe` hands itself in, so that imports run one way."""

UNSEEN = SparseVolume(np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros((0, 3), np.int8))


def studio_frames(
    hair: np.ndarray, head: Head, cameras: Sequence[Camera], *, seed: int, device: str = "cpu"
) -> list[Frame]:
    """Return what cameras of the data engine show of hair [N, V, 3], always with one noise and light."""
    return capture(hair, head, cameras, seed=seed, noise=MILD_NOISE, look=STUDIO, device=device)


class Subject:
    """One head of hair, its source of chance, and what has been seen of it so far."""

    def __init__(self, index: int, config: GenerateConfig, heads: Path | None) -> None:
        self.index = index
        self.config = config
        self.rng = np.random.default_rng([config.seed, index])
        self.number = head_number(self.rng, config.heads)
        self.head, self.shape = numbered_head(config.seed, self.number, heads)
        self.family = config.families[index % len(config.families)]
        seed = int(self.rng.integers(2**31))
        self.groom = make_groom(
            self.family, self.head, guides=config.guides, vertices=config.vertices, seed=seed
        )
        self.record, self.children = GroomRecord.of(self.groom, seed, config.children)
        self.material = config.randomisation.material(self.rng)
        self.tool = config.randomisation.tool(self.rng)
        self.strands: list[np.ndarray] = []
        self.observed: list[SparseVolume] = []
        self.cameras: list[np.ndarray] = []
        self.frames: list[tuple[Frame, ...]] = []
        self.strokes: list[np.ndarray] = []
        self.paths: list[ToolPath] = []
        self.readings: list[CombReading] = []

    def look(self, guides: np.ndarray, rig: Sequence[Camera], observe: Observe, device: str) -> None:
        """Keep a state: its strands, and what one to three cameras of the rig make of it."""
        rng, config = self.rng, self.config
        used = sorted(rng.permutation(3)[: rng.choice([1, 2, 3], p=config.randomisation.cameras)])
        seed = int(rng.integers(2**31))
        self.strands.append(guides)
        if config.blind:
            self.observed.append(UNSEEN)
            self.cameras.append(np.zeros(len(rig), bool))
            return
        hair = self.children.strands(guides)
        looking = [rig[c] for c in used]
        frames = studio_frames(hair, self.head, looking, seed=seed, device=device)
        self.observed.append(SparseVolume.of(observe(frames, self.head, GRIDS[config.profile])))
        self.cameras.append(np.isin(np.arange(len(rig)), used))
        if config.frames:
            self.frames.append(tuple(frames))

    def plan(self) -> ToolPath:
        """Draw the next stroke and return the path of the tool."""
        stroke = random_stroke(self.strands[-1], self.head, self.rng, self.config.randomisation.strokes)
        self.strokes.append(stroke.to_vector())
        self.paths.append(stroke_path(stroke, self.head, self.tool))
        return self.paths[-1]

    def episode(self) -> Episode:
        """Return all of it."""
        field = self.head.field
        return Episode(
            index=self.index,
            family=self.family,
            head=HeadRecord(
                self.number,
                self.head.name,
                DistanceField(field.values.astype(np.float16), field.origin, field.spacing),
                self.head.centre,
                asdict(self.shape),
            ),
            groom=self.record,
            material=self.material,
            strands=np.array(self.strands),
            strokes=np.array(self.strokes),
            tool=self.tool,
            paths=tuple(self.paths),
            force_times=tuple(reading.times for reading in self.readings),
            force=tuple(reading.force for reading in self.readings),
            observed=tuple(self.observed),
            cameras=np.array(self.cameras),
            frames=tuple(self.frames),
        )
