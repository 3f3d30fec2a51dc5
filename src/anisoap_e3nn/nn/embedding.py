"""The AniSOAP density expansion as a layer."""

from collections.abc import Sequence
from typing import Any

import torch
from e3nn import o3
from torch import Tensor

from ..arguments import positive
from ..basis import MomentProjection, RadialBasis, build_radial_basis, radial_counts
from ..geometry import damped_covariances
from ..graph import edges_of
from ..hyperparameters import HyperparameterModule
from ..ops import gaussian_moments
from ..particle_types import TypeIndex
from ..tracing import is_tracing
from .cutoff import build_cutoff_function
from .inputs import check_inputs
from .linear import TypeLinear
from .tensor_map import features_to_tensor_map


class AniSOAPEmbedding(HyperparameterModule):
    r"""Expansion of the density of ellipsoids around each particle, as e3nn irreps.

    .. math::
        c^{i,s}_{nlm} = \sum_{j \in N(i),\, s_j = s} f(r_{ij})
            \int \phi_{nl}(|x|) \, Y_{lm}(\hat x) \, N(x; r_{ij}, \Sigma_j) \, d^3x, \qquad
        \Sigma_j = R_j \, \mathrm{diag}(a_j^2) \, R_j^\top

    with orthonormalised radial functions :math:`\phi_{nl}` (see :mod:`anisoap_e3nn.basis`) and e3nn's real
    spherical harmonics (``normalization="integral"``). The coefficients are those of AniSOAP (J. Chem.
    Phys. 161, 074112, 2024) in e3nn's basis. The type of the centre does not enter them.

    Parameters
    ----------
    types : sequence of int
        The particle types that occur, in the order of the output's channels.
    cutoff : float
        Neighbours up to this distance count, in the unit of the positions.
    max_angular : int
        The largest l.
    max_radial : int or sequence of int, optional
        The largest n, for every l or one for each; by default coupled to l, n ≤ (max_angular - l) // 2.
    radial_basis : {"gto", "monomial"} or RadialBasis
        Gaussian-type orbitals :math:`r^{l+2n} e^{-r^2/2\sigma^2}`, monomials :math:`r^{l+2n}`, or functions
        of your own: a :class:`~anisoap_e3nn.basis.RadialBasis`.
    radial_gaussian_width : float, optional
        :math:`\sigma` of the Gaussian-type orbitals, a length; for them alone.
    rcond : float
        In the orthonormalisation of the radial functions, directions with eigenvalues ≤ `rcond` of
        their overlap are dropped.
    cutoff_function : {"shifted_cosine", "polynomial"} or Module, optional
        :math:`f(r)` up to the cutoff: :class:`ShiftedCosine`, :class:`PolynomialCutoff` or a module from
        distances ``(edge,)`` to weights ``(edge,)``. By default 1, as in AniSOAP: then whatever is
        computed from the output jumps where neighbours cross the cutoff. With "polynomial" it is
        continuous there, and so are its first two derivatives.
    include_self : bool
        Whether a particle's own density is part of its neighbourhood.
    irreps_out : Irreps or str, optional
        Adds a learnable equivariant linear map to these irreps; by default the coefficients come out.
    per_center_type : bool
        Whether that map has weights of its own for each type of the centre.

    Attributes
    ----------
    irreps_out : Irreps
        Of the output.
    irreps_coefficients : Irreps
        Of the coefficients: one entry for each l, multiplicity types × n.
    channels : list of str
        In words, which channel of `irreps_coefficients` is which type and n.
    hyperparameters : dict
        The arguments: ``AniSOAPEmbedding(**embedding.hyperparameters)`` is the same layer.

    Raises
    ------
    ValueError
        For hyperparameters that make no sense, with what was found and expected.

    Examples
    --------
    >>> embedding = AniSOAPEmbedding([1, 6], cutoff=5.0, max_angular=2, radial_gaussian_width=1.5)
    >>> embedding.irreps_out
    4x0e+2x1o+2x2e
    >>> embedding.channels[:3]
    ['l=0 type=1 n=0', 'l=0 type=1 n=1', 'l=0 type=6 n=0']
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
        radial_gaussian_width: float | None = None,
        rcond: float = 1e-8,
        cutoff_function: str | torch.nn.Module | None = None,
        include_self: bool = True,
        irreps_out: o3.Irreps | str | None = None,
        per_center_type: bool = False,
    ) -> None:
        super().__init__()
        n_radial = radial_counts(max_angular, max_radial)
        self.type_index = TypeIndex(types, "this embedding")
        self.types = self.type_index.types
        self.cutoff = positive("cutoff", cutoff, "length")
        self.include_self = include_self
        self.basis = build_radial_basis(radial_basis, self.cutoff, radial_gaussian_width)
        self.cutoff_function = build_cutoff_function(cutoff_function, self.cutoff)
        self.projection = MomentProjection(self.basis, n_radial, len(self.types), rcond)

        self.irreps_coefficients = o3.Irreps(
            [(len(self.types) * n, (l, (-1) ** l)) for l, n in enumerate(n_radial)]
        )
        self.channels = [
            f"l={l} type={type_} n={n}"
            for l, count in enumerate(n_radial)
            for type_ in self.types
            for n in range(count)
        ]
        self.irreps_out = self.irreps_coefficients if irreps_out is None else o3.Irreps(irreps_out)
        self.linear: TypeLinear | None = None
        if irreps_out is not None:
            n_maps = len(self.types) if per_center_type else 1
            self.linear = TypeLinear(self.irreps_coefficients, self.irreps_out, n_maps)
        elif per_center_type:
            raise ValueError(
                "per_center_type=True needs irreps_out: there is no linear map without"
            )
        self.hyperparameters = {
            "types": self.types,
            "cutoff": self.cutoff,
            "max_angular": max_angular,
            "max_radial": max_radial if isinstance(max_radial, int | None) else list(max_radial),
            "radial_basis": radial_basis,
            "radial_gaussian_width": radial_gaussian_width,
            "rcond": rcond,
            "cutoff_function": cutoff_function,
            "include_self": include_self,
            "irreps_out": None if irreps_out is None else str(self.irreps_out),
            "per_center_type": per_center_type,
        }

    def forward(
        self,
        edge_vectors: Tensor | Any,
        edge_index: Tensor | None = None,
        types: Tensor | None = None,
        orientations: Tensor | None = None,
        semiaxes: Tensor | None = None,
    ) -> Tensor:
        """Features of every particle.

        Call it with five tensors, or with one :class:`~anisoap_e3nn.EllipsoidData` or a batch of them
        (whose neighbours are searched for if it has no ``edge_index``).

        Parameters
        ----------
        edge_vectors : Tensor ``(edge, 3)``, or EllipsoidData
            r_neighbour - r_centre, a length. Longer ones than the cutoff do not count.
        edge_index : Tensor ``(2, edge)``, int64
            Neighbours (row 0) and centres (row 1), in any order; both directions of each pair, no
            particle with itself (`include_self` takes care of that) save with its periodic images.
        types : Tensor ``(N,)``, int64
            With values from the list given at construction.
        orientations : Tensor ``(N, 4)`` or ``(N, 3, 3)``
            Quaternions (w, x, y, z) of any non-zero norm, or rotation matrices; body → space.
        semiaxes : Tensor ``(N, 3)``
            A length; zero is legal.

        Returns
        -------
        Tensor ``(N, irreps_out.dim)``

        Raises
        ------
        ValueError
            For shapes that do not fit, unknown types, indices out of range, NaN or infinity, negative
            semi-axes, zero quaternions, or a graph built with a smaller cutoff.
        TypeError
            For dtypes other than the module's.
        """
        if edge_index is None:
            return self._forward_data(data=edge_vectors)
        if types is None or orientations is None or semiaxes is None:
            raise TypeError(
                "the embedding takes one EllipsoidData, or edge_vectors, edge_index, types, "
                "orientations and semiaxes"
            )
        check_inputs(
            edge_vectors, edge_index, types, orientations, semiaxes, self.projection.matrix.dtype
        )
        type_index = self.type_index(types)  # -> [particle]
        covariances, weights = damped_covariances(orientations, semiaxes, self.basis.exponent)

        edge_vectors, pair_weights = self._within_cutoff(edge_vectors)  # -> [edge, 3], [edge]
        neighbors, centers = edge_index.unbind()
        n, n_types = types.shape[0], len(self.types)
        segments = (centers * n_types).add_(type_index.index_select(0, neighbors))  # -> [edge]
        own_segments = torch.arange(0, n * n_types, n_types, device=types.device).add_(type_index)

        moments = gaussian_moments(
            edge_vectors,
            neighbors,
            segments,
            n * n_types,
            covariances,
            weights,
            pair_weights,
            own_segments if self.include_self else None,
            exponent=self.basis.exponent,
            degree=self.projection.degree,
        )
        moments = moments.view(n, n_types, moments.shape[1])  # -> [particle, type, moment]
        coefficients = self.projection(moments)  # -> [particle, irreps_coefficients.dim]
        if self.linear is None:
            return coefficients
        return self.linear(coefficients, type_index)  # -> [particle, irreps_out.dim]

    def to_metatensor(self, x: Tensor, data: Any, batch: Tensor | None = None) -> Any:
        r"""Features of this layer as a TensorMap of metatensor, which carries its own labels.

        .. math::
            x^{wiki}_l = Q_l^\top x^{e3nn}_l, \qquad \sigma = p \, (-1)^\lambda

        with :math:`Q_l` of :func:`anisoap_e3nn.conventions.wiki_to_e3nn`. As in featomic there is a block
        for every ``o3_lambda``, ``o3_sigma`` and ``center_type``, but for every type of the layer, so
        that the keys are the same for any data; samples are ``system`` and ``atom``, the component is
        ``o3_mu`` and the properties are ``neighbor_type`` and ``n``, or ``channel`` where `irreps_out` was
        given.

        Parameters
        ----------
        x : Tensor ``(N, irreps_out.dim)``
            What the layer returned.
        data : EllipsoidData or a batch of them, or Tensor ``(N,)``, int64
            What it was called with, or only the types.
        batch : Tensor ``(N,)``, int64, optional
            With types alone: the frame of each particle, from 0; by default all are of one.

        Returns
        -------
        metatensor.torch.TensorMap
            As featomic's calculators for torch return it; autograd goes through.

        Raises
        ------
        ImportError
            Without metatensor-torch.
        ValueError
            For features that do not fit the layer or the data, and unknown types.

        Examples
        --------
        >>> embedding = AniSOAPEmbedding([1, 6], cutoff=5.0, max_angular=2, radial_gaussian_width=1.5)
        >>> x = torch.rand(3, embedding.irreps_out.dim)
        >>> tensor_map = embedding.to_metatensor(x, torch.tensor([6, 1, 6]))
        >>> tensor_map.block({"o3_lambda": 1, "center_type": 6}).values.shape  # particle, m, type · n
        torch.Size([2, 3, 2])
        """
        types = data if isinstance(data, Tensor) else data.types
        batch = batch if isinstance(data, Tensor) else getattr(data, "batch", None)
        if x.shape != (len(types), self.irreps_out.dim):
            raise ValueError(
                f"x has shape {tuple(x.shape)}, expected {(len(types), self.irreps_out.dim)}: the "
                f"features {self.irreps_out} of {len(types)} particles"
            )
        self.type_index(types)  # refuses unknown ones
        return features_to_tensor_map(
            x, self.irreps_out, *self._properties(), types, self.types, batch
        )

    def _properties(self) -> tuple[tuple[str, ...], dict[Any, Tensor]]:
        """What metatensor calls the channels of each irrep."""
        if self.linear is not None:
            counts = {ir: self.irreps_out.count(ir) for _, ir in self.irreps_out}
            return ("channel",), {ir: torch.arange(n)[:, None] for ir, n in counts.items()}
        return ("neighbor_type", "n"), {
            ir: torch.cartesian_prod(
                self.type_index.values.cpu(), torch.arange(mul // len(self.types))
            )
            for mul, ir in self.irreps_out
        }

    def _forward_data(self, data: Any) -> Tensor:
        edges = edges_of(data, self.cutoff)
        return self.forward(
            edges.edge_vectors, edges.edge_index, data.types, data.orientations, data.semiaxes
        )

    def _within_cutoff(self, edge_vectors: Tensor) -> tuple[Tensor, Tensor | None]:
        """The edge vectors, 0 in place of those beyond the cutoff, and their weights f, 0 there too.

        No weights stand for ones.
        """
        # in place, and by components, since fresh memory costs more than the arithmetic
        x, y, z = edge_vectors.detach().unbind(1)
        inside = (x * x).addcmul_(y, y).addcmul_(z, z).sqrt_().le_(self.cutoff)  # 1 or 0 -> [edge]
        all_inside = not is_tracing() and bool(inside.all())
        if not all_inside:
            edge_vectors = edge_vectors * inside[:, None]  # or 0 · ∞ could enter from far away
        if self.cutoff_function is None:
            return edge_vectors, None if all_inside else inside
        x, y, z = edge_vectors.unbind(1)
        # The second derivative of |r| is infinite at r = 0, although that of f(|r|) is not. The length
        # that mends this changes f by about as much as rounding does.
        shortest = self.cutoff**2 * torch.finfo(edge_vectors.dtype).eps
        distances = (x * x + y * y + z * z).add_(shortest).sqrt()
        return edge_vectors, inside * self.cutoff_function(distances)  # -> [edge, 3], [edge]

    def extra_repr(self) -> str:
        given = ", ".join(f"{k}={v!r}" for k, v in self.hyperparameters.items())
        return f"{given} | ellipsoids → {self.irreps_out}"
