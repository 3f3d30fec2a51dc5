"""Coefficients of an embedding in one call into C++, where no derivatives are asked for."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..ops.backends.ellipsoid_native import ellipsoid_coefficients
from .inputs import refuse_lengths

if TYPE_CHECKING:
    from .embedding import AniSOAPEmbedding


def native_coefficients(
    embedding: "AniSOAPEmbedding",
    edge_vectors: Tensor,
    edge_index: Tensor,
    types: Tensor,
    orientations: Tensor,
    semiaxes: Tensor,
) -> Tensor | None:
    """Coefficients of all densities ``(N, coefficient)``.

    None where the steps of :meth:`AniSOAPEmbedding.forward` have to be taken one after the other: with a
    cutoff function, a linear map, a large matrix or derivatives, and for input or results that they refuse.
    """
    moments, projection = embedding.moments, embedding.projection
    if embedding.cutoff_function is not None or embedding.linear is not None:
        return None
    if not projection.is_in_blocks:
        return None
    dtype = projection.matrix.dtype
    if not isinstance(semiaxes, Tensor) or semiaxes.dtype != dtype:
        return None
    if dtype not in (torch.float32, torch.float64):
        return None
    for exponent, unit in zip(moments.exponents, moments.units, strict=True):
        refuse_lengths(unit, exponent * embedding.cutoff**2, dtype)
    return ellipsoid_coefficients(
        types,
        embedding.type_index.values,
        orientations,
        semiaxes,
        edge_vectors,
        edge_index,
        include_self=embedding.include_self,
        density_width=embedding.density_width,
        cutoff=embedding.cutoff,
        exponents=moments.exponents,
        units=moments.units,
        degree=projection.degree,
        matrices=projection.matrices,
        program=projection.program,
        n_coefficients=len(projection.output_order),
    )
