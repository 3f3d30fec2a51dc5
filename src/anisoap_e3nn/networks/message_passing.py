"""Base class of the message-passing networks: from the density to energies."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from e3nn import o3
from torch import Tensor
from typing_extensions import Never

from ..arguments import flag, integer, integers
from ..data.batches import frame_iterable, iterate_batches
from ..data.targets import Targets
from ..graph import Edges, edges_of
from ..hyperparameters import HyperparameterModule
from ..irreps_arguments import to_irreps
from ..nn.smooth_embedding import DENSITY_HYPERPARAMETERS, smooth_embedding
from ..potentials import Potential
from ..precision import without_autocast
from ..tensor_arguments import check_data
from ..tracing import assert_on_gpu, is_readable, is_tracing
from .convolution import Convolution
from .density_energy import DensityEnergy
from .edge_features import EdgeEncoding, EdgeFeatures
from .energy_units import energy_shifts_and_scales
from .options import refuse_hyperparameters
from .particle_encoding import ParticleEncoding


class MessagePassingPotential(HyperparameterModule, Potential):
    r"""Base class of the message-passing networks: from the density to energies.

    .. math::
        o_i \oplus c_i = \mathrm{AniSOAP}(i), \qquad
        h_i = \mathrm{encoding}(o_i), \qquad
        E_i = E_{t_i} + s_{t_i} \left( \mathrm{network}(h, \text{edges})_i + \varepsilon(o_i, c_i) \right)

    with the coefficients o of the particle's own density and c of its neighbours', from
    :class:`~anisoap_e3nn.AniSOAPEmbedding`. What a particle is itself goes through the network
    (:class:`ParticleEncoding`); what surrounds it, and how it is turned there, is an energy of its own
    (:class:`DensityEnergy`). With `include_self` true or false there is one density, which is encoded as a
    whole, and no second energy. Edges are encoded by :class:`EdgeEncoding`. Energies and forces are
    continuous at the cutoff.

    Subclasses write :meth:`network`, as :mod:`anisoap_e3nn.networks` shows. Call :meth:`standardize` once,
    before training.

    Parameters
    ----------
    types : sequence of int
        The particle types that occur.
    cutoff : float
        Cutoff of the density and of the messages, a length.
    irreps_hidden : Irreps or str
        Irreps of the features h. Those that the density lacks are left out; a particle's own has even l only.
    max_angular : int
        The largest l of the density. Those that `irreps_hidden` lacks enter through products only.
    max_radial : int or sequence of int, optional
        The largest n; see :class:`~anisoap_e3nn.AniSOAPEmbedding`.
    radial_gaussian_width : float or sequence of float, optional
        Widths :math:`\sigma` of the density's radial functions, lengths; by default an eighth of the cutoff.
    density_width : float
        Standard deviations of a particle's density, in units of its semi-axes; 1 as in AniSOAP. Narrower
        densities resolve neighbours better, but need more and narrower radial functions.
    include_self : bool or "separate"
        As in :class:`~anisoap_e3nn.AniSOAPEmbedding`.
    max_angular_edges : int, optional
        The largest l of the edges' spherical harmonics; by default that of `irreps_hidden`.
    n_radial : int
        Number of radial functions of an edge.
    radial_layers : sequence of int
        Widths of the hidden layers of the radial networks, which turn an edge's invariants into weights.
    edge_orientations : bool
        Whether edges carry the shapes and orientations of their two particles.

    Attributes
    ----------
    types : list of int
    hyperparameters : dict
        Arguments of the constructor, `irreps_hidden` excepted. Subclasses add theirs.
    irreps_features : Irreps
        Irreps of the features h that :meth:`network` gets.
    edge_encoding : EdgeEncoding
        It has the irreps of the harmonics and the number of invariants.
    n_neighbors : Tensor ``(1,)``
        Mean number of neighbours; 1 before :meth:`standardize`.
    energy_shifts, energy_scales : Tensor ``(type,)``
        Energy of each type, and unit of the network's output; 0 and 1 before :meth:`standardize`.
    density_layers : int
        Of the class: hidden layers of the neighbours' density's energy; one if edges are oriented.

    Raises
    ------
    ValueError
        If a hyperparameter is out of range.
    TypeError
        If a keyword is no hyperparameter of the class.
    """

    density_layers = 1
    energy_shifts: Tensor
    energy_scales: Tensor
    n_neighbors: Tensor
    cutoff: float

    def __init__(
        self,
        types: Sequence[int],
        cutoff: float,
        irreps_hidden: o3.Irreps | str,
        /,  # so that irreps_hidden=... is unknown to subclasses without it
        *,
        max_angular: int = 6,
        max_radial: int | Sequence[int] | None = 4,
        radial_gaussian_width: float | Sequence[float] | None = None,
        density_width: float = 0.6,
        include_self: bool | str = "separate",
        max_angular_edges: int | None = None,
        n_radial: int = 8,
        radial_layers: Sequence[int] = (64, 64),
        edge_orientations: bool = True,
        **unknown: Never,
    ) -> None:
        super().__init__()
        if unknown:
            refuse_hyperparameters(unknown, type(self))
        counts, widths = (max_angular, max_radial), (radial_gaussian_width, density_width)
        self.embedding = smooth_embedding(types, cutoff, *counts, *widths, include_self)
        irreps = to_irreps("irreps_hidden", irreps_hidden)
        l_edges = irreps.lmax if max_angular_edges is None else max_angular_edges
        l_edges = integer("max_angular_edges", l_edges, at_least=0)
        edge_orientations = flag("edge_orientations", edge_orientations)
        radial_layers = integers("radial_layers", radial_layers, at_least=1)
        n_radial = integer("n_radial", n_radial, at_least=1)
        of_density = self.embedding.hyperparameters
        self.hyperparameters = {name: of_density[name] for name in DENSITY_HYPERPARAMETERS} | {
            "max_angular_edges": l_edges,
            "n_radial": n_radial,
            "radial_layers": radial_layers,
            "edge_orientations": edge_orientations,
        }
        self.types, self.cutoff = self.embedding.types, self.embedding.cutoff
        n_types, irreps_density = len(self.types), self.embedding.irreps_out
        self.density_energy: DensityEnergy | None = None
        if self.embedding.include_self == "separate":
            channels, n_hidden = self.embedding.density_channels, max(1, irreps.count("0e"))
            irreps_density, irreps_neighbors = channels.irreps_own, channels.irreps_neighbors
            self.density_energy = DensityEnergy(
                irreps_density, irreps_neighbors, n_hidden, n_types,
                1 if edge_orientations else self.density_layers,
            )  # fmt: skip
        self.irreps_features = o3.Irreps([each for each in irreps if each.ir in irreps_density])
        self.encoding = ParticleEncoding(irreps_density, self.irreps_features, n_types)
        self.edge_encoding = EdgeEncoding(self.cutoff, l_edges, n_radial, edge_orientations)
        # a row, since torch traces a network twice that has a buffer without dimensions
        self.register_buffer("n_neighbors", torch.ones(1))
        self.register_buffer("energy_shifts", torch.zeros(n_types))
        self.register_buffer("energy_scales", torch.ones(n_types))

    def build_convolution(
        self, irreps_in: o3.Irreps | str, irreps_wanted: o3.Irreps | str
    ) -> Convolution:
        """Build a convolution over the edges of this network.

        Parameters
        ----------
        irreps_in : Irreps or str
            Irreps of the features.
        irreps_wanted : Irreps or str
            Irreps of the messages; multiplicities do not matter.
        """
        return Convolution(
            irreps_in,
            self.edge_encoding.irreps_harmonics,
            irreps_wanted,
            self.edge_encoding.n_invariants,
            self.hyperparameters["radial_layers"],
        )

    @abstractmethod
    def network(
        self, h: Tensor, type_index: Tensor, edge_index: Tensor, edges: EdgeFeatures
    ) -> Tensor:
        """Compute one number for each particle, which scale and shift turn into its energy.

        Parameters
        ----------
        h : Tensor ``(N, irreps_features.dim)``
            Features of the particles.
        type_index : Tensor ``(N,)``, int64
            Positions of the particles' types in `types`.
        edge_index : Tensor ``(2, edge)``, int64
            Neighbours (row 0) and centres (row 1).
        edges : EdgeFeatures

        Returns
        -------
        Tensor ``(N,)``
            Invariant under rotations and inversion.
        """

    def forward(self, data: Any, edges: Edges | None = None) -> Tensor:
        """Compute the energies of the particles ``(N,)``; see :class:`~anisoap_e3nn.potentials.Potential`.

        Raises
        ------
        ValueError
            If a type is unknown, two particles are in the same place, :meth:`network` returns another shape
            than ``(N,)``, or the embedding refuses the data.
        TypeError
            If the dtype of the data is not that of the model.
        """
        check_data(data)
        type_index = self.embedding.type_index(data.types)  # -> [particle]
        edge_index, edge_vectors = self._edges(data, edges)
        own, neighbors = self._densities(data, edge_index, edge_vectors)
        h = self.encoding(own, type_index)  # -> [particle, irreps_features.dim]
        features = self.edge_encoding(edge_vectors, edge_index, data.orientations, data.semiaxes)
        energies = self.network(h, type_index, edge_index, features)  # -> [particle]
        if not is_tracing() and energies.shape != type_index.shape:
            raise ValueError(
                f"{type(self).__name__}.network returned shape {tuple(energies.shape)}, expected "
                f"{tuple(type_index.shape)}: one number for each particle"
            )
        if self.density_energy is not None:
            energies = energies + self.density_energy(own, neighbors, type_index)
        return self.energy_shifts[type_index] + self.energy_scales[type_index] * energies

    @without_autocast
    @torch.no_grad()
    def standardize(self, frames: Sequence[Any], batch_size: int = 64) -> None:
        """Set input scales, the mean number of neighbours and energy shifts from training data.

        Call it once, before training. It also sets the unit of the network's output, one for each type: the
        root mean square of the forces on particles of the type. Without forces it is that of the energies per
        particle, after the shifts are subtracted, and without energies either that of the torques. The shifts
        are a least-squares fit to the energies, or 0.

        Parameters
        ----------
        frames : sequence of EllipsoidData
            Frames with one or more of `energy`, `forces` and `torques`; some hundreds suffice.
        batch_size : int
            Number of frames processed at a time.

        Raises
        ------
        ValueError
            If there are no frames, a target is missing or has the wrong shape, or :meth:`forward` refuses a
            frame.
        TypeError
            If the dtypes of frames, targets and model differ.
        """
        frames = list(frame_iterable(frames))
        if not frames:
            raise ValueError("expected one or more frames, found none")
        targets = Targets()
        for frame in frames:
            targets.add(frame)
        self._measure_features(frames, batch_size)
        type_index = [self.embedding.type_index(frame.types) for frame in frames]
        shifts, scales = energy_shifts_and_scales(frames, type_index, len(self.types))
        self.energy_shifts.copy_(shifts)
        self.energy_scales.copy_(scales)

    def _measure_features(self, frames: Sequence[Any], batch_size: int) -> None:
        densities, invariants, n_particles, n_edges = [], [], 0, 0
        for data in iterate_batches(frames, batch_size):
            edge_index, vectors = self._edges(data, None)
            densities.append(self._densities(data, edge_index, vectors))
            of_particles = (data.orientations, data.semiaxes)
            invariants.append(self.edge_encoding.invariants(vectors, edge_index, *of_particles))
            n_particles, n_edges = n_particles + len(data.types), n_edges + len(vectors)
        own, neighbors = map(torch.cat, zip(*densities, strict=True))
        self.encoding.fit(own)
        if self.density_energy is not None:
            self.density_energy.fit(own, neighbors)
        self.edge_encoding.standardization.fit(torch.cat(invariants))
        self.n_neighbors.fill_(max(1.0, n_edges / max(1, n_particles)))

    def _edges(self, data: Any, edges: Edges | None) -> tuple[Tensor, Tensor]:
        edges = edges or edges_of(data, self.cutoff)
        vectors = edges.edge_vectors
        same = "two particles are in the same place, so the edge between them has no direction; move one"
        assert_on_gpu(vectors, lambda r: r.any(1), same)
        if is_readable(vectors) and not vectors.any(1).all():
            raise ValueError(same)
        return edges.edge_index, vectors

    def _densities(
        self, data: Any, edge_index: Tensor, edge_vectors: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Coefficients of the density that is encoded, and of the neighbours' if it is apart."""
        coefficients: Tensor = self.embedding(
            edge_vectors, edge_index, data.types, data.orientations, data.semiaxes
        )
        if self.density_energy is None:
            return coefficients, coefficients[:, :0]
        return self.embedding.density_channels.split(coefficients)
