"""The Gay-Berne potential between ellipsoids of any, also different, shapes."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..graph import edge_vectors as vectors_along_edges
from ..graph import neighbor_list
from .formula import Bodies, build_bodies, factors, lennard_jones, smooth_switch
from .inputs import (
    Reals,
    check_edges,
    check_particles,
    distinct_types,
    of_axes,
    of_pairs_of_types,
    positive,
)


class GayBerne(torch.nn.Module):
    r"""The Gay-Berne potential of two different triaxial ellipsoids, as LAMMPS' ``gayberne`` has it.

    .. math::
        U = 4 \epsilon \left( \zeta^{-12} - \zeta^{-6} \right) \eta \chi, \qquad
        \zeta = \frac{r - \sigma_{12} + \gamma \sigma}{\sigma}, \qquad
        \sigma_{12} = \left( \tfrac12 \hat r^\top G^{-1} \hat r \right)^{-1/2}

    .. math::
        \eta = \left( \frac{2 s_1 s_2}{\det G} \right)^{\upsilon / 2}, \qquad
        \chi = \left( 2 \hat r^\top B^{-1} \hat r \right)^\mu, \qquad
        s_i = (a_i b_i + c_i^2) \sqrt{a_i b_i}

    where r is the distance of the centres, :math:`r - \sigma_{12}` about that of the surfaces, and
    :math:`G = G_1 + G_2`, :math:`B = B_1 + B_2` with :math:`G_i = R_i \, \mathrm{diag}(a_i^2, b_i^2, c_i^2)
    R_i^\top` and :math:`B_i = R_i \, \mathrm{diag}(\epsilon_{ia}^{-1/\mu}, \epsilon_{ib}^{-1/\mu},
    \epsilon_{ic}^{-1/\mu}) R_i^\top`.

    Parameters
    ----------
    types : sequence of int
        The particle types that occur.
    cutoff : float
        Largest distance of the centres, whatever the orientations.
    epsilon, sigma : float, or array ``(types,)`` or ``(types, types)``
        Energy and length (usually the smallest diameter) of types, which mix geometrically, or of pairs.
    well_depths : float, or array ``(3,)`` or ``(types, 3)``
        Relative depths :math:`\epsilon_{ia}, \epsilon_{ib}, \epsilon_{ic}` for contacts along the first,
        second and third semi-axis.
    gamma, upsilon, mu : float
        :math:`\gamma`, and the exponents of :math:`\eta` and :math:`\chi`.
    sphere_types : sequence of int
        Types that are Lennard-Jones among themselves, :math:`\zeta = r / \sigma` and :math:`\eta = \chi = 1`.
        To LAMMPS it is every type whose semi-axes are equal and whose well depths are; here they have to be
        named, so that the energy stays a smooth function of the semi-axes.
    shift : bool
        LAMMPS' ``pair_modify shift yes``: Lennard-Jones pairs, but no others, are zero at the cutoff.
    smoothing_width : float
        If not zero, energies are switched off over this last stretch before the cutoff, with three
        continuous derivatives, so that dynamics conserve the total. Without it they jump, as in LAMMPS.

    Raises
    ------
    ValueError
        For parameters out of range or of the wrong shape.

    Notes
    -----
    Everaers and Ejtehadi, Phys. Rev. E 67, 041710 (2003); Berardi, Fava and Zannoni, Chem. Phys. Lett. 297, 8
    (1998). For equal uniaxial particles it is the potential of Gay and Berne, J. Chem. Phys. 74, 3316 (1981):
    GB(3, 5, 2, 1) has semi-axes ½, ½, 3/2, `well_depths` 1, 1, 1/5 and `mu` 2. The flatter large bodies are
    where they touch, the stronger they attract, which makes their well depths :math:`bc / \sigma a`,
    :math:`ca / \sigma b` and :math:`ab / \sigma c`.

    The energy diverges as :math:`\zeta` falls to zero. Particles still closer have infinite energy and no
    force; LAMMPS evaluates the formula on the far side of its pole.

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
    type_values: Tensor
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
        self.types = distinct_types(types, sphere_types)
        self.sphere_types = [type_ for type_ in self.types if type_ in sphere_types]
        self.cutoff, self.smoothing_width = positive("cutoff", cutoff), float(smoothing_width)
        if not 0 <= smoothing_width <= cutoff:
            raise ValueError(f"smoothing_width is {smoothing_width}, expected 0 to {cutoff=}")
        self.gamma, self.mu = positive("gamma", gamma), positive("mu", mu)
        self.upsilon, self.shift = float(upsilon), bool(shift)
        n = len(self.types)
        is_sphere = torch.tensor([type_ in self.sphere_types for type_ in self.types])
        self.register_buffer("epsilon", of_pairs_of_types("epsilon", epsilon, n))
        self.register_buffer("sigma", of_pairs_of_types("sigma", sigma, n))
        self.register_buffer("well_depths", of_axes("well_depths", well_depths, is_sphere))
        self.register_buffer("type_values", torch.tensor(self.types), persistent=False)
        self.register_buffer("is_sphere", is_sphere, persistent=False)

    def forward(
        self,
        edge_vectors: Tensor | Any,
        edge_index: Tensor | None = None,
        types: Tensor | None = None,
        orientations: Tensor | None = None,
        semiaxes: Tensor | None = None,
    ) -> Tensor:
        """Energies of the particles: half the energies of their pairs.

        Call it with five tensors, or with one :class:`~anisoap_e3nn.EllipsoidData` or a batch of them (whose
        neighbours are searched for if it has no `edge_index`).

        Parameters
        ----------
        edge_vectors : Tensor ``(edge, 3)``, or EllipsoidData
            r_neighbour - r_centre, a length. Longer ones than the cutoff do not count.
        edge_index : Tensor ``(2, edge)``, int64
            Neighbours (row 0) and centres (row 1), in any order; both directions of each pair.
        types : Tensor ``(N,)``, int64
            With values from the list given at construction.
        orientations : Tensor ``(N, 4)`` or ``(N, 3, 3)``
            Quaternions (w, x, y, z) of any non-zero norm, or rotation matrices; body → space.
        semiaxes : Tensor ``(N, 3)``
            A length, > 0.

        Returns
        -------
        Tensor ``(N,)``

        Raises
        ------
        ValueError
            For unknown types, semi-axes that are not positive (or not equal, for `sphere_types`), particles
            in the same place, and a graph built with a smaller cutoff.
        """
        if edge_index is None:
            return self._forward_data(edge_vectors)
        if types is None or orientations is None or semiaxes is None:
            raise TypeError(
                "the potential takes one EllipsoidData, or edge_vectors, edge_index, types, "
                "orientations and semiaxes"
            )
        if not torch.compiler.is_compiling():
            check_edges(edge_vectors, edge_index)
        bodies = self.bodies(types, orientations, semiaxes)
        neighbors, centers = edge_index
        energies = self.pair_energies(
            edge_vectors, bodies.select(neighbors), bodies.select(centers)
        )  # -> [edge]
        return energies.new_zeros(len(types)).index_add(0, centers, 0.5 * energies)

    def _forward_data(self, data: Any) -> Tensor:
        batch, edge_index = getattr(data, "batch", None), getattr(data, "edge_index", None)
        edge_shifts, built_with = (getattr(data, x, None) for x in ("edge_shifts", "edge_cutoff"))
        if edge_index is None:
            edge_index, edge_shifts = neighbor_list(
                data.pos, self.cutoff, cell=data.cell, pbc=data.pbc, batch=batch
            )
        elif built_with is not None and float(built_with.min()) < self.cutoff:
            raise ValueError(
                f"the data's neighbours were searched up to {float(built_with.min())}, but the "
                f"potential has a cutoff of {self.cutoff}; use data.with_edges({self.cutoff})"
            )
        vectors = vectors_along_edges(data.pos, edge_index, edge_shifts, data.cell, batch)
        return self.forward(vectors, edge_index, data.types, data.orientations, data.semiaxes)

    def bodies(self, types: Tensor, orientations: Tensor, semiaxes: Tensor) -> Bodies:
        """What :meth:`pair_energies` takes, of particles given as for :meth:`forward`."""
        if not torch.compiler.is_compiling():
            check_particles(types, self.type_values, orientations, semiaxes, self.is_sphere)
        matches = torch.eq(types[:, None], self.type_values)  # -> [particle, type]
        type_index = matches.to(torch.int64).argmax(1)  # -> [particle]
        depths = self.well_depths.to(semiaxes).index_select(0, type_index)  # -> [particle, 3]
        return build_bodies(orientations, semiaxes, depths, self.mu, type_index)

    def pair_energies(self, vectors: Tensor, first: Bodies, second: Bodies) -> Tensor:
        """Energies of pairs.

        Parameters
        ----------
        vectors : Tensor ``(pair, 3)``
            From one of each pair to the other, a length.
        first, second : Bodies
            One and the other of each pair, from :meth:`bodies`.

        Returns
        -------
        Tensor ``(pair,)``
            Zero from the cutoff on.
        """
        of_types = first.type_index, second.type_index
        epsilon, sigma = (x.to(vectors)[of_types] for x in (self.epsilon, self.sigma))  # -> [pair]
        spheres = self.is_sphere[first.type_index] & self.is_sphere[second.type_index]  # -> [pair]
        distances = torch.linalg.vector_norm(vectors, dim=1)  # -> [pair]
        directions = vectors / distances[:, None]  # -> [pair, 3]

        zeta, eta, chi = factors(
            distances, directions, first, second, sigma, self.gamma, self.upsilon, self.mu
        )  # -> [pair]
        zeta = torch.where(spheres, distances / sigma, zeta)
        energies = epsilon * lennard_jones(zeta) * torch.where(spheres, 1, eta * chi)  # -> [pair]
        if self.shift:
            offsets = epsilon * lennard_jones(self.cutoff / sigma)  # -> [pair]
            energies = energies - torch.where(spheres, offsets, 0)
        if self.smoothing_width:
            energies = energies * smooth_switch(distances, self.cutoff, self.smoothing_width)
        energies = torch.where(zeta > 0, energies, math.inf)
        return torch.where(distances < self.cutoff, energies, 0)

    def extra_repr(self) -> str:
        given = {name: getattr(self, name).tolist() for name in ("epsilon", "sigma", "well_depths")}
        given |= {name: getattr(self, name) for name in ("gamma", "upsilon", "mu")}
        rare = {name: getattr(self, name) for name in ("sphere_types", "shift", "smoothing_width")}
        given |= {name: value for name, value in rare.items() if value}
        parameters = ", ".join(f"{name}={value}" for name, value in given.items())
        return f"types={self.types}, cutoff={self.cutoff}, {parameters}"
