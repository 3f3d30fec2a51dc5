"""Ellipsoids from files."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import torch

from ..ellipsoid_data import EllipsoidData
from . import ase_files, hoomd, lammps
from .spelling import Size, Spelling
from .stored_frame import QuaternionOrder, StoredFrame, StoredSizes


class _Format(NamedTuple):
    iterate_frames: Callable[[Path], Iterator[StoredFrame]]
    count_frames: Callable[[Path], int | None]


def read_ellipsoids(
    path: str | PathLike[str],
    *,
    semiaxes: Size | Mapping[int, Size] | None = None,
    stored_sizes: StoredSizes | None = None,
    quaternion_order: QuaternionOrder | None = None,
    space_to_body: bool = False,
    dtype: torch.dtype | None = None,
) -> list[EllipsoidData]:
    """Read all frames of a file of ellipsoids.

    Reads what ASE reads, text dumps of LAMMPS (also ``.gz``) and GSD files of HOOMD-blue. In files
    of ASE and LAMMPS these columns count; brackets may be escaped or missing:

    =============================================  ===============================================
    orientation                                    order, always body → space
    =============================================  ===============================================
    ``c_q``, ``c_quat``, ``c_orient``              (w, x, y, z), one column of four or ``[1]..[4]``
    ``quaternions``                                (w, x, y, z)
    ``quatw quati quatj quatk``                    LAMMPS
    ``orientation``                                (x, y, z, w), OVITO
    =============================================  ===============================================

    =============================================  ===============================================
    size                                           meaning
    =============================================  ===============================================
    ``c_diameter``                                 diameters, AniSOAP
    ``c_shape``, ``shapex shapey shapez``          diameters, LAMMPS since July 2020
    ``aspherical_shape``                           semi-axes, OVITO; but where it repeats the
                                                   numbers of ``c_diameter``, diameters like them
    ``semiaxes``                                   semi-axes
    =============================================  ===============================================

    A file without orientations holds spheres: plain atoms, whose radii `semiaxes` must give. A
    zero quaternion, which LAMMPS writes for particles that are no ellipsoids, is legal for spheres
    and points.

    Parameters
    ----------
    path : str or PathLike
        The file; its format is found from its first line and its name.
    semiaxes : float, three floats, or a mapping from types to either, optional
        Semi-axes (a radius for spheres), a length, instead of what the file stores: for files
        without sizes.
    stored_sizes : "diameters" or "semiaxes", optional
        What the sizes in the file are, where they are not what their name says.
    quaternion_order : "wxyz" or "xyzw", optional
        Order of the quaternions in the file, where it is not that of their name.
    space_to_body : bool
        Whether the quaternions in the file turn space-frame vectors into body-frame vectors, so
        that they have to be inverted.
    dtype : torch.dtype, optional
        torch's default dtype if not given.

    Returns
    -------
    list of EllipsoidData
        Types are atomic numbers (ASE; X is 0), `type` (LAMMPS) or `typeid` (HOOMD). Where the file
        has them: `energy` ``(1,)``, `forces` ``(N, 3)``, `stress` ``(1, 3, 3)``, `torques`
        ``(N, 3)``, in the units of the file.

    Raises
    ------
    ValueError
        For sizes that are missing, spellings that disagree, damaged files and the faults that
        :class:`EllipsoidData` refuses, with the file and the frame.
    """
    return list(
        iterate_ellipsoids(
            path,
            semiaxes=semiaxes,
            stored_sizes=stored_sizes,
            quaternion_order=quaternion_order,
            space_to_body=space_to_body,
            dtype=dtype,
        )
    )


def iterate_ellipsoids(
    path: str | PathLike[str],
    *,
    semiaxes: Size | Mapping[int, Size] | None = None,
    stored_sizes: StoredSizes | None = None,
    quaternion_order: QuaternionOrder | None = None,
    space_to_body: bool = False,
    dtype: torch.dtype | None = None,
) -> Iterator[EllipsoidData]:
    """Yield the frames of a file one by one, so that memory does not grow with their number.

    Takes what :func:`read_ellipsoids` takes.
    """
    path = Path(path)
    spelling = Spelling(semiaxes, stored_sizes, quaternion_order, space_to_body)
    dtype = dtype or torch.get_default_dtype()
    frames = _format_of(path).iterate_frames(path)
    for number in itertools.count():
        try:
            frame = next(frames, None)
            if frame is None:
                return
            data = spelling.ellipsoids_of(frame, dtype)
        except ValueError as error:
            raise ValueError(f"{path}, frame {number}: {error}") from error
        yield data


def count_frames(path: str | PathLike[str]) -> int | None:
    """Count the frames of a file without interpreting them; None where that takes reading them."""
    try:
        return _format_of(Path(path)).count_frames(Path(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _format_of(path: Path) -> _Format:
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    if path.suffix == ".gsd":
        return _Format(hoomd.iterate_frames, hoomd.count_frames)
    if lammps.is_dump(path):
        return _Format(lammps.iterate_frames, lammps.count_frames)
    return _Format(ase_files.iterate_frames, ase_files.count_frames)
