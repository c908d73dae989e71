"""The one training loop: a time budget, averaged weights, checkpoints that survive a kill.

RUN/training.safetensors    weights, their average, optimizer state, step and seconds so far
RUN/training.jsonl          one line of numbers every few steps
RUN/validation/000123.png   what the weights of step 123 make of held-back hair
RUN/tensorboard/            the same numbers for TensorBoard, when the extra `logs` is installed
"""

from __future__ import annotations

import json
import math
import os
import platform
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from dynamics.checkpoint import CheckpointInfo, halved, load_checkpoint, save_checkpoint
from dynamics.precision import fast_arithmetic
from dynamics.processes import Processes
from hairsim.atomic_file import write_bytes, write_text
from hairsim.errors import CombwiseError

STATE_FILE = "training.safetensors"
LOG_FILE = "training.jsonl"
PICTURES = "validation"


@dataclass(frozen=True)
class FitConfig:
    """How to train, whatever is trained.

    Attributes:
        minutes: time budget; the learning rate falls to nothing at its end. It counts over resumptions.
        steps: stop after so many steps even when time is left; 0 for no such limit.
        batch: crops a step.
        learning_rate: at its highest.
        warmup: steps over which the rate rises.
        weight_decay: of AdamW.
        average: decay of the running average of the weights, which is what is kept in the end.
        clip: largest norm of the gradient.
        seed: of everything random; batch n depends on (seed, n, number of the process) only.
        checkpoint_seconds: time between checkpoints.
        validate_minutes: time between validations.
    """

    minutes: float
    steps: int = 0
    batch: int = 8
    learning_rate: float = 1e-3
    warmup: int = 100
    weight_decay: float = 0.01
    average: float = 0.995
    clip: float = 1.0
    seed: int = 0
    checkpoint_seconds: float = 60.0
    validate_minutes: float = 5.0

    def __post_init__(self) -> None:
        if not self.minutes > 0.0 or self.batch < 1 or not self.learning_rate > 0.0 or self.steps < 0:
            raise CombwiseError(
                f"training for {self.minutes} minutes, {self.batch} crops a step, rate {self.learning_rate}; "
                "expected positive numbers"
            )


class Task(Protocol):
    """What a training loop needs to know of what it trains."""

    def trainable(self) -> nn.Module:
        """Return the module whose parameters move."""
        ...

    def draw(self, rng: np.random.Generator, progress: float) -> Any:
        """Return a batch; called from another thread. `progress` runs from 0 to 1."""
        ...

    def loss(self, batch: Any, progress: float) -> dict[str, Tensor]:
        """Return named scalars; "total" is what is minimised."""
        ...

    def validate(self) -> dict[str, float]:
        """Return named scores of the averaged weights, which are loaded meanwhile."""
        ...


@dataclass(frozen=True)
class FitResult:
    """Where a training ended: steps, seconds spent, and the scores of the last validation."""

    steps: int
    seconds: float
    scores: Mapping[str, float]


def machine() -> str:
    """Return the kind of machine, in words that name nobody: 'x86_64, 2 cores'."""
    accelerator = f", {torch.cuda.get_device_name(0)}" if torch.cuda.is_available() else ""
    return f"{platform.machine()}, {os.cpu_count()} cores{accelerator}"


class _Averaged:
    """A running average of a module's parameters."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._parameters = dict(module.named_parameters())
        self._decay = decay
        self.values = {name: p.detach().clone() for name, p in self._parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        decay = min(self._decay, (1.0 + step) / (10.0 + step))
        # All at once: on a GPU the 200 launches of one each would take as long as a forward pass.
        values = list(self.values.values())
        parameters: list[Tensor] = list(self._parameters.values())
        get_ema_multi_avg_fn(decay)(values, parameters, step)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the parameters with their average."""
        for name, parameter in self._parameters.items():
            kept = parameter.detach().clone()
            parameter.copy_(self.values[name])
            self.values[name].copy_(kept)


def fit(
    task: Task,
    config: FitConfig,
    folder: Path,
    info: CheckpointInfo,
    *,
    device: torch.device,
    label: str,
    processes: Processes | None = None,
    picture: Callable[[], bytes] | None = None,
) -> FitResult:
    """Train, or go on training, until the budget is spent; the module then holds the averaged weights.

    Args:
        task: what to train.
        config: how.
        folder: where checkpoints and logs go; a checkpoint in it is resumed.
        info: what the checkpoint is of.
        device: where to compute.
        label: what the progress bar says.
        processes: which of several this is; alone when None.
        picture: draws a PNG of how well the averaged weights do, at every validation.

    Raises:
        CombwiseError: the folder's checkpoint is damaged or of another model, or the loss is not finite.
    """
    processes = processes or Processes()
    module = task.trainable()
    optimizer = torch.optim.AdamW(
        module.parameters(), lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay
    )
    averaged = _Averaged(module, config.average)
    step, spent = _resume(folder, info, module, optimizer, averaged)
    if step == 0 and processes.leads:  # what is trained beside it, baselines say, can read what this is
        _save(folder, info, module, optimizer, averaged, 0, 0.0)
    log = _Log(folder, step, written=processes.leads)
    started = time.monotonic() - spent
    saved = validated = time.monotonic()

    def progress_at(step: int) -> float:
        by_steps = step / config.steps if config.steps else 0.0
        return min(1.0, max(by_steps, (time.monotonic() - started) / (60.0 * config.minutes)))

    def draw(step: int, progress: float) -> Any:
        return task.draw(processes.rng(config.seed, step), progress)

    with log, _fixed_shapes(device), _progress_bar(processes) as bar, ThreadPoolExecutor(1) as pool:
        row = bar.add_task(label, total=1.0, loss=math.nan)
        upcoming = pool.submit(draw, step, progress_at(step))
        while (progress := processes.agreed(progress_at(step))) < 1.0:
            batch = upcoming.result()
            upcoming = pool.submit(draw, step + 1, progress)
            rate = config.learning_rate * min(1.0, (step + 1) / config.warmup)
            rate *= 0.5 * (1.0 + math.cos(math.pi * progress)) + 1e-3
            for group in optimizer.param_groups:
                group["lr"] = rate
            losses = _step(task, module, optimizer, batch, progress, config, device, processes)
            step += 1
            averaged.update(step)
            if not processes.leads:
                continue
            bar.update(row, completed=progress, loss=losses["total"])
            log.add(step, {"rate": rate, "seconds": time.monotonic() - started, **losses})
            now = time.monotonic()
            if now - saved > config.checkpoint_seconds:
                _save(folder, info, module, optimizer, averaged, step, now - started)
                saved = now
            if now - validated > 60.0 * config.validate_minutes:
                averaged.swap()
                log.add(step, task.validate(), always=True)
                _draw(picture, folder, step)
                averaged.swap()
                validated = time.monotonic()
        if processes.leads:
            _save(folder, info, module, optimizer, averaged, step, time.monotonic() - started)
        averaged.swap()
        scores = task.validate()
        log.add(step, scores, always=True)
        if processes.leads:
            _draw(picture, folder, step)
    return FitResult(step, time.monotonic() - started, scores)


def _step(
    task: Task,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: Any,
    progress: float,
    config: FitConfig,
    device: torch.device,
    processes: Processes,
) -> dict[str, float]:
    module.train()
    optimizer.zero_grad(set_to_none=True)
    with fast_arithmetic(device):
        losses = task.loss(batch, progress)
    losses["total"].backward()
    processes.average_gradients(module)
    norm = nn.utils.clip_grad_norm_(module.parameters(), config.clip)
    losses["gradient"] = norm
    found = torch.stack([value.detach().float() for value in losses.values()]).tolist()  # a GPU is waited for
    values = dict(zip(losses, found, strict=True))
    if not (math.isfinite(values["total"]) and math.isfinite(values["gradient"])):
        raise CombwiseError(
            f"training diverged: loss {values['total']}, gradient {values['gradient']}; "
            "resume it with a lower learning rate"
        )
    optimizer.step()
    return values


def _fixed_shapes(device: torch.device) -> AbstractContextManager[object]:
    """Return a context in which cuDNN tries its algorithms out: every step has the same shapes."""
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, benchmark=True)


def _draw(picture: Callable[[], bytes] | None, folder: Path, step: int) -> None:
    if picture is not None:
        place = folder / PICTURES
        place.mkdir(exist_ok=True)
        write_bytes(place / f"{step:06d}.png", picture())


def _save(
    folder: Path,
    info: CheckpointInfo,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    averaged: _Averaged,
    step: int,
    seconds: float,
) -> None:
    tensors: dict[str, Tensor] = {}
    for name, parameter in module.named_parameters():
        tensors[f"weights.{name}"] = parameter
        tensors[f"average.{name}"] = averaged.values[name]
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{key}.{name}"] = torch.as_tensor(value)
    progress = {"step": step, "seconds": seconds, "of": info.kind}
    record = replace(info, kind="training", training={**info.training, **progress})
    save_checkpoint(folder / STATE_FILE, record, tensors)


def _resume(
    folder: Path,
    info: CheckpointInfo,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    averaged: _Averaged,
) -> tuple[int, float]:
    """Load the folder's checkpoint, if there is one; return steps and seconds so far."""
    path = folder / STATE_FILE
    if not path.exists():
        return 0, 0.0
    checkpoint = load_checkpoint(
        path, kind="training", profile=info.profile, grid=info.grid, observer_version=info.observer_version
    )
    tensors = checkpoint.tensors
    if checkpoint.info.training.get("of") != info.kind or dict(checkpoint.info.sizes) != _plain(info.sizes):
        raise CombwiseError(
            f"{path} is the training of another model; expected one of the same kind and sizes"
        )
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(tensors[f"weights.{name}"])
            averaged.values[name].copy_(tensors[f"average.{name}"])
            state = {key: tensors.get(f"optimizer.{key}.{name}") for key in ("step", "exp_avg", "exp_avg_sq")}
            if state["step"] is not None:
                optimizer.state[parameter] = {
                    key: t.clone() if key == "step" else t.to(parameter.device, copy=True)
                    for key, t in state.items()
                    if t is not None
                }
    return int(checkpoint.info.training["step"]), float(checkpoint.info.training["seconds"])


def _plain(value: Mapping[str, Any]) -> Any:
    """Return what a mapping becomes on its way through JSON."""
    return json.loads(json.dumps(value))


class _Log:
    """Lines of JSON, and TensorBoard with the extra `logs`; what a killed run wrote too far is cut off.

    One that is not `written` keeps silent: of several processes the first alone writes.
    """

    def __init__(self, folder: Path, step: int, every: int = 20, *, written: bool = True) -> None:
        self._every = every
        self._file: IO[str] | None = None
        self._board: Any = None
        if not written:
            return
        path = folder / LOG_FILE
        if path.exists():
            lines = [line for line in path.read_text().splitlines() if _step_of(line) <= step]
            write_text(path, "".join(f"{line}\n" for line in lines))
        self._file = path.open("a", encoding="utf-8")
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:  # an extra, and nothing depends on it
            return
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step)

    def add(self, step: int, values: Mapping[str, float], *, always: bool = False) -> None:
        """Write the numbers of a step, of every twentieth step unless told otherwise."""
        if self._file is None or (not always and step % self._every):
            return
        self._file.write(json.dumps({"step": step, **{k: round(v, 6) for k, v in values.items()}}) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def __enter__(self) -> _Log:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        if self._board is not None:
            self._board.close()


def _step_of(line: str) -> float:
    """Return the step of a line of the log; a line cut in half by a kill belongs to no step."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def _progress_bar(processes: Processes) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  loss {task.fields[loss]:.3f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        disable=not processes.leads,
    )


def save_trained(path: Path, info: CheckpointInfo, result: FitResult, model: nn.Module) -> None:
    """Write a trained model beside what its training took and scored."""
    taken = {"steps": result.steps, "seconds": round(result.seconds), "validation": dict(result.scores)}
    save_checkpoint(path, replace(info, training={**info.training, **taken}), halved(model.state_dict()))
