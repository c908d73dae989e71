"""The benchmark: levels, planners without a model, oracles, tables, and a run that can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hairsim.errors import CombwiseError
from hairsim.groom.families import make_groom
from hairsim.head.parametric import parametric_head
from hairsim.tools.stroke import Stroke
from hairsim.tools.stroke_path import stroke_path
from hairsim.tools.tool import ToolPath, rake_comb
from hairsim.volume import HairVolume, volume_from_strands
from planner.benchmark.episodes import penetration
from planner.benchmark.levels import LEVELS
from planner.benchmark.report import best_median_worst
from planner.benchmark.roster import Entry
from planner.benchmark.spread import spread
from planner.benchmark.styling import StylingConfig, command_of, quickly
from planner.benchmark.tables import comparison, markdown, provenance, result_of
from planner.planners.cem import gaussian_of
from planner.planners.random_strokes import RandomPlanner
from planner.planners.rule_based import RuleBasedConfig, RuleBasedPlanner, find_groups
from tests.conftest import Combwise
from tests.hair_episodes import GRID, ball_head, curtain_volume


@pytest.fixture(scope="module")
def strands() -> np.ndarray:
    return make_groom("straight_bob", parametric_head(), guides=300, seed=5).strands


# --- levels -----------------------------------------------------------------------------------------


def test_strokes_and_allowances_are_those_of_the_design() -> None:
    assert {n: (v.hidden, v.allowed) for n, v in LEVELS.items() if n != "any"} == {
        "lock": (3, 5),
        "part": (6, 9),
        "sweep": (10, 15),
    }


def drawn(level: str, strands: np.ndarray, seed: int) -> list[Stroke]:
    head, rng = parametric_head(), np.random.default_rng(seed)
    draw = LEVELS[level].style(strands, head, rng)
    return [draw(strands, head, rng) for _ in range(LEVELS[level].hidden)]


@pytest.mark.parametrize("seed", range(4))
def test_a_lock_is_combed_in_one_place_and_one_way(strands: np.ndarray, seed: int) -> None:
    head = parametric_head()
    paths = [stroke_path(stroke, head, rake_comb()) for stroke in drawn("lock", strands, seed)]
    starts = np.array([path.positions[path.in_hair[0]] for path in paths])
    ways = np.array([np.diff(path.positions[path.in_hair[0] :][:2], axis=0)[0] for path in paths])
    assert np.ptp(starts, axis=0).max() < 0.17  # the upper half of a lock of 20 cm
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    assert (ways @ ways.T).min() > 0.3


@pytest.mark.parametrize("seed", range(4))
def test_a_sweep_takes_all_hair_one_way(strands: np.ndarray, seed: int) -> None:
    head = parametric_head()
    ways = []
    for stroke in drawn("sweep", strands, seed):
        path = stroke_path(stroke, head, rake_comb())
        ways.append(path.positions[path.in_hair[0] + 1] - path.positions[path.in_hair[0]])
    mean = np.mean(ways, axis=0)
    assert np.mean([way @ mean > 0.0 for way in ways]) >= 0.9


# --- planners without a model -----------------------------------------------------------------------


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_rules_comb_from_the_root_the_way_that_is_wanted() -> None:
    head = ball_head()
    planner = RuleBasedPlanner(RuleBasedConfig(difference=15.0, fewest=5))
    planned = planner.plan(curtain_volume(), curtain_volume(0.08), head, rng())
    assert planned.stroke is not None
    path = stroke_path(planned.stroke, head, rake_comb())
    first, last = path.in_hair
    way = path.positions[last] - path.positions[first]
    assert way[1] > 0.0  # the goal's tips lie to +y
    assert way[2] < 0.0  # from root to tip
    assert path.positions[first][2] > 0.0  # the curtain's roots are above


def test_rules_leave_hair_alone_that_matches(strands: np.ndarray) -> None:
    planner, head = RuleBasedPlanner(), parametric_head()
    hair = volume_from_strands(strands, 300.0, GRID)
    assert planner.plan(hair, hair, head, rng()).stroke is None
    moved = volume_from_strands(strands + np.array([0.02, 0.0, 0.0], np.float32), 300.0, GRID)
    watching = RuleBasedPlanner(RuleBasedConfig(watch=True))
    assert watching.assess(hair, hair, head) < watching.assess(moved, hair, head)
    watched_by_nobody = RuleBasedPlanner(RuleBasedConfig(watch=False))
    assert np.isnan(watched_by_nobody.assess(moved, hair, head))


def test_rules_give_a_place_up_that_does_not_change() -> None:
    planner = RuleBasedPlanner(RuleBasedConfig(difference=15.0, fewest=5, repeats=2))
    count = len(find_groups(curtain_volume(), curtain_volume(0.08), ball_head(), planner.config))
    planned = [
        planner.plan(curtain_volume(), curtain_volume(0.08), ball_head(), rng()).stroke
        for _ in range(2 * count + 1)
    ]
    assert planned[0] is not None
    assert planned[-1] is None
    planner.reset()
    assert planner.plan(curtain_volume(), curtain_volume(0.08), ball_head(), rng()).stroke == planned[0]


@pytest.mark.parametrize("bad", [{"group": 0.0}, {"difference": 200.0}, {"repeats": 0}])
def test_rules_defend_themselves(bad: dict[str, Any]) -> None:
    with pytest.raises(CombwiseError, match="rule-based"):
        RuleBasedConfig(**bad)


def test_random_strokes_start_on_hair_whatever_the_goal() -> None:
    head, hair = ball_head(), curtain_volume()
    points = GRID.centres()[hair.occupied]
    for seed in range(5):
        planned = RandomPlanner().plan(hair, hair, head, np.random.default_rng(seed))
        assert planned.stroke is not None
        path = stroke_path(planned.stroke, head, rake_comb())
        gap = np.linalg.norm(points - path.positions[path.in_hair[0]], axis=1).min()
        assert gap < 0.015 + 2.0 * GRID.voxel


@pytest.mark.parametrize("planner", [RuleBasedPlanner(), RandomPlanner()])
def test_no_hair_gets_one_clear_sentence(planner: RuleBasedPlanner | RandomPlanner) -> None:
    bald = HairVolume(np.zeros(GRID.shape, np.float32), np.zeros((*GRID.shape, 3), np.float32), GRID)
    with pytest.raises(CombwiseError, match="holds no occupied voxel"):
        planner.plan(bald, curtain_volume(), ball_head(), rng())


def test_the_gaussian_of_an_elite_averages_headings_across_the_seam() -> None:
    elite = np.zeros((2, 1, 8))
    elite[0, 0, 2], elite[1, 0, 2] = np.pi - 0.1, -np.pi + 0.1
    mean, deviation = gaussian_of(elite, np.full(8, 0.01))
    assert abs(mean[0, 2]) == pytest.approx(np.pi)
    assert deviation[0, 2] == pytest.approx(0.1)
    assert deviation[0, 0] == 0.01  # never less than the smallest


# --- the roster -------------------------------------------------------------------------------------


def test_names_carry_their_oracles() -> None:
    assert Entry.parse("mppi+observe+goal") == Entry("mppi", ("observe", "goal"))
    assert Entry.parse("cem").learned
    assert not Entry.parse("rule_based+goal").learned


@pytest.mark.parametrize(
    ("name", "says"),
    [("mppy", "planner 'mppy' is unknown"), ("mppi+luck", "expected each oracle once"),
     ("rule_based+model", "no model to swap"), ("mppi_unet+model", "no model to swap")],
)  # fmt: skip
def test_bad_names_are_refused(name: str, says: str) -> None:
    with pytest.raises(CombwiseError, match=says):
        Entry.parse(name)


@pytest.mark.parametrize(
    ("bad", "says"),
    [({"seeds": 0}, "--seeds is 0"), ({"levels": ("bun",)}, "--levels bun is unknown"),
     ({"families": ("mohawk",)}, "--families mohawk"), ({"planners": ()}, "are empty"),
     ({"oracle": ("luck",)}, "--oracle luck"),
     ({"planners": ("mppi_unet",)}, "needs a trained U-Net, and none is shipped"),
     ({"planners": ("mppi_unet",), "unet": Path("nowhere")}, "--unet nowhere is no folder"),
     ({"groom": Path("nowhere.data")}, "--groom nowhere.data does not exist"),
     ({"head": Path(__file__)}, "--head is given without --groom"),
     ({"groom": Path(__file__), "families": ("straight_bob",)}, "--groom and --families exclude each other")],
)  # fmt: skip
def test_bad_runs_are_refused(bad: dict[str, Any], says: str) -> None:
    with pytest.raises(CombwiseError, match=says):
        StylingConfig(**bad)


def test_the_published_setting_and_a_quick_look() -> None:
    config = StylingConfig()
    tried = [name for _, names in config.tasks() for name in names]
    for name in ("mppi", "rule_based", "random", "no_stroke"):
        assert tried.count(name) == 60
    for name in ("replay", "cem", "mppi_simulator", "mppi_64", "mppi+observe", "mppi+model", "mppi+goal"):
        assert tried.count(name) >= 10
    assert min(task.seed for task, _ in config.tasks()) >= 10_000
    assert all(task.seed < 100 for task, _ in quickly(config).tasks())


def test_a_groom_file_is_a_run_of_its_own_that_keeps_to_itself_where_the_file_lies(tmp_path: Path) -> None:
    """Every task is made of it and called after it; what is published names the file and no folder."""
    (tmp_path / "wig.data").touch()
    config = StylingConfig(groom=tmp_path / "wig.data", groom_unit="cm", seeds=2, levels=("lock",))
    assert [(task.name, task.family) for task, _ in config.tasks()] == [
        ("lock-10000", "wig"), ("lock-10001", "wig"),
    ]  # fmt: skip
    assert all(task.demo().groom == config.groom for task, _ in config.tasks())
    assert quickly(config).groom == config.groom and quickly(config).first_seed == 0
    command = command_of(config)
    assert "--groom wig.data" in command and "--groom-unit cm" in command
    published = provenance(command, config)
    assert published["config"]["groom"] == "wig.data"
    assert str(tmp_path) not in json.dumps(published)


# --- forces, depth, tables --------------------------------------------------------------------------


def test_penetration_is_how_deep_the_comb_enters_the_head() -> None:
    head = ball_head()
    stroke = Stroke(azimuth=0.0, elevation=0.2, heading=1.5, length=0.08, depth=0.010)
    path = stroke_path(stroke, head, rake_comb())
    assert penetration([], rake_comb(), head) == 0.0
    assert penetration([path], rake_comb(), head) == 0.0
    inward = path.positions - 0.015 * path.positions / np.linalg.norm(path.positions, axis=1, keepdims=True)
    deep = ToolPath(path.times, inward, path.quaternions, path.in_hair)
    assert penetration([deep], rake_comb(), head) == pytest.approx(0.005, abs=0.0015)


def record(planner: str, level: str, seed: int, moved: float, *, success: bool = False) -> dict[str, Any]:
    scores = {"disturbance_mm": 3.0, "chamfer_mm": 2.0, "chamfer_moved_mm": 6.0, "direction_deg": 20.0}
    return {
        "level": level, "seed": seed, "family": "straight_bob", "planner": planner,
        "initial": {"moved_mm": 40.0, **scores}, "final": {"moved_mm": moved, **scores},
        "success": success, "strokes": 3, "stopped": "stroke limit", "planning_seconds": 1.0,
        "peak_force_n": 2.0, "mean_force_n": 0.5, "penetration_mm": 0.0, "vectors": [],
    }  # fmt: skip


def result() -> dict[str, Any]:
    records = [
        record(planner, level, seed, moved + seed, success=planner == "mppi" and seed == 0)
        for level in ("lock", "part")
        for planner, moved in (("mppi", 20.0), ("rule_based", 30.0))
        for seed in range(4)
    ]
    refused = [{"refused": "lock-9", "family": "curly_bob", "why": "it never rests"}]
    return result_of(records, refused, what="test", command="combwise", config=StylingConfig())


def test_rows_are_means_with_intervals_for_each_planner_level_and_metric() -> None:
    rows = result()["rows"]
    assert all(set(row) == {"planner", "level", "metric", "mean", "low", "high", "episodes"} for row in rows)
    found = {(row["planner"], row["level"], row["metric"]): row for row in rows}
    assert found["mppi", "lock", "moved_mm"]["mean"] == 21.5
    assert found["mppi", "all", "moved_mm"]["episodes"] == 8
    assert found["mppi", "part", "success_rate"]["mean"] == 0.25
    assert found["start", "all", "moved_mm"]["mean"] == 40.0


def test_differences_are_paired_and_exclude_zero_where_every_task_agrees() -> None:
    moved = comparison(result(), "mppi", "rule_based", "moved_mm")
    assert moved is not None
    assert moved["mean"] == moved["low"] == moved["high"] == -10.0
    assert moved["change"]["mean"] == pytest.approx(-10.0 / 31.5, abs=1e-4)
    success = comparison(result(), "mppi", "rule_based", "success_rate", "lock")
    assert success is not None
    assert success["mean"] == 0.25
    assert success["change"] is None  # the other one never succeeds


def test_the_page_of_tables_says_what_was_refused_and_how_each_hair_class_fared() -> None:
    page = markdown(result())
    assert "mppi ends -10.0 mm (-32 %) beside rule_based in moved" in page
    assert "No task lock-9 (curly_bob): it never rests." in page
    assert "| straight | 21.5 | 31.5 | -32 % (" in page and "| coily |" not in page  # of hair that there was


def test_best_median_and_worst_are_told_by_what_is_left_of_the_way() -> None:
    records = [record("mppi", "lock", seed, moved) for seed, moved in enumerate((30.0, 10.0, 50.0, 20.0))]
    assert [(which, r["seed"]) for which, r in best_median_worst(records)] == [
        ("best", 1), ("median", 3), ("worst", 2),
    ]  # fmt: skip
    assert len(best_median_worst(records[:1])) == 1


# --- spreading, killing, resuming -------------------------------------------------------------------


def squared(number: int) -> int:
    return number * number


def test_jobs_come_back_with_their_results() -> None:
    found = dict(spread(squared, [(n,) for n in range(5)], workers=2))
    assert found == {(n,): n * n for n in range(5)}


def long_or_bad(number: int) -> int:
    if number == 0:
        raise CombwiseError("job 0 cannot be done")
    time.sleep(600.0)
    return number


def test_a_job_that_fails_ends_the_others_and_is_all_that_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CombwiseError, match="job 0"):
        list(spread(long_or_bad, [(n,) for n in (1, 0, 2, 3)], workers=2))
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_jobs_come_back_from_ray() -> None:
    pytest.importorskip("ray")
    found = dict(spread(squared, [(n,) for n in range(4)], workers=2, ray=True))
    assert found == {(n,): n * n for n in range(4)}


TINY = ("--levels", "any", "--families", "straight_bob", "--first-seed", "3", "--guides", "120")
FEW = ("--few", "0", "--no-videos", "--workers", "1", "--planners", "random", "no_stroke")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_killed_half_way_goes_on_and_ends_with_the_same_scores(
    tmp_path: Path, combwise: Combwise
) -> None:
    run = ("evaluate", "styling", *TINY, *FEW, "--seeds", "1")
    killed = tmp_path / "killed"
    command = [sys.executable, "-m", "combwise", *run, "--out", str(killed)]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL) as driver:
        deadline = time.monotonic() + 400
        while not list(killed.glob("episodes/*.json")) and time.monotonic() < deadline:
            time.sleep(0.1)
        os.kill(driver.pid, signal.SIGKILL)
    assert len(list(killed.glob("episodes/*.json"))) == 1
    resumed = combwise(*run, "--out", "killed", "--resume", timeout=400)
    assert resumed.returncode == 0, resumed.stderr
    assert "2 episodes styled: random ends" in resumed.stdout
    metrics = json.loads((killed / "metrics.json").read_text())
    assert {row["planner"] for row in metrics["rows"]} == {"no_stroke", "random", "start"}
    assert "data:image/jpeg;base64," in (killed / "report.html").read_text()
    for path in killed.glob("episodes/*.json"):
        path.unlink()
    again = combwise(*run, "--out", "killed", "--resume", timeout=400)  # from the kept task
    assert again.returncode == 0, again.stderr
    rows = json.loads((killed / "metrics.json").read_text())["rows"]
    scores = [r for r in rows if r["metric"] != "planning_seconds"]
    assert scores == [r for r in metrics["rows"] if r["metric"] != "planning_seconds"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_trying_a_stroke_on_the_copy_shows_what_it_does_to_the_hair() -> None:
    from planner.benchmark.rehearsal import SalonRehearsal
    from planner.benchmark.tasks import Task, TaskConfig

    scene = Task(TaskConfig("any", 3, "straight_long", guides=60, vertices=12, children=800)).scene()
    assert scene.truth is not None
    rehearsal = SalonRehearsal(scene.salon)
    before = rehearsal.now()
    tried = rehearsal.after(scene.truth.strokes[:1])
    assert np.array_equal(rehearsal.now(), before)  # the hair itself was not touched
    scene.salon.execute(scene.truth.strokes[0])
    assert np.array_equal(rehearsal.now(), tried)
    volume = rehearsal.volume(tried, GRID)
    children = scene.salon.children
    expected = volume_from_strands(children.strands(tried), children.hair_count, GRID)
    assert np.array_equal(volume.occupancy, expected.occupancy)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mppi_plans_with_the_unet_of_a_run_of_baselines(tmp_path: Path) -> None:
    """The learned model beside it may be the shipped one; a folder without a U-Net gets one sentence."""
    from dynamics.checkpoint import CheckpointInfo, save_checkpoint
    from dynamics.completion.unet import UNet, UNetConfig
    from planner.benchmark.episodes import try_task
    from planner.benchmark.roster import load_dynamics, load_unet
    from planner.benchmark.tasks import Task, TaskConfig

    dynamics = load_dynamics(None, "cpu")
    with pytest.raises(CombwiseError, match="holds no baselines"):
        load_unet(tmp_path, dynamics, "cpu")
    sizes = UNetConfig(half=8, quarter=16, eighth=16, last=16)
    info = CheckpointInfo(
        "unet", dynamics.info.profile, dynamics.grid, dynamics.info.observer_version,
        {"unet": asdict(sizes)}, {"seed": 0},
    )  # fmt: skip
    save_checkpoint(tmp_path / "unet" / "model.safetensors", info, UNet(sizes).state_dict())
    task = Task(TaskConfig("any", 3, "straight_long", guides=60, vertices=12, children=800))
    unet = load_unet(tmp_path, dynamics, "cpu")
    record = try_task(task, "mppi_unet", dynamics, "quick", unet=unet)
    assert record["planner"] == "mppi_unet"
    assert record["final"]["moved_mm"] > 0.0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_hair_of_a_file_can_be_styled_as_a_task(tmp_path: Path) -> None:
    from hairsim.groom.formats.files import write_strands
    from hairsim.groom.formats.strand_set import StrandSet
    from planner.benchmark.episodes import try_task
    from planner.benchmark.tasks import Task, TaskConfig

    groom = make_groom("straight_long", parametric_head(), guides=120, vertices=12, seed=3)
    made = replace(StrandSet.of(list(groom.strands)), unit="m", axes="z-up")
    write_strands(tmp_path / "wig.npz", made)
    config = TaskConfig("any", 3, "wig", guides=60, vertices=12, children=800, groom=tmp_path / "wig.npz")
    record = try_task(Task(config), "random", None, "quick")
    assert record["family"] == "wig" and record["strokes"] == 5
