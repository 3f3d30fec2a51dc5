"""The constant linear map from summed moments to coefficients."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import comb
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..layer import Layer
from ..ops import moment_exponents
from ..ops.backends import backend_for
from ..ops.backends.row_map_native import row_map
from ..ops.row_map import MapBlock, map_program
from ..tracing import is_tracing
from .radial import RadialBasis
from .solid_harmonics import harmonic_table

Column = tuple[int, int, int]  # l, n, m
Parity = tuple[int, ...]  # of x, y, z

_HIGHEST_DEGREE = 170  # Γ(k + 3/2), the norm of Gaussian-type orbitals, is infinite above
_LARGEST_MATRIX = 2**28  # numbers
# numbers; larger ones do not stay in the caches, and a library for matrices is faster
_LARGEST_IN_BLOCKS = 2**22


class MomentProjection(Layer):
    r"""Coefficients :math:`c_{nlm}` of densities from their damped moments :math:`A^w_{abc}`.

    .. math::
        c_{nlm} = \sum_{wk} T^l_{n,wk} \sum_{abc} p^{lkm}_{abc} A^w_{abc}, \qquad
        r^{2k} r^l Y_{lm} = \sum_{abc} p^{lkm}_{abc} x^a y^b z^c

    with the expansion :math:`T^l` of the radial basis, its exponents :math:`\beta_w` and e3nn's harmonics,
    folded into one constant matrix. Every moment is even or odd in each of x, y and z, and so is every solid
    harmonic. The matrix therefore has one block for each of the eight parities, and zeros elsewhere.

    Parameters
    ----------
    basis : RadialBasis
    n_radial : sequence of int
        Number of radial functions for each l and exponent.
    n_types : int
        Number of neighbour types.
    rcond : float
        Passed to :meth:`RadialBasis.expansion`. Orthonormalised bases drop the directions of their overlap
        whose eigenvalues are ≤ `rcond`.
    units : sequence of float
        Unit of length of the moments for each exponent; see :func:`unit_of_moments`. The coefficients do not
        depend on it.
    own : bool
        Whether there is one more density after those of the types: the particle's own. It is centred and
        even, so only its coefficients of even l are returned.

    Attributes
    ----------
    n_densities : int
        Number of densities of a centre: types, and one if `own`.
    degree : int
        Largest degree of the moments.
    is_in_blocks : bool
        Whether the matrix is small enough that its blocks are kept for C++, as `matrices` and `program`.

    Raises
    ------
    ValueError
        If the matrix would be too large, or the basis returns an expansion of another shape, or with NaN
        or infinity.
    """

    matrix: Tensor
    output_order: Tensor
    matrices: Tensor
    program: Tensor
    transposed_matrices: Tensor
    transposed_program: Tensor

    def __init__(
        self,
        basis: RadialBasis,
        n_radial: Sequence[int],
        n_types: int,
        rcond: float,
        units: Sequence[float] = (1.0,),
        own: bool = False,
    ) -> None:
        super().__init__()
        n_functions = [len(units) * count for count in n_radial]
        # first, since they say at once if the numbers are too large
        self.degree = _refuse_sizes(n_radial, len(units))
        self.n_densities = n_types + own
        expansions = [
            _expansion(basis, l, count, rcond) * _powers(units, l, n_radial[l])
            for l, count in enumerate(n_functions)
        ]
        columns = sorted(_columns(n_functions), key=_parity)
        # one block for each parity: how many moments it has, its first column and its number of columns
        n_moments = Counter(tuple(k % 2 for k in n) for n in moment_exponents(self.degree))
        n_columns = Counter(map(_parity, columns))
        counts = [n_columns[parity] for parity in n_moments]
        self._moments = list(n_moments.values())
        self._rows = [len(units) * count for count in self._moments]
        self._columns = list(zip(accumulate(counts, initial=0), counts, strict=False))
        folded = _folded_matrices(columns, expansions, n_radial, self.degree)
        matrix = torch.cat([rows.flatten(0, 1) for rows in folded.split(self._moments, dim=1)])
        position = {column: k for k, column in enumerate(columns)}
        order = [
            density * len(columns) + position[l, n, m]
            for l, count in enumerate(n_functions)
            for density in range(self.n_densities if l % 2 == 0 else n_types)
            for n in range(count)
            for m in range(-l, l + 1)
        ]
        self.register_constant("matrix", matrix)
        self.register_constant("output_order", torch.tensor(order))
        self._kept: tuple[Tensor, list[Tensor]] | None = None
        self.is_in_blocks = matrix.numel() <= _LARGEST_IN_BLOCKS
        blocks = list(self._map_blocks(matrix, len(units), order)) if self.is_in_blocks else []
        for name, some in (("", blocks), ("transposed_", [b.transposed() for b in blocks])):
            matrices, program = map_program(some)
            self.register_constant(f"{name}matrices", matrices)
            self.register_constant(f"{name}program", program)

    def forward(self, moments: Tensor) -> Tensor:
        """Coefficients of every centre.

        Parameters
        ----------
        moments : Tensor ``(centre · density, exponent, moment)``
            In the order of :func:`anisoap_e3nn.ops.moment_exponents`.

        Returns
        -------
        Tensor ``(centre, coefficient)``
            Ordered by l, then density, n and m: e3nn's ``mul_ir`` layout.
        """
        # compilers fuse the products below, and serve where there is no Python
        if self.is_in_blocks and not is_tracing() and backend_for((moments,)) == "native":
            n_centers = moments.shape[0] // self.n_densities
            rows = moments.reshape(
                n_centers, self.n_densities * moments.shape[1] * moments.shape[2]
            )
            constants = (
                self.matrices,
                self.program,
                self.transposed_matrices,
                self.transposed_program,
            )
            return row_map(rows, *constants, len(self.output_order))
        parities = zip(moments.split(self._moments, dim=2), self._blocks(), strict=True)
        coefficients = torch.cat(
            [part.flatten(1) @ block for part, block in parities], dim=1
        )  # -> [centre · density, column]
        of_centers = coefficients.view(-1, self.n_densities * coefficients.shape[1])
        order = self.output_order.expand(of_centers.shape[0], -1)  # -> [centre, coefficient]
        return of_centers.gather(1, order)

    def _map_blocks(
        self, matrix: Tensor, n_widths: int, order: Sequence[int]
    ) -> Iterator[MapBlock]:
        """The blocks of the map from all moments of a centre to its coefficients, one for each parity.

        The particle's own density, which lacks odd l, may have others.
        """
        position = {column: k for k, column in enumerate(order)}
        n_moments, n_columns = sum(self._moments), sum(count for _, count in self._columns)
        firsts, parts = accumulate(self._moments, initial=0), matrix.split(self._rows)
        for first, count, rows, (column, width) in zip(
            firsts, self._moments, parts, self._columns, strict=False
        ):
            places: dict[tuple[int, ...], list[tuple[list[int], list[int]]]] = {}
            for density in range(self.n_densities):
                first_column = density * n_columns + column
                found = tuple(k for k in range(width) if first_column + k in position)
                starts = [(density * n_widths + w) * n_moments + first for w in range(n_widths)]
                sources = [k for start in starts for k in range(start, start + count)]
                targets = [position[first_column + k] for k in found]
                places.setdefault(found, []).append((sources, targets))
            for columns, of_densities in places.items():
                if columns:
                    part = rows.narrow(1, column, width)[:, list(columns)]
                    yield MapBlock(part, of_densities)

    def _blocks(self) -> list[Tensor]:
        """The block of the matrix for each parity, as views that are kept while the matrix is the same."""
        if not is_tracing() and self._kept is not None and self._kept[0] is self.matrix:
            return self._kept[1]
        rows = zip(self.matrix.split(self._rows), self._columns, strict=True)
        blocks = [block.narrow(1, *columns) for block, columns in rows]
        if not is_tracing():
            self._kept = self.matrix, blocks
        return blocks

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": None}


def _columns(n_radial: Sequence[int]) -> list[Column]:
    return [
        (l, n, m)
        for l, count in enumerate(n_radial)
        for n in range(count)
        for m in range(-l, l + 1)
    ]


def _parity(column: Column) -> Parity:
    l, _, m = column
    return tuple((harmonic_table(l, m).exponents[0] % 2).tolist())


def _folded_matrices(
    columns: Sequence[Column],
    expansions: Sequence[NDArray[np.float64]],
    n_radial: Sequence[int],
    degree: int,
) -> Tensor:
    """One matrix for each exponent ``(exponent, moment, column)``."""
    exponents = moment_exponents(degree)
    n_widths = len(expansions[0]) // n_radial[0]
    row = np.zeros((degree + 1,) * 3, dtype=np.int64)
    row[tuple(np.array(exponents).T)] = np.arange(len(exponents))
    transposed = np.zeros((n_widths, len(columns), len(exponents)))  # whose rows are contiguous
    position = {column: k for k, column in enumerate(columns)}
    for l, count in enumerate(n_radial):
        for m in range(-l, l + 1):
            of_functions = [position[l, n, m] for n in range(n_widths * count)]
            for power in range(count):  # each has a degree, and so rows, of its own
                table = harmonic_table(l, m, power)
                rows = row[tuple(table.exponents.T)]
                for width in range(n_widths):
                    factors = expansions[l][:, width * count + power]
                    for function, factor in zip(of_functions, factors, strict=True):
                        transposed[width, function, rows] = factor * table.coefficients
    return torch.from_numpy(transposed.transpose(0, 2, 1).copy())


def _refuse_sizes(n_radial: Sequence[int], n_widths: int) -> int:
    """The degree of the moments, if float64 and memory hold the matrix.

    Raises
    ------
    ValueError
        If they do not.
    """
    degree = max(l + 2 * (n - 1) for l, n in enumerate(n_radial))
    n_columns = sum((2 * l + 1) * n * n_widths for l, n in enumerate(n_radial))
    numbers = comb(degree + 3, 3) * n_widths * n_columns
    if degree > _HIGHEST_DEGREE or numbers > _LARGEST_MATRIX:
        raise ValueError(
            f"found powers up to r^{degree} and {n_columns} functions, expected at most r^{_HIGHEST_DEGREE} "
            f"and a matrix of 2 GiB instead of {8 * numbers / 2**30:.3g}; use a smaller max_radial or "
            "max_angular"
        )
    return degree


def _powers(units: Sequence[float], l: int, n_radial: int) -> NDArray[np.float64]:
    """The units to the powers l + 2k, since the expansion is one in powers of lengths."""
    return np.array([unit ** (l + 2 * k) for unit in units for k in range(n_radial)])


def _expansion(basis: RadialBasis, l: int, n_functions: int, rcond: float) -> NDArray[np.float64]:
    """The expansion that the basis returns, checked: users write bases of their own."""
    n_radial = n_functions // len(basis.exponents)
    highest = l + 2 * n_radial - 2
    too_large = (
        f"{n_functions} functions of {basis!r} for l = {l} have powers up to {highest}, expected "
        "numbers that float64 can represent; use a smaller max_radial or max_angular, or another unit of "
        "length"
    )
    try:
        with np.errstate(all="ignore"):
            expansion = np.asarray(basis.expansion(l, n_radial, rcond), dtype=np.float64)
    except (OverflowError, ZeroDivisionError, np.linalg.LinAlgError) as error:
        raise ValueError(too_large) from error
    if expansion.shape != (n_functions, n_functions):
        raise ValueError(
            f"the expansion of {basis!r} for l = {l} has shape {expansion.shape}, expected "
            f"{(n_functions, n_functions)}: a row for each function, a column for each power"
        )
    if not np.isfinite(expansion).all():
        raise ValueError(f"the expansion of {basis!r} for l = {l} has entries that are not finite")
    return expansion
