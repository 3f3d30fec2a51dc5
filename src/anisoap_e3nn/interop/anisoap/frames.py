"""Read ellipsoids from ASE's frames, by AniSOAP's names of the arrays."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from ...conventions import wxyz_to_xyzw
from ...graph import edge_vectors, neighbor_list

# Number of particles after which a group of frames is expanded, to bound the memory for pairs.
_PARTICLES_AT_ONCE = 4096
_REQUIRED = ("c_diameter[1]", "c_diameter[2]", "c_diameter[3]", "c_q", "positions", "numbers")


class Ellipsoids(NamedTuple):
    """Particles of several frames, one frame after another."""

    positions: Tensor  # [particle, 3]
    rotations: Tensor  # [particle, 3, 3]
    semiaxes: Tensor  # [particle, 3]
    types: Tensor  # [particle]
    cell: Tensor  # [frame, 3, 3]
    pbc: Tensor  # [frame, 3]
    batch: Tensor  # [particle]

    def edges(self, cutoff: float) -> tuple[Tensor, Tensor]:
        """Neighbour vectors ``(edge, 3)`` and ``edge_index`` ``(2, edge)`` within the cutoff."""
        edge_index, shifts = neighbor_list(
            self.positions,
            cutoff,
            cell=self.cell,
            pbc=self.pbc,
            types=self.types,
            batch=self.batch,
        )
        vectors = edge_vectors(self.positions, edge_index, shifts, self.cell, self.batch)
        return vectors, edge_index


def particle_types(frames: Sequence[Any]) -> list[int]:
    """Types that occur in the frames, sorted."""
    _refuse_single(frames)
    types = sorted({int(number) for frame in frames for number in frame.numbers})
    if not types:
        raise ValueError(f"found no particles in {len(frames)} frames, expected at least one")
    return types


def groups(frames: Sequence[Any]) -> Iterator[tuple[int, Sequence[Any]]]:
    """Groups of consecutive frames to expand together, each after the index of its first frame."""
    start = particles = 0
    for number, frame in enumerate(frames, start=1):
        particles += len(frame)
        if particles >= _PARTICLES_AT_ONCE or number == len(frames):
            yield start, frames[start:number]
            start, particles = number, 0


def read_ellipsoids(
    frames: Sequence[Any], first: int, rotation_key: str, rotation_type: str, device: torch.device
) -> Ellipsoids:
    """Read the particles of a group of frames, `first` being the index of the first among all."""
    rotations, diameters = [], []
    for number, frame in enumerate(frames, start=first):
        rotations.append(_rotations(frame, number, rotation_key, rotation_type))
        columns = [frame.arrays[f"c_diameter[{k}]"] for k in (1, 2, 3)]
        diameters.append(np.stack(columns, axis=-1).astype(np.float64))

    def tensor(arrays: Sequence[Any], dtype: torch.dtype = torch.float64) -> Tensor:
        return torch.as_tensor(np.concatenate(arrays), dtype=dtype, device=device)

    return Ellipsoids(
        positions=tensor([frame.positions for frame in frames]),
        rotations=tensor(rotations),
        semiaxes=tensor(diameters) / 2,
        types=tensor([frame.numbers for frame in frames], torch.int64),
        cell=tensor([frame.cell.array[None] for frame in frames]),
        pbc=tensor([frame.pbc[None] for frame in frames], torch.bool),
        batch=tensor([np.full(len(frame), k) for k, frame in enumerate(frames)], torch.int64),
    )


def refuse_missing_arrays(frames: Sequence[Any]) -> None:
    """Raise AniSOAP's errors if a frame lacks an array that its power spectrum needs."""
    _refuse_single(frames)
    for number, frame in enumerate(frames):
        if frame.arrays is None:
            raise ValueError("frames cannot be none")
        for name in _REQUIRED:
            if name not in frame.arrays:
                raise ValueError(
                    f"frame at index {number} is missing a required attribute '{name}'"
                )
        if "quaternion" in frame.arrays:
            raise ValueError("frame should contain c_q rather than quaternion")


def _refuse_single(frames: Any) -> None:
    if hasattr(frames, "arrays"):
        raise TypeError("frames is a single ase.Atoms, expected a sequence: put it in a list")


def _rotations(frame: Any, number: int, key: str, type_: str) -> np.ndarray[Any, Any]:
    if key not in frame.arrays:
        # AniSOAP's words. It goes on with matrices of zeros, we with the identity.
        warnings.warn(
            f"Frame {number} does not have rotations stored, this may cause errors down the line.",
            stacklevel=6,  # the caller of transform
        )
        return np.tile(np.eye(3), (len(frame), 1, 1))
    stored = np.asarray(frame.arrays[key], dtype=np.float64)
    if len(stored) == 0:
        return np.zeros((0, 3, 3))
    if type_ == "quaternion":
        return Rotation.from_quat(wxyz_to_xyzw(stored)).as_matrix()
    return Rotation.from_matrix(stored).as_matrix()
