#!/usr/bin/env bash
# Combwise beside a full ROS 2: the pip package without rclpy's wheels, our two ROS packages by colcon. The image of
# the robot runs it; so can you, in a sourced ROS 2 Jazzy.
#   scripts/install_robot.sh VENV WORKSPACE
# Then, in every new shell, the environment last, so that its ros2 comes first:
#   source /opt/ros/jazzy/setup.bash && source WORKSPACE/install/setup.bash && source VENV/bin/activate
set -euo pipefail
venv=${1:?name the virtual environment to make}
workspace=${2:?name the folder of the colcon workspace}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${ROS_DISTRO:?source a ROS 2 installation first, as: source /opt/ros/jazzy/setup.bash}"

# The system's site-packages stay visible: colcon and the generators of messages are there.
python3 -m venv --system-site-packages "$venv"
venv=$(cd "$venv" && pwd)
"$venv/bin/python" -m pip install --quiet -e "${here}[robot]"
# The system's own ros2 runs in the system's Python, which does not see this environment; our launch files need it.
cat > "$venv/bin/ros2" <<SCRIPT
#!$venv/bin/python
import sys

from ros2cli.cli import main

sys.exit(main())
SCRIPT
chmod +x "$venv/bin/ros2"
mkdir -p "$workspace"
cd "$workspace"
# Through the environment's Python, so that the nodes' scripts start with it.
"$venv/bin/python" -m colcon build --base-paths "$here/interfaces" "$here/robot_ros"
