"""Basis functions of pair energies, with analytic derivatives."""

import numpy as np
import torch
from torch import Tensor

from ...arguments import integer, positive
from ...geometry.pair_coordinates import DEGREES, EXCHANGED, PairCoordinates
from ...geometry.switching import (
    floored,
    floored_derivative,
    smooth_switch,
    smooth_switch_derivative,
)
from ...layer import Layer

_NO_FLOOR = -1e30  # a smallest gap that no pair has


class InvariantPolynomials(Layer):
    """Products of the invariants of pairs, up to a total degree in the shapes; the empty product 1 too.

    Each product is a shorter one times one more invariant, and takes one multiplication.

    Parameters
    ----------
    max_degree : int
        The largest total degree.

    Attributes
    ----------
    exchanged : list of int
        For each product, the one that it becomes when the particles are exchanged.
    shorter, factors : array ``(product,)``, int64
        The shorter product and the invariant that each product consists of.
    """

    def __init__(self, max_degree: int) -> None:
        super().__init__()
        levels: list[list[tuple[int, ...]]] = [[()]]  # by the number of factors, in ascending order
        while levels[-1]:
            levels.append(
                [
                    (*product, factor)
                    for product in levels[-1]
                    for factor in range(product[-1] if product else 0, len(DEGREES))
                    if sum(DEGREES[i] for i in (*product, factor)) <= max_degree
                ]
            )
        products = [product for level in levels for product in level]
        position = {product: i for i, product in enumerate(products)}
        self.exchanged = [position[tuple(sorted(EXCHANGED[i] for i in p))] for p in products]
        self.shorter = np.array([position[product[:-1]] for product in products])
        self.factors = np.array([product[-1] if product else 0 for product in products])
        self._n_levels = len(levels) - 2
        for i, level in enumerate(levels[1:-1]):
            before = position[levels[i][0]]
            shorter = torch.tensor([position[product[:-1]] - before for product in level])
            factors = torch.tensor([product[-1] for product in level])
            self.register_constant(f"_shorter{i}", shorter)
            self.register_constant(f"_factors{i}", factors)

    def __len__(self) -> int:
        return len(self.exchanged)

    def forward(self, invariants: Tensor) -> Tensor:
        """Products ``(product, pair)`` of invariants ``(14, pair)``."""
        levels = [torch.ones_like(invariants[:1])]
        for shorter, factors in self._levels():
            levels.append(levels[-1].index_select(0, shorter) * invariants.index_select(0, factors))
        return torch.cat(levels)

    def pull_back(self, gradient: Tensor, invariants: Tensor, products: Tensor) -> Tensor:
        """Derivatives with respect to the invariants, from those with respect to the products.

        Parameters
        ----------
        gradient : Tensor ``(product, pair)``
        invariants : Tensor ``(14, pair)``
        products : Tensor ``(product, pair)``
            Of :meth:`forward`.

        Returns
        -------
        Tensor ``(14, pair)``
        """
        sizes = [1, *(len(factors) for _, factors in self._levels())]
        d_levels, levels = list(gradient.split(sizes)), products.split(sizes)
        d_invariants = torch.zeros_like(invariants)
        for i, (shorter, factors) in reversed(list(enumerate(self._levels()))):
            d_level, before = d_levels[i + 1], levels[i]
            d_factors = d_level * before.index_select(0, shorter)
            d_invariants = d_invariants.index_add(0, factors, d_factors)
            d_shorter = d_level * invariants.index_select(0, factors)
            d_levels[i] = d_levels[i].index_add(0, shorter, d_shorter)
        return d_invariants

    def push_forward(self, tangents: Tensor, invariants: Tensor, products: Tensor) -> Tensor:
        """Changes of the products, from changes of the invariants.

        Parameters
        ----------
        tangents : Tensor ``(14, tangent, pair)``
        invariants, products : Tensor
            As for :meth:`pull_back`.

        Returns
        -------
        Tensor ``(product, tangent, pair)``
        """
        sizes = [1, *(len(factors) for _, factors in self._levels())]
        changes = [torch.zeros_like(tangents[:1])]  # -> [product, tangent, pair]
        for level, (shorter, factors) in zip(products.split(sizes), self._levels(), strict=False):
            one = level[shorter][:, None] * tangents[factors]
            changes.append(one + changes[-1][shorter] * invariants[factors][:, None])
        return torch.cat(changes)

    def _levels(self) -> list[tuple[Tensor, Tensor]]:
        return [
            (getattr(self, f"_shorter{i}"), getattr(self, f"_factors{i}"))
            for i in range(self._n_levels)
        ]


class PairRadialBasis(torch.nn.Module):
    r"""Chebyshev polynomials in an exponential of the gap between surfaces, switched off at the cutoff.

    .. math::
        R_k = s(r) \, T_k(2 e^{-f(r - \sigma) / \ell} - 1)

    With the contact distance σ, the gap :math:`r - \sigma` is 0 where the surfaces touch, for all
    orientations. f is :func:`~anisoap_e3nn.geometry.switching.floored`: below the smallest gap the functions
    soon stay constant. s is :func:`~anisoap_e3nn.geometry.switching.smooth_switch`: it falls from 1 to 0
    between :math:`r_{cut} - w` and :math:`r_{cut}`, with three continuous derivatives.

    Parameters
    ----------
    n_radial : int
        Number of functions.
    cutoff, decay_length, switch_width : float
        :math:`r_{cut}`, :math:`\ell` and :math:`w`, lengths.
    smallest_gap : float, optional
        Gap below which the functions bend to constants, over a quarter of the decay length; without it
        they are polynomials at all gaps.
    """

    def __init__(
        self,
        n_radial: int,
        cutoff: float,
        decay_length: float,
        switch_width: float,
        smallest_gap: float | None = None,
    ) -> None:
        super().__init__()
        self.n_radial, self.cutoff = n_radial, cutoff
        self.decay_length, self.switch_width = decay_length, switch_width
        self.smallest_gap = _NO_FLOOR if smallest_gap is None else smallest_gap
        self.floor_width = decay_length / 4

    def forward(self, coordinates: PairCoordinates) -> Tensor:
        """Values of the functions ``(radial, pair)``."""
        polynomials, _ = self._polynomials(self._exponentials(coordinates))
        return torch.stack(polynomials) * self._switch(coordinates)

    def with_derivatives(self, coordinates: PairCoordinates) -> tuple[Tensor, Tensor, Tensor]:
        """The functions, and their derivatives with respect to r and to σ, ``(radial, pair)`` each."""
        exponentials = self._exponentials(coordinates)
        polynomials, derivatives = map(torch.stack, self._polynomials(exponentials))
        gaps = coordinates.distances - coordinates.contacts
        exponentials = exponentials * floored_derivative(gaps, self.smallest_gap, self.floor_width)
        switch = self._switch(coordinates)
        d_switch = smooth_switch_derivative(coordinates.distances, self.cutoff, self.switch_width)
        d_gap = derivatives * (-2 * exponentials / self.decay_length * switch)
        return polynomials * switch, d_gap + polynomials * d_switch, -d_gap

    def _exponentials(self, coordinates: PairCoordinates) -> Tensor:
        gaps = coordinates.distances - coordinates.contacts
        gaps = floored(gaps, self.smallest_gap, self.floor_width)
        return torch.exp(-gaps / self.decay_length)  # -> [pair]

    def _polynomials(self, y: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        t = 2 * y - 1
        T, U = [torch.ones_like(t), t], [torch.zeros_like(t), torch.ones_like(t)]
        for _ in range(2, self.n_radial):
            U.append(2 * T[-1] + 2 * t * U[-1] - U[-2])  # dT/dt
            T.append(2 * t * T[-1] - T[-2])
        return T[: self.n_radial], U[: self.n_radial]

    def _switch(self, coordinates: PairCoordinates) -> Tensor:
        return smooth_switch(coordinates.distances, self.cutoff, self.switch_width)  # -> [pair]


def check_pair_basis(
    cutoff: float, n_radial: int, max_degree: int, decay_length: float, switch_width: float
) -> None:
    """Refuse hyperparameters of :class:`PairPotential` that are out of range."""
    for name, value in (("cutoff", cutoff), ("decay_length", decay_length)):
        positive(name, value, "length")
    if not 0 < switch_width <= cutoff:
        raise ValueError(f"switch_width is {switch_width}, expected 0 to {cutoff=}, not 0 itself")
    integer("n_radial", n_radial, at_least=1)
    integer("max_degree", max_degree, at_least=0)
