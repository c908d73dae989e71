"""Where to compute: 'cpu', or 'cuda' with an optional number."""

from __future__ import annotations

import re

from hairsim.errors import CombwiseError


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

    available = warp.get_cuda_device_count()
    if number >= available:
        raise CombwiseError(
            f"device '{name}' is not available: {available} CUDA devices found; use --device cpu, "
            "or run on a machine with an NVIDIA GPU and its driver"
        )
    return f"cuda:{number}"
