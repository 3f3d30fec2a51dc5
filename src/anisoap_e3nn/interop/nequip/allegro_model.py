"""Allegro's network with the density of ellipsoids in its first layer."""

from typing import Any

from allegro.model import AllegroModel
from nequip.model.utils import model_builder

from .node_embedding import DensityEnergyTerm
from .torques import ForceTorqueOutput


@model_builder  # type: ignore[untyped-decorator]
def AniSOAPAllegroModel(  # noqa: N802, named as Allegro's own builder is
    radial_chemical_embed: dict[str, Any],
    r_max: float,
    embedding: dict[str, Any] | None = None,
    edge_orientations: bool = True,
    do_derivatives: bool = True,
    **options: Any,
) -> ForceTorqueOutput:
    """Build Allegro's network on ellipsoids, with energies, forces, torques and stress.

    Name it as ``_target_`` of the model in a configuration of ``nequip-train``. Allegro has features of edges
    only. Its first ones are those of `radial_chemical_embed` and beside them those of
    ``DensityAlongEdges``. The energy of the density around each particle is added
    (:class:`DensityEnergyTerm`).

    Parameters
    ----------
    seed, model_dtype, compile_mode
        Taken by nequip, as for all its builders.
    radial_chemical_embed : dict
        Allegro's own first features of edges, such as ``{_target_: allegro.nn.TwoBodyBesselScalarEmbed}``.
    r_max : float
        Cutoff, a length.
    embedding : dict, optional
        Hyperparameters of the :class:`~anisoap_e3nn.AniSOAPEmbedding`.
    edge_orientations : bool
        Whether edges know how their two ellipsoids lie.
    do_derivatives : bool
        Whether there is anything besides the energy.
    **options
        As for Allegro's ``AllegroModel``.

    Returns
    -------
    nequip.nn.GraphModel
    """
    first = {
        "_target_": "anisoap_e3nn.interop.nequip.allegro_embedding.ellipsoid_edge_scalars",
        "radial_chemical_embed": radial_chemical_embed,
        "r_max": r_max,
        "embedding": embedding or {},
        "edge_orientations": edge_orientations,
        "_recursive_": False,
    }
    energy = AllegroModel(radial_chemical_embed=first, r_max=r_max, **options).func
    term = DensityEnergyTerm(energy.edge_eng_sum.irreps_out)
    energy.insert("density_energy", term, before="per_type_energy_scale_shift")
    return ForceTorqueOutput(energy, do_derivatives)
