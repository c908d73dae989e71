# A robot and a GPU: ROS 2 Jazzy, CUDA, PyTorch3D.
#   docker build -f docker/robot.Dockerfile -t combwise-robot .
FROM nvidia/cuda:12.6.3-devel-ubuntu24.04

SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8 PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 ROS_DOMAIN_ID=7 ROS_DISTRO=jazzy

COPY scripts/install_system.sh scripts/install_ros_distribution.sh /opt/scripts/
RUN bash /opt/scripts/install_ros_distribution.sh && bash /opt/scripts/install_system.sh

RUN useradd --create-home --non-unique --uid 1000 combwise \
    && install -d -o combwise /opt/combwise /opt/source /opt/workspace /data
USER 1000
WORKDIR /opt/source
COPY --chown=combwise . .
RUN . /opt/ros/jazzy/setup.bash \
    && bash scripts/install_robot.sh /opt/combwise/venv /opt/workspace \
    && bash scripts/install_accelerated.sh /opt/combwise/venv/bin/python

ENV PATH=/opt/combwise/venv/bin:$PATH
WORKDIR /data
HEALTHCHECK --interval=30s --timeout=20s --start-period=300s --retries=3 \
    CMD ["/opt/source/docker/entrypoint.sh", "python", "-m", "robot_ros.demo.health"]
ENTRYPOINT ["/opt/source/docker/entrypoint.sh"]
CMD ["ros2", "launch", "robot_ros", "styling_virtual.launch.py", "device:=cuda"]
