"""What a truncated expansion keeps of a density."""

from math import pi
from typing import Any

import torch
from e3nn import o3
from torch import Tensor

from ..geometry import covariances
from ..graph import edges_of
from ..tensor_arguments import check_data, check_numbers, check_shape
from .cutoff import within_cutoff
from .embedding import AniSOAPEmbedding


@torch.no_grad()
def kept_density(embedding: AniSOAPEmbedding, data: Any) -> Tensor:
    r"""Fraction of the square of the density around each particle that its expansion keeps.

    .. math::
        \kappa_i = \frac{\sum_s |c^{i,s}|^2}{\sum_s \int \rho_{i,s}^2 \, d^3x}, \qquad
        \rho_{i,s} = \sum_{j \in N(i),\, s_j = s} f(r_{ij}) \, N(r_{ij}, \Sigma_j), \qquad
        \int \rho_{i,s}^2 \, d^3x = \sum_{jk} f_{ij} f_{ik} \, N(r_{ij} - r_{ik}; 0, \Sigma_j + \Sigma_k)

    The radial functions are orthonormal, so κ is between 0 and 1, and 1 - κ is the squared error of the
    expansion relative to the density. Only neighbours count; the particle's own density is left out.

    Parameters
    ----------
    embedding : AniSOAPEmbedding
        A layer without a linear map, with orthonormal radial functions.
    data : EllipsoidData or a Batch of them

    Returns
    -------
    Tensor ``(N,)``
        NaN for particles without neighbours.

    Raises
    ------
    ValueError
        If the embedding has a linear map, or refuses the data.
    TypeError
        If it is no embedding.

    Examples
    --------
    >>> from anisoap_e3nn import EllipsoidData
    >>> pair = EllipsoidData([[0.0, 0, 0], [0, 0, 2]], [[1.0, 0, 0, 0]] * 2, [[1.0, 1, 1]] * 2, [0, 0])
    >>> for width in (0.5, 1.5):
    ...     embedding = AniSOAPEmbedding([0], 4.0, 8, 4, radial_gaussian_width=width, density_width=0.4)
    ...     print(f"{kept_density(embedding, pair)[0]:.2f}")
    0.93
    0.76
    """
    _check_embedding(embedding)
    check_data(data)
    hyperparameters = embedding.hyperparameters | {"include_self": False}
    neighbors_only = AniSOAPEmbedding(**hyperparameters).to(data.pos)
    edges = edges_of(data, embedding.cutoff)
    kept = neighbors_only(data).square().sum(1)  # -> [particle]

    vectors, weights = within_cutoff(
        edges.edge_vectors, embedding.cutoff, embedding.cutoff_function
    )
    weights = torch.ones_like(vectors[:, 0]) if weights is None else weights
    neighbors, centers = edges.edge_index.unbind()
    first, second = _pairs_of_one_center(centers, data.types[neighbors])
    shapes = covariances(data.orientations, embedding.density_width * data.semiaxes)
    sums = shapes[neighbors[first]] + shapes[neighbors[second]]  # -> [pair, 3, 3]
    r = vectors[first] - vectors[second]  # -> [pair, 3]
    exponents = (r * torch.linalg.solve(sums, r)).sum(1) / 2
    overlaps = torch.exp(-exponents) / ((2 * pi) ** 1.5 * torch.linalg.det(sums).sqrt())
    overlaps = weights[first] * weights[second] * overlaps  # -> [pair]
    whole = torch.zeros_like(kept).index_add(0, centers[first], overlaps)  # -> [particle]
    return kept / whole


@torch.no_grad()
def expanded_density(embedding: AniSOAPEmbedding, coefficients: Tensor, points: Tensor) -> Tensor:
    r"""Values of the density that coefficients describe.

    .. math::
        \tilde\rho(x) = \sum_{snlm} c^s_{nlm} \, \phi_{nl}(|x|) \, Y_{lm}(\hat x)

    Parameters
    ----------
    embedding : AniSOAPEmbedding
        A layer without a linear map, with orthonormal radial functions.
    coefficients : Tensor ``(embedding.irreps_out.dim,)``
        Coefficients of one particle.
    points : Tensor ``(point, 3)``
        Positions relative to the particle, lengths; not the origin itself.

    Returns
    -------
    Tensor ``(point,)``
        Sum over the densities of all types, and of the particle's own if it is part of the coefficients.

    Raises
    ------
    ValueError
        If the embedding has a linear map, or shapes do not fit.
    TypeError
        If it is no embedding, or the others are no tensors of one floating-point type.
    """
    _check_embedding(embedding)
    check_numbers(coefficients=coefficients, points=points)
    check_shape("coefficients", coefficients, (embedding.irreps_out.dim,))
    check_shape("points", points, (-1, 3))
    distances = points.norm(dim=1)  # -> [point]
    density = torch.zeros_like(distances)
    rcond, exponents = embedding.hyperparameters["rcond"], embedding.basis.exponents
    channels = embedding.density_channels
    for (_, ir), where in zip(channels.irreps, channels.irreps.slices(), strict=True):
        n = channels.properties[ir][:, 1]  # -> [channel]
        n_radial = (int(n.max()) + 1) // len(exponents)
        expansion = embedding.basis.expansion(ir.l, n_radial, rcond)
        powers = torch.stack(
            [
                distances ** (ir.l + 2 * k) * torch.exp(-beta * distances.square() / 2)
                for beta in exponents
                for k in range(n_radial)
            ]
        )  # -> [exponent · k, point]
        phi = torch.as_tensor(expansion).to(powers) @ powers  # -> [n, point]
        Y = o3.spherical_harmonics(ir.l, points, normalize=True, normalization="integral")
        c = coefficients[where].view(len(n), ir.dim)  # -> [channel, m]
        density += (phi[n] * (c @ Y.T)).sum(0)
    return density


def _check_embedding(embedding: Any) -> None:
    if not isinstance(embedding, AniSOAPEmbedding):
        raise TypeError(f"embedding is {embedding!r:.100}, expected an AniSOAPEmbedding")
    if embedding.linear is not None:
        raise ValueError("found an embedding with irreps_out, expected the coefficients themselves")


def _pairs_of_one_center(centers: Tensor, types: Tensor) -> tuple[Tensor, Tensor]:
    """All pairs of edges, an edge with itself too, with one centre and neighbours of one type."""
    groups = torch.stack([centers, types], dim=1).unique(dim=0, return_inverse=True)[1]  # -> [edge]
    order = groups.argsort(stable=True)
    counts = groups.bincount()  # -> [group]
    of_group = counts[groups[order]]  # -> [edge], size of its group
    first = order.repeat_interleave(of_group)  # -> [pair]
    starts = (counts.cumsum(0) - counts)[groups[order]]
    steps = torch.arange(len(first), device=first.device)
    steps = steps - (of_group.cumsum(0) - of_group).repeat_interleave(of_group)
    return first, order[starts.repeat_interleave(of_group) + steps]
