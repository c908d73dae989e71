#!/usr/bin/env bash
# ROS 2 Jazzy, the drivers of the arms and cameras that our launch files name, and colcon, from ROS' own packages.
# As root on Ubuntu 24.04. https://docs.ros.org/en/jazzy/Installation/Ubuntu-Install-Debs.html
set -euo pipefail
# shellcheck disable=SC1091
. /etc/os-release
if [ "${UBUNTU_CODENAME:-}" != noble ]; then
    echo "ROS 2 Jazzy has packages for Ubuntu 24.04; this is ${PRETTY_NAME:-unknown}" >&2
    exit 1
fi
apt-get update
apt-get install --yes --no-install-recommends ca-certificates curl gnupg python3-pip python3-venv
curl --fail --silent --show-error --location --output /usr/share/keyrings/ros-archive-keyring.gpg \
    https://raw.githubusercontent.com/ros/rosdistro/master/ros.key
echo "deb [signed-by=/usr/share/keyrings/ros-archive-keyring.gpg] http://packages.ros.org/ros2/ubuntu noble main" \
    > /etc/apt/sources.list.d/ros2.list
apt-get update
apt-get install --yes --no-install-recommends \
    ros-jazzy-ros-base \
    ros-jazzy-control-msgs \
    ros-jazzy-rosbag2-storage-mcap \
    ros-jazzy-tf2-msgs \
    ros-jazzy-trajectory-msgs \
    ros-jazzy-visualization-msgs \
    ros-jazzy-realsense2-camera \
    ros-jazzy-ur-robot-driver \
    python3-colcon-common-extensions
rm -rf /var/lib/apt/lists/*
