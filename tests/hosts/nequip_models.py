"""Small models of nequip, and frames as its data."""

from typing import Any

from ellipsoid_frames import Frame
from nequip.data import AtomicDataDict, from_ase
from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform
from torch import Tensor

from anisoap_e3nn.interop.nequip import AniSOAPAllegroModel, AniSOAPNequIPModel

CUTOFF = 2.5
COMMON: dict[str, Any] = {
    "seed": 1,
    "model_dtype": "float64",
    "type_names": ["A", "B"],
    "r_max": CUTOFF,
    "avg_num_neighbors": 10.0,
    "per_type_energy_scales": 1.0,
    "per_type_energy_shifts": -2.0,
}
SMALL = {"num_features": 4, "embedding": {"max_angular": 3, "max_radial": 1}}


def small_nequip(**options: Any) -> Any:
    return AniSOAPNequIPModel(**{**COMMON, **SMALL, **options})


def small_shape() -> Any:
    return AniSOAPNequIPModel(
        **COMMON, num_features=4, node_embedding="shape", edge_orientations=False, parity=True
    )


def small_allegro(**options: Any) -> Any:
    return AniSOAPAllegroModel(
        **{**COMMON, "embedding": {"max_angular": 3, "max_radial": 1}, **options},
        radial_chemical_embed={"_target_": "allegro.nn.TwoBodyBesselScalarEmbed"},
        l_max=2,
        num_layers=1,
        num_scalar_features=8,
        num_tensor_features=4,
    )


def nequip_data(*frames: Frame) -> dict[str, Tensor]:
    """A batch of nequip."""
    mapper = ChemicalSpeciesToAtomTypeMapper(["A", "B"], {"X": "A", "H": "B"})
    search = NeighborListTransform(r_max=CUTOFF)
    keys = ["orientations", "semiaxes", "torques"]
    return AtomicDataDict.batched_from_list(
        [search(mapper(from_ase(frame.atoms(), include_keys=keys))) for frame in frames]
    )
