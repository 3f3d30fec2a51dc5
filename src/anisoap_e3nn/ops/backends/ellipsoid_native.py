"""Backend ``native`` for densities of ellipsoids: checks, covariances, segments, sums and maps in one call.

The definition is :meth:`AniSOAPEmbedding.forward <anisoap_e3nn.AniSOAPEmbedding.forward>`, which takes these
steps one after the other. It serves where results have a graph, and where input or result is to be refused:
:func:`ellipsoid_coefficients` returns None then, and the definition says what is wrong.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from . import native
from .native_inputs import native_takes

_OWN = {False: 0, True: 1, "separate": 2}


def ellipsoid_coefficients(
    types: Tensor,
    known_types: Tensor,
    orientations: Tensor,
    semiaxes: Tensor,
    edge_vectors: Tensor,
    edge_index: Tensor,
    *,
    include_self: bool | str,
    density_width: float,
    cutoff: float,
    exponents: Sequence[float],
    units: Sequence[float],
    degree: int,
    matrices: Tensor,
    program: Tensor,
    n_coefficients: int,
) -> Tensor | None:
    """Coefficients of the densities around each particle, all edges with weight 1.

    Parameters
    ----------
    types : Tensor ``(N,)``, int64
    known_types : Tensor ``(type,)``, int64
    orientations : Tensor ``(N, 4)`` or ``(N, 3, 3)``
    semiaxes : Tensor ``(N, 3)``
        A length.
    edge_vectors : Tensor ``(edge, 3)``
        From the centre to the neighbour, a length.
    edge_index : Tensor ``(2, edge)``, int64
        Neighbours and centres.
    include_self, density_width, cutoff
        As for :class:`~anisoap_e3nn.AniSOAPEmbedding`.
    exponents, units : sequence of float
        Exponents, and the units of length of their moments.
    degree : int
        Largest degree of the moments.
    matrices, program : Tensor
        The map from the moments of all densities, exponents and degrees to coefficients, as
        :func:`~anisoap_e3nn.ops.row_map.map_program` returns it.
    n_coefficients : int

    Returns
    -------
    Tensor ``(N, coefficient)``, or None
        None if this backend is not the one to use, the input is to be refused, an edge is not shorter than
        the cutoff, or a coefficient is not finite.
    """
    particles = orientations, semiaxes, edge_vectors, edge_index
    if not native_takes(types, *particles):
        return None
    coefficients = semiaxes.new_empty(len(types), n_coefficients)
    double = semiaxes.dtype == torch.float64
    module = native._native
    run = module.ellipsoid_coefficients64 if double else module.ellipsoid_coefficients32
    found = run(
        *(native._array(x) for x in (types, known_types, *particles)),
        _OWN[include_self],
        density_width,
        cutoff,
        exponents,
        units,
        degree,
        native._positions(degree),
        native._array(matrices),
        native._array(program),
        coefficients.numpy(),
        torch.get_num_threads(),
    )
    return coefficients if found else None
