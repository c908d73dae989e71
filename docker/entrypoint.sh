#!/usr/bin/env bash
# Run a command with ROS 2 and our workspace in its environment.
set -eo pipefail
# shellcheck disable=SC1091
source /opt/ros/jazzy/setup.bash
# shellcheck disable=SC1091
source /opt/workspace/install/setup.bash
# After ROS, whose ros2 would run in the system's Python, without ours.
PATH=/opt/combwise/venv/bin:$PATH
exec "$@"
