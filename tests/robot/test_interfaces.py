"""The built ROS interfaces carry what the pure code says, between two processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from hairsim.tools.stroke import Stroke
from robot_ros.build_interfaces import mend_includes
from robot_ros.safety.verdict import Finding, Level, Mode

FOLDER = Path(__file__).resolve().parents[2] / "interfaces" / "combwise_interfaces"


def _constants(name: str) -> dict[str, int]:
    """Return the constants of a message file."""
    text = (FOLDER / "msg" / name).read_text(encoding="utf-8")
    return {key: int(value) for key, value in re.findall(r"^uint8 ([A-Z]+)=(\d+)", text, flags=re.MULTILINE)}


def _members(name: str) -> list[str]:
    """Return the names of a message file's fields."""
    text = (FOLDER / "msg" / name).read_text(encoding="utf-8")
    return re.findall(r"^[\w/\[\]]+ ([a-z]\w*)", text, flags=re.MULTILINE)


def test_messages_name_what_the_code_names() -> None:
    assert _members("Stroke.msg") == [field.name for field in fields(Stroke)]
    assert _constants("SafetyState.msg") == {mode.name: mode.value for mode in Mode}
    assert _constants("SafetyFinding.msg") == {level.name: level.value for level in Level if level}
    assert {field.name for field in fields(Finding)} <= set(_members("SafetyFinding.msg"))


def test_every_interface_file_is_built() -> None:
    listed = (FOLDER / "CMakeLists.txt").read_text(encoding="utf-8")
    for path in FOLDER.glob("*/*.*"):
        assert f"{path.parent.name}/{path.name}" in listed


def test_another_machines_include_folders_are_put_right(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "export.cmake"
    path.parent.mkdir()
    path.write_text(
        'set(a "/opt/python/cp311-cp311/include/python3.11;'
        '/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include")'
    )
    assert mend_includes(tmp_path) == 1
    folders = re.findall(r'[";]?(/[^";]+)', path.read_text())
    assert len(folders) == 2
    assert all("/opt/python/cp3" not in folder for folder in folders)
    assert Path(folders[1], "numpy", "arrayobject.h").is_file()
    assert mend_includes(tmp_path) == 0


LISTENER = """
import rclpy, sys
from combwise_interfaces.msg import SafetyState
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
rclpy.init()
node = rclpy.create_node("listener")
heard = []
latched = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
node.create_subscription(SafetyState, "safety", heard.append, latched)
while not heard:
    rclpy.spin_once(node, timeout_sec=1.0)
found = heard[0].interventions[0]
print(heard[0].mode, found.rule, found.excess, found.unit)
rclpy.shutdown()
"""


@pytest.mark.slow
def test_a_safety_state_reaches_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    rclpy = pytest.importorskip("rclpy", reason="ROS needs make ros")
    messages = pytest.importorskip("combwise_interfaces.msg", reason="interfaces need make ros")
    monkeypatch.setenv("ROS_DOMAIN_ID", str(os.getpid() % 100))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    qos = pytest.importorskip("rclpy.qos")
    listener = subprocess.Popen([sys.executable, "-c", LISTENER], stdout=subprocess.PIPE, text=True)
    rclpy.init()
    try:
        node = rclpy.create_node("speaker")
        latched = qos.QoSProfile(depth=1, durability=qos.QoSDurabilityPolicy.TRANSIENT_LOCAL)
        finding = Finding("pull", Level.STOP, 6.5, 5.0, "N")
        told = messages.SafetyFinding(
            rule=finding.rule, level=int(finding.level), measured=finding.measured, limit=finding.limit,
            excess=finding.excess, unit=finding.unit, text=finding.sentence(),
        )  # fmt: skip
        state = messages.SafetyState(mode=int(Mode.STOPPED), share=0.0, interventions=[told])
        node.create_publisher(messages.SafetyState, "safety", latched).publish(state)
        said, _ = listener.communicate(timeout=100.0)
    finally:
        listener.kill()
        rclpy.shutdown()
    assert said.split() == ["4", "pull", "1.5", "N"]
