"""USD files (.usd, .usda, .usdc): strands as BasisCurves, through OpenUSD (extra `usd`, package usd-core).

Linear curves are polylines and are taken as they are; cubic ones are sampled. Widths are thickness, primvars
become values of points (vertex, varying on linear curves), strands (uniform) or all (constant) [OpenUSD].

OpenUSD is C++ and ends the whole process on some damaged files, so files are read by a child process with a
limit on memory and time, which hands over a .npz groom (`usd_child`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from hairsim.atomic_file import written_aside
from hairsim.errors import CombwiseError
from hairsim.groom.formats.content import Content
from hairsim.groom.formats.numpy_archive import read_npz
from hairsim.groom.formats.strand_set import StrandSet
from hairsim.head.frame import UNITS

READ_SECONDS = 300
REFUSED = 3
"""Exit status of the child when it says in one sentence why."""

_TYPES = {1: "Float", 2: "Float2", 3: "Float3"}


def usd_module(name: str) -> Any:
    """Return a module of OpenUSD, or raise one sentence when it is not installed."""
    try:
        return import_module(f"pxr.{name}")
    except ImportError as error:
        raise CombwiseError(
            "USD files need OpenUSD, which is not installed; install it with: pip install 'combwise[usd]'"
        ) from error


def read_usd(path: Path) -> StrandSet:
    """Read every BasisCurves prim of a stage, in the stage's own unit and axes.

    Raises:
        CombwiseError: OpenUSD is not installed or cannot read the file, or it holds no usable curves.
    """
    content = Content(path, "a USD file with BasisCurves")
    usd_module("Usd")
    with tempfile.TemporaryDirectory() as folder:
        handed = Path(folder) / "strands.npz"
        root = str(Path(__file__).parents[3])
        search = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        command = [sys.executable, "-m", "hairsim.groom.formats.usd_child", str(path.resolve()), str(handed)]
        try:
            done = subprocess.run(
                command,
                env={**os.environ, "PYTHONPATH": search, "PXR_WORK_THREAD_LIMIT": "1"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=READ_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise content.error(f"took OpenUSD over {READ_SECONDS} s to read") from error
        if done.returncode == REFUSED:
            raise content.error(done.stdout.strip())
        if done.returncode != 0 or not handed.is_file():
            raise content.error(f"cannot be read: OpenUSD {_ending(done.returncode)} on it")
        strands = read_npz(handed)
    notes = tuple(line for line in done.stdout.splitlines() if line)
    return strands.noted(*notes)


def write_usd(path: Path, strands: StrandSet) -> None:
    """Write one BasisCurves prim of linear curves, with unit, up axis and every value as a primvar.

    Raises:
        CombwiseError: OpenUSD is not installed, or refuses to write.
    """
    Usd, UsdGeom, Vt = (usd_module(name) for name in ("Usd", "UsdGeom", "Vt"))
    stage = Usd.Stage.CreateInMemory()
    data = {"combwise:axes": strands.axes or "", "combwise:about": strands.about}
    stage.GetRootLayer().customLayerData = {name: text for name, text in data.items() if text}
    if strands.unit:
        UsdGeom.SetStageMetersPerUnit(stage, UNITS[strands.unit])
    UsdGeom.SetStageUpAxis(
        stage, UsdGeom.Tokens.z if (strands.axes or "").startswith("z") else UsdGeom.Tokens.y
    )
    curves = UsdGeom.BasisCurves.Define(stage, "/groom")
    stage.SetDefaultPrim(curves.GetPrim())
    curves.CreateTypeAttr(UsdGeom.Tokens.linear)
    curves.CreateWrapAttr(UsdGeom.Tokens.nonperiodic)
    points = strands.points.astype(np.float32)
    curves.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(points))
    curves.CreateCurveVertexCountsAttr(Vt.IntArray.FromNumpy(strands.counts.astype(np.int32)))
    curves.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(np.stack([points.min(axis=0), points.max(axis=0)])))
    for rate, interpolation in (("per_point", "vertex"), ("per_strand", "uniform"), ("overall", "constant")):
        for name, value in getattr(strands, rate).items():
            _write_value(curves, name, np.asarray(value), interpolation)
    with written_aside(path) as aside:
        if not stage.GetRootLayer().Export(str(aside)):
            raise CombwiseError(f"OpenUSD cannot write '{path}'; expected a folder that can be written to")


def _write_value(curves: Any, name: str, value: np.ndarray, interpolation: str) -> None:
    """Write one value; widths, colour and opacity where every reader looks for them."""
    rows = value.reshape(len(value) if interpolation != "constant" else 1, -1)
    width = rows.shape[1] if rows.shape[1] in _TYPES else 1
    kind = _TYPES[width] if value.dtype != np.float64 else _TYPES[width].replace("Float", "Double")
    flat = rows.astype(np.float64 if "Double" in kind else np.float32).reshape(-1, width)
    arrays = {1: "", 2: "Vec2", 3: "Vec3"}
    letter = "d" if "Double" in kind else "f"
    array_type = (kind + "Array") if width == 1 else f"{arrays[width]}{letter}Array"
    array = getattr(usd_module("Vt"), array_type).FromNumpy(flat.reshape(-1) if width == 1 else flat)
    if name == "thickness" and kind == "Float":
        curves.CreateWidthsAttr(array)
        curves.SetWidthsInterpolation(interpolation)
        return
    primvars = usd_module("UsdGeom").PrimvarsAPI(curves)
    known = {"color": ("displayColor", "Color3fArray"), "opacity": ("displayOpacity", "FloatArray")}
    label, type_name = known.get(name, (f"combwise:{name}", kind + "Array"))
    if (name == "color" and kind != "Float3") or (name == "opacity" and kind != "Float"):
        label, type_name = f"combwise:{name}", kind + "Array"
    made = primvars.CreatePrimvar(label, getattr(usd_module("Sdf").ValueTypeNames, type_name), interpolation)
    made.Set(array)
    if width != rows.shape[1]:
        made.SetElementSize(rows.shape[1])


def _ending(status: int) -> str:
    """Say how a child process ended."""
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"
