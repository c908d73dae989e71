"""What a dataset says of itself: grid, sizes, versions, and the configuration that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hairsim.cameras.camera import Camera
from hairsim.errors import CombwiseError
from hairsim.generate.layout import Sizes
from hairsim.tools.tool import Tool
from hairsim.version import SIMULATOR_VERSION
from hairsim.volume import GridSpec

FORMAT = "combwise-episodes-2"


@dataclass(frozen=True)
class DatasetInfo:
    """What a dataset is.

    Attributes:
        profile: "small" or "base", the grid's name.
        grid: where the observed volumes' voxels are.
        observer_version: version of the code that fused the observed volumes.
        generation: the exact configuration that made the episodes, JSON-able.
        families: families that the episodes are drawn from.
        count: number of episodes that a finished set holds.
        sizes: lengths of the arrays' axes.
        tools: tools that comb.
        cameras: the rig.
        simulator_version: version of the physics that moved the hair.
    """

    profile: str
    grid: GridSpec
    observer_version: str
    generation: Mapping[str, Any]
    families: tuple[str, ...]
    count: int
    sizes: Sizes
    tools: tuple[Tool, ...]
    cameras: tuple[Camera, ...] = ()
    simulator_version: str = SIMULATOR_VERSION

    def as_json(self) -> dict[str, Any]:
        """Return the attributes of the Zarr group."""
        return {
            "format": FORMAT,
            "profile": self.profile,
            "grid": {
                "origin": list(self.grid.origin),
                "voxel": self.grid.voxel,
                "shape": list(self.grid.shape),
            },
            "simulator_version": self.simulator_version,
            "observer_version": self.observer_version,
            "generation": dict(self.generation),
            "families": list(self.families),
            "count": self.count,
            "sizes": asdict(self.sizes),
            "tools": [
                {
                    "name": tool.name,
                    "start": tool.start.tolist(),
                    "end": tool.end.tolist(),
                    "radius": tool.radius.tolist(),
                }
                for tool in self.tools
            ],
            "cameras": [
                {
                    "name": camera.name,
                    "width": camera.width,
                    "height": camera.height,
                    "focal": camera.focal,
                    "camera_to_head": np.asarray(camera.camera_to_head).tolist(),
                }
                for camera in self.cameras
            ],
        }

    @staticmethod
    def from_json(raw: Mapping[str, Any], where: str) -> DatasetInfo:
        """Read what `as_json` wrote; `where` begins every complaint.

        Raises:
            CombwiseError: another format, or something is missing.
        """
        found = raw.get("format")
        if found != FORMAT:
            raise CombwiseError(f"{where} has format {found}; expected {FORMAT}: generate it again")
        try:
            grid = raw["grid"]
            return DatasetInfo(
                profile=str(raw["profile"]),
                grid=GridSpec(tuple(grid["origin"]), float(grid["voxel"]), tuple(grid["shape"])),
                observer_version=str(raw["observer_version"]),
                generation=raw["generation"],
                families=tuple(raw["families"]),
                count=int(raw["count"]),
                sizes=Sizes(**raw["sizes"]),
                tools=tuple(
                    Tool(
                        str(tool["name"]),
                        *(np.array(tool[part], np.float32) for part in ("start", "end", "radius")),
                    )
                    for tool in raw["tools"]
                ),
                cameras=tuple(
                    Camera(**{**camera, "camera_to_head": np.array(camera["camera_to_head"])})
                    for camera in raw["cameras"]
                ),
                simulator_version=str(raw["simulator_version"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise CombwiseError(
                f"{where} is damaged ({error}); expected what 'combwise generate' writes"
            ) from error
