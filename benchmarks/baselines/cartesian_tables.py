"""Tables from Cartesian moments to coefficients, as AniSOAP stores them."""

import numpy as np
from numpy.typing import NDArray

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.basis import solid_harmonic

Array = NDArray[np.float64]


class CartesianTables:
    """Polynomials of the solid harmonics, and the orthonormalisation of the radial functions.

    Parameters
    ----------
    embedding : AniSOAPEmbedding
        Embedding with Gaussian-type orbitals of one width, without linear map.

    Attributes
    ----------
    n_radial : list of int
        Number of radial functions for each l.
    tables : list of array ``(m, n, x power, y power, z power)``
        Coefficients of r^2n r^l Y_lm for each l.
    mixing : list of array ``(n, n)``
        Norms and Löwdin matrix for each l.
    """

    def __init__(self, embedding: AniSOAPEmbedding) -> None:
        basis, rcond = embedding.basis, embedding.hyperparameters["rcond"]
        self.n_radial = [mul // len(embedding.types) for mul, _ in embedding.irreps_coefficients]
        self.tables: list[Array] = []
        self.mixing: list[Array] = []
        for l, n_radial in enumerate(self.n_radial):
            size = l + 2 * (n_radial - 1) + 1
            table = np.zeros((2 * l + 1, n_radial, size, size, size))
            for m in range(-l, l + 1):
                for n in range(n_radial):
                    for exponents, coefficient in solid_harmonic(l, m, n).items():
                        table[m + l, n][exponents] = coefficient
            self.tables.append(table)
            norms = np.diag([basis.normalization(l + 2 * n) for n in range(n_radial)])
            self.mixing.append(norms @ basis.orthonormalization(l, n_radial, rcond))
