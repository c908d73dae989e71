"""The editing branch: a trainable network steers frozen latents, as ControlNet steers images.

    volume, head, raster, carried --> V/2 ---> V/4 ---> V/8     the state's codes join at V/4, V/8
                                       |        |        |
                                       v        v        v
                                      V/2 <--- V/4 <--- V/8
                                       |        |        +--> change of the coarse codes
                                       |        +-----------> change of the fine codes --> quantise
                                       v                                                      |
                        refine:  the hair before, as far as it is believed,                   v
                                 what the frozen decoder makes of the new codes, a change of both

What runs from stroke to stroke are the codes and the volume that they and the detail stand for. The hair
before is the first guess, voxel by voxel and as sharp as it was: most of what a comb passes
through stays hair.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dynamics.editing.mask import CARRIED_CHANNELS, EditMask, MaskConfig, edit_mask
from dynamics.editing.stroke_raster import RASTER_CHANNELS
from dynamics.latent.autoencoder import Codes, Decoded, features, volume_of
from dynamics.latent.blocks import ResidualBlock, fold, unfold
from dynamics.latent.detail import refined, seen_logits
from dynamics.latent.model import LatentModel
from hairsim.errors import CombwiseError

VOXEL_CHANNELS = 8 * 5
"""What the branch reads of the eight voxels of a cell of V/2: occupancy, direction, head distance."""

OUTPUTS = 6
"""What it says of a voxel: belief in occupancy and direction before, change of both."""

LOGIT_SCALE = 5.0
"""Change of an occupancy's logit that an output of 1 stands for: from hair to half."""

BELIEF_AT_FIRST = 3.0
"""Logit of how far an untrained branch believes the hair before: 0.95."""


@dataclass(frozen=True)
class EditingConfig:
    """Sizes of the branch.

    Attributes:
        half, quarter, eighth: channels at V/2, V/4 and V/8.
        refine: channels of the last layer but one, at V/2.
        blocks: residual blocks at V/4 on the way up, and at V/8.
        mask: where the branch may act.
    """

    half: int = 48
    quarter: int = 128
    eighth: int = 192
    refine: int = 64
    blocks: int = 3
    mask: MaskConfig = field(default_factory=MaskConfig)

    def __post_init__(self) -> None:
        if min(self.half, self.quarter, self.eighth, self.refine, self.blocks) < 1:
            raise CombwiseError(f"editing branch of sizes {self}; expected positive numbers")


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
        mask: where the stroke may act.
    """

    state: EditState
    decoded: Decoded
    mask: EditMask


class Reading(NamedTuple):
    """What the branch makes of state and stroke: changes of the codes, and of every voxel.

    Attributes:
        codes: to add to the latents of either level.
        belief: [N, X, Y, Z, 2] logits of how far to believe occupancy and direction before.
        logits: [N, X, Y, Z] to add to the occupancy's logits.
        direction: [N, X, Y, Z, 3] to add to the direction.
    """

    codes: Codes
    belief: Tensor
    logits: Tensor
    direction: Tensor


class EditingBranch(nn.Module):
    """The trainable part: a U over V/2, V/4 and V/8."""

    def __init__(self, latent: LatentModel, config: EditingConfig) -> None:
        super().__init__()
        dim = latent.quantiser.dim
        half, quarter, eighth = config.half, config.quarter, config.eighth
        inputs = VOXEL_CHANNELS + RASTER_CHANNELS + CARRIED_CHANNELS
        self.config = config
        self.stem = nn.Linear(inputs, half)
        self.half_down = ResidualBlock(half)
        self.to_quarter = nn.Linear(8 * half, quarter)
        self.fine_in = nn.Linear(dim, quarter)
        self.quarter_down = ResidualBlock(quarter)
        self.to_eighth = nn.Linear(8 * quarter, eighth)
        self.coarse_in = nn.Linear(dim, eighth)
        self.at_eighth = nn.Sequential(*(ResidualBlock(eighth) for _ in range(config.blocks)))
        self.from_eighth = nn.Linear(eighth, 8 * quarter)
        self.join = nn.Linear(2 * quarter, quarter)
        self.quarter_up = nn.Sequential(*(ResidualBlock(quarter) for _ in range(config.blocks)))
        self.from_quarter = nn.Linear(quarter, 8 * half)
        self.half_up = ResidualBlock(half)
        # The inputs once more: eight voxels do not fit through the channels of their cell.
        self.spread = nn.Linear(half + inputs, config.refine)
        self.refine = nn.Linear(config.refine, 8 * OUTPUTS)
        self.coarse = nn.Linear(eighth, dim)
        self.fine = nn.Linear(quarter, dim)
        # Training starts from no edit at all.
        for joint in (self.refine, self.coarse, self.fine):
            nn.init.zeros_(joint.weight)
            nn.init.zeros_(joint.bias)
        with torch.no_grad():
            self.refine.bias.view(8, OUTPUTS)[:, :2] = BELIEF_AT_FIRST

    def forward(self, state: EditState, raster: Tensor, mask: EditMask) -> Reading:
        """Read N states and the rasters [N, X/2, Y/2, Z/2, 16] of their strokes."""
        voxels = fold(features(state.occupancy, state.direction, state.head_distance))
        inputs = torch.cat([voxels, raster, mask.carried], dim=-1)
        half = self.half_down(self.stem(inputs))
        quarter = self.quarter_down(self.to_quarter(fold(half)) + self.fine_in(state.codes.fine))
        eighth = self.at_eighth(self.to_eighth(fold(quarter)) + self.coarse_in(state.codes.coarse))
        quarter = self.quarter_up(self.join(torch.cat([quarter, unfold(self.from_eighth(eighth))], dim=-1)))
        half = self.half_up(half + unfold(self.from_quarter(quarter)))
        sharp = nn.functional.silu(self.spread(torch.cat([half, inputs], dim=-1)))
        outputs = unfold(self.refine(sharp)).float()
        return Reading(
            Codes(self.fine(quarter).float(), self.coarse(eighth).float()),
            outputs[..., :2],
            LOGIT_SCALE * outputs[..., 2],
            outputs[..., 3:],
        )


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
        mask = self.mask(state, raster)
        inside = mask.voxels
        reading = self.branch(state, raster, mask)
        codes = self._edited(state.codes, reading.codes, mask)
        decoded = self._refined(codes, state, reading)
        occupancy, direction = volume_of(decoded)
        # The decoder sees a little beyond the mask; what it would change out there is given up.
        after = EditState(
            codes,
            torch.where(inside, occupancy, state.occupancy),
            torch.where(inside[..., None], direction, state.direction),
            state.head_distance,
        )
        return Edit(after, decoded, mask)

    def mask(self, state: EditState, raster: Tensor) -> EditMask:
        """Return where strokes may act on N states."""
        return edit_mask(state.occupancy, state.direction, raster, self.voxel, self.branch.config.mask)

    def _edited(self, codes: Codes, change: Codes, mask: EditMask) -> Codes:
        """Return changed codes where the stroke may act, the same ones elsewhere."""
        fine = self._round(codes.fine + change.fine)
        coarse = self._round(codes.coarse + change.coarse)
        return Codes(
            torch.where(mask.at(4) > 0.0, fine, codes.fine),
            torch.where(mask.at(8) > 0.0, coarse, codes.coarse),
        )

    def _refined(self, codes: Codes, before: EditState, reading: Reading) -> Decoded:
        """Decode codes, and believe the hair before where that is better."""
        decoded = self.latent.decoder(codes, before.head_distance)
        heading = nn.functional.normalize(decoded.direction, dim=-1)
        belief = reading.belief.sigmoid()
        known = (before.occupancy > 0.0)[..., None]
        turn = torch.where(known, before.direction - heading, 0.0)
        return Decoded(
            decoded.logits
            + belief[..., 0] * (seen_logits(before.occupancy) - decoded.logits)
            + reading.logits,
            heading + belief[..., 1:] * turn + reading.direction,
        )

    def _round(self, latent: Tensor) -> Tensor:
        """Quantise; gradients go straight through, the clamp included, or an overshoot could never return."""
        rounded = self.latent.quantiser(latent)
        return latent + (rounded - latent).detach() if torch.is_grad_enabled() else rounded
