"""Many-body potential: a readout of power spectra."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from ..arguments import integers
from ..data.batches import frame_iterable
from ..geometry import rotation_matrices
from ..graph import Edges, edges_of, frame_index
from ..hyperparameters import HyperparameterModule
from ..nn import PowerSpectrum
from ..nn.smooth_embedding import DENSITY_HYPERPARAMETERS, smooth_embedding
from ..precision import without_autocast
from ..tensor_arguments import check_data
from .feature_derivatives import SpectrumJacobians
from .feature_statistics import FeatureStatistics
from .potential import Design, Potential

_DESIGN_CHUNK = 1024  # edges


class ManyBodyPotential(HyperparameterModule, Potential):
    r"""Many-body potential: a readout of the power spectrum of each particle, with weights by type.

    .. math::
        E_i = F_{t_i}(z_i), \qquad z_{ik} = (p_{ik} - m_{t_i k}) / s_{t_i k}, \qquad
        p_i = \{ (c^i_{lu} \cdot c^i_{lv}) / \sqrt{2l + 1} \}

    The coefficients c are those of :class:`~anisoap_e3nn.AniSOAPEmbedding`, by default with the particle's
    own density in channels of its own.
    F is linear, :math:`w_t \cdot z`, or a multilayer perceptron. Initially m = 0 and s = 1;
    :meth:`standardize` sets them.

    Parameters
    ----------
    types : sequence of int
        Particle types.
    cutoff : float
        Cutoff of the neighbours, a length. They fade towards it (cutoff function "polynomial").
    max_angular : int
        Largest l.
    max_radial : int or sequence of int, optional
        Largest n, as for :class:`~anisoap_e3nn.AniSOAPEmbedding`.
    radial_gaussian_width : float or sequence of float, optional
        Widths of the Gaussian-type orbitals, lengths; by default an eighth of the cutoff.
    density_width : float
        Standard deviations of a particle's density, in units of its semi-axes. AniSOAP's is 1, which blurs
        neighbours into each other.
    include_self : bool or "separate"
        Whether the density includes the particle's own, or has channels of its own for it.
    hidden : sequence of int
        Widths of the hidden layers of the perceptron, such as ``(64, 64)``; empty for a linear readout.

    Attributes
    ----------
    weights : Parameter ``(types, feature)``
        Weights of a linear readout, initially zero; see :func:`~anisoap_e3nn.fitting.fit_linear`.
    n_features : int
        Number of features of a particle.
    channels : list of str
        Description of the product in each feature.

    Raises
    ------
    ValueError
        If types are repeated, a length or width is not positive, or `max_angular` is negative.

    Examples
    --------
    >>> ManyBodyPotential([0], cutoff=5.0, max_angular=2)
    ManyBodyPotential(types=[0], cutoff=5.0, max_angular=2, max_radial=4, radial_gaussian_width=0.625,
    density_width=0.3, include_self='separate', hidden=[] | 125 features)
    """

    means: Tensor
    scales: Tensor

    def __init__(
        self,
        types: Sequence[int],
        cutoff: float,
        max_angular: int = 6,
        max_radial: int | Sequence[int] | None = 4,
        radial_gaussian_width: float | Sequence[float] | None = None,
        density_width: float = 0.3,
        include_self: bool | str = "separate",
        hidden: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.embedding = smooth_embedding(
            types,
            cutoff,
            max_angular,
            max_radial,
            radial_gaussian_width,
            density_width,
            include_self,
        )
        self.power_spectrum = PowerSpectrum(self.embedding.irreps_out, filter_ir_out=["0e"])
        self.types = self.embedding.types
        self.cutoff: float = self.embedding.cutoff
        self.n_features = self.power_spectrum.irreps_out.dim
        hidden = integers("hidden", hidden, at_least=1)
        of_density = self.embedding.hyperparameters
        self.hyperparameters = {name: of_density[name] for name in DENSITY_HYPERPARAMETERS} | {
            "hidden": hidden,
        }
        shape = len(self.types), self.n_features
        self.register_buffer("means", torch.zeros(shape))
        self.register_buffer("scales", torch.ones(shape))
        if hidden:
            self.perceptrons = torch.nn.ModuleList(
                _perceptron([self.n_features, *hidden, 1]) for _ in self.types
            )
        else:
            self.weights = torch.nn.Parameter(torch.zeros(shape))

    @property
    def channels(self) -> list[str]:
        return self.power_spectrum.describe(self.embedding.channels)

    @property
    def linear_weights(self) -> Tensor | None:
        return None if self.hyperparameters["hidden"] else self.weights

    def forward(self, data: Any, edges: Edges | None = None) -> Tensor:
        """Energies of the particles ``(N,)``; see :meth:`Potential.forward`."""
        check_data(data)
        type_index = self.embedding.type_index(data.types)
        features = self._standardized(
            self.power_spectrum(self._coefficients(data, edges)), type_index
        )
        if self.linear_weights is not None:
            return (features * self.weights[type_index]).sum(1)
        of_types = torch.cat([net(features) for net in self.perceptrons], dim=1)
        return of_types.gather(1, type_index[:, None]).squeeze(1)  # -> [particle]

    @without_autocast
    def features(self, data: Any, edges: Edges | None = None) -> Tensor:
        """Standardised features of the particles ``(N, feature)``, the input of the readout."""
        spectra = self.power_spectrum(self._coefficients(data, edges))  # -> [particle, feature]
        return self._standardized(spectra, self.embedding.type_index(data.types))

    @without_autocast
    def standardize(self, frames: Iterable[Any]) -> None:
        """Standardise the features of each type on these frames: mean 0 and standard deviation 1.

        Perceptrons need it, since power spectra are far from 1. Least squares do not. Call it before a
        readout is fitted, since it changes the features.

        Parameters
        ----------
        frames : iterable of EllipsoidData or of Batches of them
            Frames, read one by one; a generator will do. Features that do not vary are only scaled. Types
            that do not occur keep their means and scales.

        Raises
        ------
        ValueError
            If there are no particles.
        """
        statistics = FeatureStatistics(len(self.types), self.n_features)
        with torch.no_grad():
            for number, data in enumerate(frame_iterable(frames)):
                check_data(data, f"frames[{number}]")
                spectra = self.power_spectrum(self._coefficients(data, None))
                statistics.add(spectra, self.embedding.type_index(data.types))
            statistics.write(self.means, self.scales)

    @without_autocast
    def design(self, data: Any, edges: Edges | None = None) -> Design:
        """Design matrix of a linear readout; see :class:`~anisoap_e3nn.potentials.Linear`.

        Features are differentiated in forward mode, edge by edge.

        Raises
        ------
        TypeError
            If the readout is a perceptron.
        """
        if self.linear_weights is None:
            raise TypeError(f"found a readout that is not linear in its weights, {self!r}")
        edges = edges or edges_of(data, self.cutoff)
        type_index, n, n_types = (
            self.embedding.type_index(data.types),
            len(data.types),
            len(self.types),
        )
        R = rotation_matrices(data.orientations).detach()
        coefficients = self._coefficients(data, edges).detach()
        spectra = self._standardized(self.power_spectrum(coefficients), type_index)

        frames, n_frames = frame_index(data)
        energies = spectra.new_zeros(n_frames * n_types, self.n_features)
        energies.index_add_(0, frames * n_types + type_index, spectra)
        forces, torques = (spectra.new_zeros(n * n_types, 3, self.n_features) for _ in range(2))
        semiaxes = data.semiaxes.detach()
        jacobians = SpectrumJacobians(
            self.embedding, self.power_spectrum, coefficients, data.types, R, semiaxes
        )
        chunks = (x.split(_DESIGN_CHUNK) for x in (edges.edge_vectors.detach(), *edges.edge_index))
        for edge_vectors, neighbors, centers in zip(*chunks, strict=True):
            jacobian = jacobians.along_edges(edge_vectors, neighbors, centers)
            jacobian = jacobian / self.scales[type_index[centers], None]  # -> [edge, 6, feature]
            of_neighbors = neighbors * n_types + type_index[centers]
            forces.index_add_(0, of_neighbors, -jacobian[:, :3])
            forces.index_add_(0, centers * n_types + type_index[centers], jacobian[:, :3])
            torques.index_add_(0, of_neighbors, -jacobian[:, 3:])
        own = jacobians.of_own_rotations() / self.scales[type_index, None]
        own_rows = torch.arange(n, device=type_index.device) * n_types + type_index
        torques.index_add_(0, own_rows, -own)  # own -> [particle, 3, feature]
        forces, torques = (
            x.unflatten(0, (n, n_types)).transpose(1, 2).flatten(2) for x in (forces, torques)
        )  # -> [particle, 3, weight]
        return Design(energies.view(n_frames, n_types * self.n_features), forces, torques)

    def _coefficients(self, data: Any, edges: Edges | None) -> Tensor:
        edges = edges or edges_of(data, self.cutoff)
        coefficients: Tensor = self.embedding(
            edges.edge_vectors, edges.edge_index, data.types, data.orientations, data.semiaxes
        )
        return coefficients  # -> [particle, coefficient]

    def _standardized(self, spectra: Tensor, type_index: Tensor) -> Tensor:
        return (spectra - self.means[type_index]) / self.scales[type_index]

    def __repr__(self) -> str:
        given = ", ".join(f"{k}={v!r}" for k, v in self.hyperparameters.items())
        return f"ManyBodyPotential({given} | {self.n_features} features)"


def _perceptron(widths: Sequence[int]) -> torch.nn.Sequential:
    layers: list[torch.nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.SiLU()]
    return torch.nn.Sequential(*layers[:-1])
