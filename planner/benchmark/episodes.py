"""One episode of the benchmark: a planner tries a task; what is kept of it is one JSON file."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hairsim.head.head import Head
from hairsim.head.keep_out import zones_of
from hairsim.tools.clearance import capsule_points
from hairsim.tools.tool import Tool, ToolPath
from hairsim.volume import HairVolume, volume_from_strands
from planner.benchmark.metrics import is_success, score, strand_distance
from planner.benchmark.roster import Entry, grid_of, make_entry
from planner.benchmark.tasks import Task
from planner.demo.scene import Scene
from planner.episode import EpisodeConfig, EpisodeResult, noise_floor, run_episode
from planner.planners.keep_out import KeepOut, path_depths


def try_task(task: Task, name: str, dynamics: Any, preset: str, *, unet: Any = None) -> dict[str, Any]:
    """Let one planner try a task; return the episode's record.

    Args:
        task: what is tried.
        name: of the planner, with its oracles; see `roster`.
        dynamics: the learned model; None for planners that need none.
        preset: how far MPPI searches.
        unet: the U-Net behind `mppi_unet`; None for the others.
    """
    began = time.perf_counter()
    entry, scene = Entry.parse(name), task.scene()
    grid = grid_of(dynamics)

    def truth(strands: np.ndarray) -> HairVolume:
        children = scene.salon.children
        return volume_from_strands(children.strands(strands), children.hair_count, grid)

    see: Callable[[], HairVolume] | None = None
    if "observe" in entry.oracles:
        see = lambda: truth(scene.salon.world.strands())  # noqa: E731
    assert scene.truth is not None
    goal = scene.goal_volume(grid)
    if "goal" in entry.oracles:
        goal = truth(scene.truth.strands)
    device = task.config.device
    keep_out = None if task.config.keep_out is None else KeepOut(scene.head, scene.salon.tool)
    planner = make_entry(entry, scene, goal, dynamics, preset, device, unet=unet, keep_out=keep_out)
    result = run_episode(
        scene.salon,
        planner,
        goal,
        scene.head,
        grid,
        task.config.seed,
        config=EpisodeConfig(strokes=task.level.allowed),
        floor=noise_floor(scene.salon, planner, scene.head, grid) if see is None else 0.0,
        see=see,
    )
    return {
        "level": task.config.level,
        "seed": task.config.seed,
        "family": task.config.family,
        "planner": name,
        **_scored(scene, result),
        "seconds": round(time.perf_counter() - began, 1),
    }


def _scored(scene: Scene, result: EpisodeResult) -> dict[str, Any]:
    """Return the scores of a finished episode and what it took."""
    assert scene.truth is not None
    history = scene.salon.history
    scores = [score(strands, history[0], scene.truth.strands) for strands in history]
    planning = [s.planning_seconds for s in result.steps if s.planned is not None]
    readings = [s.reading for s in result.steps if s.reading is not None]
    combed = [r for r in readings if r.peak_force > 0.0 or r.mean_force > 0.0]
    return {
        "initial": scores[0].to_dict(),
        "final": scores[-1].to_dict(),
        "history_moved_mm": [round(s.moved_mm, 3) for s in scores],
        "success": is_success(scores[-1], scores[0]),
        "strokes": len(result.strokes),
        "stopped": result.stopped,
        "planning_seconds": round(float(np.mean(planning)), 2) if planning else 0.0,
        "peak_force_n": round(max((r.peak_force for r in readings), default=0.0), 3),
        "mean_force_n": round(float(np.mean([r.mean_force for r in combed])), 3) if combed else 0.0,
        "penetration_mm": round(1000.0 * penetration(scene.salon.paths, scene.salon.tool, scene.head), 3),
        "keep_out_mm": round(1000.0 * intrusion(scene.salon.paths, scene.salon.tool, scene.head), 3),
        "drift_mm": round(1000.0 * float(strand_distance(history[-1], history[0]).max()), 2),
        "vectors": [[round(float(x), 6) for x in stroke.to_vector()] for stroke in result.strokes],
    }


def penetration(paths: Sequence[ToolPath], tool: Tool, head: Head) -> float:
    """Return how deep the comb enters the head at most [m], over all poses of all strokes; 0 for never."""
    from scipy.spatial.transform import Rotation

    axis, radius = capsule_points(tool)
    deepest = 0.0
    for path in paths:
        turn = Rotation.from_quat(path.quaternions).as_matrix()
        points = np.einsum("tij,pj->tpi", turn, axis) + path.positions[:, None]
        gap = head.field.sample(points) - radius
        deepest = max(deepest, float(-gap.min()))
    return deepest


def intrusion(paths: Sequence[ToolPath], tool: Tool, head: Head) -> float:
    """Return how deep the comb comes into a keep-out zone of the head at most [m]; 0 for never."""
    zones = zones_of(head)
    return max([0.0, *(float(path_depths(path, tool, zones).max()) for path in paths)])


def record_of(record: dict[str, Any], metric: str, moment: str = "final") -> float:
    """Return one number of an episode's record by the name that tables give it."""
    if metric == "success_rate":
        return float(record["success"])
    return float(record[moment][metric] if metric in record[moment] else record[metric])


__all__ = ["intrusion", "penetration", "record_of", "try_task"]
