"""Episodes of data: random heads of hair, combed stroke by stroke, seen by noisy cameras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from hairsim.cameras.camera import Camera, Frame, three_camera_rig
from hairsim.cameras.capture import capture
from hairsim.cameras.depth_noise import MILD_NOISE
from hairsim.cameras.look import STUDIO
from hairsim.device import keep_memory, start_warp
from hairsim.generate.config import GenerateConfig
from hairsim.generate.episode import Episode, GroomRecord, HeadRecord, SparseVolume
from hairsim.generate.heads import head_number, numbered_head
from hairsim.generate.random_stroke import random_stroke
from hairsim.groom.families import make_groom
from hairsim.head.head import DistanceField, Head
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import Tool, ToolPath
from hairsim.volume import GRIDS, GridSpec, HairVolume
from hairsim.world import CombReading, HairWorld

Observe = Callable[[Sequence[Frame], Head, GridSpec], HairVolume]
"""Frames, head and grid to a volume: `planner.observe` hands itself in, so that imports run one way."""


UNSEEN = SparseVolume(np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros((0, 3), np.int8))


class _Subject:
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
        # Drawn by everybody, so that a head's further draws do not depend on who stands beside it.
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
        frames = capture(hair, self.head, looking, seed=seed, noise=MILD_NOISE, look=STUDIO, device=device)
        self.observed.append(SparseVolume.of(observe(frames, self.head, GRIDS[config.profile])))
        self.cameras.append(np.isin(np.arange(len(rig)), used))
        if config.frames:
            self.frames.append(tuple(frames))

    def plan(self, tool: Tool) -> ToolPath:
        """Draw the next stroke and return the path of the tool."""
        stroke = random_stroke(self.strands[-1], self.head, self.rng, self.config.randomisation.strokes)
        self.strokes.append(stroke.to_vector())
        self.paths.append(stroke_path(stroke, self.head, tool))
        return self.paths[-1]

    def episode(self, tool: Tool, material_of: _Subject) -> Episode:
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
            material=material_of.material,
            strands=np.array(self.strands),
            strokes=np.array(self.strokes),
            tool=tool,
            paths=tuple(self.paths),
            force_times=tuple(reading.times for reading in self.readings),
            force=tuple(reading.force for reading in self.readings),
            observed=tuple(self.observed),
            cameras=np.array(self.cameras),
            frames=tuple(self.frames),
        )


def block_of(block: int, config: GenerateConfig) -> range:
    """Return the numbers of the episodes that are simulated side by side as one block."""
    return range(block * config.worlds, min((block + 1) * config.worlds, config.episodes))


def comb_block(
    block: int,
    config: GenerateConfig,
    observe: Observe,
    device: str = "cpu",
    heads: Path | None = None,
) -> list[Episode]:
    """Simulate the episodes of a block, W = `config.worlds` heads side by side.

    The same (config, block) gives the same episodes. Heads of a block share the material and the tool of the
    first; with one world to a block every episode depends on (seed, number) alone.

    Args:
        block: its number.
        config: what to simulate.
        observe: camera frames to volume.
        device: where to.
        heads: folder of heads that processes share, see `numbered_head`.
    """
    start_warp()
    keep_memory(device)
    subjects = [_Subject(index, config, heads) for index in block_of(block, config)]
    first = subjects[0]
    world = HairWorld(
        [s.head for s in subjects],
        [s.groom for s in subjects],
        material=first.material,
        device=device,
        threads=1,
    )
    rig = three_camera_rig()
    world.settle(config.settle_seconds)
    for number, subject in enumerate(subjects):
        subject.look(world.strands(number), rig, observe, device)
    for _ in range(config.strokes):
        paths = [subject.plan(first.tool) for subject in subjects]
        readings = world.comb(paths, first.tool, rest_seconds=config.rest_seconds)
        for number, subject in enumerate(subjects):
            subject.readings.append(readings[number])
            subject.look(world.strands(number), rig, observe, device)
    return [subject.episode(first.tool, first) for subject in subjects]
