"""Conversion of the frames of a file, with errors that name the file and the frame."""

import itertools
from collections.abc import Callable, Iterator
from os import PathLike
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
        If a frame cannot be read or converted. The message names the file and the frame.
    """
    for number in itertools.count():
        try:
            frame = next(frames, None)
            if frame is None:
                return
            data = convert(frame)
        except ValueError as error:
            raise ValueError(f"{path}, frame {number}: {error}") from error
        yield data
