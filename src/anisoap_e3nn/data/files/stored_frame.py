"""Frames as stored in files, and the column names of orientations and sizes."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
QuaternionOrder = Literal["wxyz", "xyzw"]
StoredSizes = Literal["diameters", "semiaxes"]

# Column names, each with the meaning that its author gives it. AniSOAP: c_q, quaternions, c_diameter.
# LAMMPS: c_*, quat*, shape*. OVITO: orientation, aspherical_shape. This package: semiaxes.
ORIENTATION_SPELLINGS: dict[str, QuaternionOrder] = {
    "c_q": "wxyz",
    "c_quat": "wxyz",
    "c_orient": "wxyz",
    "quat": "wxyz",
    "quaternions": "wxyz",
    "orientation": "xyzw",
}
SIZE_SPELLINGS: dict[str, StoredSizes] = {
    "c_diameter": "diameters",
    "c_shape": "diameters",
    "shape": "diameters",
    "aspherical_shape": "semiaxes",
    "semiaxes": "semiaxes",
}
_COMPONENTS = {
    "quat": ("quatw", "quati", "quatj", "quatk"),
    "shape": ("shapex", "shapey", "shapez"),
}
# files keep six to eight digits; different conventions differ by far more
_TOLERANCE = 1e-5


def tells_shape(column: str) -> bool:
    """Whether a column name is that of an orientation or a size, or of a component of one."""
    name = _plain(column)
    return any(
        name == spelling or name in _components(spelling, width)
        for spellings, width in ((ORIENTATION_SPELLINGS, 4), (SIZE_SPELLINGS, 3))
        for spelling in spellings
    )


def _plain(column: str) -> str:
    return re.sub(r"[\\\[\]]", "", column)


def _components(name: str, width: int) -> tuple[str, ...]:
    return _COMPONENTS.get(name, tuple(f"{name}{k + 1}" for k in range(width)))


@dataclass
class StoredFrame:
    r"""Particles of one frame: positions, types and cell ready to use, other columns as stored.

    Brackets and backslashes are removed from column names: ``c_diameter[1]``, ``c_diameter\[1\]``
    and ``c_diameter1`` are the same name.
    """

    positions: Array  # [N, 3]
    types: Array  # [N]
    cell: Array  # [3, 3], rows are the cell vectors
    pbc: Array  # [3]
    columns: dict[str, Array] = field(default_factory=dict)  # per particle
    targets: dict[str, Array] = field(default_factory=dict)  # energy, forces, stress, torques
    rotation: Array | None = (
        None  # [3, 3], from the frame of the quaternions to that of the positions
    )
    remark: str = ""  # for the message about missing sizes

    def __post_init__(self) -> None:
        columns: dict[str, Array] = {}
        for name, values in self.columns.items():
            plain = _plain(name)
            if plain in columns and not np.array_equal(columns[plain], values):
                raise ValueError(
                    f"found two different columns {plain!r}; remove the wrong one from the file"
                )
            columns[plain] = values
        self.columns = columns

    def quaternions(self, order: QuaternionOrder | None = None) -> Array | None:
        """Quaternions (N, 4) as (w, x, y, z); None if the file has none.

        Parameters
        ----------
        order : "wxyz", "xyzw" or None
            Order in the file; by default the order that belongs to each column name.
        """
        found = {}  # name -> [N, 4]
        for name, its_order in ORIENTATION_SPELLINGS.items():
            values = self._column(name, 4)
            if values is not None:
                found[name] = values[:, [3, 0, 1, 2]] if (order or its_order) == "xyzw" else values
        for (one, p), (other, q) in zip(found.items(), list(found.items())[1:], strict=False):
            # q and −q are the same rotation
            cosine = np.abs((p * q).sum(-1))
            if not np.all(cosine >= (1 - _TOLERANCE) * np.sqrt((p * p).sum(-1) * (q * q).sum(-1))):
                raise ValueError(
                    f"the columns {one!r} and {other!r} hold different rotations; "
                    "remove the wrong one from the file"
                )
        return next(iter(found.values()), None)

    def semiaxes(self, stored_sizes: StoredSizes | None = None) -> Array | None:
        """Semi-axes (N, 3); None if the file has no sizes.

        Parameters
        ----------
        stored_sizes : "diameters", "semiaxes" or None
            Meaning of the sizes in the file; by default that of each column name. Files of AniSOAP
            repeat their diameters under OVITO's name ``aspherical_shape``. An ``aspherical_shape``
            equal to ``c_diameter`` is therefore ignored.
        """
        columns = {name: self._column(name, 3) for name in SIZE_SPELLINGS}
        stored = {name: values for name, values in columns.items() if values is not None}
        shape, diameters = stored.get("aspherical_shape"), stored.get("c_diameter")
        if shape is not None and diameters is not None and np.array_equal(shape, diameters):
            del stored["aspherical_shape"]
        found = {  # name -> [N, 3]
            name: values / 2 if (stored_sizes or SIZE_SPELLINGS[name]) == "diameters" else values
            for name, values in stored.items()
        }
        for (one, a), (other, b) in zip(found.items(), list(found.items())[1:], strict=False):
            if not np.allclose(a, b, rtol=_TOLERANCE, atol=1e-8):
                raise ValueError(
                    f"the columns {one!r} and {other!r} hold different sizes; "
                    "remove the wrong one from the file"
                )
        return next(iter(found.values()), None)

    def _column(self, name: str, width: int) -> Array | None:
        if name in self.columns:
            values = self.columns[name]
        else:
            parts = _components(name, width)
            present = [part for part in parts if part in self.columns]
            if not present:
                return None
            if len(present) < width:
                raise ValueError(
                    f"found only the columns {', '.join(present)}, expected all of {', '.join(parts)}"
                )
            values = np.stack([self.columns[part] for part in parts], axis=-1)
        if values.shape != (shape := (len(self.positions), width)):
            raise ValueError(f"column {name!r} has shape {values.shape}, expected {shape}")
        return values.astype(np.float64)  # -> [N, width]
