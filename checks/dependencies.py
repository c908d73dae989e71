"""What the packages import is what pyproject.toml asks for, no more and no less.

    python -m checks.dependencies

An import inside an optional feature must be named by an extra; a dependency that nothing imports
is an error, so that an installation never carries what is not used.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from checks.tracked import ROOT, tracked_files

PACKAGES = ("combwise", "robot_ros", "planner", "dynamics", "hairsim")
IMPLIED = {
    "imageio-ffmpeg": "imageio writes mp4 through it",
}
"""Dependencies that are used without being imported, each with its reason."""

PREFIXED = {"coal": ["pin"], "pinocchio": ["pin"]}
"""Modules that wheels install into a prefix of their own, where the metadata does not show them."""


BUILT = {"combwise_interfaces", "control_msgs", "tf2_msgs"}
"""ROS interfaces that robot_ros/build_interfaces.py builds: no distribution carries them."""

FULL_ROS = {"launch", "launch_ros"}
"""What only a full ROS 2 installation has; launch files alone import it."""


def ros_distribution(module: str) -> str:
    """Return the distribution through which the wheels of ROS are asked for: rclpy gives ros-jazzy-rclpy."""
    return f"ros-jazzy-{requirement_name(module)}"


def imported_modules(source: str) -> set[str]:
    """Return the top-level names of every absolute import in a module, lazy ones included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def requirement_name(requirement: str) -> str:
    """Return the normalised distribution name of a requirement: 'Foo_Bar[x]>=1' gives 'foo-bar'."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]).lower()


def main() -> int:
    """Print what is wrong; return the exit status."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {requirement_name(r) for r in project["dependencies"]}
    optional = {requirement_name(r) for extra in project["optional-dependencies"].values() for r in extra}
    providers = {**packages_distributions(), **PREFIXED}
    found: list[str] = []
    used: set[str] = set()
    for path in tracked_files():
        if path.suffix != ".py" or path.parts[0] not in PACKAGES:
            continue
        for module in sorted(imported_modules((ROOT / path).read_text(encoding="utf-8"))):
            if module in sys.stdlib_module_names or module in {*PACKAGES, *BUILT, *FULL_ROS}:
                continue
            names = {requirement_name(name) for name in providers.get(module, [module])}
            names.add(ros_distribution(module))
            used |= names
            if not names & (required | optional):
                found.append(f"{path}: imports {module}, which pyproject.toml does not ask for")
    found += [
        f"pyproject.toml: asks for {name}, which nothing imports"
        for name in sorted(required - used - set(IMPLIED))
    ]
    print("\n".join(found) or f"dependencies: {len(required)} asked for, all of them imported")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
