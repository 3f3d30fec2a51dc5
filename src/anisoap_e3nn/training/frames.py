"""Frames for training and validation."""

from typing import Any, NamedTuple

import torch

from ..data import read_ellipsoids, with_visible_torques
from ..data.targets import Targets
from .settings import DataSettings


class Split(NamedTuple):
    """Frames that are trained on, and frames that validate."""

    train: list[Any]
    validation: list[Any]

    @property
    def types(self) -> list[int]:
        """Particle types of all frames."""
        found: list[int] = (
            torch.cat([x.types for x in self.train + self.validation]).unique().tolist()
        )
        return found


def read_split(settings: DataSettings) -> Split:
    """Read and split the frames.

    Raises
    ------
    ValueError
        If there are no frames on one side, the share or the block is out of range, or targets are faulty.
    """
    if not 0 < settings.validation_share < 1:
        raise ValueError(
            f"data.validation_share is {settings.validation_share}, expected more than 0 and less than 1"
        )
    if settings.block < 1:
        raise ValueError(f"data.block is {settings.block}, expected 1 frame or more")
    train = _read(settings.files, settings)
    if settings.validation_files:
        split = Split(train, _read(settings.validation_files, settings))
    else:
        split = _split_blocks(train, settings)
    for name, frames in (("files", split.train), ("validation", split.validation)):
        if not frames:
            raise ValueError(
                f"found no frames for {name} in data, expected one or more; give more frames, or a smaller "
                "block"
            )
    targets = Targets()
    for frame in split.train + split.validation:
        targets.add(frame)
    return split


def _read(files: list[str], settings: DataSettings) -> list[Any]:
    dtype = getattr(torch, settings.dtype)
    frames = [frame for file in files for frame in read_ellipsoids(file, dtype=dtype)]
    for frame in frames:
        if "stress" in frame:  # not a target
            del frame.stress
    return [with_visible_torques(x) for x in frames] if settings.visible_torques else frames


def _split_blocks(frames: list[Any], settings: DataSettings) -> Split:
    blocks = [frames[k : k + settings.block] for k in range(0, len(frames), settings.block)]
    generator = torch.Generator().manual_seed(settings.seed)
    order = torch.randperm(len(blocks), generator=generator).tolist()
    n = max(1, round(settings.validation_share * len(blocks)))
    held_out = set(order[:n])
    return Split(
        [x for k, block in enumerate(blocks) if k not in held_out for x in block],
        [x for k, block in enumerate(blocks) if k in held_out for x in block],
    )
