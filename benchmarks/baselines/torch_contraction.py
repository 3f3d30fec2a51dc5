"""Contraction of the pairs' moments in torch: harmonics, sum over neighbours, orthonormalisation."""

from itertools import product

import numpy as np
import torch
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding

from .cartesian_tables import CartesianTables


class TorchContraction:
    """Coefficients of every pair by one matrix product, summed over the neighbours of each type.

    The harmonics are applied to every pair, before the sum, as in AniSOAP.

    Parameters
    ----------
    embedding : AniSOAPEmbedding
        Embedding with Gaussian-type orbitals of one width, without linear map.
    dtype : dtype
        Type of the coefficients.

    Attributes
    ----------
    exponents : list of tuple
        Exponents (a, b, c) of the moments, of rising degree.
    """

    def __init__(self, embedding: AniSOAPEmbedding, dtype: torch.dtype = torch.float64) -> None:
        tables = CartesianTables(embedding)
        self.n_radial, self.n_types = tables.n_radial, len(embedding.types)
        degree = max(l + 2 * (n - 1) for l, n in enumerate(tables.n_radial))
        powers = product(range(degree + 1), repeat=3)
        self.exponents = sorted((n for n in powers if sum(n) <= degree), key=lambda n: (sum(n), n))
        rows = np.array(self.exponents)
        columns = []
        for table in tables.tables:
            size = table.shape[-1]
            dense = np.zeros((*table.shape[:2], len(rows)))
            held = (rows < size).all(1)
            dense[:, :, held] = table[(..., *rows[held].T)]
            columns.append(dense.reshape(-1, len(rows)).T)  # -> [moment, m · n]
        self.sizes = [column.shape[1] for column in columns]
        self.matrix = torch.from_numpy(np.concatenate(columns, 1)).to(dtype)
        self.mixing = [torch.from_numpy(mixing).to(dtype) for mixing in tables.mixing]

    def of_pairs(self, moments: Tensor) -> Tensor:
        """Coefficients ``(pair, column)`` of the moments ``(moment, pair)``, before the Löwdin matrices."""
        return moments.T @ self.matrix

    def empty_sums(self, n_particles: int) -> Tensor:
        """Zeros ``(particle · type, column)``."""
        return self.matrix.new_zeros(n_particles * self.n_types, self.matrix.shape[1])

    def orthonormalized(self, sums: Tensor) -> Tensor:
        """Coefficients ``(particle, coefficient)`` in the order of the embedding."""
        found = []
        for l, part in enumerate(sums.split(self.sizes, dim=1)):
            of_l = part.view(-1, self.n_types, 2 * l + 1, self.n_radial[l])
            mixed = of_l @ self.mixing[l]  # -> [particle, type, m, n]
            found.append(mixed.transpose(2, 3).flatten(1))
        return torch.cat(found, 1)
