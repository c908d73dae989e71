"""Where hair goes: the flow read from strands, and hair carried along a flow."""

from __future__ import annotations

import numpy as np
import torch

from dynamics.editing.flow import Flow, carry
from dynamics.strand_flow import strand_flow
from hairsim.volume import GridSpec

GRID = GridSpec((0.0, 0.0, 0.0), 0.01, (16, 16, 16))


def block() -> tuple[torch.Tensor, torch.Tensor]:
    """Return a block of hair that points down, [1, 16, 16, 16] and [1, 16, 16, 16, 3]."""
    occupancy = torch.zeros(1, 16, 16, 16)
    occupancy[:, 4:8, 4:8, 4:8] = 1.0
    direction = torch.zeros(1, 16, 16, 16, 3)
    direction[..., 2] = -occupancy
    return occupancy, direction


def flow(moving: float, displacement: list[float]) -> Flow:
    """Return a flow that is the same everywhere and lays hair along +y."""
    shape = (1, 16, 16, 16)
    return Flow(
        torch.full(shape, moving),
        torch.tensor(displacement).expand(*shape, 3),
        torch.tensor([0.0, 2.0, 0.0]).expand(*shape, 3),
    )


def test_hair_that_moves_by_whole_voxels_arrives_whole_and_turned() -> None:
    occupancy, direction = block()
    after, heading = carry(occupancy, direction, flow(50.0, [0.0, 5.0, -2.0]), occupancy > 0)
    expected = torch.zeros_like(occupancy)
    expected[:, 4:8, 9:13, 2:6] = 1.0
    assert torch.allclose(after, expected, atol=1e-5)
    assert torch.allclose(heading[after > 0.5], torch.tensor([0.0, 1.0, 0.0]), atol=1e-5)


def test_hair_outside_the_mask_stays_to_the_bit() -> None:
    occupancy, direction = block()
    after, heading = carry(occupancy, direction, flow(50.0, [3.0, 0.0, 0.0]), torch.zeros_like(occupancy) > 0)
    assert torch.equal(after, occupancy)
    assert torch.equal(heading, direction)


def test_hair_is_neither_made_nor_lost_where_it_does_not_pile_up() -> None:
    occupancy, direction = block()
    after, _ = carry(0.5 * occupancy, direction, flow(0.0, [0.3, 2.6, -0.9]), occupancy > 0)
    assert torch.allclose(after.sum(), 0.5 * occupancy.sum(), rtol=1e-4)


def test_the_flow_of_a_moved_lock_is_its_displacement() -> None:
    z = np.linspace(0.14, 0.02, 7)
    left = np.stack([np.full(7, 0.03), np.full(7, 0.03), z], axis=-1)
    right = left + np.array([0.0, 0.08, 0.0])
    before = np.stack([left, right])
    after = np.stack([left, right + np.array([0.02, 0.0, 0.01])])
    place = np.array([[3, 3, 8], [3, 11, 8]], np.int16)
    found = strand_flow(before, after, place, GRID)
    assert list(found.share) == [0, 255]
    assert np.allclose(found.displacement[1], [2.0, 0.0, 1.0], atol=1e-2)
    assert np.allclose(found.heading[1] / 127.0, [0.0, 0.0, -1.0], atol=0.01)
