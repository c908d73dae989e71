# The virtual demo on a CPU: ROS 2 from wheels, no ROS distribution.
#   docker build -f docker/virtual.Dockerfile -t combwise-virtual .
FROM python:3.11-slim-bookworm

SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 ROS_DOMAIN_ID=7 ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST PATH=/opt/combwise/bin:$PATH

COPY scripts/install_system.sh /opt/scripts/install_system.sh
RUN bash /opt/scripts/install_system.sh

RUN useradd --create-home --uid 1000 combwise \
    && install -d -o combwise /opt/combwise /opt/source /data
USER 1000
WORKDIR /opt/source
COPY --chown=combwise . .

# The CPU build first, as the Makefile does it; pip takes it from wherever its own settings say.
ARG TORCH=torch==2.13.0
RUN python -m venv /opt/combwise \
    && /opt/combwise/bin/python -m pip install --quiet "$TORCH" \
    && bash scripts/install_ros.sh /opt/combwise/bin/python

WORKDIR /data
HEALTHCHECK --interval=30s --timeout=20s --start-period=300s --retries=3 \
    CMD ["python", "-m", "robot_ros.demo.health"]
ENTRYPOINT ["combwise"]
CMD ["ros", "demo", "--out", "/data/ros_demo", "--domain", "7", "--overwrite"]
