"""Images and install scripts: sound to the linters, without root, and nothing in them that only they do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
IMAGES = sorted((ROOT / "docker").glob("*.Dockerfile"))
SCRIPTS = sorted([*(ROOT / "scripts").glob("*.sh"), *(ROOT / "docker").glob("*.sh"), ROOT / ".ci" / "run"])


def _tool(name: str) -> str:
    found = shutil.which(name) or str(Path(sys.executable).parent / name)
    if not Path(found).exists():
        pytest.skip(f"{name} comes with the dev extra")
    return found


def _lint(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.stem)
def test_an_image_is_clean_to_hadolint_and_runs_without_root(image: Path) -> None:
    _lint(_tool("hadolint"), str(image))
    text = image.read_text(encoding="utf-8")
    assert re.findall(r"^USER (\S+)", text, flags=re.MULTILINE)[-1] not in ("root", "0")
    assert "\nHEALTHCHECK " in text


def test_scripts_are_clean_to_shellcheck() -> None:
    _lint(_tool("shellcheck"), *map(str, SCRIPTS))


def test_images_install_by_scripts_alone() -> None:
    """Nothing is installed in a Dockerfile itself but the CPU build of PyTorch, as in the Makefile."""
    for image in IMAGES:
        text = re.sub(r"\\\n", " ", image.read_text(encoding="utf-8"))
        runs = re.findall(r"^RUN (.*)", text, flags=re.MULTILINE)
        installs = [part for run in runs for part in run.split("&&") if " install " in part]
        assert all("$TORCH" in part or "install -d" in part for part in installs), installs
        named = re.findall(r"(?:scripts|/opt/scripts)/(install_\w+\.sh)", " ".join(runs))
        assert named
        assert all((ROOT / "scripts" / name).is_file() for name in named)


def test_make_ros_runs_what_the_virtual_image_runs() -> None:
    image = (ROOT / "docker" / "virtual.Dockerfile").read_text(encoding="utf-8")
    ros = (ROOT / "scripts" / "install_ros.sh").read_text(encoding="utf-8")
    assert "scripts/install_ros.sh" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(re.findall(r"install_\w+\.sh", image)) == {"install_ros.sh", "install_system.sh"}
    assert "install_system.sh" in ros


def test_every_change_builds_what_make_ros_builds() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "make ros" in ci
    assert any("tests/robot" in line and "pytest" in line for line in ci)


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("cmake") is None or shutil.which("c++") is None, reason="make ros needs both"
)
def test_an_index_without_wheels_is_no_failure_and_is_named() -> None:
    """Status 3, which .ci/run passes over, is for what is not to be had; one sentence says what that is."""
    words = ["bash", str(ROOT / "scripts" / "ros_is_installable.sh"), sys.executable]
    environment = {**os.environ, "PIP_NO_INDEX": "1"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "the package index lacks a wheel: No matching distribution found for" in done.stderr


def test_compose_names_images_that_exist() -> None:
    text = (ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8")
    named = re.findall(r"dockerfile: docker/(\S+)", text)
    assert sorted(named) == [image.name for image in IMAGES]
    assert "privileged: true" not in text
