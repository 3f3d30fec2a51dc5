"""What networks of messages between ellipsoids have in common: the way in, and the way out."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from e3nn import o3
from torch import Tensor

from ..arguments import positive
from ..data.batches import iterate_batches
from ..data.targets import Targets
from ..graph import Edges, edges_of
from ..hyperparameters import HyperparameterModule
from ..nn import AniSOAPEmbedding
from ..potentials import Potential
from ..tracing import is_tracing
from .edge_features import EdgeEncoding, EdgeFeatures
from .particle_encoding import ParticleEncoding


class MessagePassingPotential(HyperparameterModule, Potential):
    r"""Energies of particles from a network that begins with :class:`~anisoap_e3nn.AniSOAPEmbedding`.

    .. math::
        c_i = \mathrm{AniSOAP}(i), \qquad
        h_i = W_{t_i} \left( \hat c_i \oplus \hat p(\hat c_i) \oplus 1 \right), \qquad
        E_i = E_{t_i} + s_{t_i} \; \mathrm{network}(h, \text{edges})_i

    with coefficients c of the density and their power spectrum p (:class:`ParticleEncoding`). Neighbours'
    orientations enter through the density, and so does the particle's own, since it is part of it; with
    `edge_orientations` each edge knows both too (:class:`EdgeEncoding`). Subclasses are the network,
    :meth:`network`.

    Parameters
    ----------
    types, cutoff, max_angular, max_radial, radial_gaussian_width, density_width
        Of the embedding, by default with :math:`\sigma = r_{cut} / 4`; it is given the semi-axes times
        `density_width`.
    irreps_hidden : Irreps or str
        Of the features h; those that the embedding does not have are left out at first.
    max_angular_edges, n_radial, edge_orientations
        Of the edges.
    """

    energy_shifts: Tensor
    energy_scales: Tensor
    n_neighbors: Tensor
    cutoff: float

    def __init__(
        self,
        types: Sequence[int],
        cutoff: float,
        max_angular: int,
        max_radial: int | Sequence[int] | None,
        radial_gaussian_width: float | None,
        density_width: float,
        irreps_hidden: o3.Irreps | str,
        max_angular_edges: int,
        n_radial: int,
        edge_orientations: bool,
    ) -> None:
        super().__init__()
        width = cutoff / 4 if radial_gaussian_width is None else float(radial_gaussian_width)
        self.embedding = AniSOAPEmbedding(
            types,
            cutoff,
            max_angular,
            max_radial,
            radial_gaussian_width=width,
            cutoff_function="polynomial",
        )
        names = ("types", "cutoff", "max_angular", "max_radial", "radial_gaussian_width")
        self.hyperparameters = {name: self.embedding.hyperparameters[name] for name in names} | {
            "density_width": float(density_width),
            "max_angular_edges": max_angular_edges,
            "n_radial": n_radial,
            "edge_orientations": edge_orientations,
        }
        self.types, self.cutoff = self.embedding.types, self.embedding.cutoff
        self.density_width = positive("density_width", density_width)
        n_types = len(self.types)
        self.encoding = ParticleEncoding(self.embedding.irreps_out, irreps_hidden, n_types)
        self.irreps_features = self.encoding.irreps_out
        self.edge_encoding = EdgeEncoding(
            self.cutoff, max_angular_edges, n_radial, edge_orientations
        )
        self.register_buffer("n_neighbors", torch.tensor(1.0))
        self.register_buffer("energy_shifts", torch.zeros(n_types))
        self.register_buffer("energy_scales", torch.ones(n_types))

    @abstractmethod
    def network(
        self, h: Tensor, type_index: Tensor, edge_index: Tensor, edges: EdgeFeatures
    ) -> Tensor:
        """From features ``(N, irreps_features.dim)`` and types ``(N,)``, counted from 0, to ``(N,)``."""

    def forward(self, data: Any, edges: Edges | None = None) -> Tensor:
        """Energies of the particles ``(N,)``; see :meth:`~anisoap_e3nn.potentials.Potential.forward`.

        Raises
        ------
        ValueError
            For types that the model was not built for, two particles in one place, and whatever the
            embedding refuses.
        TypeError
            For data whose dtype is not the model's.
        """
        type_index = self.embedding.type_index(data.types)  # -> [particle]
        edge_index, edge_vectors = self._edges(data, edges)
        coefficients = self._coefficients(data, edge_index, edge_vectors)
        h = self.encoding(coefficients, type_index)  # -> [particle, irreps_features.dim]
        features = self.edge_encoding(edge_vectors, edge_index, data.orientations, data.semiaxes)
        energies = self.network(h, type_index, edge_index, features)  # -> [particle]
        return self.energy_shifts[type_index] + self.energy_scales[type_index] * energies

    @torch.no_grad()
    def standardize(self, frames: Sequence[Any], batch_size: int = 64) -> None:
        """Measure on data what the network's numbers are compared with: once, before training.

        That is means and sizes of the embedding's channels and of the edges' invariants, the average number
        of neighbours, an energy for each type (least squares), and the unit of what the network adds to
        it: the root mean square of the forces on particles of the type, or of the energies' rest where
        there are no forces.

        Parameters
        ----------
        frames : sequence of EllipsoidData
            With `energy` ``(1,)`` and possibly `forces`; some hundreds suffice.
        batch_size : int
            Frames at a time.

        Raises
        ------
        ValueError, TypeError
            As :meth:`forward`, and as :class:`~anisoap_e3nn.data.targets.Targets`.
        """
        if not frames:
            raise ValueError("expected one or more frames, found none")
        targets = Targets()
        for frame in frames:
            targets.add(frame)
        self._measure_features(frames, batch_size)
        self._measure_energies(frames, "forces" in targets.names)

    def _measure_features(self, frames: Sequence[Any], batch_size: int) -> None:
        coefficients, invariants, n_particles, n_edges = [], [], 0, 0
        for data in iterate_batches(frames, batch_size):
            edge_index, vectors = self._edges(data, None)
            coefficients.append(self._coefficients(data, edge_index, vectors))
            of_particles = (data.orientations, data.semiaxes)
            invariants.append(self.edge_encoding.invariants(vectors, edge_index, *of_particles))
            n_particles, n_edges = n_particles + len(data.types), n_edges + len(vectors)
        self.encoding.fit(torch.cat(coefficients))
        self.edge_encoding.standardization.fit(torch.cat(invariants))
        self.n_neighbors.fill_(max(1.0, n_edges / max(1, n_particles)))

    def _measure_energies(self, frames: Sequence[Any], with_forces: bool) -> None:
        type_index = [self.embedding.type_index(frame.types) for frame in frames]
        n_types = len(self.types)
        counts = torch.stack([x.bincount(minlength=n_types) for x in type_index]).double()
        energy = torch.cat([frame.energy for frame in frames]).double()  # -> [frame]
        shifts = torch.linalg.pinv(counts) @ energy  # -> [type]
        rest = (energy - counts @ shifts) / counts.sum(1).clamp(min=1)  # -> [frame]
        scales = rest.square().mean().sqrt().expand_as(shifts)
        if with_forces:
            forces = torch.cat([frame.forces for frame in frames]).double()  # -> [particle, 3]
            sums = torch.zeros_like(shifts).index_add(
                0, torch.cat(type_index), forces.square().mean(1)
            )
            scales = (sums / counts.sum(0)).sqrt()
        self.energy_shifts.copy_(shifts)
        self.energy_scales.copy_(scales.where(scales > 0, 1.0))

    def _edges(self, data: Any, edges: Edges | None) -> tuple[Tensor, Tensor]:
        edges = edges or edges_of(data, self.cutoff)
        if not is_tracing() and (edges.edge_vectors == 0).all(1).any():
            raise ValueError("two particles are in the same place, where they have no direction")
        return edges.edge_index, edges.edge_vectors

    def _coefficients(self, data: Any, edge_index: Tensor, edge_vectors: Tensor) -> Tensor:
        widths = self.density_width * data.semiaxes  # -> [particle, 3]
        coefficients: Tensor = self.embedding(
            edge_vectors, edge_index, data.types, data.orientations, widths
        )
        return coefficients  # -> [particle, embedding.irreps_out.dim]
