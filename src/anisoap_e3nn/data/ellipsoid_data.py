"""The data class: ellipsoids with their box, as a PyTorch Geometric graph."""

import copy
import warnings
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor
from torch_geometric.data import Data

from ..graph import neighbor_list

_ORTHOGONALITY = 1e-4  # what rotation matrices written to seven digits keep


class EllipsoidData(Data):  # type: ignore[misc]
    r"""Ellipsoids of one frame as a PyTorch Geometric graph.

    It batches with :class:`torch_geometric.loader.DataLoader`: particles and edges are
    concatenated, cells and periodicities stack to one per frame, `edge_index` shifts with its
    frame.

    Parameters
    ----------
    pos : Tensor ``(N, 3)``
        Centres of the ellipsoids, a length.
    orientations : Tensor ``(N, 4)`` or ``(N, 3, 3)``
        Quaternions ``(w, x, y, z)`` of any non-zero norm, or rotation matrices; body → space.
    semiaxes : Tensor ``(N, 3)``
        Semi-axes in the body frame, a length; zero is legal (disk, needle, point).
    types : Tensor ``(N,)`` of integers
        Kinds of the particles, any integers.
    cell : Tensor ``(3, 3)`` or ``(1, 3, 3)``, optional
        Rows are the cell vectors. Kept as ``(1, 3, 3)``, zero if absent.
    pbc : bool or three bools, optional
        Which axes are periodic; needed with a `cell`. Kept as ``(1, 3)``.
    **kwargs
        Anything else to carry along, such as `energy` ``(1,)``, `forces` ``(N, 3)``, `torques`
        ``(N, 3)`` in the space frame, `stress` ``(1, 3, 3)``, or a graph of your own: `edge_index`
        ``(2, E)`` with rows (neighbour, centre), `edge_shifts` ``(E, 3)`` in cells and
        `edge_cutoff` ``(1,)``, the cutoff that it is complete up to.

    Raises
    ------
    TypeError
        For fields that are missing, or of the wrong kind or mixed floating types.
    ValueError
        For mismatched lengths, positions that are NaN or infinite, semi-axes that are negative or
        NaN, quaternions that are zero, matrices that are no rotations, and periodic axes without
        independent cell vectors.

    Notes
    -----
    Tensors keep their dtype and must share it; lists and arrays take it from the tensors, or
    torch's default dtype where there are none.

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
            return  # an empty one, which PyTorch Geometric fills when it copies or splits batches
        if missing:
            raise TypeError(f"ellipsoids need all of {list(required)}, found no {missing}")
        if cell is not None and pbc is None:
            raise TypeError("a cell needs pbc too: say which of its three axes are periodic")
        tensors = [x for x in (pos, orientations, semiaxes, cell) if isinstance(x, Tensor)]
        dtype = tensors[0].dtype if tensors else torch.get_default_dtype()
        device = tensors[0].device if tensors else None

        def real(values: Any) -> Tensor:
            if isinstance(values, Tensor):
                return values
            return torch.as_tensor(values, dtype=dtype, device=device)

        self.pos = real(pos)
        self.orientations = real(orientations)
        self.semiaxes = real(semiaxes)
        self.types = torch.as_tensor(types, device=device)
        box = self.pos.new_zeros(3, 3) if cell is None else real(cell)
        self.cell = box[None] if box.dim() == 2 else box  # -> [1, 3, 3]
        axes = torch.as_tensor(False if pbc is None else pbc, dtype=torch.bool, device=device)
        self.pbc = axes.expand(1, 3).clone() if axes.dim() < 2 else axes  # -> [1, 3]
        for name, value in kwargs.items():
            setattr(self, name, value)
        if self.types.numel() == 0:
            self.types = self.types.long()  # an empty list has no integers to show
        self.validate()

    def with_edges(self, cutoff: float) -> "EllipsoidData":
        """Return a copy that holds the neighbour list.

        Parameters
        ----------
        cutoff : float
            A length; also kept, as `edge_cutoff`, so that a layer with a larger one can refuse.

        Returns
        -------
        EllipsoidData
            With `edge_index` ``(2, E)``, rows (neighbour, centre), and `edge_shifts` ``(E, 3)``.
        """
        data = copy.copy(self)
        data.edge_index, data.edge_shifts = neighbor_list(
            self.pos,
            cutoff,
            cell=self.cell,
            pbc=self.pbc,
            types=self.types,
            batch=self.batch if "batch" in self else None,
        )
        # float64 whatever the data, so that the comparison with a layer's own cutoff is exact
        data.edge_cutoff = torch.full((len(self.cell),), cutoff, dtype=torch.float64)
        return data

    def validate(self, raise_on_error: bool = True) -> bool:
        """Check every field, as the constructor does; call it after changing some by hand.

        Parameters
        ----------
        raise_on_error : bool
            False: warn instead, and return False.
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
                    f"{name} of {n} particles should have shape {shape}, "
                    f"found {tuple(self[name].shape)}"
                )
        dtypes = {name: self[name].dtype for name in ("pos", "orientations", "semiaxes", "cell")}
        if len(set(dtypes.values())) > 1 or not self.pos.is_floating_point():
            raise TypeError(
                f"pos, orientations, semiaxes and cell need one floating dtype, found {dtypes}"
            )
        if self.types.dtype != torch.int64:
            raise TypeError(f"types are int64, found {self.types.dtype}")
        for name in ("pos", "orientations", "semiaxes", "cell"):
            rows = self[name].detach().flatten(1)
            _refuse(~rows.isfinite().all(1), f"{name} should be finite", rows)
        semiaxes = self.semiaxes.detach()
        _refuse((semiaxes < 0).any(1), "semiaxes should not be negative (zero is legal)", semiaxes)
        _refuse_improper_orientations(self.orientations.detach())
        for cell, pbc in zip(self.cell.detach(), self.pbc, strict=True):
            periodic = cell[pbc].double()  # -> [periodic axes, 3]
            if torch.linalg.matrix_rank(periodic, rtol=1e-8) < len(periodic):
                raise ValueError(
                    f"the cell vectors of the periodic axes {pbc.nonzero().flatten().tolist()} are "
                    f"not independent: {periodic.tolist()}; give a full cell or set pbc to False"
                )
        if "edge_index" in self:
            self._refuse_faulty_edges()

    def _refuse_faulty_edges(self) -> None:
        edge_index, n = self.edge_index, len(self.pos)
        if edge_index.dtype != torch.int64 or edge_index.dim() != 2 or len(edge_index) != 2:
            raise ValueError(
                "edge_index should be int64 of shape (2, E), rows (neighbour, centre), "
                f"found {edge_index.dtype} of shape {tuple(edge_index.shape)}"
            )
        edges = edge_index.shape[1]
        if edges and not 0 <= int(edge_index.min()) <= int(edge_index.max()) < n:
            raise ValueError(
                f"edge_index should lie in 0..{n - 1}, "
                f"found {int(edge_index.min())}..{int(edge_index.max())}"
            )
        if "edge_shifts" in self and tuple(self.edge_shifts.shape) != (edges, 3):
            raise ValueError(
                f"edge_shifts should have shape {(edges, 3)}, found {tuple(self.edge_shifts.shape)}"
            )


def _refuse_improper_orientations(orientations: Tensor) -> None:
    if orientations.dim() == 2:
        _refuse((orientations == 0).all(1), "quaternions should not be zero", orientations)
        return
    identity = torch.eye(3, dtype=orientations.dtype, device=orientations.device)
    defect = (orientations.transpose(1, 2) @ orientations - identity).abs().amax((1, 2))
    rows = orientations.flatten(1)
    _refuse(defect > _ORTHOGONALITY, "rotation matrices should be orthogonal", rows)
    reflected = torch.linalg.det(orientations) < 0
    _refuse(reflected, "rotation matrices should have determinant +1, not −1", rows)


def _refuse(faulty: Tensor, rule: str, rows: Tensor) -> None:
    if faulty.any():
        first = int(faulty.nonzero()[0])
        raise ValueError(
            f"{rule}: found {rows[first].tolist()} at index {first}, "
            f"{int(faulty.sum())} such in all"
        )
