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
    `particles.type_shapes`: a, b, c of an ``Ellipsoid``, or half the diameter of a ``Sphere``.
    Other shapes give no sizes. HOOMD's boxes are periodic along all their dimensions. Energies and
    forces are not read: GSD stores them only as logs, under names that each simulation chooses.
    """
    with _open(path) as trajectory:
        for frame in trajectory:
            particles, configuration = frame.particles, frame.configuration
            columns = {"quaternions": particles.orientation}
            remark = ""
            try:
                sizes = [_semiaxes(shape) for shape in particles.type_shapes]
                columns["semiaxes"] = np.array(sizes)[particles.typeid].reshape(-1, 3)
            except (KeyError, IndexError):
                remark = f" (type_shapes are {list(particles.type_shapes)})"
            lx, ly, lz, xy, xz, yz = configuration.box.astype(np.float64)
            yield StoredFrame(
                positions=particles.position,
                types=particles.typeid,
                cell=np.array([[lx, 0.0, 0.0], [xy * ly, ly, 0.0], [xz * lz, yz * lz, lz]]),
                pbc=np.array([True, True, configuration.dimensions == 3]),
                columns=columns,
                remark=remark,
            )


def _semiaxes(shape: dict[str, Any]) -> list[float]:
    if shape["type"] == "Sphere":
        return [shape["diameter"] / 2] * 3
    if shape["type"] == "Ellipsoid":
        return [shape["a"], shape["b"], shape["c"]]
    raise KeyError(shape["type"])


def _open(path: Path) -> Any:
    try:
        import gsd.hoomd
    except ImportError as error:
        raise ImportError(
            'gsd is not installed, but GSD files need it: pip install "anisoap-e3nn[gsd]"'
        ) from error
    try:
        return gsd.hoomd.open(path, mode="r")
    except RuntimeError as error:
        raise ValueError(f"{path} cannot be read as GSD: {error}") from error
