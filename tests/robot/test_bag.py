"""Bags are read back as written, by us and by other readers, even when their writer was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mcap", reason="bags need make ros")

from hairsim.errors import CombwiseError
from robot_ros.bag import BagWriter, is_whole, read_bag, recover_bag

WRITER = """
import sys, time
from pathlib import Path
from robot_ros.bag import BagWriter
bag = BagWriter(Path(sys.argv[1]))
bag.add_topic("/count", "std_msgs/msg/UInt8", "uint8 data")
for number in range(10_000):
    bag.write("/count", number * 1_000_000, b"\\x00\\x01\\x00\\x00" + number.to_bytes(4, "little"))
    if number % 100 == 99:
        bag.flush()
        print(number, flush=True)
        time.sleep(0.005)
"""


def test_messages_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    bag = BagWriter(path)
    bag.add_topic("/a", "std_msgs/msg/UInt8", "uint8 data")
    bag.add_topic("/b", "std_msgs/msg/UInt8", "uint8 data")
    for number in range(500):
        bag.write("/a" if number % 3 else "/b", number * 2_000_000, bytes([0, 1, 0, 0, number % 256]))
    bag.close()
    assert is_whole(path)
    found = list(read_bag(path))
    assert [message.data[4] for message in found] == [number % 256 for number in range(500)]
    assert found[3].topic == "/b"
    assert found[3].time == pytest.approx(0.006)
    with pytest.raises(CombwiseError, match="exists"):
        BagWriter(path)


def test_a_killed_writer_loses_nothing_that_was_flushed(tmp_path: Path) -> None:
    path = tmp_path / "killed.mcap"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    flushed = -1
    while flushed < 1500:
        flushed = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert not is_whole(path)
    numbers = [int.from_bytes(message.data[4:], "little") for message in read_bag(path)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > flushed
    assert recover_bag(path) == len(numbers)
    assert is_whole(path)
    assert [int.from_bytes(message.data[4:], "little") for message in read_bag(path)] == numbers
    from mcap.reader import make_reader  # another reader than ours

    with path.open("rb") as file:
        assert len(list(make_reader(file).iter_messages(topics=["/count"]))) == len(numbers)


@pytest.mark.parametrize("cut", [9, 40, 300])
def test_a_bag_cut_anywhere_is_read_up_to_there(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.mcap"
    bag = BagWriter(path)
    bag.add_topic("/a", "std_msgs/msg/UInt8", "uint8 data")
    for number in range(20):
        bag.write("/a", number, bytes([0, 1, 0, 0, number]))
        bag.flush()
    bag.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 + cut])
    found = [message.data[4] for message in read_bag(path)]
    assert found == list(range(len(found)))


def test_what_is_no_bag_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.mcap"
    path.write_text("not a bag at all, only words")
    with pytest.raises(CombwiseError, match="not a bag"):
        list(read_bag(path))
    with pytest.raises(CombwiseError, match="cannot read"):
        list(read_bag(tmp_path / "nowhere.mcap"))


def test_definitions_hold_every_type_within() -> None:
    pytest.importorskip("combwise_interfaces.msg", reason="definitions come with make ros")
    from mcap_ros2.decoder import DecoderFactory
    from rclpy.serialization import serialize_message
    from sensor_msgs.msg import JointState

    from robot_ros.bag import message_definition
    from robot_ros.nodes.episode_recorder import TOPICS

    for _, kind, _ in TOPICS:
        text = message_definition(kind)
        assert "=" * 80 not in text or "MSG: " in text
    kind = "sensor_msgs/msg/JointState"
    from mcap.records import Schema

    schema = Schema(id=1, name=kind, encoding="ros2msg", data=message_definition(kind).encode())
    decoder = DecoderFactory().decoder_for("cdr", schema)
    assert decoder is not None
    message = JointState(name=["a", "b"], position=[1.0, 2.0])
    message.header.stamp.sec = 7
    seen = decoder(serialize_message(message))
    assert (list(seen.position), seen.header.stamp.sec) == ([1.0, 2.0], 7)
