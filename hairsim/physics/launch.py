"""Launches a per-strand kernel over every strand, on all the cores that it was given."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import warp as wp


class StrandLauncher:
    """Runs kernels whose first argument is the index of the first strand of their range.

    Warp's CPU launches use one thread and release the interpreter lock, so a range of strands per thread
    uses every core. Kernels only gather (no atomics), so the bits do not depend on the split.
    """

    def __init__(self, device: str, strands: int, threads: int) -> None:
        self._device = device
        parts = 1 if wp.get_device(device).is_cuda else max(1, min(threads, strands // 32))
        edges = [strands * part // parts for part in range(parts + 1)]
        self._ranges = list(zip(edges[:-1], edges[1:], strict=True))
        self._pool = ThreadPoolExecutor(parts) if parts > 1 else None

    def launch(self, kernel: Any, inputs: list[Any]) -> None:
        """Launch `kernel(first, *inputs)` with one thread index per strand."""
        if self._pool is None:
            first, last = self._ranges[0]
            wp.launch(kernel, dim=last - first, inputs=[first, *inputs], device=self._device)
            return
        jobs = [
            self._pool.submit(
                wp.launch, kernel, dim=last - first, inputs=[first, *inputs], device=self._device
            )
            for first, last in self._ranges
        ]
        for job in jobs:
            job.result()
