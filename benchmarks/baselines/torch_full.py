"""AniSOAP's algorithm for all pairs at once, in torch alone.

Each pair has its own precision matrix, solves, moments and contraction, as in AniSOAP; the loop over pairs
has become the last axis of tensors. Nothing is shared between the pairs of one neighbour, and harmonics are
applied before the sum over neighbours. Pairs are taken in blocks that stay in the processor's cache, so
memory does not grow with pairs times moments.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.geometry import rotation_matrices

from .torch_contraction import TorchContraction

PAIRS_OF_BLOCK = 4096
Exponents = tuple[int, int, int]


class BatchedExpansion:
    """Expansion of one frame with every step batched over pairs.

    Parameters
    ----------
    embedding : AniSOAPEmbedding
        Embedding with Gaussian-type orbitals, without cutoff function and linear map.
    contraction : TorchContraction
        That of the embedding, in the type of the inputs.
    inputs : dict of Tensor
        The five tensors that the embedding takes.
    """

    def __init__(
        self, embedding: AniSOAPEmbedding, contraction: TorchContraction, inputs: dict[str, Tensor]
    ) -> None:
        self.sigma = embedding.hyperparameters["radial_gaussian_width"]
        self.contraction = contraction
        self.vectors, (self.neighbors, self.centers) = inputs["edge_vectors"], inputs["edge_index"]
        self.type_index = embedding.type_index(inputs["types"])
        self.orientations, self.semiaxes = inputs["orientations"], inputs["semiaxes"]
        if embedding.include_self is True:
            n = len(self.semiaxes)
            everyone = torch.arange(n)
            self.vectors = torch.cat([self.vectors, self.vectors.new_zeros(n, 3)])
            self.neighbors = torch.cat([self.neighbors, everyone])
            self.centers = torch.cat([self.centers, everyone])
        self.n_pairs = len(self.centers)

    def __call__(self) -> Tensor:
        """Coefficients ``(N, irreps_coefficients.dim)`` in the order of the embedding."""
        rotations = rotation_matrices(self.orientations)
        sums = self.contraction.empty_sums(len(self.semiaxes))
        segments = self.segments()
        for some in self.blocks():
            parameters = self.gaussian_parameters(some, rotations)
            moments = gaussian_moments(*parameters, self.contraction.exponents)
            sums.index_add_(0, segments[some], self.contraction.of_pairs(moments))
        return self.contraction.orthonormalized(sums)

    def blocks(self) -> tuple[Tensor, ...]:
        """Numbers of the pairs of each block."""
        return torch.arange(self.n_pairs).split(PAIRS_OF_BLOCK)

    def segments(self) -> Tensor:
        """Number of the sum that each pair goes to, by its centre and the type of its neighbour."""
        return self.centers * self.contraction.n_types + self.type_index[self.neighbors]

    def gaussian_parameters(self, some: Tensor, rotations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Covariance, centre and integral of the product Gaussian of each of some pairs."""
        exponent, j = 1 / self.sigma**2, self.neighbors[some]
        r, semiaxes, rotations = self.vectors[some], self.semiaxes[j], rotations[j]
        scaled = rotations / semiaxes[:, None]
        precision = scaled @ scaled.mT + exponent * torch.eye(3, dtype=r.dtype)
        covariance = torch.linalg.inv(precision)  # -> [pair, 3, 3]
        center = r - exponent * (covariance @ r[:, :, None])[:, :, 0]
        height = torch.exp(-0.5 * exponent * (r * center).sum(1))
        norm = torch.linalg.det(covariance).sqrt() / semiaxes.prod(1)
        return covariance, center, height * norm


def gaussian_moments(
    covariance: Tensor, center: Tensor, integral: Tensor, exponents: list[Exponents]
) -> Tensor:
    """Moments ``(moment, pair)`` of Gaussians, by recurrence. The degree of the exponents rises."""
    C = covariance.permute(1, 2, 0).contiguous()  # -> [3, 3, pair]
    mu = center.T.contiguous()  # -> [3, pair]
    moments = {(0, 0, 0): integral}
    for n in exponents[1:]:
        axis, below = min(_lower(n), key=lambda lower: sum(power > 0 for power in lower[1]))
        found = mu[axis] * moments[below]
        for q, lower in _lower(below):  # as few as there can be
            found = torch.addcmul(found, C[axis, q], moments[lower], value=below[q])
        moments[n] = found
    return torch.stack([moments[n] for n in exponents])


def _lower(n: Exponents) -> Iterator[tuple[int, Exponents]]:
    """Axes along which an exponent can be lowered by one, and the exponents then."""
    for axis in range(3):
        if n[axis] > 0:
            a, b, c = (power - (k == axis) for k, power in enumerate(n))
            yield axis, (a, b, c)
