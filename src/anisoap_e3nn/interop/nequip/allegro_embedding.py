"""First features of Allegro's edges, from the ellipsoids at both ends and how both lie."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from e3nn import o3
from hydra.utils import instantiate
from nequip.data import AtomicDataDict
from nequip.nn import GraphModuleMixin, ScalarMLPFunction, SequentialGraphNetwork
from torch import Tensor

from ..random_numbers import own_random_numbers
from .edge_embedding import EllipsoidEdgeEmbedding
from .inputs import ellipsoid_inputs
from .node_embedding import AniSOAPNodeEmbedding

_IRREPS = o3.Irreps("16x0e + 16x2e + 16x4e")  # of the particles' features


def ellipsoid_edge_scalars(
    radial_chemical_embed: dict[str, Any],
    r_max: float,
    embedding: dict[str, Any],
    edge_orientations: bool,
    type_names: Sequence[str],
    module_output_dim: int,
    forward_weight_init: bool,
    scalar_embed_field: str,
    irreps_in: dict[str, Any],
) -> SequentialGraphNetwork:
    """Build Allegro's first features of edges, and beside them those of :class:`DensityAlongEdges`.

    Parameters
    ----------
    radial_chemical_embed : dict
        Allegro's own module, to be instantiated.
    r_max : float
        Cutoff, a length.
    embedding : dict
        Hyperparameters of the :class:`~anisoap_e3nn.AniSOAPEmbedding`.
    edge_orientations : bool
        Whether :class:`EllipsoidEdgeEmbedding` is there, too.
    type_names, module_output_dim, forward_weight_init, scalar_embed_field, irreps_in
        As Allegro gives them to such a module.
    """
    modules: dict[str, Any] = {}
    modules["own"] = instantiate(
        radial_chemical_embed,
        type_names=type_names,
        module_output_dim=module_output_dim,
        forward_weight_init=forward_weight_init,
        scalar_embed_field=scalar_embed_field,
        irreps_in=irreps_in,
    )
    irreps = modules["own"].irreps_out
    if edge_orientations:
        modules["edge_ellipsoids"] = EllipsoidEdgeEmbedding(r_max, irreps)
        irreps = modules["edge_ellipsoids"].irreps_out
    modules["density"] = AniSOAPNodeEmbedding(type_names, r_max, _IRREPS, irreps, **embedding)
    modules["along_edges"] = DensityAlongEdges(module_output_dim, modules["density"].irreps_out)
    return SequentialGraphNetwork(modules)


class DensityAlongEdges(GraphModuleMixin, torch.nn.Module):  # type: ignore[misc]
    r"""Append to an edge's scalars the node features of both ends, taken along the edge.

    .. math::
        W f(r_{ij}) \bigl( h_i^{l} \cdot Y_l(\hat r_{ij}) \oplus h_j^{l} \cdot Y_l(\hat r_{ij}) \bigr)_l

    with a linear map W and nequip's cutoff function f, for each l and channel of the node features h.

    Parameters
    ----------
    n_features : int
        Number of scalars that are appended.
    irreps_in : dict
        Irreps of the fields so far, among them node features and nequip's ``edge_cutoff``.
    """

    _init_irreps: Callable[..., None]

    @own_random_numbers()
    def __init__(self, n_features: int, irreps_in: dict[str, Any]) -> None:
        super().__init__()
        irreps = irreps_in[AtomicDataDict.NODE_FEATURES_KEY]
        self._slices = [
            (part, mul, ir.l) for part, (mul, ir) in zip(irreps.slices(), irreps, strict=True)
        ]
        self._lmax = irreps.lmax
        self.harmonics = o3.SphericalHarmonics(
            o3.Irreps.spherical_harmonics(self._lmax), normalize=True, normalization="component"
        )
        self.linear = ScalarMLPFunction(input_dim=2 * irreps.num_irreps, output_dim=n_features)
        self.dtype = torch.get_default_dtype()
        n = irreps_in[AtomicDataDict.EDGE_EMBEDDING_KEY].num_irreps + n_features
        self._init_irreps(
            irreps_in=irreps_in,
            required_irreps_in=[AtomicDataDict.EDGE_EMBEDDING_KEY, AtomicDataDict.EDGE_CUTOFF_KEY],
            irreps_out={AtomicDataDict.EDGE_EMBEDDING_KEY: o3.Irreps([(n, "0e")])},
        )

    def forward(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """Append to ``edge_embedding``."""
        inputs = ellipsoid_inputs(data, self.dtype)
        harmonics = self.harmonics(inputs.edge_vectors)  # -> [edge, (l_max + 1)²]
        both = data[AtomicDataDict.NODE_FEATURES_KEY][inputs.edge_index]  # -> [2, edge, dim]
        parts = []
        for part, mul, l in self._slices:
            h = both[..., part].unflatten(-1, (mul, 2 * l + 1))  # -> [2, edge, channel, m]
            y = harmonics[:, l**2 : (l + 1) ** 2, None]  # -> [edge, m, 1]
            parts.append((h @ y).squeeze(-1) / (2 * l + 1))  # -> [2, edge, channel]
        at_neighbors, at_centers = torch.cat(parts, dim=-1)  # -> [edge, num_irreps] each
        scalars = self.linear(
            torch.cat([at_centers, at_neighbors], dim=-1)
        )  # -> [edge, n_features]
        scalars = scalars * data[AtomicDataDict.EDGE_CUTOFF_KEY].to(self.dtype)
        of_edges = data[AtomicDataDict.EDGE_EMBEDDING_KEY]
        data[AtomicDataDict.EDGE_EMBEDDING_KEY] = torch.cat([of_edges, scalars], dim=1)
        return data
