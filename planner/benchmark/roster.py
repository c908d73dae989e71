"""Every planner of the benchmark by its name, and the oracles that can stand behind it.

mppi              the learned model                       mppi+observe   the same with perfect eyes
mppi_64           the same with 64 model calls a stroke   mppi+model     with the simulator as its model
mppi_advection    kinematic advection as the model        mppi+goal      with the true goal volume
mppi_unet         a direct U-Net as the model             cem            cross-entropy search, MPPI's cost
mppi_simulator    simulator and true strands, 64 calls    rule_based     roots, orientations, DBSCAN
random            any stroke on hair                      no_stroke      waits
replay            the hidden strokes themselves           replay_1mm     the same, each a millimetre off
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hairsim.errors import CombwiseError
from hairsim.tools.stroke import Stroke
from hairsim.volume import GRIDS, GridSpec, HairVolume
from planner.benchmark.rehearsal import SalonRehearsal
from planner.demo.scene import Scene
from planner.planners.feasible import FeasiblePlanner, TeachablePlanner
from planner.planners.keep_out import KeepOut
from planner.planners.planner import Planner

PLANNERS = (
    "mppi", "mppi_64", "mppi_advection", "mppi_unet", "cem", "mppi_simulator", "rule_based", "random",
    "no_stroke", "replay", "replay_1mm",
)  # fmt: skip
LEARNED = ("mppi", "mppi_64", "mppi_advection", "mppi_unet", "cem")
"""Planners that need the learned model's weights."""

ORACLES = ("observe", "model", "goal")
"""What can be swapped for its perfect version: perception, model, goal."""

SIMULATED = {"proposals": 34, "modes": 3, "samples": 5, "iterations": 2}
"""64 model calls: what simulating them leaves time for."""

TRUE_MARGIN = 0.04
"""What a stroke must bring when the simulator itself promises it, as a share of what is left: it promises on
another scale than MPPI, whose margin is of the predicted cost."""

TOLD = 32
"""Strokes that a planner without a search may propose at one look until one stays out of keep-out zones."""


@dataclass(frozen=True)
class Entry:
    """A planner and its oracles, written as one name: `mppi+observe+goal`.

    Attributes:
        planner: one of `PLANNERS`.
        oracles: some of `ORACLES`.
    """

    planner: str
    oracles: tuple[str, ...]

    @staticmethod
    def parse(name: str) -> Entry:
        """Read a name.

        Raises:
            CombwiseError: planner or oracle is unknown, or they do not go together.
        """
        planner, *oracles = name.split("+")
        if planner not in PLANNERS:
            raise CombwiseError(f"planner '{name}' is unknown; expected one of {', '.join(PLANNERS)}")
        unknown = [oracle for oracle in oracles if oracle not in ORACLES]
        if unknown or len(set(oracles)) < len(oracles):
            raise CombwiseError(f"planner '{name}': expected each oracle once, of {', '.join(ORACLES)}")
        swapped = [other for other in LEARNED if other != "mppi_unet"]
        if "model" in oracles and planner not in swapped:
            raise CombwiseError(
                f"planner '{name}' has no model to swap; expected one of {', '.join(swapped)}"
            )
        return Entry(planner, tuple(oracles))

    @property
    def learned(self) -> bool:
        """Whether it needs the weights."""
        return self.planner in LEARNED


def load_dynamics(weights: Path | None, device: str) -> Any:
    """Return the learned model; late, because torch takes seconds."""
    from dynamics.model import load_model

    return load_model(weights, device=device)


def load_unet(folder: Path, dynamics: Any, device: str) -> Any:
    """Return the U-Net of a run of `combwise train baselines`, trained on the grid of the learned model.

    Raises:
        CombwiseError: the folder holds no U-Net, or one that does not fit.
    """
    from planner.planners.unet_model import load_unet_dynamics

    return load_unet_dynamics(folder, dynamics.info, device=device)


def make_entry(
    entry: Entry, scene: Scene, goal: HairVolume, dynamics: Any, preset: str, device: str,
    *, unet: Any = None, keep_out: KeepOut | None = None,
) -> Planner:  # fmt: skip
    """Return the planner of an entry for one episode.

    Where the task has keep-out zones, a planner proposes no stroke that enters one; only replays are exempt
    because the hidden strokes know of no zones.

    Args:
        entry: which.
        scene: the task at its start, with the truth for planners that may see it.
        goal: the goal as the planner will get it.
        dynamics: the learned model; None for planners that need none.
        preset: how far MPPI searches.
        device: where planners compute.
        unet: the U-Net behind `mppi_unet`; None for the others.
        keep_out: what keeps strokes out of zones of the head; None for strokes anywhere.
    """
    assert scene.truth is not None
    if entry.planner == "no_stroke":
        from planner.planners.no_stroke import NoStrokePlanner

        return NoStrokePlanner()
    if entry.planner in ("replay", "replay_1mm"):
        from planner.planners.replay import ReplayPlanner

        return ReplayPlanner(scene.truth.strokes, off=0.001 if entry.planner == "replay_1mm" else 0.0)
    if entry.planner == "random":
        from planner.planners.random_strokes import RandomPlanner

        return _told(RandomPlanner(), keep_out)
    if entry.planner == "rule_based":
        from planner.planners.rule_based import RuleBasedPlanner

        return _told(RuleBasedPlanner(), keep_out)
    model = unet if entry.planner == "mppi_unet" else dynamics
    reach = None if keep_out is None else keep_out.allows
    return _searching(entry, scene, goal, model, preset, device, reach)


def _told(planner: TeachablePlanner, keep_out: KeepOut | None) -> Planner:
    """Return a planner that is told which of its strokes enter a zone, and proposes others."""
    return planner if keep_out is None else FeasiblePlanner(planner, keep_out.why_not, tries=TOLD)


def _searching(
    entry: Entry, scene: Scene, goal: HairVolume, dynamics: Any, preset: str, device: str,
    reach: Callable[[Stroke], bool] | None,
) -> Planner:  # fmt: skip
    """Return a planner that searches strokes through a model."""
    from planner.planners.advection_model import AdvectionDynamics
    from planner.planners.cem import CemPlanner
    from planner.planners.mppi import MppiPlanner
    from planner.planners.mppi_config import PRESETS
    from planner.planners.simulator import SimulatorDynamics, SimulatorPlanner

    if preset not in PRESETS:
        raise CombwiseError(f"--preset {preset} is unknown; expected one of {', '.join(PRESETS)}")
    config = PRESETS[preset]
    simulated = dataclasses.replace(config, **SIMULATED, horizon=1)  # pyright: ignore[reportArgumentType]
    if entry.planner == "mppi_simulator":
        assert scene.truth is not None
        rehearsal = SalonRehearsal(scene.salon)
        start = scene.salon.history[0]
        simulated = dataclasses.replace(simulated, margin=TRUE_MARGIN)
        return SimulatorPlanner(rehearsal, start, scene.truth.strands, GRIDS["small"], simulated, reach=reach)
    model = AdvectionDynamics(dynamics) if entry.planner == "mppi_advection" else dynamics
    if "model" in entry.oracles:
        model = SimulatorDynamics(SalonRehearsal(scene.salon), dynamics, goal, dynamics.grid)
    config = simulated if entry.planner == "mppi_64" else config
    return (CemPlanner if entry.planner == "cem" else MppiPlanner)(model, config, device=device, reach=reach)


def grid_of(dynamics: Any) -> GridSpec:
    """Return the grid on which hair is observed: the model's, or the small one."""
    return GRIDS["small"] if dynamics is None else dynamics.grid
