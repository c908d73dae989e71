"""Read one USD file and write its strands as a .npz groom: run by `usd_curves.read_usd`, in its own process.

    python -m hairsim.groom.formats.usd_child FILE OUT.npz

Prints notes, a line each, and exits with 0; or prints why not and exits with `usd_curves.REFUSED`.
"""

from __future__ import annotations

import resource
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from hairsim.errors import CombwiseError
from hairsim.groom.formats.cubic_curves import BASES, polyline
from hairsim.groom.formats.numpy_archive import write_npz
from hairsim.groom.formats.strand_set import StrandSet, require_finite
from hairsim.groom.formats.usd_curves import REFUSED
from hairsim.head.frame import AXES, UNITS

Usd: Any = import_module("pxr.Usd")  # no type checker can look into these
UsdGeom: Any = import_module("pxr.UsdGeom")

MEMORY = 4 << 30
"""Address space beyond 64 times the file that reading may take [byte]."""

_RATES = {"vertex": "per_point", "varying": "per_point", "uniform": "per_strand", "constant": "overall"}
_NAMES = {"displayColor": "color", "displayOpacity": "opacity", "st": "uv"}


def main(path: str, out: str) -> int:
    """Convert; return the exit status."""
    most = MEMORY + 64 * Path(path).stat().st_size
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        strands = read_stage(path)
    except CombwiseError as error:
        print(error)
        return REFUSED
    except Exception as error:  # Tf.ErrorException and all that a damaged stage brings up
        print(f"is no readable USD file ({type(error).__name__}: {' '.join(str(error).split())[:300]})")
        return REFUSED
    write_npz(Path(out), strands, packed=False)
    print("\n".join(strands.notes))
    return 0


def read_stage(path: str) -> StrandSet:
    """Return all BasisCurves of a stage, joined, in the stage's coordinates."""
    stage: Any = Usd.Stage.Open(path)
    cache = UsdGeom.XformCache(Usd.TimeCode.EarliestTime())
    sets, notes = [], []
    for prim in stage.TraverseAll():
        if prim.IsA(UsdGeom.BasisCurves):
            found = _read_curves(
                UsdGeom.BasisCurves(prim), np.array(cache.GetLocalToWorldTransform(prim)), notes
            )
            if found is not None:
                sets.append(found)
    if not sets:
        raise CombwiseError("holds no open BasisCurves with points" + (f" ({notes[0]})" if notes else ""))
    joined = _joined(sets)
    require_finite(path, joined.points, joined.counts)
    data = stage.GetRootLayer().customLayerData
    metres = float(UsdGeom.GetStageMetersPerUnit(stage))
    unit = next((name for name, size in UNITS.items() if abs(metres / size - 1.0) < 1e-6), None)
    points = joined.points
    if unit is None:
        if not 1e-9 < metres < 1e9:
            raise CombwiseError(f"says its unit is {metres} metres")
        points, unit = (points * metres).astype(points.dtype), "m"
        notes.append(f"its unit of {metres} m was converted to metres")
    up_z = UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z
    axes = str(data.get("combwise:axes", ""))
    if axes not in AXES:
        axes = "z-up-facing-minus-y" if up_z else "y-up"
    return StrandSet(
        points,
        joined.counts,
        joined.per_point,
        joined.per_strand,
        joined.overall,
        unit=unit,
        axes=axes,
        about=str(data.get("combwise:about", "")),
        notes=tuple(notes),
    )


def _read_curves(curves: Any, to_world: np.ndarray, notes: list[str]) -> StrandSet | None:
    """Return the strands of one prim, or None with a note when it has none that are usable."""
    first = Usd.TimeCode.EarliestTime()
    where = str(curves.GetPath())
    points = np.array(curves.GetPointsAttr().Get(first) or [], np.float32).reshape(-1, 3)
    counts = np.array(curves.GetCurveVertexCountsAttr().Get(first) or [], np.int64)
    if len(counts) == 0 or counts.min() < 0 or counts.sum() != len(points):
        notes.append(f"{where}: its vertex counts do not sum to its {len(points)} points; left out")
        return None
    if curves.GetWrapAttr().Get() == UsdGeom.Tokens.periodic:
        notes.append(f"{where}: closed curves are no strands; left out")
        return None
    strands = StrandSet(points, counts)
    linear = curves.GetTypeAttr().Get() == UsdGeom.Tokens.linear
    if linear:
        per_point, per_strand, overall = _values(curves, len(points), len(counts), where, notes)
        strands = StrandSet(points, counts, per_point, per_strand, overall)
    else:
        basis = str(curves.GetBasisAttr().Get())
        if basis not in BASES:
            notes.append(f"{where}: basis '{basis}' is unknown; left out")
            return None
        pinned = curves.GetWrapAttr().Get() == UsdGeom.Tokens.pinned
        lines = [polyline(control, basis, pinned=pinned) for control in strands.strands]
        fit = np.array([line is not None for line in lines])
        if not fit.any():
            notes.append(f"{where}: no curve has a number of vertices that fits its basis; left out")
            return None
        sampled = StrandSet.of([line.astype(np.float32) for line in lines if line is not None])
        _, per_strand, overall = _values(curves, len(points), len(counts), where, notes)
        strands = StrandSet(
            sampled.points,
            sampled.counts,
            per_strand={name: value[fit] for name, value in per_strand.items()},
            overall=overall,
        )
        notes.append(f"{where}: cubic curves were sampled, values at their vertices left out")
    if not np.array_equal(to_world, np.eye(4)):
        moved = strands.points.astype(np.float64) @ to_world[:3, :3] + to_world[3, :3]
        strands = StrandSet(
            moved.astype(np.float32), strands.counts, strands.per_point, strands.per_strand, strands.overall
        )
    return strands


def _values(
    curves: Any, points: int, strands: int, where: str, notes: list[str]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the numeric primvars and widths by rate; what does not fit is noted and left out."""
    made: dict[str, dict[str, np.ndarray]] = {"per_point": {}, "per_strand": {}, "overall": {}}
    rows = {"per_point": points, "per_strand": strands, "overall": 1}
    first = Usd.TimeCode.EarliestTime()
    found = [("thickness", str(curves.GetWidthsInterpolation()), curves.GetWidthsAttr().Get(first), 1)]
    found += [
        (
            _NAMES.get(str(p.GetPrimvarName()), str(p.GetPrimvarName()).removeprefix("combwise:")),
            str(p.GetInterpolation()),
            p.ComputeFlattened(first),
            p.GetElementSize(),
        )
        for p in UsdGeom.PrimvarsAPI(curves).GetPrimvarsWithValues()
    ]
    for name, interpolation, value, size in found:
        rate = _RATES.get(interpolation)
        array = np.array(value) if value is not None else np.empty(0)
        if value is None or rate is None or array.dtype.kind not in "fiu" or not name.isidentifier():
            continue
        if array.dtype == np.float16:
            array = array.astype(np.float32)
        if size > 1 and array.ndim == 1 and len(array) % size == 0:
            array = array.reshape(-1, size)
        array = np.atleast_1d(array)
        if array.ndim > 2 or len(array) != rows[rate]:
            notes.append(f"{where}: {name} has {len(array)} values for {rows[rate]}; left out")
            continue
        made[rate][name] = array[0] if rate == "overall" else array
    return made["per_point"], made["per_strand"], made["overall"]


def _joined(sets: list[StrandSet]) -> StrandSet:
    """Return all strands as one set; only values that every prim has at one rate survive."""
    if len(sets) == 1:
        return sets[0]
    rates: dict[str, dict[str, np.ndarray]] = {"per_point": {}, "per_strand": {}}
    for rate, values in rates.items():
        common = set.intersection(*(set(getattr(s, rate)) for s in sets))
        for name in sorted(common):
            parts = [getattr(s, rate)[name] for s in sets]
            if len({part.shape[1:] for part in parts}) == 1:
                values[name] = np.concatenate(parts)
    constant = set.intersection(*(set(s.overall) for s in sets))
    return StrandSet(
        np.concatenate([s.points for s in sets]),
        np.concatenate([s.counts for s in sets]),
        rates["per_point"],
        rates["per_strand"],
        overall={
            name: sets[0].overall[name]
            for name in constant
            if all(np.array_equal(s.overall[name], sets[0].overall[name]) for s in sets)
        },
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
