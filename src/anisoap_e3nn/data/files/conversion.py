"""Conversion of the frames of a file, with errors that name the file and the frame."""

import itertools
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from ..ellipsoid_data import EllipsoidData


def convert_frames(
    path: str | PathLike[str],
    frames: Iterator[Any],
    convert: Callable[[Any], EllipsoidData],
) -> Iterator[EllipsoidData]:
    """Convert frames one by one.

    Parameters
    ----------
    path : str or PathLike
        File that the frames come from, for messages.
    frames : iterator
        Frames, read as needed.
    convert : function
        From a frame to its ellipsoids.

    Raises
    ------
    ValueError
        If a frame cannot be read or converted, or if a file that is not empty has no frames. The
        message names the file and the frame.
    """
    for number in itertools.count():
        try:
            frame = next(frames, None)
            if frame is None:
                break
            data = convert(frame)
        except ValueError as error:
            raise ValueError(f"{path}, frame {number}: {error}") from error
        yield data
    if number == 0 and Path(path).stat().st_size > 0:
        raise ValueError(
            f"{path}: found no frames, but the file is not empty; expected a format of ASE, a text dump "
            "or data file of LAMMPS, or a GSD file of HOOMD-blue, named as its format is"
        )
