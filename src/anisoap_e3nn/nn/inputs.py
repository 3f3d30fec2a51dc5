"""Checks of the embedding's inputs."""

from math import isfinite

import torch
from torch import Tensor

from ..ops.backends.native_inputs import are_legal
from ..tensor_arguments import check_tensors, has_shape
from ..tracing import assert_on_gpu, is_readable

FIVE_TENSORS = "edge_vectors, edge_index, types, orientations and semiaxes"


def check_inputs(
    edge_vectors: Tensor,
    edge_index: Tensor,
    types: Tensor,
    orientations: Tensor,
    semiaxes: Tensor,
    dtype: torch.dtype,
) -> None:
    """Refuse inputs of wrong shape, dtype or range.

    Values are not checked while a tracer is at work, since that would break its graph. On a GPU indices and
    semi-axes are checked without waiting for the result, and other numbers that are NaN give NaN.

    Raises
    ------
    ValueError
        If a shape or a value is wrong.
    TypeError
        If a dtype is wrong.
    """
    particles = types, orientations, semiaxes, edge_vectors, edge_index
    # in a fraction of the time
    if isinstance(semiaxes, Tensor) and semiaxes.dtype == dtype and are_legal(*particles):
        return
    if dtype not in (torch.float32, torch.float64):
        raise TypeError(
            f"the embedding is {dtype}, expected torch.float32 or torch.float64; use .float() or .double()"
        )
    check_tensors(
        edge_vectors=edge_vectors,
        edge_index=edge_index,
        types=types,
        orientations=orientations,
        semiaxes=semiaxes,
    )
    n = types.shape[0] if types.dim() else 0
    n_edges = edge_vectors.shape[0] if edge_vectors.dim() else 0
    expected_shapes: dict[str, tuple[Tensor, list[tuple[int, ...]]]] = {
        "edge_vectors": (edge_vectors, [(n_edges, 3)]),
        "edge_index": (edge_index, [(2, n_edges)]),
        "types": (types, [(n,)]),
        "orientations": (orientations, [(n, 4), (n, 3, 3)]),
        "semiaxes": (semiaxes, [(n, 3)]),
    }
    for name, (tensor, shapes) in expected_shapes.items():
        if not any(has_shape(tensor, shape) for shape in shapes):
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)}, expected {' or '.join(map(str, shapes))} "
                f"for {n_edges} edges and {n} particles"
            )
    for name, tensor in (
        ("edge_vectors", edge_vectors),
        ("orientations", orientations),
        ("semiaxes", semiaxes),
    ):
        if tensor.dtype != dtype:
            raise TypeError(
                f"{name} is {tensor.dtype} but the embedding is {dtype}; convert one of them, for "
                f"example embedding.to({tensor.dtype})"
            )
    for name, tensor in (("edge_index", edge_index), ("types", types)):
        if tensor.dtype != torch.int64:
            raise TypeError(f"{name} is {tensor.dtype}, expected torch.int64; use .long()")
    if is_readable(edge_vectors):
        _check_values(edge_vectors, edge_index, orientations, semiaxes)
    else:
        assert_on_gpu(edge_index, lambda i: (i >= 0) & (i < n), "edge_index is out of range")
        assert_on_gpu(
            semiaxes, lambda a: a >= 0, "semiaxes are negative or NaN, expected lengths >= 0"
        )


def refuse_lengths(unit: float, squared_ratio: float, dtype: torch.dtype) -> None:
    r"""Refuse lengths with which a dtype cannot compute the coefficients.

    Parameters
    ----------
    unit : float
        Unit of the moments. Coefficients are of the size of lengths to the power -3/2.
    squared_ratio : float
        :math:`\beta r_{cut}^2`. Exponents of this size are computed with an error of as many roundings.
    dtype : torch.dtype

    Raises
    ------
    ValueError
        If the unit is far from 1, or the exponents are too large.
    """
    if dtype == torch.float32 and not 1e-8 <= unit <= 1e8:
        raise ValueError(
            f"the lengths of this embedding are about {unit:.1g}, expected 1e-8 to 1e8 for torch.float32; "
            "use .double(), or another unit of length"
        )
    if squared_ratio * torch.finfo(dtype).eps > 0.01:
        raise ValueError(
            f"the cutoff is {squared_ratio**0.5:.3g} times the width of the radial functions, expected at "
            f"most {(0.01 / torch.finfo(dtype).eps) ** 0.5:.3g} in {dtype}; choose a smaller cutoff"
        )


@torch.no_grad()
def refuse_overflow(coefficients: Tensor) -> None:
    """Refuse coefficients that are NaN or infinite, though the inputs are finite.

    Raises
    ------
    ValueError
        If powers of lengths overflowed; except while a tracer is at work, and on GPUs.
    """
    if (
        not is_readable(coefficients)
        or isfinite(coefficients.sum())
        or coefficients.isfinite().all()
    ):
        return
    raise ValueError(
        f"the coefficients are NaN or infinite in {coefficients.dtype}, expected lengths whose powers it can "
        "represent; use .double(), another unit of length, or a smaller max_angular or max_radial"
    )


@torch.no_grad()
def _check_values(
    edge_vectors: Tensor, edge_index: Tensor, orientations: Tensor, semiaxes: Tensor
) -> None:
    n = semiaxes.shape[0]
    if edge_index.numel() > 0:
        lowest, highest = (int(index) for index in edge_index.aminmax())
        if lowest < 0 or highest >= n:
            raise ValueError(
                f"edge_index names particles {lowest} to {highest}, but there are {n} particles, 0 to "
                f"{n - 1}"
            )
    floats = {"edge_vectors": edge_vectors, "orientations": orientations, "semiaxes": semiaxes}
    # one pass for the sum; it can overflow where every value is finite, so only then look at each
    if not all(isfinite(tensor.sum()) for tensor in floats.values()):
        for name, tensor in floats.items():
            _refuse_non_finite(name, tensor)
    if n == 0:
        return
    if semiaxes.amin().item() < 0:
        row = int((semiaxes < 0).any(1).nonzero()[0])
        raise ValueError(
            f"semiaxes[{row}] is {semiaxes[row].tolist()}, expected lengths ≥ 0 (zero is legal)"
        )
    if orientations.dim() == 2 and not orientations.any(1).all():
        row = int((orientations == 0).all(1).nonzero()[0])
        raise ValueError(
            f"orientations[{row}] is the zero quaternion, which is no rotation; the identity is "
            "(1, 0, 0, 0)"
        )


def _refuse_non_finite(name: str, tensor: Tensor) -> None:
    finite = torch.isfinite(tensor).flatten(1).all(1)
    if not finite.all():
        row = int((~finite).nonzero()[0])
        raise ValueError(
            f"{name}[{row}] is {tensor[row].tolist()}, expected finite numbers; check the file or the "
            "computation that it came from"
        )
