"""GSD files of HOOMD-blue, one frame at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .stored_frame import StoredFrame


def count_frames(path: Path) -> int:
    """Count the frames without reading them."""
    with _open(path) as trajectory:
        return len(trajectory)


def iterate_frames(path: Path) -> Iterator[StoredFrame]:
    """Yield the frames of a GSD file.

    Types are GSD's `typeid`. Orientations are (w, x, y, z), body → space. Semi-axes come from
    `particles.type_shapes`: a, b, c of an ``Ellipsoid``, or half the diameter of a ``Sphere``. Other
    shapes give no sizes; only types that a particle has need one. HOOMD's boxes are periodic along
    all their dimensions. Energies and forces are not read: GSD stores them only as logs, under names
    that each simulation chooses.
    """
    with _open(path) as trajectory:
        for number in range(len(trajectory)):
            yield _frame(trajectory, number, path.stat().st_size)


def _refuse_huge_number(file: Any, frame: int, size: int) -> None:
    # gsd makes default arrays for as many particles as a damaged number says
    name = "particles/N"
    if not file.chunk_exists(frame=frame, name=name):
        return
    number = int(file.read_chunk(frame=frame, name=name)[0])
    if 12 * number > size:  # three float32 for each position
        raise ValueError(
            f"found {number} particles in a file of {size} bytes, expected {12 * number} bytes or more "
            "for their positions; is the file damaged?"
        )


def _frame(trajectory: Any, number: int, size: int) -> StoredFrame:
    try:
        _refuse_huge_number(trajectory.file, number, size)
        frame = trajectory[number]
        particles, configuration = frame.particles, frame.configuration
        lx, ly, lz, xy, xz, yz = configuration.box.astype(np.float64)
    except Exception as error:  # of any kind: gsd checks little
        raise ValueError(f"cannot be read as GSD: {error}") from error
    columns = {"quaternions": particles.orientation}
    shapes, remark = list(particles.type_shapes or []), ""
    used = np.unique(particles.typeid)
    sizes = {k: _semiaxes(shapes[k]) if k < len(shapes) else None for k in used.tolist()}
    unknown = [k for k, size in sizes.items() if size is None]
    if unknown:
        remark = f" (type_shapes are {shapes}, without sizes for the types {unknown})"
    else:
        columns["semiaxes"] = np.array([sizes[k] for k in particles.typeid.tolist()]).reshape(-1, 3)
    return StoredFrame(
        positions=particles.position,
        types=particles.typeid,
        cell=np.array([[lx, 0.0, 0.0], [xy * ly, ly, 0.0], [xz * lz, yz * lz, lz]]),
        pbc=np.array([True, True, configuration.dimensions == 3]),
        columns=columns,
        remark=remark,
    )


def _semiaxes(shape: Any) -> list[float] | None:
    """Semi-axes of a shape; None for ``{}``, GSD's word for no shape, and for other shapes."""
    try:
        if shape["type"] == "Sphere":
            return [shape["diameter"] / 2] * 3
        if shape["type"] == "Ellipsoid":
            return [float(shape[axis]) for axis in "abc"]
    except (KeyError, TypeError, ValueError):
        return None
    return None


def _open(path: Path) -> Any:
    try:
        import gsd.hoomd
    except ImportError as error:
        raise ImportError(
            'gsd is not installed, but GSD files need it: pip install "anisoap-e3nn[gsd]"'
        ) from error
    try:
        return gsd.hoomd.open(path, mode="r")
    except Exception as error:  # of any kind, also MemoryError: gsd checks little
        raise ValueError(f"{path} cannot be read as GSD: {error}") from error
