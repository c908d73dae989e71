"""Killed at any moment and started again, the data engine ends with what an uninterrupted run makes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import zarr

from hairsim.errors import CombwiseError
from hairsim.generate.dataset import STORE, Dataset, DatasetWriter
from hairsim.generate.fill import fill
from hairsim.generate.heads import keep_head, numbered_head
from tests.conftest import Combwise
from tests.hair_episodes import dataset_info, episode, write_dataset
from tests.made_up_engine import make_up

EPISODES = 12
WAIT = 120.0
"""Patience with a busy machine [s]."""


def finished(folder: Path) -> int:
    """How many whole episodes a folder holds, while it is written to."""
    try:
        return len(Dataset(folder))
    except CombwiseError:
        return 0


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def start(folder: Path, seconds: float = 0.2) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.made_up_engine", str(folder), str(EPISODES), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def children(pid: int) -> list[int]:
    """Processes that a process started."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def workers(pid: int) -> list[int]:
    """The processes of a driver's pool, without the one that keeps track of shared memory."""
    return [child for child in children(pid) if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.timeout(300)
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers through /proc")
def test_a_killed_driver_and_a_killed_worker_lose_and_double_nothing(tmp_path: Path) -> None:
    whole, killed = write_dataset(tmp_path / "whole", EPISODES), tmp_path / "killed"
    for goal in (1, 6):
        with start(killed) as driver:
            wait_until(lambda goal=goal: finished(killed) >= goal)
            left_alone = workers(driver.pid)
            assert left_alone
            driver.kill()
            driver.wait()
        before = finished(killed)
        assert goal <= before < EPISODES
        wait_until(
            lambda pids=left_alone: not any(alive(pid) for pid in pids)
        )  # no orphan goes on simulating
        assert finished(killed) == before
    with start(killed) as driver:
        wait_until(lambda: finished(killed) > before)
        os.kill(workers(driver.pid)[0], signal.SIGKILL)
        assert driver.wait(WAIT) == 0, "a driver outlives its workers"
    assert Dataset(killed).content_hash() == Dataset(whole).content_hash()
    found, expected = Dataset(killed), Dataset(whole)
    for index in range(EPISODES):
        kept, wanted = found.arrays(index), expected.arrays(index)
        assert kept.keys() == wanted.keys()
        for name, values in wanted.items():
            np.testing.assert_array_equal(kept[name], values, err_msg=f"episode {index} {name}")
    assert not list((killed / STORE).rglob("*.partial"))


def test_half_an_episode_on_disk_is_no_episode(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, 2)
    for name, value in (("complete", 0), ("strands", 7)):  # killed before the mark, arrays of another day
        zarr.open_array(folder / STORE / name, mode="r+")[1] = value
    assert [meta.index for meta in Dataset(folder).episodes] == [0]
    writer = DatasetWriter(folder)
    assert writer.missing() == [1]
    writer.write(episode(1))
    assert Dataset(folder).content_hash() == Dataset(write_dataset(tmp_path / "again", 2)).content_hash()


def test_a_set_that_ran_out_of_time_is_sound_and_goes_on(tmp_path: Path) -> None:
    out, info = tmp_path / "short", dataset_info(2)
    endless = partial(make_up, seconds=3600.0)
    assert fill(out, info, endless, workers=2, seconds=0.5) == 0  # nor does it wait for its workers
    assert len(Dataset(out)) == 0
    assert fill(out, info, partial(make_up, seconds=0.0), workers=2) == 2
    assert Dataset(out).content_hash() == Dataset(write_dataset(tmp_path / "whole", 2)).content_hash()


def test_a_set_grows_to_what_one_made_at_once_is(tmp_path: Path) -> None:
    out = write_dataset(tmp_path / "few", 2)
    assert fill(out, dataset_info(5), partial(make_up, seconds=0.0), workers=2) == 3
    assert Dataset(out).info.as_json() == dataset_info(5).as_json()
    assert Dataset(out).content_hash() == Dataset(write_dataset(tmp_path / "whole", 5)).content_hash()
    with pytest.raises(CombwiseError, match="another configuration"):
        fill(out, dataset_info(4), partial(make_up, seconds=0.0), workers=2)  # it never shrinks
    assert len(Dataset(out)) == 5


def test_a_set_killed_while_it_grew_goes_on(tmp_path: Path) -> None:
    out = write_dataset(tmp_path / "few", 2)
    marks = zarr.open_array(out / STORE / "complete", mode="r+")
    marks.resize((5,))  # as far as it came
    assert [meta.index for meta in Dataset(out).episodes] == [0, 1]
    assert fill(out, dataset_info(5), partial(make_up, seconds=0.0), workers=2) == 3
    assert Dataset(out).content_hash() == Dataset(write_dataset(tmp_path / "whole", 5)).content_hash()


def test_a_head_that_another_process_measured_is_the_same_to_the_bit(tmp_path: Path) -> None:
    measured, _ = numbered_head(3, 1)
    keep_head(3, 1, tmp_path)
    kept = tmp_path / "000001.npz"
    whole = kept.read_bytes()
    for content in (whole, whole[:1000]):  # a killed writer leaves no half file, but a full disk may
        kept.write_bytes(content)
        numbered_head.cache_clear()
        head, _ = numbered_head(3, 1, tmp_path)
        np.testing.assert_array_equal(head.field.values, measured.field.values)
        np.testing.assert_array_equal(head.scalp.points, measured.scalp.points)
        np.testing.assert_array_equal(head.scalp.normals, measured.scalp.normals)
        assert (head.field.origin, head.field.spacing) == (measured.field.origin, measured.field.spacing)
        assert (head.centre, head.name) == (measured.centre, measured.name)


TINY = "--episodes 4 --strokes 1 --heads 1 --guides 40 --vertices 12 --children 200"
HASTE = "--settle-seconds 0.1 --rest-seconds 0.1 --seed 7"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_generation_killed_half_way_and_resumed_makes_the_same_data(
    tmp_path: Path, combwise: Combwise
) -> None:
    options = f"{TINY} {HASTE} --workers 1".split()
    whole = combwise("generate", *options, "--out", "whole", timeout=400)
    assert whole.returncode == 0, whole.stderr

    killed = tmp_path / "killed"
    command = [sys.executable, "-m", "combwise", "generate", *options, "--out", str(killed)]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL) as driver:
        deadline = time.monotonic() + 400
        while not finished(killed) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(driver.pid, signal.SIGKILL)
    assert 1 <= finished(killed) < 4

    refused = combwise("generate", *options, "--out", "killed")
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    resumed = combwise("generate", *options, "--out", "killed", "--resume", timeout=400)
    assert resumed.returncode == 0, resumed.stderr
    assert Dataset(killed).content_hash() == Dataset(tmp_path / "whole").content_hash()
    sound = combwise("dataset", "verify", "killed", timeout=100)
    assert "4 episodes are whole and sound" in sound.stdout, sound.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_ray_cluster_makes_the_same_data_as_this_machine(tmp_path: Path, combwise: Combwise) -> None:
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    options = f"{TINY} {HASTE}".split()
    assert combwise("generate", *options, "--out", "alone", timeout=400).returncode == 0
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        ran = combwise("generate", *options, "--ray", cluster.address, "--out", "cluster", timeout=600)
        assert ran.returncode == 0, ran.stderr
    finally:
        cluster.shutdown()
        ray.shutdown()
    assert Dataset(tmp_path / "cluster").content_hash() == Dataset(tmp_path / "alone").content_hash()
