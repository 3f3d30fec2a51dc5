"""Data class for frames of ellipsoids."""

import copy
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch_geometric.data import Data

from ..arguments import positive
from ..graph import neighbor_list
from ..tensor_arguments import check_tensors, given
from .field_checks import refuse_faulty_targets, to_tensor

TARGETS = ("energy", "forces", "torques", "stress")
_ORTHOGONALITY = 1e-4  # tolerance, wide enough for matrices written with seven digits


class EllipsoidData(Data):  # type: ignore[misc]
    r"""Ellipsoids of one frame as a PyTorch Geometric graph.

    :class:`torch_geometric.loader.DataLoader` makes batches: particles and edges are concatenated,
    `edge_index` is shifted to the particles of its frame, and `cell` and `pbc` are stacked, one
    row per frame.

    Parameters
    ----------
    pos : Tensor ``(N, 3)``
        Centres of the ellipsoids, a length.
    orientations : Tensor ``(N, 4)`` or ``(N, 3, 3)``
        Quaternions ``(w, x, y, z)`` of any non-zero norm, or rotation matrices; body → space.
    semiaxes : Tensor ``(N, 3)``
        Semi-axes in the body frame, a length; zero is legal (disk, needle, point).
    types : Tensor ``(N,)`` of integers
        Particle types, any integers.
    cell : Tensor ``(3, 3)`` or ``(1, 3, 3)``, optional
        Cell vectors as rows, a length; zero by default. Stored as ``(1, 3, 3)``.
    pbc : bool or three bools, optional
        Whether each axis is periodic; required with a `cell`. Stored as ``(1, 3)``.
    **kwargs
        Further fields, such as `energy` ``(1,)``, `forces` ``(N, 3)``, `torques` ``(N, 3)`` in the
        space frame and `stress` ``(1, 3, 3)``; or your own graph: `edge_index` ``(2, E)`` with rows
        (neighbour, centre), `edge_shifts` ``(E, 3)`` in cells, and `edge_cutoff` ``(1,)``, the
        cutoff up to which the graph is complete.

    Raises
    ------
    TypeError
        If fields are missing, or their dtypes are wrong or mixed.
    ValueError
        If shapes do not match, numbers are not finite, semi-axes are negative, a quaternion is
        zero, a matrix is not a rotation, or periodic axes lack independent cell vectors.

    Notes
    -----
    Tensors keep their dtype and must share one. Lists and arrays take the dtype of the tensors, or
    torch's default dtype if no tensor is given.

    Examples
    --------
    >>> data = EllipsoidData(
    ...     pos=[[0.0, 0.0, 0.0], [0.0, 0.0, 4.0]],
    ...     orientations=[[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]],
    ...     semiaxes=[[2.0, 2.0, 0.5], [2.0, 2.0, 0.5]],
    ...     types=[0, 0],
    ... )
    >>> data.with_edges(cutoff=5.0).num_edges
    2
    """

    pos: Tensor
    orientations: Tensor
    semiaxes: Tensor
    types: Tensor
    cell: Tensor
    pbc: Tensor

    def __init__(
        self,
        pos: Tensor | npt.ArrayLike | None = None,
        orientations: Tensor | npt.ArrayLike | None = None,
        semiaxes: Tensor | npt.ArrayLike | None = None,
        types: Tensor | npt.ArrayLike | None = None,
        cell: Tensor | npt.ArrayLike | None = None,
        pbc: bool | Sequence[bool] | Tensor | npt.ArrayLike | None = None,
        **kwargs: Any,  # PyTorch Geometric's batches need this very name
    ) -> None:
        super().__init__()
        required = {
            "pos": pos, "orientations": orientations, "semiaxes": semiaxes, "types": types
        }  # fmt: skip
        missing = [name for name, value in required.items() if value is None]
        if len(missing) == 4 and cell is None and pbc is None and not kwargs:
            return  # PyTorch Geometric fills empty objects when it copies or splits batches
        if missing:
            raise TypeError(f"found no {', '.join(missing)}; give all of {', '.join(required)}")
        if cell is not None and pbc is None:
            raise TypeError("found a cell without pbc: say which of its three axes are periodic")
        tensors = [x for x in (pos, orientations, semiaxes, cell) if isinstance(x, Tensor)]
        dtype = tensors[0].dtype if tensors else torch.get_default_dtype()
        device = tensors[0].device if tensors else None

        self.pos = to_tensor("pos", pos, dtype, device)
        self.orientations = to_tensor("orientations", orientations, dtype, device)
        self.semiaxes = to_tensor("semiaxes", semiaxes, dtype, device)
        self.types = to_tensor("types", types, None, device)
        box = self.pos.new_zeros(3, 3) if cell is None else to_tensor("cell", cell, dtype, device)
        if box.dim() not in (2, 3):
            raise ValueError(f"cell has shape {tuple(box.shape)}, expected (3, 3)")
        self.cell = box[None] if box.dim() == 2 else box  # -> [1, 3, 3]
        axes = to_tensor("pbc", False if pbc is None else pbc, None, device)
        if not axes.dtype.is_floating_point and torch.equal(
            axes, axes.bool().to(axes)
        ):  # 0 and 1 too
            axes = axes.bool()
        if axes.dtype != torch.bool or axes.shape not in ((), (3,), (len(self.cell), 3)):
            raise TypeError(f"pbc is {pbc!r}, expected a bool or three, one for each axis")
        self.pbc = axes.expand(1, 3).clone() if axes.dim() < 2 else axes  # -> [1, 3]
        for name, value in kwargs.items():
            array = name in TARGETS and isinstance(value, list | np.ndarray)
            setattr(self, name, to_tensor(name, value, dtype, device) if array else value)
        if self.types.numel() == 0:
            self.types = self.types.long()  # an empty list has no integer dtype
        self.validate()

    def to(self, device: Any, *args: str, non_blocking: bool = False) -> "EllipsoidData":
        """Move the fields, or those named, to a device.

        Unless named, the cutoff of the edges stays on the CPU, where it is read without waiting for a GPU.
        """
        names = args or [name for name in self.keys() if name != "edge_cutoff"]
        moved: EllipsoidData = super().to(device, *names, non_blocking=non_blocking)
        return moved

    def with_edges(self, cutoff: float) -> "EllipsoidData":
        """Return a copy with its neighbour list.

        Parameters
        ----------
        cutoff : float
            A length. Stored as `edge_cutoff`, so that layers with a larger cutoff can refuse the
            list.

        Returns
        -------
        EllipsoidData
            Copy with `edge_index` ``(2, E)``, rows (neighbour, centre), and `edge_shifts`
            ``(E, 3)``.
        """
        cutoff = positive("cutoff", cutoff, "length")
        data = copy.copy(self)
        data.edge_index, data.edge_shifts = neighbor_list(
            self.pos,
            cutoff,
            cell=self.cell,
            pbc=self.pbc,
            types=self.types,
            batch=self.batch if "batch" in self else None,
        )
        # always float64, so that comparisons with the cutoff of a layer are exact
        data.edge_cutoff = torch.full((len(self.cell),), cutoff, dtype=torch.float64)
        return data

    def validate(self, raise_on_error: bool = True) -> bool:
        """Check every field, as the constructor does. Call it after changing fields by hand.

        Parameters
        ----------
        raise_on_error : bool
            Whether to raise an error for a fault. If False, warn.

        Returns
        -------
        bool
            Whether all fields are valid.
        """
        try:
            self._refuse_faults()
        except (TypeError, ValueError) as fault:
            if raise_on_error:
                raise
            warnings.warn(str(fault), stacklevel=2)
            return False
        return True

    def _refuse_faults(self) -> None:
        for name in ("pos", "orientations", "semiaxes", "types", "cell", "pbc"):
            if not isinstance(self[name], Tensor):
                raise TypeError(f"{name} is a {type(self[name]).__name__}, expected a tensor")
            if self[name].dim() == 0:
                raise ValueError(
                    f"{name} is a single number, expected an axis of particles or frames"
                )
        n, frames = len(self.pos), len(self.cell)
        orientation_shape = (n, 3, 3) if self.orientations.dim() == 3 else (n, 4)
        shapes = {
            "pos": (n, 3),
            "orientations": orientation_shape,
            "semiaxes": (n, 3),
            "types": (n,),
            "cell": (frames, 3, 3),
            "pbc": (frames, 3),
        }
        for name, shape in shapes.items():
            if tuple(self[name].shape) != shape:
                raise ValueError(
                    f"{name} has shape {tuple(self[name].shape)}, expected {shape} for {n} particles"
                )
        dtypes = {name: self[name].dtype for name in ("pos", "orientations", "semiaxes", "cell")}
        if len(set(dtypes.values())) > 1 or not self.pos.is_floating_point():
            raise TypeError(
                f"found dtypes {dtypes}, expected one floating dtype; convert them, for example "
                "with .double()"
            )
        if self.types.dtype != torch.int64:
            raise TypeError(f"types is {self.types.dtype}, expected torch.int64; use .long()")
        for name in ("pos", "orientations", "semiaxes", "cell"):
            rows = self[name].detach().flatten(1)
            _refuse(~rows.isfinite().all(1), name, rows, "finite numbers")
        semiaxes = self.semiaxes.detach()
        _refuse((semiaxes < 0).any(1), "semiaxes", semiaxes, "lengths ≥ 0")
        _refuse_improper_orientations(self.orientations.detach())
        for cell, pbc in zip(self.cell.detach(), self.pbc, strict=True):
            periodic = cell[pbc].cpu().double()  # -> [periodic axes, 3]
            if torch.linalg.matrix_rank(periodic, rtol=1e-8) < len(periodic):
                raise ValueError(
                    f"the cell vectors of the periodic axes {pbc.nonzero().flatten().tolist()} are "
                    f"{periodic.tolist()}, expected independent vectors; give a full cell, or pbc=False"
                )
        refuse_faulty_targets(self)
        _refuse_faulty_cutoff(self.get("edge_cutoff"))
        if "edge_index" in self:
            self._refuse_faulty_edges()

    def _refuse_faulty_edges(self) -> None:
        edge_index, n = self.edge_index, len(self.pos)
        check_tensors(
            edge_index=edge_index, pos=self.pos, **given(edge_shifts=self.get("edge_shifts"))
        )
        if edge_index.dtype != torch.int64 or edge_index.dim() != 2 or len(edge_index) != 2:
            raise ValueError(
                f"edge_index is {edge_index.dtype} of shape {tuple(edge_index.shape)}, expected "
                "torch.int64 of shape (2, E), rows (neighbour, centre)"
            )
        edges = edge_index.shape[1]
        if edges and not 0 <= int(edge_index.min()) <= int(edge_index.max()) < n:
            raise ValueError(
                f"edge_index has values in {int(edge_index.min())}..{int(edge_index.max())}, "
                f"expected 0..{n - 1} for {n} particles"
            )
        if "edge_shifts" in self and tuple(self.edge_shifts.shape) != (edges, 3):
            raise ValueError(
                f"edge_shifts has shape {tuple(self.edge_shifts.shape)}, expected {(edges, 3)}, "
                "a row for each edge"
            )


def _refuse_faulty_cutoff(edge_cutoff: Tensor | None) -> None:
    if edge_cutoff is None:
        return
    try:
        legal = bool((torch.as_tensor(edge_cutoff, dtype=torch.float64) > 0).all())
    except (TypeError, ValueError, RuntimeError, NotImplementedError):
        legal = False
    if not legal:
        raise ValueError(
            f"edge_cutoff is {edge_cutoff!r:.100}, expected a length > 0 for each frame"
        )


def _refuse_improper_orientations(orientations: Tensor) -> None:
    if orientations.dim() == 2:
        zero = (orientations == 0).all(1)
        _refuse(zero, "orientations", orientations, "quaternions that are not zero")
        return
    identity = torch.eye(3, dtype=orientations.dtype, device=orientations.device)
    defect = (orientations.transpose(1, 2) @ orientations - identity).abs().amax((1, 2))
    rows = orientations.flatten(1)
    _refuse(defect > _ORTHOGONALITY, "orientations", rows, "orthogonal matrices")
    reflected = torch.linalg.det(orientations) < 0
    _refuse(reflected, "orientations", rows, "matrices of determinant +1, not −1")


def _refuse(faulty: Tensor, name: str, rows: Tensor, expected: str) -> None:
    if faulty.any():
        first = int(faulty.nonzero()[0])
        raise ValueError(
            f"{name}[{first}] is {rows[first].tolist()}, expected {expected} (faults in "
            f"{int(faulty.sum())} of {len(rows)} rows)"
        )
