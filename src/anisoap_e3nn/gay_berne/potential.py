"""The Gay-Berne potential between ellipsoids of any, also different, shapes."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..arguments import flag, not_negative, number, positive
from ..data.mechanics import Mechanics
from ..data.pair_sums import PairSums
from ..geometry.pair_coordinates import PairGradient
from ..geometry.vector_algebra import components_first
from ..graph import Edges, edges_of, frame_index
from ..hyperparameters import HyperparameterModule
from ..ops.backends.pair_native import PairInputs, PairResults, gay_berne
from ..particle_types import TypeIndex
from ..precision import without_autocast
from ..tracing import is_readable
from .formula import Bodies, PairConstants, build_bodies, energies_of_pairs
from .gradient import energies_and_gradient
from .inputs import (
    Reals,
    check_edges,
    check_particles,
    checked_pairs,
    known_sphere_types,
    of_axes,
    of_pairs_of_types,
    refuse_nan,
)


class GayBerne(HyperparameterModule):
    r"""The Gay-Berne potential of triaxial ellipsoids, equal or different, as in LAMMPS' ``gayberne``.

    .. math::
        U = 4 \epsilon \left( \zeta^{-12} - \zeta^{-6} \right) \eta \chi, \qquad
        \zeta = \frac{r - \sigma_{12} + \gamma \sigma}{\sigma}, \qquad
        \sigma_{12} = \left( \tfrac12 \hat r^\top G^{-1} \hat r \right)^{-1/2}

    .. math::
        \eta = \left( \frac{2 s_1 s_2}{\det G} \right)^{\upsilon / 2}, \qquad
        \chi = \left( 2 \hat r^\top B^{-1} \hat r \right)^\mu, \qquad
        s_i = (a_i b_i + c_i^2) \sqrt{a_i b_i}

    Here r is the distance of the centres, :math:`r - \sigma_{12}` about that of the surfaces, and
    :math:`G = G_1 + G_2`, :math:`B = B_1 + B_2` with :math:`G_i = R_i \, \mathrm{diag}(a_i^2, b_i^2, c_i^2)
    R_i^\top` and :math:`B_i = R_i \, \mathrm{diag}(\epsilon_{ia}^{-1/\mu}, \epsilon_{ib}^{-1/\mu},
    \epsilon_{ic}^{-1/\mu}) R_i^\top`.

    Parameters
    ----------
    types : sequence of int
        The particle types that occur.
    cutoff : float
        Largest distance of the centres, for all orientations.
    epsilon, sigma : float, or array ``(types,)`` or ``(types, types)``
        Energy and length (usually the smallest diameter). A matrix holds one number for each pair of types.
        Numbers of single types mix geometrically.
    well_depths : float, or array ``(3,)`` or ``(types, 3)``
        Relative depths :math:`\epsilon_{ia}, \epsilon_{ib}, \epsilon_{ic}` for contacts along the first,
        second and third semi-axis.
    gamma, upsilon, mu : float
        :math:`\gamma`, and the exponents of :math:`\eta` and :math:`\chi`.
    sphere_types : sequence of int
        Types that are Lennard-Jones spheres: in pairs of them :math:`\zeta = r / \sigma` and
        :math:`\eta = \chi = 1`. LAMMPS recognises them by equal semi-axes and equal well depths. Here they
        are named, so that the energy stays a smooth function of the semi-axes.
    shift : bool
        Shift the energies of Lennard-Jones pairs, and of no others, to zero at the cutoff. This is
        ``pair_modify shift yes`` of LAMMPS.
    smoothing_width : float
        Energies are switched off over this last stretch before the cutoff, with three continuous
        derivatives, so that dynamics conserve the total energy. With 0 they jump at the cutoff, as in LAMMPS.

    Attributes
    ----------
    hyperparameters : dict
        The arguments of the constructor, as numbers and lists.

    Raises
    ------
    ValueError
        If a parameter is out of range or of the wrong shape.

    Notes
    -----
    Everaers and Ejtehadi, Phys. Rev. E 67, 041710 (2003); Berardi, Fava and Zannoni, Chem. Phys. Lett. 297, 8
    (1998). For equal uniaxial particles it is the potential of Gay and Berne, J. Chem. Phys. 74, 3316 (1981):
    GB(3, 5, 2, 1) has semi-axes ½, ½, 3/2, `well_depths` 1, 1, 1/5 and `mu` 2. Large bodies attract more
    strongly the flatter they are at the contact: their well depths are :math:`bc / \sigma a`,
    :math:`ca / \sigma b` and :math:`ab / \sigma c`.

    The energy diverges as :math:`\zeta` falls to zero. Beyond that pole it is infinite and the force is zero;
    LAMMPS evaluates the formula there too.

    Examples
    --------
    Side by side, rods of GB(3, 5, 2, 1) bind 5 times as strongly as end to end:

    >>> potential = GayBerne([0], cutoff=6.0, well_depths=[1, 1, 0.2], mu=2)
    >>> vectors = torch.tensor([[2 ** (1 / 6), 0, 0], [0, 0, 2 + 2 ** (1 / 6)]])
    >>> semiaxes = torch.tensor([0.5, 0.5, 1.5]).expand(2, 3)
    >>> rods = potential.bodies(torch.tensor([0, 0]), torch.eye(3).expand(2, 3, 3), semiaxes)
    >>> potential.pair_energies(vectors, rods, rods)
    tensor([-1.6667, -0.3333])
    """

    epsilon: Tensor
    sigma: Tensor
    well_depths: Tensor
    is_sphere: Tensor

    def __init__(
        self,
        types: Sequence[int],
        cutoff: float,
        *,
        epsilon: Reals = 1.0,
        sigma: Reals = 1.0,
        well_depths: Reals = 1.0,
        gamma: float = 1.0,
        upsilon: float = 1.0,
        mu: float = 1.0,
        sphere_types: Sequence[int] = (),
        shift: bool = False,
        smoothing_width: float = 0.0,
    ) -> None:
        super().__init__()
        self.type_index = TypeIndex(types, "this Gay-Berne potential")
        self.types = self.type_index.types
        self.sphere_types = known_sphere_types(self.types, sphere_types)
        self.cutoff, self.smoothing_width = (
            positive("cutoff", cutoff),
            not_negative("smoothing_width", smoothing_width, "length"),
        )
        if not self.smoothing_width <= self.cutoff:
            raise ValueError(f"smoothing_width is {smoothing_width}, expected 0 to {cutoff=}")
        self.gamma, self.mu = positive("gamma", gamma), positive("mu", mu)
        self.upsilon, self.shift = number("upsilon", upsilon), flag("shift", shift)
        n = len(self.types)
        is_sphere = torch.tensor([type_ in self.sphere_types for type_ in self.types])
        self.register_buffer("epsilon", of_pairs_of_types("epsilon", epsilon, n))
        self.register_buffer("sigma", of_pairs_of_types("sigma", sigma, n))
        self.register_buffer("well_depths", of_axes("well_depths", well_depths, is_sphere))
        self.register_constant("is_sphere", is_sphere)
        self.hyperparameters = {
            "types": self.types,
            "cutoff": self.cutoff,
            "epsilon": self.epsilon.tolist(),
            "sigma": self.sigma.tolist(),
            "well_depths": self.well_depths.tolist(),
            "gamma": self.gamma,
            "upsilon": self.upsilon,
            "mu": self.mu,
            "sphere_types": self.sphere_types,
            "shift": self.shift,
            "smoothing_width": self.smoothing_width,
        }

    def forward(
        self,
        edge_vectors: Tensor | Any,
        edge_index: Tensor | None = None,
        types: Tensor | None = None,
        orientations: Tensor | None = None,
        semiaxes: Tensor | None = None,
    ) -> Tensor:
        """Energies of the particles: half the energies of their pairs.

        Parameters
        ----------
        edge_vectors, edge_index, types, orientations, semiaxes
            As for :meth:`AniSOAPEmbedding.forward <anisoap_e3nn.AniSOAPEmbedding.forward>`: five tensors, or
            one :class:`~anisoap_e3nn.EllipsoidData` or a batch of them. `edge_index` holds both directions of
            each pair. Semi-axes are > 0.

        Returns
        -------
        Tensor ``(N,)``

        Raises
        ------
        ValueError
            If types are unknown, semi-axes are not positive or not equal for `sphere_types`, particles are in
            the same place, there are not as many edges in one direction as in the other, or a graph was
            built with a smaller cutoff.

        Notes
        -----
        Each pair is evaluated once, on one of its two edges. While a tracer is at work, and on GPUs, all
        edges are evaluated, since the number of pairs is not known from the shapes.
        """
        if edge_index is None and types is None:
            data: Any = edge_vectors
            edges = edges_of(data, self.cutoff)
            return self.forward(
                edges.edge_vectors, edges.edge_index, data.types, data.orientations, data.semiaxes
            )
        if edge_index is None or types is None or orientations is None or semiaxes is None:
            raise TypeError(
                "the potential takes one EllipsoidData, or edge_vectors, edge_index, types, "
                "orientations and semiaxes"
            )
        inputs = PairInputs(
            types, self.type_index.values, orientations, semiaxes, edge_vectors, edge_index
        )
        if (found := self.native_results(inputs)) is not None:
            return found.energies
        vectors, ends, bodies = self._pairs(inputs)
        neighbors, centers = ends
        halves = 0.5 * self.pair_energies(vectors, bodies.select(neighbors), bodies.select(centers))
        refuse_nan(halves)
        if not is_readable(vectors):
            ends = ends[1:]  # the centre of each edge
        return halves.new_zeros(len(types)).index_add(0, ends.flatten(), halves.repeat(len(ends)))

    @without_autocast
    def derivatives(self, data: Any, edges: Edges | None = None) -> Mechanics:
        """Energies, forces, torques in the space frame, virial and stress, with analytic derivatives.

        The native backend computes them where the result needs no graph. Wrong data are refused as by
        :meth:`forward`.
        """
        edges = edges or edges_of(data, self.cutoff)
        frames, n_frames = frame_index(data)
        inputs = PairInputs(
            data.types, self.type_index.values, data.orientations, data.semiaxes,
            edges.edge_vectors, edges.edge_index, frames, n_frames,
        )  # fmt: skip
        if (found := self.native_results(inputs)) is not None:
            return Mechanics.of_particles(data, *found)
        vectors, ends, bodies = self._pairs(inputs)
        second, first = (bodies.select(x) for x in ends)
        constants = self._of_pairs(first, second)
        vectors = components_first(vectors)  # -> [3, pair]
        values, gradient = energies_and_gradient(vectors, first, second, constants)
        refuse_nan(values)
        if not is_readable(vectors):  # each pair has two edges
            values, gradient = values / 2, PairGradient(*(x / 2 for x in gradient))
        sums = PairSums(data)
        sums.add(ends.flip(0), vectors, values, gradient)
        return sums.mechanics()

    def bodies(self, types: Tensor, orientations: Tensor, semiaxes: Tensor) -> Bodies:
        """Bodies for :meth:`pair_energies`, of particles as in :meth:`forward`."""
        type_index = self.type_index(types)  # -> [particle]
        check_particles(type_index, orientations, semiaxes, self.is_sphere)
        depths = self.well_depths.to(semiaxes).index_select(0, type_index)  # -> [particle, 3]
        return build_bodies(orientations, semiaxes, depths, self.mu, type_index)

    def pair_energies(self, vectors: Tensor, first: Bodies, second: Bodies) -> Tensor:
        """Energies of pairs.

        Parameters
        ----------
        vectors : Tensor ``(pair, 3)``
            From one particle to the other, in either direction; a length.
        first, second : Bodies
            The two particles of each pair, selected from :meth:`bodies`.

        Returns
        -------
        Tensor ``(pair,)``
            Zero from the cutoff on.
        """
        constants = self._of_pairs(first, second)
        return energies_of_pairs(components_first(vectors), first, second, constants)

    def _of_pairs(self, first: Bodies, second: Bodies) -> PairConstants:
        of_types = first.type_index, second.type_index
        epsilon, sigma = (x.to(first.sizes)[of_types] for x in (self.epsilon, self.sigma))
        spheres = self.is_sphere[first.type_index] & self.is_sphere[second.type_index]  # -> [pair]
        return PairConstants(epsilon, sigma, spheres, *self.numbers)

    @property
    def numbers(self) -> tuple[float, float, float, float, float, bool]:
        """Cutoff, smoothing width, gamma, upsilon, mu and shift, as the kernels take them."""
        return self.cutoff, self.smoothing_width, self.gamma, self.upsilon, self.mu, self.shift

    def native_results(self, inputs: PairInputs) -> PairResults | None:
        """Results of the native kernel; None if it is not the one to use, or something is to be refused."""
        constants = self.epsilon, self.sigma, self.well_depths, self.is_sphere
        return gay_berne(inputs, *constants, *self.numbers)

    def _pairs(self, inputs: PairInputs) -> tuple[Tensor, Tensor, Bodies]:
        """Vectors and ends of pairs, of all edges under a tracer or on a GPU, and the bodies."""
        check_edges(inputs)
        vectors, edge_index = inputs.edge_vectors, inputs.edge_index
        bodies = self.bodies(inputs.types, inputs.orientations, inputs.semiaxes)
        if not is_readable(vectors):
            return vectors, edge_index, bodies
        once = checked_pairs(edge_index, vectors)
        return vectors.index_select(0, once), edge_index.index_select(1, once), bodies

    def __repr__(self) -> str:
        rare = ("sphere_types", "shift", "smoothing_width")
        given = {k: v for k, v in self.hyperparameters.items() if v or k not in rare}
        return f"GayBerne({', '.join(f'{k}={v}' for k, v in given.items())})"
