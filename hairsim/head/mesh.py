"""Any mesh file as a head: put into the head frame, closed, measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
import warp as wp

from hairsim.errors import CombwiseError
from hairsim.head.distance import Implicit, sample_distance
from hairsim.head.frame import HeadFrame
from hairsim.head.head import Head
from hairsim.head.mask import painted_points
from hairsim.head.scalp import scalp_above_hairline, scalp_around_roots

SUFFIXES = (".obj", ".ply", ".stl", ".off", ".glb", ".gltf")

TRAGION_TO_VERTEX, TRAGION_TO_BACK = 0.131 / 0.195, 0.101 / 0.195
"""Tragion below the vertex [Gordon2014] and before the back of the head (as on our built-in head), in head
lengths."""

CENTRE_UP, CENTRE_BACK = 0.34, 0.006 / 0.195
"""Centre of the cranium above the tragi, in tragion-to-vertex heights, and behind them, in head lengths."""


def load_head(
    path: str | Path,
    *,
    unit: str = "cm",
    axes: str = "y-up",
    scalp_roots: np.ndarray | None = None,
    scalp_mask: str | Path | None = None,
    origin: tuple[float, float, float] | None = None,
) -> Head:
    """Load a mesh as a head.

    The mesh need not be watertight: loops of open edges are closed with fans, and inside is where the
    winding number exceeds a half. The origin is estimated from the ears (`estimated_origin`) unless given.

    Args:
        path: obj, ply, stl, off, glb or gltf.
        unit: the file's unit: m, cm, mm or in.
        axes: the file's axes, a key of `frame.AXES`.
        scalp_roots: [N, 3] strand roots in the coordinates of the mesh file; the scalp is the skin around
            them.
        scalp_mask: a picture over the mesh's texture coordinates, light where hair grows. Without mask and
            roots the scalp is the skin above a usual hairline.
        origin: midway between the tragi in the coordinates of the mesh file; estimated when left out.

    Returns:
        The head, with the transform from the file's coordinates as `head.frame`.

    Raises:
        CombwiseError: no such file, not a mesh, no volume, not the size of a head, roots far from it, a mask
            that does not fit, or both.
    """
    path = Path(path)
    frame = HeadFrame(unit, axes)
    if scalp_mask is not None and scalp_roots is not None:
        raise CombwiseError("a scalp mask and scalp roots were both given; expected one of them")
    vertices, faces = _read(path)
    vertices = frame.apply(vertices)
    faces = _closed(vertices, faces)
    _check(path, vertices, faces, unit)
    middle = estimated_origin(vertices) if origin is None else frame.apply(np.asarray(origin))
    frame = HeadFrame(unit, axes, (float(middle[0]), float(middle[1]), float(middle[2])))
    vertices = vertices - middle
    if _volume(vertices, faces) < 0.0:
        faces = faces[:, ::-1]
    field = sample_distance(mesh_distance(vertices, faces))
    height, length = float(vertices[:, 2].max()), _head_length(vertices)[0]
    centre = (-CENTRE_BACK * length, 0.0, CENTRE_UP * height)
    if scalp_mask is not None:
        scalp_roots = painted_points(path, Path(scalp_mask))
    if scalp_roots is None:
        scalp = scalp_above_hairline(field, centre=np.asarray(centre), vertex_height=height)
    else:
        scalp = scalp_around_roots(field, frame.apply(scalp_roots))
    return Head(field=field, scalp=scalp, name=path.stem, centre=centre, frame=frame)


def estimated_origin(vertices: np.ndarray) -> np.ndarray:
    """Estimate the point midway between the tragi [3] from a head's vertices [N, 3] [m], upright axes.

    The ears stand out furthest to the sides. Their outermost points lie on the rim, about 25 mm behind
    and 9 mm above the tragus on an adult (measured on the scanned head of our tests). When the
    broadest place is not where ears can be (9 to 18 cm below the vertex), the head has no ears, and usual
    proportions serve: 131 mm under the vertex, 101 mm before the back, for a head 195 mm long.
    """
    length, back = _head_length(vertices)
    top = vertices[:, 2].max()
    upper = vertices[vertices[:, 2] > top - 0.92 * length]
    low, high = upper[:, 1].min(), upper[:, 1].max()
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    rims = upper[np.abs(upper[:, 1] - middle) > 0.96 * half]
    rim = rims.mean(axis=0)
    scale = length / 0.195
    if 0.45 * length < top - rim[2] < 0.90 * length:
        return np.array([rim[0] + 0.025 * scale, middle, rim[2] - 0.009 * scale])
    return np.array([back + TRAGION_TO_BACK * length, middle, top - TRAGION_TO_VERTEX * length])


def mesh_distance(vertices: np.ndarray, faces: np.ndarray) -> Implicit:
    """Return a function from points [N, 3] to signed distance [N] [m]; inside is winding above a half."""
    wp.init()
    mesh = wp.Mesh(
        points=wp.array(vertices.astype(np.float32), dtype=wp.vec3, device="cpu"),
        indices=wp.array(faces.astype(np.int32).reshape(-1), dtype=wp.int32, device="cpu"),
        support_winding_number=True,
    )

    def distance(points: np.ndarray) -> np.ndarray:
        result = wp.empty(len(points), dtype=float, device="cpu")
        wp.launch(
            _measure_distance,
            dim=len(points),
            inputs=[mesh.id, wp.array(points.astype(np.float32), dtype=wp.vec3, device="cpu")],
            outputs=[result],
            device="cpu",
        )
        return result.numpy().astype(np.float64)

    return distance


@wp.kernel
def _measure_distance(
    # model
    mesh: wp.uint64,
    # state in
    point_in: wp.array(dtype=wp.vec3),  # type: ignore[valid-type]
    # state out
    distance_out: wp.array(dtype=wp.float32),  # type: ignore[valid-type]
) -> None:
    n = wp.tid()
    point = point_in[n]
    query = wp.mesh_query_point_sign_winding_number(mesh, point, 2.0)
    nearest = wp.mesh_eval_position(mesh, query.face, query.u, query.v)  # type: ignore[attr-defined]
    distance_out[n] = query.sign * wp.length(point - nearest)  # type: ignore[attr-defined]


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices [N, 3] and faces [F, 3] of a mesh file."""
    if not path.is_file():
        raise CombwiseError(f"head file '{path}' does not exist; expected a mesh ({', '.join(SUFFIXES)})")
    if path.suffix.lower() not in SUFFIXES:
        raise CombwiseError(
            f"head file '{path}' is of type '{path.suffix}'; expected one of {', '.join(SUFFIXES)}"
        )
    try:
        mesh = trimesh.load(path, force="mesh", process=True)
    except Exception as error:  # the readers of six formats raise whatever they meet
        raise CombwiseError(
            f"head file '{path}' is not a readable mesh ({type(error).__name__}: {error}); "
            f"expected a valid {path.suffix} file"
        ) from error
    vertices = np.asarray(getattr(mesh, "vertices", np.empty((0, 3))), np.float64)
    faces = np.asarray(getattr(mesh, "faces", np.empty((0, 3))), np.int64).reshape(-1, 3)
    if len(faces) == 0:
        raise CombwiseError(f"head file '{path}' holds no triangles; expected the surface of a head")
    used, faces = np.unique(faces, return_inverse=True)
    vertices, faces = vertices[used], faces.reshape(-1, 3)
    if not np.isfinite(vertices).all():
        raise CombwiseError(f"head file '{path}' holds NaN or infinite vertices; expected finite numbers")
    return vertices, faces


def _closed(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return the faces [F', 3] with every loop of open edges closed by a fan around its first vertex."""
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    size = len(vertices)
    forward = directed[:, 0] * size + directed[:, 1]
    backward = directed[:, 1] * size + directed[:, 0]
    open_edges = directed[~np.isin(forward, backward)]
    following: dict[int, list[int]] = {}
    for start, end in open_edges:
        following.setdefault(int(start), []).append(int(end))
    fans = []
    while following:
        first = next(iter(following))
        loop, here = [first], first
        while here in following:
            onward = following[here].pop()
            if not following[here]:
                del following[here]
            if onward == first:
                fans += [(loop[0], loop[i + 1], loop[i]) for i in range(1, len(loop) - 1)]
                break
            loop.append(onward)
            here = onward
    return np.concatenate([faces, np.array(fans, np.int64).reshape(-1, 3)])


def _check(path: Path, vertices: np.ndarray, faces: np.ndarray, unit: str) -> None:
    """Raise unless the closed mesh has a volume and the size of a head."""
    extent = np.ptp(vertices, axis=0)
    if extent.min() <= 0.0 or abs(_volume(vertices, faces)) < 0.02 * np.prod(extent):
        raise CombwiseError(
            f"head file '{path}' is a mesh with no volume; expected the closed surface of a head"
        )
    if not (0.10 < extent[1] < 0.80 and 0.15 < extent[2] < 1.2):
        raise CombwiseError(
            f"head file '{path}' is {extent[1]:.4g} m broad and {extent[2]:.4g} m high read in '{unit}'; "
            "expected 0.10 .. 0.80 m and 0.15 .. 1.2 m: is the unit or are the axes others?"
        )


def _volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = (vertices[faces[:, corner]] - vertices.mean(axis=0) for corner in range(3))
    return float(np.sum(a * np.cross(b, c)) / 6.0)


def _head_length(vertices: np.ndarray) -> tuple[float, float]:
    """Return the length of the cranium and x of its back [m], from the slice 4 to 9 cm under the vertex."""
    top = vertices[:, 2].max()
    cranium = vertices[(vertices[:, 2] < top - 0.04) & (vertices[:, 2] > top - 0.09)]
    if len(cranium) == 0:
        cranium = vertices
    return float(np.ptp(cranium[:, 0])), float(cranium[:, 0].min())
