"""Launches a per-strand kernel over every strand, on all the cores that it was given or on a GPU."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import warp as wp

STRANDS_A_BLOCK = 32
"""CUDA threads a block. A thread is a strand, a long chain of dependent work, and there are only thousands:
small blocks spread them over all multiprocessors."""

FEWEST_STRANDS = 32
"""No range of strands is shorter: starting it would take as long as stepping them."""

PARTS = 16
"""Threads a strand on a GPU, in kernels whose vertices do not wait for each other."""

STEPS_AHEAD = 32
"""How many steps may wait in a GPU's queue before the host waits for those before them."""

NAP = 0.0003
"""Between two looks at whether a GPU has arrived [s]: a step of a batch takes as long."""


class StrandLauncher:
    """Runs kernels whose first argument is the index of the first strand of their range.

    Warp's CPU launches use one thread and release the interpreter lock, so a range of strands per thread
    uses every core. Kernels only gather (no atomics), so the bits do not depend on the split.
    """

    def __init__(self, device: str, strands: int, threads: int) -> None:
        self._device = device
        self._on_gpu = cuda = wp.get_device(device).is_cuda
        self._parts = PARTS if cuda else 1
        parts = 1 if cuda else max(1, min(threads, strands // FEWEST_STRANDS))
        edges = [strands * part // parts for part in range(parts + 1)]
        self._ranges = list(zip(edges[:-1], edges[1:], strict=True))
        self._helpers = ThreadPoolExecutor(parts - 1) if parts > 1 else None
        self._recorded: dict[Any, _Recorded] = {}

    def launch(self, kernel: Any, inputs: list[Any]) -> None:
        """Launch `kernel(first, *inputs)` with one thread index per strand."""
        self._launch(kernel, (), inputs)

    def launch_by_vertex(self, kernel: Any, inputs: list[Any]) -> None:
        """Launch `kernel(first, parts, *inputs)` with thread indices (part, strand).

        Part p of a strand are its vertices p, p + parts, p + 2 parts, ...
        """
        self._launch(kernel, (self._parts,), [self._parts, *inputs])

    def _launch(self, kernel: Any, parts: tuple[int, ...], inputs: list[Any]) -> None:
        if self._on_gpu:
            first, last = self._ranges[0]
            wp.launch(
                kernel,
                dim=(*parts, last - first),
                inputs=[first, *inputs],
                device=self._device,
                block_dim=STRANDS_A_BLOCK,
            )
            return
        recorded = self._recorded.get(kernel)
        if recorded is None:
            recorded = self._recorded[kernel] = _Recorded(kernel, self._ranges, parts, inputs, self._device)
        own, *others = recorded.with_inputs(inputs)
        jobs = [self._helpers.submit(launch.launch) for launch in others] if self._helpers else []
        own.launch()
        for job in jobs:
            job.result()


class _Recorded:
    """A kernel's launches, one for each range of strands, packed once and launched again and again.

    Packing the arguments takes longer than stepping a few strands does. Structs are passed as they are
    when they are launched, so that what changes in them is seen.
    """

    def __init__(
        self,
        kernel: Any,
        ranges: list[tuple[int, int]],
        parts: tuple[int, ...],
        inputs: list[Any],
        device: str,
    ) -> None:
        self._inputs = list(inputs)
        self._launches: list[Any] = [
            wp.launch(
                kernel,
                dim=(*parts, last - first),
                inputs=[first, *inputs],
                device=device,
                record_cmd=True,
            )
            for first, last in ranges
        ]

    def with_inputs(self, inputs: list[Any]) -> list[Any]:
        """Return the launches, with inputs that differ from the last time's packed anew."""
        for place, (before, now) in enumerate(zip(self._inputs, inputs, strict=True)):
            if now is not before:
                self._inputs[place] = now
                for launch in self._launches:
                    launch.set_param_at_index(place + 1, now)
        return self._launches


class Pace:
    """Keeps the host a little ahead of a GPU, and waits for it asleep; on the CPU it does nothing.

    A synchronising copy waits by spinning, and so does a launch into a full queue: where processes share a
    GPU, each would burn the core that another could look or make grooms on.
    """

    def __init__(self, device: str) -> None:
        self._device = wp.get_device(device)
        self._steps = 0
        self._mark: wp.Event | None = None

    def step(self) -> None:
        """Count a step that was launched; now and then wait for the one `STEPS_AHEAD` before."""
        self._steps += 1
        if self._device.is_cuda and self._steps % STEPS_AHEAD == 0:
            self._wait_for_last_mark()

    def arrive(self) -> None:
        """Wait until everything that was launched is done."""
        if self._device.is_cuda:
            self._wait_for_last_mark()
            self._wait_for_last_mark()

    def _wait_for_last_mark(self) -> None:
        """Mark the queue's end, and wait for the mark before."""
        stream = wp.get_stream(self._device)
        if stream.is_capturing:
            return  # into a CUDA graph, whose user waits for it
        before, self._mark = self._mark, stream.record_event()
        while before is not None and not before.is_complete:
            time.sleep(NAP)
