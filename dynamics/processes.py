"""Several processes that train one model, as `torchrun` starts them.

    torchrun --nproc-per-node 4 -m combwise train latent --data DIR --out runs/latent --device cuda

Each process draws crops of its own; gradients are averaged, so that all of them take the same step:
N processes with batches of B learn as one with a batch of N x B. The first process alone writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import torch
from torch import distributed, nn

from hairsim.device import resolve_device

PATIENCE = timedelta(hours=2)
"""How long processes wait for each other: the first makes a dataset's volumes alone."""


@dataclass(frozen=True)
class Processes:
    """This process among those that train together; by default it is alone.

    Attributes:
        rank: number of this process.
        count: of the processes.
    """

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    def rng(self, seed: int, step: int) -> np.random.Generator:
        """Return what this process draws its batch of a step with; the first draws what one alone would."""
        return np.random.default_rng((seed, step) if self.leads else (seed, step, self.rank))

    def agreed(self, value: float) -> float:
        """Return the first process's value: clocks differ, and all must stop at the same step."""
        if self.count == 1:
            return value
        told = torch.tensor([value], dtype=torch.float64)
        distributed.broadcast(told, src=0)
        return float(told)

    def average_gradients(self, module: nn.Module) -> None:
        """Replace the gradients of a module's parameters by their means over the processes."""
        if self.count == 1:
            return
        parameters = [p for p in module.parameters() if p.requires_grad]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        # One message: a gradient of each parameter alone would be two hundred.
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        parts = (flat / self.count).split([p.numel() for p in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view_as(parameter)

    @contextmanager
    def one_first(self) -> Iterator[None]:
        """Let the first process do what follows before the others: it makes what they find made."""
        if not self.leads:
            self.agreed(0.0)
        yield
        if self.leads:  # not where it failed: the others are ended then, and must not go on alone
            self.agreed(0.0)


@contextmanager
def processes_of(device: str) -> Iterator[tuple[Processes, torch.device]]:
    """Join the processes that `torchrun` started; yield which this is, and the device that it computes on.

    Args:
        device: "cpu" or "cuda"; of several processes on one machine each takes a CUDA device of its own.

    Raises:
        CombwiseError: there is no such device.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(), torch.device(resolve_device(device))
        return
    name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if device == "cuda" else device
    own = torch.device(resolve_device(name))
    if own.type == "cuda":
        torch.cuda.set_device(own)
    backend = "cpu:gloo,cuda:nccl" if own.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=PATIENCE)
    try:
        yield Processes(distributed.get_rank(), count), own
    finally:
        distributed.destroy_process_group()
