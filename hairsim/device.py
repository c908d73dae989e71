"""Where to compute: 'cpu', or 'cuda' with an optional number."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from functools import cache

from hairsim.errors import CombwiseError

KEPT_MEMORY = 2**30
"""GPU memory that a process keeps for its next arrays [bytes]."""


def resolve_device(name: str) -> str:
    """Return the device that a user named, once it is known to be there.

    Args:
        name: 'cpu', 'cuda' (the first CUDA device) or 'cuda:N'.

    Returns:
        'cpu' or 'cuda:N', which Warp and PyTorch both understand.

    Raises:
        CombwiseError: the name is none of these, or this machine has no such CUDA device.
    """
    if name == "cpu":
        return name
    match = re.fullmatch(r"cuda(?::(\d+))?", name)
    if match is None:
        raise CombwiseError(f"device '{name}' is unknown; expected 'cpu', 'cuda' or 'cuda:N'")
    number = int(match.group(1) or 0)
    import warp  # late: seconds of import that 'cpu' and a spelling mistake need not wait for

    start_warp()
    available = warp.get_cuda_device_count()
    if number >= available:
        raise CombwiseError(
            f"device '{name}' is not available: {available} CUDA devices found; use --device cpu, "
            "or run on a machine with an NVIDIA GPU and its driver"
        )
    return f"cuda:{number}"


@cache
def start_warp() -> None:
    """Start Warp silently, in a program that talks to people; every worker process starts its own.

    Warp greets, reports every module that it loads, and tells each machine without a CUDA driver so from C,
    whatever its log level. What else it prints while it starts is passed on.
    """
    import warp

    warp.config.log_level = 40  # errors only
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with tempfile.TemporaryFile("w+") as said:
            os.dup2(said.fileno(), 2)
            try:
                warp.init()
            finally:
                os.dup2(kept, 2)
            said.seek(0)
            sys.stderr.writelines(line for line in said if "NVIDIA CUDA driver" not in line)
    finally:
        os.close(kept)


@cache
def keep_memory(device: str) -> None:
    """Let this process keep the GPU memory that it used once, up to `KEPT_MEMORY`; nothing on the CPU.

    As CUDA's pools begin, they give all that is free back at every synchronisation, and every picture that a
    camera takes would map its arrays anew.
    """
    import warp

    if warp.get_device(device).is_mempool_supported:
        warp.set_mempool_release_threshold(device, KEPT_MEMORY)
