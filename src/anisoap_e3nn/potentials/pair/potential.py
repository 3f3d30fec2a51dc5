"""Energies of pairs of ellipsoids, with analytic forces and torques."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...arguments import integer, number, positive
from ...data.mechanics import Mechanics
from ...data.pair_sums import PairSums
from ...geometry.pair_coordinates import PairCoordinates, PairGeometry, PairGradient, shape_matrices
from ...graph import Edges, edges_of, frame_index
from ...hyperparameters import HyperparameterModule
from ...ops.backends.pair_native import (
    PairFunctions,
    PairInputs,
    PairResults,
    pair_design,
    pair_potential,
)
from ...particle_types import TypeIndex
from ...precision import without_autocast
from ...tensor_arguments import check_data
from ...tracing import is_readable
from ..potential import Design, Potential
from .basis import InvariantPolynomials, PairRadialBasis, check_pair_basis
from .pairs import Pairs, pairs_by_type, pairs_in_both_directions
from .weights import pair_weight_index

# numbers of pairs whose functions stay in the cache
_CHUNK = 2048
_DESIGN_CHUNK = 128
_CHUNK_ON_GPU = 2**19  # takes about a gigabyte


class PairPotential(HyperparameterModule, Potential):
    r"""Energies of pairs, linear in smooth functions of the gap, the shapes and their relative orientation.

    .. math::
        E_{ij} = s(r) \sum_{kp} w^{t_i t_j}_{kp} \, T_k\!\left(2 e^{-f(r - \sigma) / \ell} - 1\right)
                 \Pi_p(\hat r, Q_i, Q_j)

    Here :math:`\sigma(\hat r, G_i + G_j)` is the contact distance, f bounds the gap from below
    (:func:`~anisoap_e3nn.geometry.switching.floored`), and :math:`\Pi_p` are products of
    invariants, both of :func:`~anisoap_e3nn.geometry.pair_coordinates.pair_coordinates`. Each particle has
    half of the energy of its pairs. The energy is invariant under exchange of the particles, rotations and
    reflections. At the cutoff it is zero, with three continuous derivatives.

    Forces, torques and virial are analytic (:meth:`derivatives`). They are computed for some pairs at a time,
    to save memory. :meth:`forward` is also differentiable by autograd.

    Parameters
    ----------
    types : sequence of int
        The particle types that occur.
    cutoff : float
        Largest distance of the centres.
    n_radial : int
        Number of radial functions.
    max_degree : int
        Largest degree of the invariant polynomials in the shapes; 0 for a function of the gap alone.
    decay_length : float, optional
        :math:`\ell`, about the smallest diameter; by default a quarter of the cutoff.
    switch_width : float, optional
        Length of the last stretch before the cutoff, over which energies are switched off; by default a
        quarter of the cutoff.
    smallest_gap : float, optional
        Gap between surfaces below which the radial functions bend to constants, so that the energy is bounded
        where the fitted data end; see :func:`~anisoap_e3nn.potentials.smallest_gap`. Without it overlapping
        particles can have energies of any size.

    Attributes
    ----------
    weights : Parameter
        Weights of all pairs of types; zero at first. See :func:`~anisoap_e3nn.fitting.fit_linear`.

    Raises
    ------
    ValueError
        If a hyperparameter is out of range.

    Notes
    -----
    A semi-axis of zero is legal. The square of a thousandth of the cutoff is added to the square of every
    semi-axis, so that two disks in one plane, or needles in line, are no singularity.

    Examples
    --------
    >>> PairPotential([0], cutoff=4.0)
    PairPotential(types=[0], cutoff=4.0, n_radial=10, max_degree=4, decay_length=1.0, switch_width=1.0 |
    410 weights)
    """

    weight_index: Tensor
    weights: Tensor

    def __init__(
        self,
        types: Sequence[int],
        cutoff: float,
        n_radial: int = 10,
        max_degree: int = 4,
        decay_length: float | None = None,
        switch_width: float | None = None,
        smallest_gap: float | None = None,
    ) -> None:
        super().__init__()
        self.type_index = TypeIndex(types, "this pair potential")
        self.types = self.type_index.types
        self.cutoff: float = positive("cutoff", cutoff, "length")
        cutoff, n_radial = self.cutoff, integer("n_radial", n_radial, at_least=1)
        max_degree = integer("max_degree", max_degree, at_least=0)
        decay_length = (
            cutoff / 4 if decay_length is None else positive("decay_length", decay_length, "length")
        )
        switch_width = (
            cutoff / 4 if switch_width is None else positive("switch_width", switch_width)
        )
        check_pair_basis(cutoff, n_radial, max_degree, decay_length, switch_width)
        if smallest_gap is not None:
            smallest_gap = number("smallest_gap", smallest_gap)
        self.hyperparameters = {
            "types": self.types,
            "cutoff": self.cutoff,
            "n_radial": n_radial,
            "max_degree": max_degree,
            "decay_length": decay_length,
            "switch_width": switch_width,
            "smallest_gap": smallest_gap,
        }
        self.radial = PairRadialBasis(
            n_radial, self.cutoff, decay_length, switch_width, smallest_gap
        )
        self.polynomials = InvariantPolynomials(max_degree)
        index, n_weights = pair_weight_index(len(self.types), n_radial, self.polynomials.exchanged)
        self.register_constant("weight_index", index)
        self.weights = torch.nn.Parameter(torch.zeros(n_weights))

    @property
    def linear_weights(self) -> Tensor:
        return self.weights

    def forward(self, data: Any, edges: Edges | None = None) -> Tensor:
        """Energies of the particles ``(N,)``; see :meth:`Potential.forward`."""
        check_data(data)
        edges = edges or edges_of(data, self.cutoff)
        if (found := self.native_results(self._inputs(data, edges))) is not None:
            return found.energies
        energies = data.pos.new_zeros(len(data.types))
        for pairs in self._pairs(data, edges):
            coordinates = pairs.geometry.coordinates
            amplitudes = pairs.times(self._matrices, self.polynomials(coordinates.invariants))
            values = (self.radial(coordinates) * amplitudes).sum(0)  # -> [pair]
            halves = values * (pairs.share / 2)
            energies = energies.index_add(0, pairs.ends.flatten(), halves.repeat(2))
        return energies

    @without_autocast
    def derivatives(self, data: Any, edges: Edges | None = None) -> Mechanics:
        """Energies, forces, torques and virial: derivatives of the basis, contracted with the weights.

        The native backend computes them where the result needs no graph.
        """
        check_data(data)
        edges = edges or edges_of(data, self.cutoff)
        if (found := self.native_results(self._inputs(data, edges))) is not None:
            return Mechanics.of_particles(data, *found)
        sums = PairSums(data)
        for pairs in self._pairs(data, edges):
            sums.add(pairs.ends, pairs.vectors, *self._contract(pairs))
        return sums.mechanics()

    @without_autocast
    def design(self, data: Any, edges: Edges | None = None) -> Design:
        """Derivatives of energies, forces and torques with respect to the weights."""
        check_data(data)
        edges = edges or edges_of(data, self.cutoff)
        n, n_weights = len(data.types), len(self.weights)
        found = pair_design(self._inputs(data, edges), self.functions, n_weights)
        if found is not None:
            return Design(*found)
        frames, n_frames = frame_index(data)
        energies = data.pos.new_zeros(n_frames, n_weights)
        forces, torques = (data.pos.new_zeros(n, 3, n_weights) for _ in range(2))
        for pairs in pairs_by_type(*self._bodies(data, edges), _DESIGN_CHUNK):
            basis = self._basis(pairs).flatten(0, 1)  # -> [radial · product, 10, pair]
            columns = basis.new_zeros(n_weights, *basis.shape[1:])
            for types, some in pairs.segments or []:
                index = self.weight_index[types].flatten()
                columns[..., some].index_add_(0, index, basis[..., some])
            rows = columns.permute(2, 1, 0)  # -> [pair, 10, weight]
            first, second = pairs.ends
            energies.index_add_(0, frames[first], rows[:, 0])
            forces.index_add_(0, first, rows[:, 1:4])
            forces.index_add_(0, second, -rows[:, 1:4])
            torques.index_add_(0, first, -rows[:, 4:7])
            torques.index_add_(0, second, -rows[:, 7:])
        return Design(energies, forces, torques)

    def _contract(self, pairs: Pairs) -> tuple[Tensor, PairGradient]:
        geometry = pairs.geometry
        coordinates = geometry.coordinates
        products = self.polynomials(coordinates.invariants)
        matrices = self._matrices * pairs.share
        amplitudes = pairs.times(matrices, products)  # -> [radial, pair]
        radial, *derivatives = self.radial.with_derivatives(coordinates)
        d_distances, d_contacts = ((each * amplitudes).sum(0) for each in derivatives)
        d_invariants = self.polynomials.pull_back(
            pairs.times(matrices.mT, radial), coordinates.invariants, products
        )
        gradient = PairCoordinates(d_distances, d_contacts, d_invariants)
        return (radial * amplitudes).sum(0), geometry.pull_back(gradient)

    def _basis(self, pairs: Pairs) -> Tensor:
        """All functions with their nine derivatives ``(radial, product, 10, pair)``."""
        geometry = pairs.geometry
        coordinates = geometry.coordinates
        products = self.polynomials(coordinates.invariants)
        radial, d_distances, d_contacts = self.radial.with_derivatives(coordinates)
        jacobian = self._jacobian(geometry)  # -> [16, 9, pair]
        changes = self.polynomials.push_forward(jacobian[2:], coordinates.invariants, products)
        radial_changes = d_distances[:, None] * jacobian[0] + d_contacts[:, None] * jacobian[1]
        values = radial[:, None] * products  # -> [radial, product, pair]
        derivatives = radial_changes[:, None] * products[:, None] + radial[:, None, None] * changes
        return torch.cat([values[:, :, None], derivatives], dim=2)

    def _jacobian(self, geometry: PairGeometry) -> Tensor:
        """Derivatives of the coordinates with respect to vectors and rotations ``(16, 9, pair)``."""
        rows = []
        for row in torch.eye(16).to(geometry.directions):
            ones = row[:, None].expand(16, len(geometry.distances))
            unit = PairCoordinates(ones[0], ones[1], ones[2:])
            rows.append(torch.cat(geometry.pull_back(unit)))
        return torch.stack(rows)

    @property
    def _matrices(self) -> Tensor:
        """Weights of each pair of types ``(type, type, radial, product)``."""
        return self.weights[self.weight_index]

    def native_results(self, inputs: PairInputs) -> PairResults | None:
        """Results of the native kernel; None if it is not the one to use, or something is to be refused."""
        return pair_potential(inputs, self.functions, self.weights)

    def _inputs(self, data: Any, edges: Edges) -> PairInputs:
        return PairInputs(
            data.types,
            self.type_index.values,
            data.orientations,
            data.semiaxes,
            edges.edge_vectors,
            edges.edge_index,
            *frame_index(data),
        )

    @property
    def functions(self) -> PairFunctions:
        """Functions of the pair energies, as the kernels take them."""
        radial, products = self.radial, self.polynomials
        return PairFunctions(
            len(self.types),
            self._thickness,
            radial.n_radial,
            products.shorter,
            products.factors,
            np.array(products.exchanged),
            self.cutoff,
            radial.decay_length,
            radial.switch_width,
            radial.smallest_gap,
            radial.floor_width,
        )

    @property
    def _thickness(self) -> float:
        return self.cutoff / 1000

    def _pairs(self, data: Any, edges: Edges) -> Iterator[Pairs]:
        bodies = self._bodies(data, edges)
        if is_readable(edges.edge_vectors):
            return pairs_by_type(*bodies, _CHUNK)
        return pairs_in_both_directions(*bodies, _CHUNK_ON_GPU)

    def _bodies(self, data: Any, edges: Edges) -> tuple[Edges, Tensor, int, Tensor]:
        """Edges, positions of types, number of types and shapes of the particles."""
        shapes = shape_matrices(data.orientations, data.semiaxes, self._thickness)
        return edges, self.type_index(data.types), len(self.types), shapes

    def __repr__(self) -> str:
        named = {k: v for k, v in self.hyperparameters.items() if v is not None}
        given = ", ".join(f"{k}={v!r}" for k, v in named.items())
        return f"{type(self).__name__}({given} | {len(self.weights)} weights)"
