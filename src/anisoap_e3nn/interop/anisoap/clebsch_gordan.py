"""Clebsch-Gordan coefficients in AniSOAP's convention."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...clebsch_gordan import real_clebsch_gordan

Array = NDArray[Any]


class ClebschGordanReal:
    """Clebsch-Gordan coefficients of real spherical harmonics, in AniSOAP's convention.

    Coefficients are computed on first use.

    Parameters
    ----------
    l_max : int
        Largest l of the factors and of the product.
    """

    def __init__(self, l_max: int) -> None:
        self._l_max = l_max
        self._dense: dict[tuple[int, int, int], Array] = {}
        self._tables: dict[tuple[int, int, int], list[Array]] = {}

    def get_cg(self) -> dict[tuple[int, int, int], list[Array]]:
        """All coefficients that are not zero.

        Returns
        -------
        dict from (l1, l2, L) to list of array
            For each M an array of records ``m1``, ``m2`` and ``cg``. All three m count from 0 to 2l. The
            dict is the same in every call.
        """
        if not self._tables:
            self._tables = self._all_tables()
        return self._tables

    def combine_einsum(self, rho1: Array, rho2: Array, L: int, combination_string: str) -> Array:
        r"""Couple two arrays, :math:`\rho_M = \sum_{m_1 m_2} C_{m_1 m_2 M} \, \rho_{m_1} \circ \rho_{m_2}`.

        Parameters
        ----------
        rho1, rho2 : array ``(item, 2l+1, ...)``
            Factors, with the components m on the second axis.
        L : int
            The l of the product.
        combination_string : str
            Subscripts of `numpy.einsum` for all axes but the second, such as ``"iq,iq->iq"``.

        Returns
        -------
        array ``(item, 2L+1, ...)``

        Raises
        ------
        IndexError
            If the factors differ in their number of items.
        ValueError
            If an l is larger than `l_max`.
        """
        l1, l2 = (rho1.shape[1] - 1) // 2, (rho2.shape[1] - 1) // 2
        refuse_different_numbers(len(rho1), len(rho2))
        one, other, out = re.split(",|->", combination_string)
        indices = f"{one[0]}X{one[1:]},{other[0]}Y{other[1:]},XYZ->{out[0]}Z{out[1:]}"
        coupled: Array = np.einsum(indices, rho1, rho2, self.dense(l1, l2, L), optimize=True)
        return coupled

    def dense(self, l1: int, l2: int, L: int) -> Array:
        """Coefficients as an array ``(2 l1 + 1, 2 l2 + 1, 2 L + 1)``, zero for L that do not couple.

        Raises
        ------
        ValueError
            If an l is larger than `l_max`.
        """
        if max(l1, l2, L) > self._l_max:
            raise ValueError(f"Requested CG entry {(l1, l2, L)} has not been precomputed")
        if (l1, l2, L) not in self._dense:
            dense = np.zeros((2 * l1 + 1, 2 * l2 + 1, 2 * L + 1))
            if abs(l1 - l2) <= L <= l1 + l2:
                table = real_clebsch_gordan(l1, l2, L, convention="wiki")
                dense[table.m1, table.m2, table.m3] = table.coefficients
            self._dense[l1, l2, L] = dense
        return self._dense[l1, l2, L]

    def _all_tables(self) -> dict[tuple[int, int, int], list[Array]]:
        record = [("m1", "i4"), ("m2", "i4"), ("cg", "f8")]
        l_max, tables = self._l_max, {}
        for l1, l2 in np.ndindex(l_max + 1, l_max + 1):
            for L in range(abs(l1 - l2), min(l1 + l2, l_max) + 1):
                dense = self.dense(l1, l2, L)
                tables[l1, l2, L] = [
                    np.array([(*m, dense[(*m, M)]) for m in np.argwhere(dense[..., M])], record)
                    for M in range(2 * L + 1)
                ]
        return tables


def refuse_different_numbers(one: int, other: int) -> None:
    """Raise AniSOAP's error if two blocks differ in their number of items."""
    if one != other:
        raise IndexError(
            f"Cannot combine feature blocks with different number of items: {one} and {other}"
        )
