"""Time a training step, forward, backward and optimizer, for each way to compute the convolutions.

python -m benchmarks.training --device cuda [--out training.json] [--quick]

Hair is random, shapes are those of training, so that no data is needed. Of each case it says the
milliseconds of a step, those in which the processor launches it (near the first, a larger batch is
free), samples a second and the memory at its peak.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch
import tyro
from torch import Tensor, nn

from dynamics.batches import CROP, STROKE_CROP, StateBatch
from dynamics.completion.unet import Hair, UNet, UNetConfig
from dynamics.editing.branch import EditingConfig, EditingModel
from dynamics.editing.stroke_raster import RASTER_CHANNELS
from dynamics.latent.autoencoder import LatentConfig
from dynamics.latent.blocks import Convolution, Layout, ResidualBlock
from dynamics.latent.loss import volume_loss
from dynamics.latent.model import LatentModel
from dynamics.latent.train import reconstruction_loss
from dynamics.metrics import changed, changed_region
from dynamics.precision import fast_arithmetic
from dynamics.training import machine
from hairsim.atomic_file import write_text
from hairsim.device import resolve_device
from hairsim.version import code_version
from hairsim.volume import GRIDS

VOXEL = GRIDS["small"].voxel

LAYOUTS = {
    "grouped": Layout(dense=False, channels_last=True),
    "grouped channels first": Layout(dense=False, channels_last=False),
    "dense": Layout(dense=True, channels_last=True),
    "dense channels first": Layout(dense=True, channels_last=False),
}


@dataclass(frozen=True)
class TrainingBenchmark:
    """What to time.

    Attributes:
        device: "cpu" or "cuda".
        out: a JSON file for the rows; None for none.
        models: out of latent, editing, unet.
        layouts: ways to compute convolutions, out of `LAYOUTS`.
        batches: crops a step.
        single: time single precision too, beside bfloat16.
        compiled: time residual blocks that torch.compile made too; it needs a C compiler.
        repeats: steps that are timed.
        quick: one tiny batch, one step: whether it runs at all.
    """

    device: str = "cpu"
    out: Path | None = None
    models: tuple[str, ...] = ("latent", "editing", "unet")
    layouts: tuple[str, ...] = tuple(LAYOUTS)
    batches: tuple[int, ...] = (8, 16, 32, 64)
    single: bool = False
    compiled: bool = False
    repeats: int = 10
    quick: bool = False


class Case(NamedTuple):
    """One row's settings."""

    model: str
    layout: str
    batch: int
    bfloat16: bool
    compiled: bool


@dataclass(frozen=True)
class Row:
    """One measured case; `failed` says why there are no numbers."""

    model: str
    layout: str
    batch: int
    bfloat16: bool
    compiled: bool
    step_ms: float = 0.0
    launch_ms: float = 0.0
    samples_per_s: float = 0.0
    peak_mb: float = 0.0
    failed: str = ""


def cases(config: TrainingBenchmark) -> Iterator[Case]:
    """Yield what to time, the most telling first."""
    batches = (2,) if config.quick else config.batches
    for batch in sorted(batches, key=lambda b: abs(b - 32)):
        for model in config.models:
            for layout in config.layouts:
                yield Case(model, layout, batch, True, False)
                if config.single:
                    yield Case(model, layout, batch, False, False)
                if config.compiled:
                    yield Case(model, layout, batch, True, True)


def prepared(case: Case, device: torch.device, *, quick: bool) -> tuple[nn.Module, Callable[[], Tensor]]:
    """Return the module that a case trains, and what makes its loss."""
    torch.manual_seed(0)
    whole = CROP if case.model == "latent" else STROKE_CROP
    shape = (16, 16, 16) if quick else whole
    latent = LatentModel(LatentConfig()).to(device)
    batch = random_states(case.batch, shape, device)
    if case.model == "latent":
        return latent, lambda: reconstruction_loss(latent, batch)["total"]
    raster = random_raster(case.batch, shape, device)
    before = (batch.occupancy, batch.direction)
    after = (before[0].roll(1, 3), before[1].roll(1, 3))
    if case.model == "unet":
        unet = UNet(UNetConfig()).to(device)
        hair = Hair(batch.seen, batch.seen_direction, batch.head_distance)
        return unet, lambda: volume_loss(unet(hair, raster), *after, weight=_weight(before, after)).total
    model = EditingModel(latent, EditingConfig(), voxel=VOXEL).to(device)

    def edited() -> Tensor:
        edit = model(model.encode(batch.seen, batch.seen_direction, batch.head_distance), raster)
        weight = edit.mask.voxels * _weight(before, after)
        return volume_loss(edit.decoded, *after, weight=weight, positive=1.0).total

    return model.branch, edited


def _weight(before: tuple[Tensor, Tensor], after: tuple[Tensor, Tensor]) -> Tensor:
    return 1.0 + 5.0 * changed_region(changed(*before, *after))


def random_states(count: int, shape: tuple[int, int, int], device: torch.device) -> StateBatch:
    """Return states of which a fifth of the voxels are hair, as in crops of heads."""
    occupancy = (torch.rand(count, *shape, device=device) - 0.3).clamp_min(0.0)
    direction = nn.functional.normalize(torch.randn(count, *shape, 3, device=device), dim=-1)
    distance = 0.1 * torch.rand(count, *shape, device=device)
    return StateBatch(occupancy, direction, distance, occupancy, direction)


def random_raster(count: int, shape: tuple[int, int, int], device: torch.device) -> Tensor:
    """Return rasters of strokes that sweep a twentieth of the cells."""
    half = tuple(n // 2 for n in shape)
    raster = torch.rand(count, *half, RASTER_CHANNELS, device=device)
    return raster * (torch.rand(count, *half, 1, device=device) < 0.05)


def measure(case: Case, device: torch.device, config: TrainingBenchmark) -> Row:
    """Time a case."""
    module, loss = prepared(case, device, quick=config.quick)
    for part in module.modules():
        if isinstance(part, Convolution):
            part.layout = LAYOUTS[case.layout]
        elif isinstance(part, ResidualBlock) and case.compiled:
            part.compile()
    module.train()
    optimizer = torch.optim.AdamW([p for p in module.parameters() if p.requires_grad], lr=1e-4)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with fast_arithmetic(device, enabled=case.bfloat16):
            total = loss()
        total.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()

    repeats = 1 if config.quick else config.repeats
    for _ in range(1 if config.quick else 3):
        step()
    _wait(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    began = time.perf_counter()
    for _ in range(repeats):
        step()
    launched = time.perf_counter() - began
    _wait(device)
    seconds = (time.perf_counter() - began) / repeats
    peak = torch.cuda.max_memory_allocated(device) / 1e6 if device.type == "cuda" else 0.0
    return Row(*case, 1e3 * seconds, 1e3 * launched / repeats, case.batch / seconds, peak)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def run(config: TrainingBenchmark) -> list[Row]:
    """Time every case, print its row, and write the file."""
    device = torch.device(resolve_device(config.device))
    rows: list[Row] = []
    print(f"{machine()}, torch {torch.__version__}")
    with torch.backends.cudnn.flags(enabled=True, benchmark=True):
        for case in cases(config):
            try:
                row = measure(case, device, config)
            except (
                RuntimeError
            ) as error:  # out of memory, no kernel, no compiler: a row, and on with the rest
                row = Row(*case, failed=f"{type(error).__name__}: {str(error).splitlines()[0]}")
            rows.append(row)
            print(described(row), flush=True)
    if config.out is not None:
        found = {
            "command": "python -m benchmarks.training",
            "commit": code_version(),
            "machine": machine(),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "rows": [asdict(row) for row in rows],
        }
        write_text(config.out, json.dumps(found, indent=1) + "\n")
    return rows


def described(row: Row) -> str:
    """Return one printed line of a row."""
    name = f"{row.model:8s} {row.layout:22s} batch {row.batch:3d} {'bf16' if row.bfloat16 else 'fp32'}"
    name += " compiled" if row.compiled else ""
    if row.failed:
        return f"{name} failed: {row.failed}"
    return (
        f"{name} {row.step_ms:8.1f} ms a step, {row.launch_ms:8.1f} to launch, "
        f"{row.samples_per_s:7.0f} samples/s, {row.peak_mb:6.0f} MB"
    )


if __name__ == "__main__":
    run(tyro.cli(TrainingBenchmark, description=__doc__))
