"""Readers of files of ellipsoids."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import torch
from typing_extensions import Unpack

from ..ellipsoid_data import EllipsoidData
from . import ase_files, hoomd, lammps_data, lammps_dump
from .column_names import QuaternionOrder, StoredSizes
from .conversion import convert_frames
from .spelling import Size, Spelling, SpellingOptions
from .stored_frame import StoredFrame


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
    pbc: bool | Sequence[bool] | None = None,
    dtype: torch.dtype | None = None,
) -> list[EllipsoidData]:
    """Read all frames of a file of ellipsoids.

    The file may have any format of ASE, or be a text dump or data file of LAMMPS (also ``.gz``,
    ``.bz2``, ``.xz``), or a GSD file of HOOMD-blue. In other files than GSD the following columns are
    read; brackets may be escaped or missing:

    =============================================  ===============================================
    orientation                                    order, always body → space
    =============================================  ===============================================
    ``c_q``, ``c_quat``                            (w, x, y, z), one column of four or ``[1]..[4]``
    ``quat``, ``quaternions``, ``orientations``    (w, x, y, z)
    ``quatw quati quatj quatk``, or ``quatx ..``   by their names, in any order of columns; LAMMPS
    ``orientation``, or ``Orientation.X ..``       (x, y, z, w), OVITO
    ``c_orient``                                   as `quaternion_order` says, which is required:
                                                   OVITO means (x, y, z, w), others (w, x, y, z)
    =============================================  ===============================================

    =============================================  ===============================================
    size                                           meaning
    =============================================  ===============================================
    ``c_diameter``, ``diameters``                  diameters, AniSOAP
    ``shapex shapey shapez``                       diameters, LAMMPS since July 2020
    ``c_shape``                                    diameters, with a warning: OVITO means semi-axes
    ``aspherical_shape``, ``AsphericalShape.X``    semi-axes, OVITO; ignored if equal to
                                                   ``c_diameter``, as in files of AniSOAP
    ``semiaxes``                                   semi-axes
    ``radius``, ``diameter``                       of spheres: of particles whose size above is
                                                   0 0 0, or of all particles without sizes
    =============================================  ===============================================

    A file without orientations holds spheres: plain atoms, for example, with radii given as
    `semiaxes`. A zero quaternion, which LAMMPS writes for particles that are not ellipsoids, is
    legal for spheres and points.

    Parameters
    ----------
    path : str or PathLike
        File to read. Its format is found from its first line and its name.
    semiaxes : float, three floats, or a mapping from types to either, optional
        Semi-axes (a radius for spheres), a length. They replace those of the file, and are
        required if it has none.
    stored_sizes : "diameters" or "semiaxes", optional
        Meaning of the sizes in the file, of three numbers each; by default that of their column name.
    quaternion_order : "wxyz" or "xyzw", optional
        Order of the quaternions in the file; by default that of their column name. Columns whose
        names tell their component, such as ``quatw``, are read by their names.
    space_to_body : bool
        Whether the quaternions in the file take vectors from the space frame to the body frame.
        They are then inverted.
    pbc : bool or three bools, optional
        Which axes are periodic, instead of those that the file names. Codes for two dimensions write
        flat cells as periodic along their height, for example.
    dtype : torch.dtype, optional
        By default torch's default dtype.

    Returns
    -------
    list of EllipsoidData
        Frames of the file; none only if it is empty. Types are atomic numbers (ASE), `type` (LAMMPS,
        and where all elements are X), or `typeid` (HOOMD). Targets that the file has are kept, in its
        units: `energy` ``(1,)``, `forces` ``(N, 3)``, `stress` ``(1, 3, 3)`` and `torques` ``(N, 3)``.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If sizes are missing, columns disagree, the file is damaged, or :class:`EllipsoidData` refuses
        the values. The message names the file and the frame.
    """
    spelling = Spelling(semiaxes, stored_sizes, quaternion_order, space_to_body, pbc)
    return list(_ellipsoids(Path(path), spelling, dtype))


def iterate_ellipsoids(
    path: str | PathLike[str],
    *,
    dtype: torch.dtype | None = None,
    **options: Unpack[SpellingOptions],
) -> Iterator[EllipsoidData]:
    """Read the frames of a file of ellipsoids one by one, in memory independent of their number.

    Parameters
    ----------
    path, dtype
        As for :func:`read_ellipsoids`.
    **options
        `semiaxes`, `stored_sizes`, `quaternion_order`, `space_to_body` and `pbc`, as for
        :func:`read_ellipsoids`.

    Yields
    ------
    EllipsoidData
    """
    return _ellipsoids(Path(path), Spelling(**options), dtype)


def count_frames(path: str | PathLike[str]) -> int | None:
    """Count the frames of a file; None for formats that must be read to count them."""
    format = _format_of(Path(path))
    try:
        return format.count_frames(Path(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _ellipsoids(
    path: Path, spelling: Spelling, dtype: torch.dtype | None
) -> Iterator[EllipsoidData]:
    number_type = dtype or torch.get_default_dtype()
    frames = _format_of(path).iterate_frames(path)
    return convert_frames(path, frames, lambda frame: spelling.ellipsoids_of(frame, number_type))


def _format_of(path: Path) -> _Format:
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    if path.suffix == ".gsd":
        return _Format(hoomd.iterate_frames, hoomd.count_frames)
    try:
        for reader in (lammps_dump, lammps_data):
            if reader.is_readable(path):
                return _Format(reader.iterate_frames, reader.count_frames)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return _Format(ase_files.iterate_frames, ase_files.count_frames)
