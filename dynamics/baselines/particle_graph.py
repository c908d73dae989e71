"""Graph-based neural dynamics of hair: particles that tell each other how they move [Li2019], [Zhang2024].

    tool particles -- the nearest --> hair particles <-- the nearest -- hair particles
                                            |
                                  a few rounds of messages
                                            v
                       how far each moves, and how its direction turns

Deviations: a whole stroke is one step of the graph, since a tool particle says how far the teeth still go
from there. Hair particles know what the editing model's mask says is carried to them, or what happens at the
teeth would not reach the tips in a few rounds. The hair before is the editing model's reconstruction:
particles cannot complete what cameras hide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dynamics.baselines.particles import (
    HAIR_FEATURES,
    TOOL_FEATURES,
    Motion,
    Particles,
    hair_particles,
    moved,
    tool_particles,
)
from dynamics.baselines.predictors import Seen, Volume
from dynamics.checkpoint import CheckpointInfo
from dynamics.editing.mask import EditMask, MaskConfig, edit_mask
from dynamics.precision import fast_arithmetic
from hairsim.errors import CombwiseError

STEP = 0.05
"""Displacement that an output of 1 stands for [m]."""


@dataclass(frozen=True)
class ParticleGraphConfig:
    """Sizes of the graph and of what runs on it; as large as latent model and branch.

    Attributes:
        width: channels of a particle.
        rounds: of messages.
        hair, tool: most particles of either kind.
        radius: how far particles are heard [m].
        neighbours: hair particles that one listens to.
        teeth: tool particles that one listens to.
    """

    width: int = 240
    rounds: int = 4
    hair: int = 400
    tool: int = 200
    radius: float = 0.045
    neighbours: int = 8
    teeth: int = 4

    def __post_init__(self) -> None:
        sizes = (self.width, self.rounds, self.hair, self.tool, self.radius, self.neighbours, self.teeth)
        if not min(sizes) > 0:
            raise CombwiseError(f"particle graph of sizes {self}; expected positive numbers")


class Edges(NamedTuple):
    """Whom hair particles listen to: K others each, hair before tool.

    Attributes:
        sender: [N, P, K] number of the other, tool particles counted on from the hair's.
        relation: [N, P, K, 4] its position seen from here over the radius, and its distance.
        heard: [N, P, K, 1], 1 where it is within the radius and either is one, else 0.
    """

    sender: Tensor
    relation: Tensor
    heard: Tensor


class Round(nn.Module):
    """One round of messages."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.from_hair = nn.Linear(width, width)
        self.from_tool = nn.Linear(width, width)
        self.to_hair = nn.Linear(width, width)
        self.relation = nn.Linear(4, width)
        self.message = nn.Linear(width, width)
        self.update = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, hair: Tensor, tool: Tensor, edges: Edges) -> Tensor:
        """Return hair [N, P, C] that has heard its neighbours, and the tool [N, Q, C]."""
        own = self.norm(hair)
        # An edge's message has two layers; what is linear in them is done once a particle, not once an edge.
        said = torch.cat([self.from_hair(own), self.from_tool(tool)], dim=1)
        count, particles, others = edges.sender.shape
        index = edges.sender.reshape(count, -1, 1).expand(-1, -1, said.shape[-1])
        said = said.gather(1, index).reshape(count, particles, others, -1)
        heard = nn.functional.silu(said + self.to_hair(own)[:, :, None] + self.relation(edges.relation))
        message = self.message((heard * edges.heard).mean(2))
        return hair + self.update(torch.cat([own, message], dim=-1))


class ParticleGraph(nn.Module):
    """Predict how particles move; untrained, they stay.

    Attributes:
        config: its sizes.
        voxel: edge of a voxel of the volumes that particles are taken from [m].
    """

    def __init__(self, config: ParticleGraphConfig, *, voxel: float) -> None:
        super().__init__()
        width = config.width
        self.config = config
        self.voxel = voxel
        self.hair_in = nn.Sequential(nn.Linear(HAIR_FEATURES, width), nn.SiLU(), nn.Linear(width, width))
        self.tool_in = nn.Sequential(nn.Linear(TOOL_FEATURES, width), nn.SiLU(), nn.Linear(width, width))
        self.rounds = nn.ModuleList(Round(width) for _ in range(config.rounds))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, 6)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, hair: Particles, tool: Particles) -> Motion:
        """Return what a stroke does to hair particles."""
        edges = self._edges(hair, tool)
        said = self.tool_in(tool.features)
        heard = self.hair_in(hair.features)
        for one in self.rounds:
            heard = one(heard, said, edges)
        out = self.out(self.norm(heard)).float()
        return Motion(STEP * out[..., :3], out[..., 3:])

    def particles(
        self, volume: Volume, head_distance: Tensor, raster: Tensor
    ) -> tuple[Particles, Particles, EditMask]:
        """Return the hair particles and tool particles of strokes on volumes, and where strokes may act."""
        mask = edit_mask(volume.occupancy, volume.direction, raster, self.voxel, MaskConfig())
        hair = hair_particles(volume, head_distance, raster, mask, self.voxel, self.config.hair)
        return hair, tool_particles(raster, self.voxel, self.config.tool), mask

    @torch.no_grad()
    def after(self, volume: Volume, head_distance: Tensor, raster: Tensor) -> Volume:
        """Return the hair after one stroke.

        Args:
            volume: hair before it, [N, X, Y, Z].
            head_distance: [N, X, Y, Z] [m].
            raster: [N, X/2, Y/2, Z/2, 16] of the strokes.
        """
        hair, tool, mask = self.particles(volume, head_distance, raster)
        with fast_arithmetic(raster.device):
            motion = self(hair, tool)
        return moved(volume, mask, hair, motion, self.voxel)

    def _edges(self, hair: Particles, tool: Particles) -> Edges:
        parts, config = [], self.config
        for others, first, count in ((hair, 0, config.neighbours), (tool, config.hair, config.teeth)):
            apart = torch.cdist(hair.position, others.position)
            apart = apart.masked_fill(~others.valid[:, None], torch.inf)
            if others is hair:
                apart = apart.masked_fill(torch.eye(apart.shape[1], device=apart.device) > 0, torch.inf)
            near, which = apart.topk(min(count, apart.shape[2]), largest=False)
            there = others.position.gather(1, which.reshape(len(which), -1, 1).expand(-1, -1, 3))
            seen = (there.reshape(*which.shape, 3) - hair.position[:, :, None]) / config.radius
            relation = torch.cat([seen, seen.norm(dim=-1, keepdim=True)], dim=-1)
            heard = ((near <= config.radius) & hair.valid[..., None])[..., None]
            parts.append((which + first, relation * heard, heard.float()))
        return Edges(*(torch.cat(part, dim=2) for part in zip(*parts, strict=True)))


@dataclass(frozen=True)
class GraphPredictor:
    """The particle graph as evaluation sees it."""

    model: ParticleGraph

    def predict(self, seen: Seen, rasters: Sequence[Tensor]) -> tuple[Volume, Volume]:
        """Return the reconstruction, and the same after each stroke in turn."""
        before = volume = Volume(seen.state.occupancy, seen.state.direction)
        for raster in rasters:
            volume = self.model.after(volume, seen.head_distance, raster)
        return before, volume


def build_particle_graph(info: CheckpointInfo) -> ParticleGraph:
    """Return an untrained model of a checkpoint's sizes."""
    return ParticleGraph(ParticleGraphConfig(**info.sizes["particle_graph"]), voxel=info.grid.voxel)
