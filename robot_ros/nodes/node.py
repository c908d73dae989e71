"""What all nodes are: started from a console script, with lifecycle states, heartbeat and diagnostics.

    class HairObserver(ManagedNode):
        BEATS_AS = "observer"
        def __init__(self) -> None:
            super().__init__(names.HAIR_OBSERVER)
            self.options = declare(self, PARAMETERS)
        def start(self) -> None: ...   # on activation: create what publishes and listens
        def stop(self) -> None: ...    # on deactivation: undo it

    def main() -> int:
        return run(HairObserver)

With the parameter `autostart` (the default) a node configures and activates itself; a lifecycle manager sets
it to false and does so with the usual services.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections.abc import Callable, Sequence

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import ok, try_shutdown

from hairsim.errors import CombwiseError
from robot_ros.nodes import names
from robot_ros.nodes.heartbeat import Heartbeat
from robot_ros.nodes.parameters import Param, declare
from robot_ros.nodes.parent import Parent
from robot_ros.nodes.qos import COMMAND
from robot_ros.real_time import MOVING, WATCHING, ask_for_real_time


class ManagedNode(LifecycleNode):
    """A node with lifecycle states; subclasses give `start` and `stop`."""

    BEATS_AS: str | None = None
    """Name of its heartbeat, see safety/limits.py; None beats not at all."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        own = Param("autostart", True, "configure and activate without a lifecycle manager")
        self.autostart: bool = declare(self, [own])["autostart"]
        self._heartbeat: Heartbeat | None = None
        self._active = False
        self._diagnostics = Diagnostics(self)

    def start(self) -> None:
        """Create what publishes and listens. Raises CombwiseError when it cannot."""
        raise NotImplementedError

    def stop(self) -> None:
        """Undo `start`."""
        raise NotImplementedError

    def report(self) -> tuple[bool, str, dict[str, str]]:
        """Return whether all is well, one phrase, and figures, for /diagnostics."""
        return True, "running", {}

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start, then beat."""
        try:
            self.start()
        except CombwiseError as error:
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        if self.BEATS_AS is not None:
            self._heartbeat = Heartbeat(self, self.BEATS_AS)
        self._diagnostics.begin(self.report)
        self._active = True
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Fall silent, then stop."""
        self._leave()
        return super().on_deactivate(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop whatever runs."""
        self.close()
        return super().on_shutdown(state)

    def close(self) -> None:
        """Stop if it runs; the process is about to end."""
        if self._active:
            self._leave()

    def _leave(self) -> None:
        self._active = False
        self._diagnostics.end()
        if self._heartbeat is not None:
            self._heartbeat.stop()
            self._heartbeat = None
        self.stop()


class Diagnostics:
    """Publishes a node's own report once a second of wall time."""

    def __init__(self, node: Node) -> None:
        self._node, self._timer = node, None
        self._publisher = node.create_publisher(DiagnosticArray, names.DIAGNOSTICS, COMMAND)

    def begin(self, report: Callable[[], tuple[bool, str, dict[str, str]]]) -> None:
        """Publish `report` (all well, phrase, figures) from now on."""
        wall = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self._node.create_timer(1.0, lambda: self._publish(*report()), clock=wall)

    def end(self) -> None:
        """Publish no more."""
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
            self._timer = None

    def _publish(self, well: bool, phrase: str, figures: dict[str, str]) -> None:
        status = DiagnosticStatus(
            level=DiagnosticStatus.OK if well else DiagnosticStatus.ERROR,
            name=self._node.get_fully_qualified_name(),
            message=phrase,
            values=[KeyValue(key=key, value=text) for key, text in figures.items()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)


def run(
    make: Callable[[], Node],
    *,
    executor: Callable[[], Executor] = SingleThreadedExecutor,
    real_time: bool = False,
    arguments: Sequence[str] | None = None,
) -> int:
    """Make a node and spin it until SIGINT or SIGTERM; return the exit status.

    A node that `combwise ros demo` started ends with it as well. A CombwiseError ends the process with its
    sentence and status 2. Where the system allows it, the process is scheduled before ordinary ones, whose
    load must not silence its heartbeat; with `real_time` before those of the other nodes too, as controllers
    are.
    """
    urgent = ask_for_real_time(MOVING if real_time else WATCHING) or not real_time
    # With rclpy's own handlers the context is gone before anything could be ended in an orderly way.
    rclpy.init(
        args=None if arguments is None else list(arguments), signal_handler_options=SignalHandlerOptions.NO
    )
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    node, spinner, status, parent = None, executor(), 0, Parent()
    try:
        node = make()
        spinner.add_node(node)
        if not urgent:
            node.get_logger().warning("no real-time priority: on a busy machine it will stop for late beats")
        # A full collection, as the message of a long motion set off, stops every thread for longer than a
        # heartbeat may be late. So it is done before they begin, and later ones leave out what stays.
        gc.collect()
        if isinstance(node, ManagedNode) and node.autostart:
            _activate(node)
        gc.freeze()
        while not ended.is_set() and not parent.is_gone() and ok():
            spinner.spin_once(timeout_sec=0.2)
    except CombwiseError as error:
        print(f"{make.__name__}: error: {error}", file=sys.stderr)
        status = 2
    except ExternalShutdownException:
        pass
    finally:
        if isinstance(node, ManagedNode):
            node.close()
        if node is not None:
            node.destroy_node()
        try_shutdown()
    return status


def _activate(node: ManagedNode) -> None:
    done = node.trigger_configure()
    done = node.trigger_activate() if done == TransitionCallbackReturn.SUCCESS else done
    if done != TransitionCallbackReturn.SUCCESS:
        raise CombwiseError(f"{node.get_name()} could not start; the line above says why")
