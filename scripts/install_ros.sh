#!/usr/bin/env bash
# Arms, rclpy and our ROS interfaces, from wheels alone, into the Python that is named: `make ros`, and the image of
# the virtual demo.
#   scripts/install_ros.sh .venv/bin/python
set -euo pipefail
python=${1:?name the Python of the environment, as .venv/bin/python}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/install_system.sh "$python"
"$python" -m pip install --quiet -e '.[ros]'
"$python" -m robot_ros.build_interfaces
