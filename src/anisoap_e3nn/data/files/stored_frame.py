"""Frames as stored in files."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .column_names import (
    ORIENTATION_NAMES,
    SIZE_NAMES,
    SPHERE_NAMES,
    QuaternionOrder,
    StoredSizes,
    numbered,
    plain,
    tells_shape,
)
from .number_columns import Array, finite_numbers

__all__ = ["Array", "QuaternionOrder", "StoredFrame", "StoredSizes", "tells_shape"]

# files keep six to eight digits; different conventions differ by far more
_TOLERANCE = 1e-5


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
        for column, values in self.columns.items():
            name = plain(column)
            if name in columns and not np.array_equal(columns[name], values):
                raise ValueError(
                    f"found two different columns {name!r}; remove the wrong one from the file"
                )
            columns[name] = values
        self.columns = columns
        self.targets = {k: finite_numbers(k, np.asarray(v)) for k, v in self.targets.items()}

    def quaternions(self, order: QuaternionOrder | None = None) -> Array | None:
        """Quaternions (N, 4) as (w, x, y, z); None if the file has none.

        Parameters
        ----------
        order : "wxyz", "xyzw" or None
            Order in the file; by default the order that belongs to each column name. Columns whose
            names tell their component (``quatw``) are read by their names.

        Raises
        ------
        ValueError
            If columns disagree, or their name does not tell the order and none is given.
        """
        found = {}  # name -> [N, 4]
        for name, orientation in ORIENTATION_NAMES.items():
            values = self._components(orientation.components)
            if values is None and (values := self._column(name, 4)) is not None:
                one_order = order or orientation.order
                if one_order is None:
                    raise ValueError(
                        f"found the orientations {name!r}, whose order is not known: OVITO writes "
                        "x, y, z, w under this name, others w, x, y, z; give quaternion_order"
                    )
                values = values[:, [3, 0, 1, 2]] if one_order == "xyzw" else values
            if values is not None:
                found[name] = values
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
            equal to ``c_diameter`` is therefore ignored. Particles of size 0 0 0 are spheres of the
            column ``radius`` or ``diameter``, if the file has one, as in OVITO.

        Raises
        ------
        ValueError
            If columns disagree, or OVITO's shape is 0 0 0 and the radius is not in the file.
        """
        stored = {}  # name -> [N, 3]
        for name, size in SIZE_NAMES.items():
            values = self._components(size.components)
            values = self._column(name, 3) if values is None else values
            if values is not None:
                stored[name] = values
        shape, diameters = stored.get("aspherical_shape"), stored.get("c_diameter")
        if shape is not None and diameters is not None and np.array_equal(shape, diameters):
            del stored["aspherical_shape"]
        if list(stored) == ["c_shape"] and stored_sizes is None:
            warnings.warn(
                "found the sizes 'c_shape', read as diameters, which LAMMPS writes since July 2020; "
                "OVITO and older versions of LAMMPS write semi-axes: give stored_sizes",
                stacklevel=2,
            )
        found = {
            name: values / 2
            if (stored_sizes or SIZE_NAMES[name].meaning) == "diameters"
            else values
            for name, values in stored.items()
        }
        for (one, a), (other, b) in zip(found.items(), list(found.items())[1:], strict=False):
            if not np.allclose(a, b, rtol=_TOLERANCE, atol=1e-8):
                raise ValueError(
                    f"the columns {one!r} and {other!r} hold different sizes; "
                    "remove the wrong one from the file"
                )
        return self._with_spheres(found)

    def inertia(self) -> dict[str, Array]:
        """Columns `masses` ``(N,)`` and `moments` of inertia ``(N, 3)``, where the file has both."""
        if not {"masses", "moments"} <= set(self.columns):
            return {}
        masses = self._numbers("masses", self.columns["masses"], 1)[:, 0]
        return {"masses": masses, "moments": self._numbers("moments", self.columns["moments"], 3)}

    def _with_spheres(self, found: Mapping[str, Array]) -> Array | None:
        """Sizes, with the radii of the spheres where the sizes are zero or there are none."""
        name, sizes = next(iter(found.items()), ("", None))
        sphere = next((name for name in SPHERE_NAMES if name in self.columns), None)
        if sphere is not None:
            radii = SPHERE_NAMES[sphere] * self._numbers(sphere, self.columns[sphere], 1)
            radii = np.broadcast_to(radii, (len(self.positions), 3))
            return radii if sizes is None else np.where((sizes == 0).all(1)[:, None], radii, sizes)
        if sizes is not None and SIZE_NAMES[name].zero_is_unknown:
            zero = (sizes == 0).all(1)
            if zero.any():
                raise ValueError(
                    f"column {name!r}, row {int(zero.argmax())}: found 0 0 0, OVITO's sphere of its "
                    "`radius`, but no column 'radius'; add it to the file, or give semiaxes"
                )
        return sizes

    def _components(self, sets: tuple[tuple[str, ...], ...]) -> Array | None:
        """Columns of the first set of names that the file has, side by side."""
        incomplete = ""
        for names in sets:
            present = [name for name in names if name in self.columns]
            if len(present) == len(names):
                return np.concatenate(
                    [self._numbers(name, self.columns[name], 1) for name in names], axis=1
                )
            if present:
                incomplete = incomplete or _incomplete(present, names)
        if incomplete:
            raise ValueError(incomplete)
        return None

    def _column(self, name: str, width: int) -> Array | None:
        if name in self.columns:
            return self._numbers(name, self.columns[name], width)
        return self._components((numbered(name, width),))

    def _numbers(self, name: str, values: Array, width: int) -> Array:
        values = values[:, None] if width == 1 and values.ndim == 1 else values
        if values.shape != (shape := (len(self.positions), width)):
            raise ValueError(f"column {name!r} has shape {values.shape}, expected {shape}")
        return finite_numbers(name, values)  # -> [N, width]


def _incomplete(present: list[str], names: tuple[str, ...]) -> str:
    return f"found only the columns {', '.join(present)}, expected all of {', '.join(names)}"
