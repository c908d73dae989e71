"""Every parameter of every node says what it is, in which unit, and what it may be."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

pytest.importorskip("combwise_interfaces.msg", reason="nodes need make ros")
pytest.importorskip("pinocchio", reason="arms need the arms extra")

from robot_ros import nodes
from robot_ros.nodes.parameters import Param

FOLDER = Path(nodes.__file__).parent
NODES = sorted(p.stem for p in FOLDER.glob("*.py") if "\ndef main(" in p.read_text(encoding="utf-8"))


def _params(module: str) -> tuple[Param, ...]:
    return importlib.import_module(f"robot_ros.nodes.{module}").PARAMS


def test_every_node_has_parameters() -> None:
    assert len(NODES) == 10
    assert all(_params(module) for module in NODES)


@pytest.mark.parametrize("module", NODES)
def test_a_parameter_has_a_description_and_a_number_has_a_range_around_its_default(module: str) -> None:
    names = [param.name for param in _params(module)]
    assert len(names) == len(set(names))
    for param in _params(module):
        assert len(param.what) > 5, param.name
        if isinstance(param.default, bool) or not isinstance(param.default, int | float):
            continue
        assert param.low is not None and param.high is not None, param.name
        assert param.low <= param.default <= param.high, param.name
        if isinstance(param.default, float):
            has_unit = re.search(r"\[[^\]]+\]|per second|^1 where", param.what) is not None
            assert has_unit, f"{param.name}: {param.what}"
