"""Run the virtual graph once: goal in; styled hair, scores, pictures and a recorded bag out."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hairsim.errors import CombwiseError
from hairsim.run_folder import RunFolder
from planner.benchmark.metrics import Scores, score
from planner.demo.scene import Wish, save_truth, set_scene
from planner.goal.goals import load_goal, save_goal
from planner.goal.look import FILE_NAME
from robot_ros.bag import is_whole
from robot_ros.demo.arm_goal import within_reach
from robot_ros.demo.client import StylingClient, in_domain
from robot_ros.demo.config import RosDemoConfig
from robot_ros.demo.processes import GraphProcesses
from robot_ros.demo.report import render_report
from robot_ros.graph import virtual_graph
from robot_ros.styling import Ending
from robot_ros.virtual.hair import HairConfig, customer

READY = 1800.0
"""Longest wall time for all processes to be ready [s]: hair hangs still, the model is loaded, data flow."""

CANCELLING = 30.0
"""Longest wall time to wait for the end of styling after an interruption [s]."""

BAG = "episode"


@dataclass(frozen=True)
class Styled:
    """What came of it: the StyleHair result, and true strands [S, V, 3] at each plan and at the end."""

    result: Any
    history: Sequence[np.ndarray]
    pictures: dict[str, bytes]
    interventions: Sequence[str]


def run_ros_demo(config: RosDemoConfig) -> str:
    """Run the demo; return the line that says what it made and where.

    Leaves config.json, goal.npz, logs/, bags/episode.mcap, before.jpg, goal.jpg, after.jpg, metrics.json and
    report.html in `config.out`.

    Raises:
        CombwiseError: anything in the config that cannot be used, a process that ended by itself, or styling
            that was stopped or failed.
    """
    began = time.perf_counter()
    folder = RunFolder.open(config.out, config, overwrite=config.overwrite)
    domain = 1 + os.getpid() % 100 if config.domain is None else config.domain
    with _progress() as progress:
        task = progress.add_task("making the goal", total=None, note="")
        goal, truth = make_goal(config, folder.path)
        progress.update(task, description="starting the robot", note=f"ROS_DOMAIN_ID={domain}")
        with in_domain(domain):
            styled = _style(config, folder.path, goal, domain, progress)
    bag = folder.path / "bags" / f"{BAG}.mcap"
    if not is_whole(bag):
        raise CombwiseError(f"bag {bag} has no index: the recorder did not end in an orderly way; see logs/")
    scores = [] if truth is None else [score(strands, styled.history[0], truth) for strands in styled.history]
    for name, picture in styled.pictures.items():
        folder.write_bytes(f"{name}.jpg", picture)
    metrics = summary(config, styled, scores, bag, time.perf_counter() - began)
    folder.write_text("report.html", render_report(config, metrics, sorted(styled.pictures)))
    folder.write_json("metrics.json", metrics)
    if styled.result.code in (Ending.STOPPED, Ending.FAILED):
        raise CombwiseError(f"{styled.result.message}; see {folder.path / 'report.html'}")
    return final_line(metrics, folder.path)


def make_goal(config: RosDemoConfig, folder: Path) -> tuple[Path, np.ndarray | None]:
    """Write the goal's look into the folder; return its file, and the wanted strands where they are known.

    A goal that is made is one that this arm could have combed: on the far side of the head it can do nothing.
    It is seen by cameras as sharp as the robot's: what they miss must be missing on both sides.
    """
    if config.goal is not None:
        return save_goal(folder, load_goal(config.goal)), None
    wanted = replace(config.scene(), strokes=max(config.strokes, config.hidden_strokes + 2))
    scene = set_scene(
        wanted,
        Wish(*customer(hair_config(config)), goal=None),
        style=within_reach(config.arm, config.head),
        pixels=config.camera_size,
    )
    assert scene.truth is not None
    save_goal(folder, scene.goal)
    save_truth(folder / "truth.npz", scene.truth)
    return folder / FILE_NAME, scene.truth.strands


def graph_parameters(config: RosDemoConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters of the virtual robot and of the styling planner."""
    robot = {
        name: getattr(config, name)
        for name in ("arm", "family", "guides", "vertices", "children", "seed", "camera_size", "camera_rate")
    }
    planner: dict[str, Any] = {"preset": config.preset, "device": config.device, "strokes": config.strokes}
    if config.weights is not None:
        planner["weights"] = str(config.weights.absolute())
    head = "" if config.head is None else str(config.head.absolute())
    return {**robot, "head": head, "speed": config.speed}, planner


def hair_config(config: RosDemoConfig) -> HairConfig:
    """Return whose hair the virtual robot combs, and the goal is made of."""
    robot, _ = graph_parameters(config)
    return HairConfig(
        **{field.name: robot[field.name] for field in fields(HairConfig) if field.name in robot}
    )


def _style(config: RosDemoConfig, folder: Path, goal: Path, domain: int, progress: Progress) -> Styled:
    """Start the graph, style, end the graph."""
    robot, planner = graph_parameters(config)
    specs = virtual_graph(
        robot=robot, planner=planner, bags=(folder / "bags").absolute(), bag=BAG, pictures=config.pictures
    )
    task = progress.task_ids[-1]
    graph = GraphProcesses(specs, folder / "logs", domain=domain)
    try:
        client = StylingClient()
        try:
            client.await_ready(graph.check, seconds=READY)
            return _ask(config, client, graph, goal, lambda **said: progress.update(task, **said))
        finally:
            client.close()
    finally:
        progress.update(task, description="ending the robot", note="")
        graph.close()


def _ask(config: RosDemoConfig, client: StylingClient, graph: GraphProcesses, goal: Path, say: Any) -> Styled:
    history: list[np.ndarray] = []
    pictures: dict[str, bytes] = {}

    def heard(feedback: Any) -> None:
        note = "" if np.isnan(feedback.cost) else f"{feedback.cost:.2f} mm as seen"
        say(description=f"stroke {feedback.stroke + 1}: {feedback.phase}", note=note)
        if feedback.phase == "plan":
            pictures.setdefault("before", bytes(feedback.picture.data))
            if client.strands is not None:
                history.append(client.strands)

    styling = client.begin(str(goal.absolute()), strokes=config.strokes, seed=config.seed, heard=heard)
    try:
        result = styling.result(graph.check)
    except KeyboardInterrupt:
        say(description="stopping the arm", note="")
        styling.cancel()
        styling.result(seconds=CANCELLING)
        raise
    pictures |= {"after" if name == "hair" else name: jpeg for name, jpeg in client.pictures.items()}
    return Styled(result, history, pictures, tuple(client.interventions))


def summary(
    config: RosDemoConfig, styled: Styled, scores: Sequence[Scores], bag: Path, seconds: float
) -> dict[str, Any]:
    """Return the content of metrics.json; scores are null where the truth is not known."""
    result = styled.result
    return {
        "arm": config.arm,
        "ending": Ending(result.code).name.lower(),
        "message": result.message,
        "strokes": int(result.strokes),
        "observed_costs_mm": [round(float(cost), 3) for cost in result.costs],
        "initial": scores[0].to_dict() if scores else None,
        "final": scores[-1].to_dict() if scores else None,
        "interventions": list(styled.interventions),
        "bag_bytes": bag.stat().st_size,
        "seconds": round(seconds, 1),
        "seed": config.seed,
    }


def final_line(metrics: dict[str, Any], folder: Path) -> str:
    """Return the sentence that a demo ends with."""
    count = metrics["strokes"]
    said = f"A virtual {metrics['arm']} combed {count} stroke{'' if count == 1 else 's'}"
    if metrics["initial"] is not None:
        before, after = metrics["initial"]["moved_mm"], metrics["final"]["moved_mm"]
        said += f": the hair that had to move is {after:.1f} mm from its goal, {before:.1f} mm before"
    size = metrics["bag_bytes"] / 1e6
    ending = metrics["ending"].replace("_", " ")
    return f"{said} ({ending}); recorded {size:.0f} MB; see {folder / 'report.html'}"


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )


__all__ = ["Styled", "final_line", "graph_parameters", "make_goal", "run_ros_demo", "summary"]
