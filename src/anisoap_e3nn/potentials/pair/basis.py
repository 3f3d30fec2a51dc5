"""Functions of pairs of ellipsoids in which their energies are expanded, and their derivatives by hand."""

import math

import torch
from torch import Tensor

from ...geometry.pair_coordinates import DEGREES, EXCHANGED, PairCoordinates


class InvariantPolynomials(torch.nn.Module):
    """Products of the invariants of pairs up to a total degree in the shapes, 1 included.

    Each is a shorter product times one more invariant, so that all together cost one multiplication each.

    Attributes
    ----------
    exchanged : list of int
        Which product each becomes when the particles are exchanged.
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
        self._n_levels = len(levels) - 2
        for i, level in enumerate(levels[1:-1]):
            before = position[levels[i][0]]
            shorter = torch.tensor([position[product[:-1]] - before for product in level])
            factors = torch.tensor([product[-1] for product in level])
            self.register_buffer(f"_shorter{i}", shorter, persistent=False)
            self.register_buffer(f"_factors{i}", factors, persistent=False)

    def __len__(self) -> int:
        return len(self.exchanged)

    def forward(self, invariants: Tensor) -> Tensor:
        """From invariants ``(14, pair)`` to products ``(product, pair)``."""
        levels = [torch.ones_like(invariants[:1])]
        for shorter, factors in self._levels():
            levels.append(levels[-1].index_select(0, shorter) * invariants.index_select(0, factors))
        return torch.cat(levels)

    def pull_back(self, gradient: Tensor, invariants: Tensor, products: Tensor) -> Tensor:
        """From derivatives ``(product, pair)`` to those with respect to the invariants ``(14, pair)``."""
        sizes = [1, *(len(factors) for _, factors in self._levels())]
        of_levels, levels = list(gradient.split(sizes)), products.split(sizes)
        of_invariants = torch.zeros_like(invariants)
        for i, (shorter, factors) in reversed(list(enumerate(self._levels()))):
            of_level, before = of_levels[i + 1], levels[i]
            of_factors = of_level * before.index_select(0, shorter)
            of_invariants = of_invariants.index_add(0, factors, of_factors)
            of_shorter = of_level * invariants.index_select(0, factors)
            of_levels[i] = of_levels[i].index_add(0, shorter, of_shorter)
        return of_invariants

    def push_forward(self, tangents: Tensor, invariants: Tensor, products: Tensor) -> Tensor:
        """From changes of the invariants ``(14, tangent, pair)`` to those of the products."""
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
        R_k = s(r) \, T_k(2 e^{-(r - \sigma) / \ell} - 1)

    With the contact distance σ, the gap :math:`r - \sigma` is 0 where the surfaces touch, whatever the
    orientations, so that one set of functions serves all of them. s falls from 1 to 0 between
    :math:`r_{cut} - w` and :math:`r_{cut}`, with three continuous derivatives.
    """

    def __init__(
        self, n_radial: int, cutoff: float, decay_length: float, switch_width: float
    ) -> None:
        super().__init__()
        self.n_radial, self.cutoff = n_radial, cutoff
        self.decay_length, self.switch_width = decay_length, switch_width

    def forward(self, coordinates: PairCoordinates) -> Tensor:
        """``(radial, pair)``."""
        polynomials, _ = self._polynomials(self._exponentials(coordinates))
        return torch.stack(polynomials) * self._switch(coordinates.distances)[0]

    def with_derivatives(self, coordinates: PairCoordinates) -> tuple[Tensor, Tensor, Tensor]:
        """The functions, and their derivatives with respect to r and to σ, ``(radial, pair)`` each."""
        exponentials = self._exponentials(coordinates)
        polynomials, derivatives = map(torch.stack, self._polynomials(exponentials))
        switch, switch_derivative = self._switch(coordinates.distances)
        of_gap = derivatives * (-2 * exponentials / self.decay_length * switch)
        return polynomials * switch, of_gap + polynomials * switch_derivative, -of_gap

    def _exponentials(self, coordinates: PairCoordinates) -> Tensor:
        gaps = coordinates.distances - coordinates.contacts
        return torch.exp(-gaps / self.decay_length)  # -> [pair]

    def _polynomials(self, y: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        t = 2 * y - 1
        T, U = [torch.ones_like(t), t], [torch.zeros_like(t), torch.ones_like(t)]
        for _ in range(2, self.n_radial):
            U.append(2 * T[-1] + 2 * t * U[-1] - U[-2])  # dT/dt
            T.append(2 * t * T[-1] - T[-2])
        return T[: self.n_radial], U[: self.n_radial]

    def _switch(self, r: Tensor) -> tuple[Tensor, Tensor]:
        x = ((self.cutoff - r) / self.switch_width).clamp(0, 1)
        value = x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3)
        return value, -140 / self.switch_width * (x * (1 - x)) ** 3  # -> [pair] each


def check_pair_basis(
    cutoff: float, n_radial: int, max_degree: int, decay_length: float, switch_width: float
) -> None:
    """Refuses hyperparameters that make no sense."""
    for name, value in (("cutoff", cutoff), ("decay_length", decay_length)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name} is {value}, expected a finite length > 0")
    if not 0 < switch_width <= cutoff:
        raise ValueError(f"switch_width is {switch_width}, expected 0 to {cutoff=}, not 0 itself")
    if n_radial < 1 or max_degree < 0:
        raise ValueError(
            f"n_radial is {n_radial}, expected ≥ 1, and max_degree is {max_degree}, expected ≥ 0"
        )
