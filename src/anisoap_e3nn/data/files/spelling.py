"""Conversion of stored frames to ellipsoids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import torch

from ...arguments import periodic_axes
from ...geometry import matrices_to_quaternions, quaternions_to_matrices
from ..ellipsoid_data import EllipsoidData
from .column_names import (
    ORIENTATION_NAMES,
    SIZE_NAMES,
    SPHERE_NAMES,
    QuaternionOrder,
    StoredSizes,
)
from .number_columns import Array
from .stored_frame import StoredFrame

Size = float | Sequence[float]


class SpellingOptions(TypedDict, total=False):
    """Keyword arguments of :class:`Spelling`."""

    semiaxes: Size | Mapping[int, Size] | None
    stored_sizes: StoredSizes | None
    quaternion_order: QuaternionOrder | None
    space_to_body: bool
    pbc: bool | Sequence[bool] | None


@dataclass(frozen=True)
class Spelling:
    """Conventions of sizes and orientations in a file, where its column names do not tell them.

    Parameters
    ----------
    semiaxes, stored_sizes, quaternion_order, space_to_body, pbc
        As for :func:`~anisoap_e3nn.data.read_ellipsoids`.

    Raises
    ------
    ValueError
        If `stored_sizes` or `quaternion_order` is unknown.
    TypeError
        If `pbc` is neither one flag nor three.
    """

    semiaxes: Size | Mapping[int, Size] | None = None
    stored_sizes: StoredSizes | None = None
    quaternion_order: QuaternionOrder | None = None
    space_to_body: bool = False
    pbc: bool | Sequence[bool] | None = None

    def __post_init__(self) -> None:
        for option, value, legal in (
            ("stored_sizes", self.stored_sizes, ("diameters", "semiaxes")),
            ("quaternion_order", self.quaternion_order, ("wxyz", "xyzw")),
        ):
            if value is not None and value not in legal:
                raise ValueError(f"{option} is {value!r}, expected one of {legal}")
        if self.pbc is not None:
            periodic_axes("pbc", self.pbc)

    def ellipsoids_of(self, frame: StoredFrame, dtype: torch.dtype) -> EllipsoidData:
        """Ellipsoids of a stored frame, with its targets.

        Raises
        ------
        ValueError
            If sizes are missing, columns disagree, or :class:`EllipsoidData` refuses the values.
        """
        if self.semiaxes is None:
            sizes = frame.semiaxes(self.stored_sizes)
        else:
            sizes = _given_semiaxes(self.semiaxes, frame.types)
        if sizes is None:
            raise ValueError(_missing_sizes(frame))
        return EllipsoidData(
            pos=torch.tensor(frame.positions, dtype=dtype),
            orientations=torch.tensor(self._orientations(frame, sizes), dtype=dtype),
            semiaxes=torch.tensor(sizes, dtype=dtype),
            types=torch.tensor(frame.types, dtype=torch.int64),
            cell=torch.tensor(frame.cell, dtype=dtype),
            pbc=torch.tensor(self._periodic(frame), dtype=torch.bool),
            **{k: torch.tensor(v, dtype=dtype) for k, v in frame.targets.items()},
            **{k: torch.tensor(v, dtype=dtype) for k, v in frame.inertia().items()},
        )

    def _periodic(self, frame: StoredFrame) -> tuple[bool, bool, bool]:
        return periodic_axes("pbc", frame.pbc if self.pbc is None else self.pbc)

    def _orientations(self, frame: StoredFrame, sizes: Array) -> Array:
        quaternions = frame.quaternions(self.quaternion_order)
        if quaternions is None:
            return _spheres(sizes, list(frame.columns))
        unoriented = (sizes == sizes[:, :1]).all(1) & (quaternions == 0).all(1)
        quaternions[unoriented] = [1.0, 0.0, 0.0, 0.0]
        if self.space_to_body:
            quaternions = quaternions * [1.0, -1.0, -1.0, -1.0]
        if frame.rotation is not None:
            matrices = quaternions_to_matrices(torch.tensor(quaternions))
            rotated = torch.from_numpy(frame.rotation) @ matrices
            quaternions = matrices_to_quaternions(rotated).numpy()
        return quaternions  # -> [N, 4]


def _given_semiaxes(semiaxes: Size | Mapping[int, Size], types: Array) -> Array:
    if not isinstance(semiaxes, Mapping):
        return np.broadcast_to(_triple(semiaxes), (len(types), 3))
    unknown = sorted(set(types.tolist()) - set(semiaxes))
    if unknown:
        raise ValueError(
            f"found particle types {unknown}, expected only those of semiaxes, {sorted(semiaxes)}"
        )
    return np.array([_triple(semiaxes[t]) for t in types.tolist()]).reshape(-1, 3)


def _triple(size: Size) -> Array:
    triple = np.asarray(size, dtype=np.float64)
    if triple.shape not in ((), (3,)):
        raise ValueError(f"semiaxes contains {size!r}, expected one radius or three lengths")
    return np.broadcast_to(triple, (3,))


def _missing_sizes(frame: StoredFrame) -> str:
    return (
        f"found no sizes in the columns {sorted(frame.columns)}{frame.remark}, expected one of "
        f"{[*SIZE_NAMES, *SPHERE_NAMES]}; give them as semiaxes: three lengths, one radius for spheres, or a "
        "mapping from types to either"
    )


def _spheres(sizes: Array, columns: list[str]) -> Array:
    if np.any(sizes != sizes[:, :1]):
        raise ValueError(
            f"found no orientations in the columns {sorted(columns)}, expected one of "
            f"{list(ORIENTATION_NAMES)}; without orientations only spheres can be read, and the "
            "semi-axes differ"
        )
    return np.tile([1.0, 0.0, 0.0, 0.0], (len(sizes), 1))  # -> [N, 4]
