"""Static frames as tf keeps them: every frame hangs on one parent, and any two of one tree have a pose."""

from __future__ import annotations

import numpy as np

from robot_ros.frames import inverse


class FrameTree:
    """Knows where frames are in their parents; answers for any two of them."""

    def __init__(self) -> None:
        self._parents: dict[str, tuple[str, np.ndarray]] = {}

    def hang(self, child: str, parent: str, child_to_parent: np.ndarray) -> None:
        """Hang a frame [4, 4] on its parent; from another parent, or another place, it is taken down."""
        self._parents[child] = (parent, child_to_parent)

    def pose(self, child: str, parent: str) -> np.ndarray | None:
        """Return child_to_parent [4, 4] of any two frames of one tree, or None while it is not known."""
        up, down = self._to_ancestors(child), self._to_ancestors(parent)
        for ancestor, child_to_ancestor in up.items():
            if ancestor in down:
                return inverse(down[ancestor]) @ child_to_ancestor
        return None

    def _to_ancestors(self, frame: str) -> dict[str, np.ndarray]:
        """Return the frame's pose [4, 4] in itself and in each ancestor, nearest first."""
        found = {frame: np.eye(4)}
        while frame in self._parents:
            parent, pose = self._parents[frame]
            if parent in found:
                break
            found[parent] = pose @ found[frame]
            frame = parent
        return found
