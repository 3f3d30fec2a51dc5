"""The AniSOAP density expansion as a layer."""

from collections.abc import Sequence
from typing import Any

import torch
from e3nn import o3
from torch import Tensor

from ..arguments import flag, flag_or_word, number, positive
from ..basis import MomentProjection, RadialBasis, build_radial_basis, radial_counts
from ..basis.named_bases import plain_widths
from ..basis.radial_counts import plain_max_radial
from ..graph import edges_of
from ..hyperparameters import HyperparameterModule
from ..irreps_arguments import to_irreps
from ..particle_types import TypeIndex
from .cutoff import build_cutoff_function, within_cutoff
from .density_channels import DensityChannels
from .density_moments import DensityEdges, DensityMoments
from .inputs import FIVE_TENSORS, check_inputs, refuse_overflow
from .linear import TypeLinear
from .native_coefficients import native_coefficients
from .tensor_map import channel_properties, features_to_tensor_map


class AniSOAPEmbedding(HyperparameterModule):
    r"""Expansion of the density of ellipsoids around each particle, as e3nn irreps.

    .. math::
        c^{i,s}_{nlm} = \sum_{j \in N(i),\, s_j = s} f(r_{ij})
            \int \phi_{nl}(|x|) \, Y_{lm}(\hat x) \, N(x; r_{ij}, \Sigma_j) \, d^3x, \qquad
        \Sigma_j = w^2 \, R_j \, \mathrm{diag}(a_j^2) \, R_j^\top

    with orthonormalised radial functions :math:`\phi_{nl}` (see :mod:`anisoap_e3nn.basis`) and e3nn's real
    spherical harmonics (``normalization="integral"``). The coefficients are those of AniSOAP (J. Chem.
    Phys. 161, 074112, 2024) in e3nn's basis. The type of the centre does not enter them.

    Parameters
    ----------
    types : sequence of int
        The particle types that occur, in the order of the output's channels.
    cutoff : float
        The largest distance of a neighbour, in the unit of the positions.
    max_angular : int
        The largest l.
    max_radial : int or sequence of int, optional
        The largest n, one number or one for each l; by default (max_angular - l) // 2.
    radial_basis : {"gto", "monomial"} or RadialBasis
        Gaussian-type orbitals :math:`r^{l+2n} e^{-r^2/2\sigma^2}`, monomials :math:`r^{l+2n}`, or functions
        of your own: a :class:`~anisoap_e3nn.basis.RadialBasis`.
    radial_gaussian_width : float or sequence of float, optional
        :math:`\sigma` of the Gaussian-type orbitals, a length; not for other functions. With several widths
        there are functions of each, orthonormalised together: narrow ones resolve contacts, wide ones reach
        far. `max_radial` holds for each width.
    rcond : float
        Threshold of the orthonormalisation of the radial functions: eigenvectors of their overlap with
        eigenvalues ≤ `rcond` are dropped.
    cutoff_function : {"shifted_cosine", "polynomial"} or Module, optional
        :math:`f(r)` up to the cutoff: :class:`ShiftedCosine`, :class:`PolynomialCutoff` or a module from
        distances ``(edge,)`` to weights ``(edge,)``. By default f = 1, as in AniSOAP; then the output
        jumps when a neighbour crosses the cutoff. With "polynomial" the output and its first two
        derivatives are continuous.
    include_self : bool or "separate"
        Whether a particle's own density is added to that of the neighbours of its type, as in AniSOAP. With
        "separate" it has channels of its own, after those of the neighbours' types, for even l only: at odd
        l it vanishes.
    density_width : float
        Standard deviations w of the densities, in units of the semi-axes; 1 as in AniSOAP. Densities narrower
        than the particles do not blur what lies between two surfaces.
    irreps_out : Irreps or str, optional
        Irreps of the output of a learnable equivariant linear map; by default there is no map, and the
        output is the coefficients.
    per_center_type : bool
        Whether the map has separate weights for each type of the centre.

    Attributes
    ----------
    irreps_out : Irreps
        Irreps of the output.
    irreps_coefficients : Irreps
        Irreps of the coefficients: one entry for each l, of multiplicity densities × n.
    channels : list of str
        Names of the channels of `irreps_coefficients`: their l, type (or "own") and n.
    hyperparameters : dict
        Arguments of the constructor: ``AniSOAPEmbedding(**embedding.hyperparameters)`` is the same layer.

    Raises
    ------
    ValueError
        If a hyperparameter is out of range.

    Examples
    --------
    >>> embedding = AniSOAPEmbedding([1, 6], cutoff=5.0, max_angular=2, radial_gaussian_width=1.5)
    >>> embedding.irreps_out
    4x0e+2x1o+2x2e
    >>> r = torch.tensor([[0.0, 0.0, 2.0]])
    >>> sphere, rod = torch.ones(3), torch.tensor([0.5, 0.5, 2.0])
    >>> x = embedding(
    ...     edge_vectors=torch.stack([r[0], -r[0]]),        # neighbour - centre
    ...     edge_index=torch.tensor([[1, 0], [0, 1]]),      # neighbours, centres
    ...     types=torch.tensor([6, 1]),
    ...     orientations=torch.tensor([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]]),
    ...     semiaxes=torch.stack([sphere, rod]),
    ... )
    >>> x.shape
    torch.Size([2, 20])
    """

    def __init__(
        self,
        types: Sequence[int],
        cutoff: float,
        max_angular: int,
        max_radial: int | Sequence[int] | None = None,
        radial_basis: str | RadialBasis = "gto",
        radial_gaussian_width: float | Sequence[float] | None = None,
        rcond: float = 1e-8,
        cutoff_function: str | torch.nn.Module | None = None,
        include_self: bool | str = True,
        irreps_out: o3.Irreps | str | None = None,
        per_center_type: bool = False,
        density_width: float = 1.0,
    ) -> None:
        super().__init__()
        n_radial = radial_counts(max_angular, max_radial)
        self.type_index = TypeIndex(types, "this embedding")
        self.types = self.type_index.types
        self.cutoff = positive("cutoff", cutoff, "length")
        self.include_self = flag_or_word("include_self", include_self, "separate")
        self.density_width = positive("density_width", density_width)
        per_center_type = flag("per_center_type", per_center_type)
        self.basis = build_radial_basis(radial_basis, self.cutoff, radial_gaussian_width)
        self.cutoff_function = build_cutoff_function(cutoff_function, self.cutoff)
        self.moments = DensityMoments(self.basis, self.cutoff)
        units, own = self.moments.units, self.include_self == "separate"
        self.projection = MomentProjection(self.basis, n_radial, len(self.types), rcond, units, own)

        n_functions = [len(units) * count for count in n_radial]
        self.density_channels = DensityChannels(self.types, n_functions, own)
        self.channels = self.density_channels.names
        self.irreps_coefficients = self.density_channels.irreps
        self.irreps_out = (
            self.irreps_coefficients if irreps_out is None else to_irreps("irreps_out", irreps_out)
        )
        self.linear = None
        if irreps_out is not None:
            maps = len(self.types) if per_center_type else 1
            self.linear = TypeLinear(self.irreps_coefficients, self.irreps_out, maps)
        elif per_center_type:
            raise ValueError("per_center_type=True needs irreps_out, the irreps of a linear map")
        self.hyperparameters = {
            "types": self.types,
            "cutoff": self.cutoff,
            "max_angular": len(n_radial) - 1,
            "max_radial": None if max_radial is None else plain_max_radial(max_radial),
            "radial_basis": radial_basis,
            "radial_gaussian_width": radial_gaussian_width and plain_widths(radial_gaussian_width),
            "rcond": number("rcond", rcond),
            "cutoff_function": cutoff_function,
            "include_self": self.include_self,
            "irreps_out": None if irreps_out is None else str(self.irreps_out),
            "per_center_type": per_center_type,
            "density_width": self.density_width,
        }

    def forward(
        self,
        edge_vectors: Tensor | Any,
        edge_index: Tensor | None = None,
        types: Tensor | None = None,
        orientations: Tensor | None = None,
        semiaxes: Tensor | None = None,
    ) -> Tensor:
        """Compute the features of every particle.

        Call it with five tensors, or with one :class:`~anisoap_e3nn.EllipsoidData` or a batch of them. Data
        without ``edge_index`` get a neighbour list first.

        Parameters
        ----------
        edge_vectors : Tensor ``(edge, 3)``, or EllipsoidData
            r_neighbour - r_centre, a length. Edges longer than the cutoff do not count.
        edge_index : Tensor ``(2, edge)``, int64
            Neighbours (row 0) and centres (row 1), in any order, with both directions of each pair. A
            particle may be paired with its periodic images but not with itself; see `include_self`.
        types : Tensor ``(N,)``, int64
            Types of the particles, from the list given at construction.
        orientations : Tensor ``(N, 4)`` or ``(N, 3, 3)``
            Quaternions (w, x, y, z) of any non-zero norm, or rotation matrices; body → space.
        semiaxes : Tensor ``(N, 3)``
            Semi-axes of the particles, a length; zero is legal.

        Returns
        -------
        Tensor ``(N, irreps_out.dim)``

        Raises
        ------
        ValueError
            If shapes do not fit, a type is unknown, an index is out of range, a value is NaN or infinite,
            a semi-axis is negative, a quaternion is zero, a graph was built with a smaller cutoff, or the
            dtype cannot hold the lengths.
        TypeError
            If a dtype is not that of the module.
        """
        if edge_index is None and types is None:
            data: Any = edge_vectors
            edges = edges_of(data, self.cutoff)
            edge_vectors, edge_index = edges.edge_vectors, edges.edge_index
            types, orientations, semiaxes = data.types, data.orientations, data.semiaxes
        if edge_index is None or types is None or orientations is None or semiaxes is None:
            raise TypeError(f"the embedding takes one EllipsoidData, or {FIVE_TENSORS}")
        graph = edge_vectors, edge_index, types, orientations, semiaxes
        if (coefficients := native_coefficients(self, *graph)) is not None:
            return coefficients
        check_inputs(*graph, self.projection.matrix.dtype)
        type_index = self.type_index(types)  # -> [particle]
        edge_vectors, pair_weights = within_cutoff(edge_vectors, self.cutoff, self.cutoff_function)
        if self.density_width != 1:
            semiaxes = self.density_width * semiaxes
        neighbors, centers = edge_index.unbind()
        n_densities = self.projection.n_densities
        segments = (centers * n_densities).add_(type_index.index_select(0, neighbors))  # -> [edge]
        n_segments = types.shape[0] * n_densities
        own_segments = self.moments.own_segments(type_index, n_densities, self.include_self)
        to_densities = DensityEdges(
            edge_vectors, pair_weights, neighbors, segments, n_segments, own_segments
        )
        moments = self.moments(to_densities, orientations, semiaxes, self.projection.degree)
        coefficients = self.projection(moments)  # -> [particle, irreps_coefficients.dim]
        refuse_overflow(coefficients)
        if self.linear is None:
            return coefficients
        return self.linear(coefficients, type_index)  # -> [particle, irreps_out.dim]

    def to_metatensor(self, x: Tensor, data: Any, batch: Tensor | None = None) -> Any:
        r"""Convert features of this layer to a labelled ``metatensor.torch.TensorMap``.

        .. math::
            x^{wiki}_l = Q_l^\top x^{e3nn}_l, \qquad \sigma = p \, (-1)^\lambda

        with :math:`Q_l` of :func:`anisoap_e3nn.conventions.wiki_to_e3nn`. As in featomic, there is a block
        for every ``o3_lambda``, ``o3_sigma`` and ``center_type``. Unlike in featomic, every type of the
        layer has blocks, so the keys are the same for any data. Samples are ``system`` and ``atom``, the
        component is ``o3_mu``. Properties are ``neighbor_type`` and ``n``, or ``channel`` if `irreps_out`
        was given. The ``neighbor_type`` of the particle's own density is -1, with include_self="separate".

        Parameters
        ----------
        x : Tensor ``(N, irreps_out.dim)``
            Output of the layer.
        data : EllipsoidData or a batch of them, or Tensor ``(N,)``, int64
            Input of the layer, or only its types.
        batch : Tensor ``(N,)``, int64, optional
            Frame of each particle, from 0, if only types are given; by default there is one frame.

        Returns
        -------
        metatensor.torch.TensorMap
            In the form of featomic's calculators for torch. Autograd works through the conversion.

        Raises
        ------
        ImportError
            If metatensor-torch is not installed.
        ValueError
            If the shape of the features does not fit the layer and the data, or a type is unknown.

        Examples
        --------
        >>> embedding = AniSOAPEmbedding([1, 6], cutoff=5.0, max_angular=2, radial_gaussian_width=1.5)
        >>> x = torch.rand(3, embedding.irreps_out.dim)
        >>> tensor_map = embedding.to_metatensor(x, torch.tensor([6, 1, 6]))
        >>> tensor_map.block({"o3_lambda": 1, "center_type": 6}).values.shape  # particle, m, type · n
        torch.Size([2, 3, 2])
        """
        if not isinstance(data, Tensor):
            data, batch = data.types, getattr(data, "batch", None)
        self.type_index(data)  # refuses unknown ones
        properties = (
            (["neighbor_type", "n"], self.density_channels.properties)
            if self.linear is None
            else channel_properties(self.irreps_out)
        )
        return features_to_tensor_map(x, self.irreps_out, *properties, data, self.types, batch)

    def extra_repr(self) -> str:
        given = ", ".join(f"{k}={v!r}" for k, v in self.hyperparameters.items())
        return f"{given} | ellipsoids → {self.irreps_out}"
