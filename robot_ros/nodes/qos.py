"""Quality of service of every kind of topic; both ends use these."""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy


def _profile(reliability: ReliabilityPolicy, durability: DurabilityPolicy, depth: int) -> QoSProfile:
    return QoSProfile(
        reliability=reliability, durability=durability, history=HistoryPolicy.KEEP_LAST, depth=depth
    )


SENSOR = _profile(ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE, 50)
"""Measurements: an old one is not worth sending again. Deep enough that none is lost between two checks."""

PICTURE = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE, 2)
"""Pictures as drivers offer them: who listens with SENSOR gets what arrives, with this all of it."""

LATCHED = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL, 1)
"""State: who comes late gets the newest."""

STATE = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL, 20)
"""State of which no change may be missed; who listens with LATCHED gets the newest only."""

COMMAND = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE, 10)
"""What must arrive."""

BEAT = _profile(ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE, 1)
"""Signs of life: only the newest counts."""

CLOCK = _profile(ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE, 1)
"""As rclpy itself listens to /clock."""

TF = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE, 100)
"""As tf2_ros."""

TF_STATIC = _profile(ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL, 100)
"""As tf2_ros."""
