"""NequIP's network with the density of ellipsoids as its first layer."""

import math
from collections.abc import Sequence
from typing import Any

from e3nn import o3
from nequip.data import AtomicDataDict
from nequip.model.energy_modules import _append_energy_modules
from nequip.model.utils import model_builder
from nequip.nn import (
    ApplyFactor,
    ConvNetLayer,
    PerTypeScaleShift,
    ScalarMLP,
    SequentialGraphNetwork,
)
from nequip.nn.embedding import (
    BesselEdgeLengthEncoding,
    EdgeLengthNormalizer,
    NodeTypeEmbed,
    PolynomialCutoff,
    SphericalHarmonicEdgeAttrs,
)

from ...arguments import one_of
from .edge_embedding import EllipsoidEdgeEmbedding
from .node_embedding import AniSOAPNodeEmbedding, DensityEnergyTerm, ShapeNodeEmbedding
from .torques import ForceTorqueOutput


@model_builder  # type: ignore[untyped-decorator]
def AniSOAPNequIPModel(  # noqa: N802, named as nequip's own builders are
    r_max: float,
    type_names: Sequence[str],
    num_layers: int = 2,
    l_max: int = 2,
    parity: bool = False,
    num_features: int | Sequence[int] = 32,
    node_embedding: str = "anisoap",
    embedding: dict[str, Any] | None = None,
    edge_orientations: bool = True,
    radial_mlp_depth: int = 1,
    radial_mlp_width: int = 64,
    num_bessels: int = 8,
    polynomial_cutoff_p: int = 6,
    readout_mlp_hidden_layers_depth: int = 1,
    avg_num_neighbors: float | dict[str, float] | None = None,
    per_type_energy_scales: float | Sequence[float] | None = None,
    per_type_energy_shifts: float | Sequence[float] | None = None,
    pair_potential: dict[str, Any] | None = None,
    do_derivatives: bool = True,
) -> ForceTorqueOutput:
    """Build NequIP's network on ellipsoids, with energies, forces, torques and stress.

    Name it as ``_target_`` of the model in a configuration of ``nequip-train``. Its layers, radial functions
    and readout are nequip's.

    Parameters
    ----------
    seed, model_dtype, compile_mode
        Taken by nequip, as for all its builders.
    r_max : float
        Cutoff, a length.
    type_names : sequence of str
        Names of the particle types.
    num_layers, l_max, parity, num_features
        As for nequip's ``NequIPGNNModel``: layers, largest l of the features, whether both parities of each l
        occur, and channels for each l.
    node_embedding : {"anisoap", "shape"}
        First features of the particles: :class:`AniSOAPNodeEmbedding`, with an energy of the density around
        them (:class:`DensityEnergyTerm`), or the baseline :class:`ShapeNodeEmbedding`.
    embedding : dict, optional
        Hyperparameters of the :class:`~anisoap_e3nn.AniSOAPEmbedding` for "anisoap".
    edge_orientations : bool
        Whether edges know how their two ellipsoids lie, by :class:`EllipsoidEdgeEmbedding`.
    radial_mlp_depth, radial_mlp_width, num_bessels, polynomial_cutoff_p, readout_mlp_hidden_layers_depth
        As for nequip's ``NequIPGNNModel``.
    avg_num_neighbors, per_type_energy_scales, per_type_energy_shifts, pair_potential, do_derivatives
        As for nequip's ``NequIPGNNModel``.

    Returns
    -------
    nequip.nn.GraphModel

    Raises
    ------
    ValueError
        If a hyperparameter is out of range.
    """
    one_of("node_embedding", node_embedding, ("anisoap", "shape"))
    if embedding and node_embedding == "shape":
        raise ValueError(
            "found embedding with node_embedding='shape', which has no density; leave it out"
        )
    channels = [num_features] * (l_max + 1) if isinstance(num_features, int) else list(num_features)
    if len(channels) != l_max + 1:
        raise ValueError(
            f"num_features is {channels}, expected one number or {l_max + 1}, one for each l up to l_max"
        )
    modules = _edge_modules(r_max, type_names, l_max, channels[0], num_bessels, polynomial_cutoff_p)
    irreps: dict[str, Any] = modules["factor"].irreps_out
    if edge_orientations:
        modules["edge_ellipsoids"] = EllipsoidEdgeEmbedding(r_max, irreps)
        irreps = modules["edge_ellipsoids"].irreps_out
    features = o3.Irreps([(mul, (l, (-1) ** l)) for l, mul in enumerate(channels)])
    if node_embedding == "anisoap":
        modules["density"] = AniSOAPNodeEmbedding(
            type_names, r_max, features, irreps, **(embedding or {})
        )
        irreps = modules["density"].irreps_out
    else:
        modules["shape"] = ShapeNodeEmbedding(type_names, features, irreps)
        irreps = modules["shape"].irreps_out
    hidden = [(m, (l, p)) for l, m in enumerate(channels) for p in _parities(l, parity)]
    for layer in range(num_layers):
        is_last = layer == num_layers - 1
        module = ConvNetLayer(
            irreps_in=irreps,
            feature_irreps_hidden=[(channels[0], (0, 1))] if is_last else hidden,
            convolution_kwargs={
                "radial_mlp_depth": radial_mlp_depth,
                "radial_mlp_width": radial_mlp_width,
                "use_sc": True,  # in the first layer too: what a particle is like counts by itself
                "is_first_layer": layer == 0,
                "avg_num_neighbors": avg_num_neighbors,
                "type_names": type_names,
            },
        )
        modules[f"layer{layer}_convnet"] = module
        irreps = module.irreps_out
    modules["per_atom_energy_readout"] = ScalarMLP(
        output_dim=1,
        hidden_layers_depth=readout_mlp_hidden_layers_depth,
        hidden_layers_width=channels[0],
        nonlinearity="silu",
        bias=False,
        forward_weight_init=True,
        field=AtomicDataDict.NODE_FEATURES_KEY,
        out_field=AtomicDataDict.PER_ATOM_ENERGY_KEY,
        irreps_in=irreps,
    )
    irreps = modules["per_atom_energy_readout"].irreps_out
    if node_embedding == "anisoap":
        modules["density_energy"] = DensityEnergyTerm(irreps)
    modules["per_type_energy_scale_shift"] = PerTypeScaleShift(
        type_names=type_names,
        field=AtomicDataDict.PER_ATOM_ENERGY_KEY,
        out_field=AtomicDataDict.PER_ATOM_ENERGY_KEY,
        scales=per_type_energy_scales,
        shifts=per_type_energy_shifts,
        irreps_in=irreps,
    )
    energy = _append_energy_modules(SequentialGraphNetwork(modules), type_names, pair_potential)
    return ForceTorqueOutput(energy, do_derivatives)


def _edge_modules(
    r_max: float,
    type_names: Sequence[str],
    l_max: int,
    n_type_features: int,
    num_bessels: int,
    polynomial_cutoff_p: int,
) -> dict[str, Any]:
    """Embedding of types, and of directions and lengths of edges, by nequip."""
    modules: dict[str, Any] = {}
    modules["type_embed"] = NodeTypeEmbed(type_names=type_names, num_features=n_type_features)
    modules["spharm"] = SphericalHarmonicEdgeAttrs(
        str(o3.Irreps.spherical_harmonics(l_max)), irreps_in=modules["type_embed"].irreps_out
    )
    modules["edge_norm"] = EdgeLengthNormalizer(
        r_max=r_max, type_names=type_names, irreps_in=modules["spharm"].irreps_out
    )
    modules["bessel_encode"] = BesselEdgeLengthEncoding(
        num_bessels=num_bessels,
        cutoff=PolynomialCutoff(polynomial_cutoff_p),
        irreps_in=modules["edge_norm"].irreps_out,
    )
    modules["factor"] = ApplyFactor(
        in_field=AtomicDataDict.EDGE_EMBEDDING_KEY,
        factor=2 * math.pi / r_max**2,
        irreps_in=modules["bessel_encode"].irreps_out,
    )
    return modules


def _parities(l: int, both: bool) -> tuple[int, ...]:
    return (1, -1) if both else ((-1) ** l,)
