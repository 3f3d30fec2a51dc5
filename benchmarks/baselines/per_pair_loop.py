"""AniSOAP's algorithm, pair by pair: what the package is measured against.

As AniSOAP does it, a Python loop runs over the pairs; each builds the precision matrix of its product
Gaussian, gets the moments from one compiled call and contracts them, for every l, with a table of Cartesian
coefficients; the pairs of a centre are summed afterwards. The compiled call is one of our own kernel, which
like AniSOAP's Rust extension needs a few microseconds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anisoap_e3nn import AniSOAPEmbedding, _native
from anisoap_e3nn.basis import solid_harmonic
from anisoap_e3nn.ops import moment_exponents

Array = NDArray[np.float64]
_ZERO = np.zeros(1, dtype=np.int64)
_ONE = np.ones(1)


@dataclass
class PerPairLoop:
    """The expansion of one embedding's hyperparameters (Gaussian-type orbitals), in NumPy."""

    embedding: AniSOAPEmbedding

    def __post_init__(self) -> None:
        projection, basis = self.embedding.projection, self.embedding.basis
        types = len(self.embedding.types)
        self.degree = projection.degree
        self.exponents = np.array(moment_exponents(self.degree))
        lexicographic = sorted(range(len(self.exponents)), key=lambda k: tuple(self.exponents[k]))
        self.positions = np.array(lexicographic, dtype=np.int64)
        self.tables: list[Array] = []  # for each l: [m, n, x power, y power, z power]
        self.mixing: list[Array] = []
        rcond = self.embedding.hyperparameters["rcond"]
        for mul, ir in self.embedding.irreps_coefficients:
            n_radial, l = mul // types, ir.l
            size = l + 2 * (n_radial - 1) + 1
            table = np.zeros((2 * l + 1, n_radial, size, size, size))
            for m in range(-l, l + 1):
                for n in range(n_radial):
                    for exponents, coefficient in solid_harmonic(l, m, n).items():
                        table[m + l, n][exponents] = coefficient
            self.tables.append(table)
            normalization = np.diag([basis.normalization(l + 2 * n) for n in range(n_radial)])
            self.mixing.append(normalization @ basis.orthonormalization(l, n_radial, rcond))

    def __call__(
        self,
        edge_vectors: Array,
        edge_index: NDArray[np.int64],
        type_index: NDArray[np.int64],
        rotations: Array,
        semiaxes: Array,
    ) -> Array:
        """Coefficients ``(N, irreps_coefficients.dim)``, in the embedding's order."""
        per_pair: list[list[Array]] = [[] for _ in self.tables]
        for r, j in zip(edge_vectors, edge_index[0], strict=True):
            moments = self._moments(r, rotations[j], semiaxes[j])
            for table, values in zip(self.tables, per_pair, strict=True):
                size = table.shape[-1]
                values.append(np.einsum("mnpqr,pqr->mn", table, moments[:size, :size, :size]))
        return self._contract(per_pair, edge_index, type_index)

    def _moments(self, r: Array, rotation: Array, semiaxes: Array) -> Array:
        beta = self.embedding.basis.exponent
        inverse_covariance = rotation @ np.diag(semiaxes**-2) @ rotation.T
        precision = inverse_covariance + beta * np.eye(3)
        covariance = np.linalg.inv(precision)
        center = r - beta * covariance @ r
        constant = np.sqrt(np.linalg.det(inverse_covariance) / np.linalg.det(precision))
        constant *= np.exp(-0.5 * beta * r @ center)
        flat = np.empty((1, len(self.exponents)))
        _native.GaussianMoments64(
            center[None], _ZERO, _ZERO, 1, covariance[None], _ONE, None, None, 0.0, self.degree,
            self.positions, 1,
        ).value(flat)  # fmt: skip
        cube = np.zeros((self.degree + 1,) * 3)
        cube[tuple(self.exponents.T)] = constant * flat[0]
        return cube

    def _contract(
        self,
        per_pair: list[list[Array]],
        edge_index: NDArray[np.int64],
        type_index: NDArray[np.int64],
    ) -> Array:
        n, types = len(type_index), len(self.embedding.types)
        columns = []
        for values, mixing in zip(per_pair, self.mixing, strict=True):
            pairs = np.asarray(values)  # -> [pair, m, n]
            summed = np.zeros((n, types, *pairs.shape[1:]))
            for pair, (j, i) in enumerate(edge_index.T):
                summed[i, type_index[j]] += pairs[pair]
            columns.append(np.einsum("itmn,nk->itkm", summed, mixing).reshape(n, -1))
        return np.concatenate(columns, axis=1)
