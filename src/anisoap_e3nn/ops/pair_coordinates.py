"""Invariant coordinates of pairs of ellipsoids, a pair a row."""

from torch import Tensor

from ..precision import without_autocast
from .backends import choose_backend
from .operands import check_operands


@without_autocast
def pair_coordinates(
    vectors: Tensor, first: Tensor, second: Tensor, backend: str | None = None
) -> Tensor:
    r"""Distance, contact distance and invariants of pairs of ellipsoids.

    The definition is :func:`anisoap_e3nn.geometry.pair_coordinates.pair_coordinates`. The native backend
    has a pair in each SIMD lane, and kernels for first and second derivatives in reverse mode, which training
    on forces needs. Higher derivatives, forward mode, ``torch.func`` and tracers get the definition.

    Parameters
    ----------
    vectors : Tensor ``(pair, 3)``, float32 or float64
        From the first particle to the second, a length, not zero.
    first, second : Tensor ``(pair, 6)``
        Entries xx, xy, xz, yy, yz and zz of the shape matrices
        :math:`G = R \, \mathrm{diag}(a^2) R^\top`, positive definite. Derivatives with respect to xy, xz and
        yz are those with respect to both of the equal entries of the matrix.
    backend : {"torch", "native", "triton"}, optional
        As for :func:`~anisoap_e3nn.ops.sparse_product.sparse_product`; "triton" has no kernel of its own for
        it and takes torch's.

    Returns
    -------
    Tensor ``(pair, 16)``
        The distance, the contact distance and the 14 invariants.

    Raises
    ------
    ValueError
        If shapes do not fit or tensors are on different devices.
    TypeError
        If the tensors are not all float32 or all float64.
    """
    n = vectors.shape[:1]
    check_operands(vectors=(vectors, (*n, 3)), first=(first, (*n, 6)), second=(second, (*n, 6)))
    return choose_backend("pair_coordinates", (vectors, first, second), backend)(
        vectors, first, second
    )
