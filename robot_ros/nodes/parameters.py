"""Parameters that say what they are: declared with a description, bounds or choices, and read back by name.

    READ = declare(node, [
        Param("speed", 1.0, "ROS seconds per second of wall time, at most", low=0.01, high=10.0),
        Param("arm", "ur5e", "which arm", choices=ARMS),
    ])

Values are fixed once the node runs, unless `live` says otherwise; a node reads live ones with `value`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from hairsim.errors import CombwiseError


@dataclass(frozen=True)
class Param:
    """One parameter.

    Attributes:
        name: of the parameter; dots make groups.
        default: also fixes the type.
        what: one phrase, with the unit in brackets.
        low, high: least and largest value of a number; rclpy refuses others.
        choices: the values that a text may have.
        live: may be changed while the node runs.
    """

    name: str
    default: bool | int | float | str | list[str] | list[float]
    what: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False


def declare(node: Node, params: Sequence[Param]) -> dict[str, Any]:
    """Declare parameters and return their values by name.

    Raises:
        CombwiseError: a value given on the command line or in a file is out of bounds or of another type.
    """
    values = {}
    for param in params:
        try:
            values[param.name] = node.declare_parameter(param.name, param.default, _descriptor(param)).value
        except Exception as error:
            raise CombwiseError(f"parameter '{param.name}' of {node.get_name()}: {error}") from error
        _check(param, values[param.name])
    with_choices = {param.name: param for param in params if param.choices}

    def refuse(changes: list[Parameter]) -> SetParametersResult:
        for change in changes:
            try:
                if change.name in with_choices:
                    _check(with_choices[change.name], change.value)
            except CombwiseError as error:
                return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(refuse)
    return values


def value(node: Node, name: str) -> Any:
    """Return a live parameter's value now."""
    return node.get_parameter(name).value


def _check(param: Param, given: Any) -> None:
    if param.choices and given not in param.choices:
        raise CombwiseError(
            f"parameter '{param.name}' is '{given}'; expected one of {', '.join(map(repr, param.choices))}"
        )


def _descriptor(param: Param) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(description=param.what, read_only=not param.live)
    if param.choices:
        descriptor.additional_constraints = f"one of {', '.join(map(repr, param.choices))}"
    if param.low is not None and param.high is not None:
        if isinstance(param.default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(param.low), to_value=float(param.high), step=0.0)
            ]
        else:
            descriptor.integer_range = [
                IntegerRange(from_value=int(param.low), to_value=int(param.high), step=1)
            ]
    return descriptor
