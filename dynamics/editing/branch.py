"""The editing branch: a trainable copy of the encoder steers frozen latents, as ControlNet steers images.

    volume, head --> trunk (copied from the encoder) --> V/2 --> flow --> hair carried along it
    raster, carried --zero--^          | V/4, V/8                           |  frozen encoder
                                       +--zero--> delta of both levels --> + latents of the carried hair
                                                                            |
                 outside the mask: the codes before                quantise --> frozen decoder
                                                                                    |
                             the carried hair, as far as it is believed at V/2 --> refine

What runs from stroke to stroke are the codes and the volume that they and the detail stand for. The flow
takes hair far, the delta says what the flow does not, the refinement keeps what the codes would round off.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dynamics.editing.flow import FLOW_CHANNELS, Flow, carry, flow_of
from dynamics.editing.mask import CARRIED_CHANNELS, EditMask, MaskConfig, edit_mask
from dynamics.editing.stroke_raster import RASTER_CHANNELS
from dynamics.latent.autoencoder import Codes, Decoded, Trunk, features, volume_of
from dynamics.latent.blocks import ResidualBlock, fold, unfold
from dynamics.latent.detail import SEEN_LOGIT, refined
from dynamics.latent.model import LatentModel
from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class EditingConfig:
    """Sizes of the branch beyond the encoder's own.

    Attributes:
        blocks: residual blocks at V/4 behind the join of both levels.
        mask: where it may act.
    """

    blocks: int = 2
    mask: MaskConfig = field(default_factory=MaskConfig)

    def __post_init__(self) -> None:
        if self.blocks < 1:
            raise CombwiseError(f"editing branch with {self.blocks} blocks; expected at least 1")


class EditState(NamedTuple):
    """Hair in latent space, over a crop.

    Attributes:
        codes: quantised latents of both levels.
        occupancy: [N, X, Y, Z] decoded and refined, 0..1.
        direction: [N, X, Y, Z, 3] decoded and refined, unit.
        head_distance: [N, X, Y, Z] [m].
    """

    codes: Codes
    occupancy: Tensor
    direction: Tensor
    head_distance: Tensor


class Edit(NamedTuple):
    """What one stroke does: the next state, and what training looks at.

    Attributes:
        state: after the stroke; outside the mask equal to the state before, to the bit.
        decoded: what the decoder says of the new codes, refined; not composed with the state before.
        flow: where hair goes.
        carried: the state before, carried along the flow: occupancy and direction.
        mask: where the stroke may act.
    """

    state: EditState
    decoded: Decoded
    flow: Flow
    carried: tuple[Tensor, Tensor]
    mask: EditMask


class Reading(NamedTuple):
    """What the trunk makes of state and stroke: features at V/2, V/4 and V/8."""

    half: Tensor
    quarter: Tensor
    eighth: Tensor


class Refinement(NamedTuple):
    """How the decoded volume is refined, voxel by voxel.

    Attributes:
        belief: [N, X, Y, Z, 2] logits of how far to believe the carried hair's occupancy and direction.
        logits: [N, X, Y, Z] to add to the occupancy's logits.
        direction: [N, X, Y, Z, 3] to add to the direction.
    """

    belief: Tensor
    logits: Tensor
    direction: Tensor


BELIEF_AT_FIRST = 3.0
"""Logit of how far an untrained branch believes the carried hair: 0.95."""

STILL_AT_FIRST = -3.0
"""Logit of the share of hair that an untrained branch takes for moving: 0.05."""


class EditingBranch(nn.Module):
    """The trainable part."""

    def __init__(self, latent: LatentModel, config: EditingConfig) -> None:
        super().__init__()
        sizes, dim = latent.config, latent.quantiser.dim
        self.config = config
        self.trunk = Trunk(sizes)
        self.stroke_in = nn.Sequential(
            nn.Linear(RASTER_CHANNELS + CARRIED_CHANNELS, sizes.half),
            nn.SiLU(),
            nn.Linear(sizes.half, sizes.half),
        )
        self.coarse_in = nn.Linear(dim, sizes.eighth)
        self.lift = nn.Linear(sizes.eighth, 8 * sizes.quarter)
        self.join = nn.Linear(2 * sizes.quarter + dim, sizes.quarter)
        self.joined = nn.Sequential(*(ResidualBlock(sizes.quarter) for _ in range(config.blocks)))
        self.to_half = nn.Linear(sizes.quarter, 8 * sizes.half)
        self.at_half = ResidualBlock(sizes.half)
        self.flow = nn.Linear(sizes.half, 8 * FLOW_CHANNELS)
        self.coarse = nn.Linear(sizes.eighth + dim, dim)
        self.fine = nn.Linear(sizes.quarter + dim, dim)
        self.carried_in = nn.Linear(8 * 5, sizes.half)
        self.refining = ResidualBlock(sizes.half)
        self.refine = nn.Linear(sizes.half, 8 * 6)

    def start_from(self, latent: LatentModel) -> None:
        """Copy the encoder's trunk; silence the joints, so that training starts from no edit at all."""
        self.trunk.load_state_dict(latent.encoder.trunk.state_dict())
        for joint in (self.flow, self.coarse, self.fine, self.refine):
            nn.init.zeros_(joint.weight)
            nn.init.zeros_(joint.bias)
        with torch.no_grad():
            self.flow.bias.view(8, FLOW_CHANNELS)[:, 0] = STILL_AT_FIRST
            self.refine.bias.view(8, 6)[:, :2] = BELIEF_AT_FIRST

    def read(self, state: EditState, raster: Tensor, mask: EditMask) -> tuple[Reading, Flow]:
        """Return features of state and stroke, and the flow."""
        extra = self.stroke_in(torch.cat([raster, mask.carried], dim=-1))
        inputs = features(state.occupancy, state.direction, state.head_distance)
        half = self.trunk.at_half(self.trunk.stem(fold(inputs)) + extra)
        quarter = self.trunk.at_quarter(self.trunk.to_quarter(fold(half)))
        eighth = self.trunk.at_eighth(self.trunk.to_eighth(fold(quarter)))
        eighth = eighth + self.coarse_in(state.codes.coarse)
        joined = self.join(torch.cat([quarter, unfold(self.lift(eighth)), state.codes.fine], dim=-1))
        joined = self.joined(joined)
        sharp = self.at_half(half + unfold(self.to_half(joined)))
        return Reading(sharp, joined, eighth), flow_of(unfold(self.flow(sharp)).float(), state.direction)

    def delta(self, reading: Reading, carried: Codes) -> Codes:
        """Return what to add to the latents of the carried hair."""
        fine = self.fine(torch.cat([reading.quarter, carried.fine], dim=-1))
        coarse = self.coarse(torch.cat([reading.eighth, carried.coarse], dim=-1))
        return Codes(fine.float(), coarse.float())

    def refinement(self, reading: Reading, carried: Tensor) -> Refinement:
        """Return how to refine the decoded volume, given features [N, X, Y, Z, 5] of the carried hair."""
        sharp = self.refining(reading.half + self.carried_in(fold(carried)))
        outputs = unfold(self.refine(sharp)).float()
        return Refinement(outputs[..., :2], outputs[..., 2], outputs[..., 3:])


class EditingModel(nn.Module):
    """Frozen latent model and trainable branch.

    Attributes:
        latent: the autoencoder; its parameters take no gradient.
        branch: what training moves.
        voxel: edge of a voxel [m].
    """

    def __init__(self, latent: LatentModel, config: EditingConfig, *, voxel: float) -> None:
        super().__init__()
        self.latent = latent.requires_grad_(False)
        self.branch = EditingBranch(latent, config)
        self.voxel = voxel

    @torch.no_grad()
    def encode(self, occupancy: Tensor, direction: Tensor, head_distance: Tensor) -> EditState:
        """Return the state of volumes [N, X, Y, Z], [N, X, Y, Z, 3] around heads [N, X, Y, Z] [m]."""
        encoded = self.latent(occupancy, direction, head_distance)
        volume = volume_of(refined(encoded.decoded, encoded.detail))
        return EditState(encoded.codes, *volume, head_distance)

    def forward(self, state: EditState, raster: Tensor) -> Edit:
        """Apply one stroke to each of N states.

        Args:
            state: before the stroke.
            raster: [N, X/2, Y/2, Z/2, 16] of the strokes.
        """
        mask = edit_mask(state.occupancy, state.direction, raster, self.voxel, self.branch.config.mask)
        inside = mask.voxels
        reading, flow = self.branch.read(state, raster, mask)
        carried = carry(state.occupancy, state.direction, flow, inside)
        seen = features(*carried, state.head_distance)
        with torch.no_grad():
            _, before = self.latent.encoder(seen)
        delta = self.branch.delta(reading, before)
        latents = Codes(before.fine + delta.fine, before.coarse + delta.coarse)
        codes = Codes(
            torch.where(mask.at(4) > 0.0, self._round(latents.fine), state.codes.fine),
            torch.where(mask.at(8) > 0.0, self._round(latents.coarse), state.codes.coarse),
        )
        decoded = self._refined(codes, carried, state.head_distance, self.branch.refinement(reading, seen))
        occupancy, direction = volume_of(decoded)
        # The decoder sees a little beyond the mask; what it would change out there is given up.
        after = EditState(
            codes,
            torch.where(inside, occupancy, state.occupancy),
            torch.where(inside[..., None], direction, state.direction),
            state.head_distance,
        )
        return Edit(after, decoded, flow, carried, mask)

    def _refined(
        self, codes: Codes, carried: tuple[Tensor, Tensor], head_distance: Tensor, how: Refinement
    ) -> Decoded:
        """Decode codes, and believe the carried hair where that is better."""
        decoded = self.latent.decoder(codes, head_distance)
        heading = nn.functional.normalize(decoded.direction, dim=-1)
        belief = how.belief.sigmoid()
        apart = SEEN_LOGIT * (2.0 * carried[0] - 1.0) - decoded.logits
        known = (carried[0] > 0.0)[..., None]
        turn = torch.where(known, carried[1] - heading, 0.0)
        return Decoded(
            decoded.logits + belief[..., 0] * apart + how.logits,
            heading + belief[..., 1:] * turn + how.direction,
        )

    def _round(self, latent: Tensor) -> Tensor:
        """Quantise; gradients go straight through, the clamp included, or an overshoot could never return."""
        rounded = self.latent.quantiser(latent)
        return latent + (rounded - latent).detach() if torch.is_grad_enabled() else rounded
