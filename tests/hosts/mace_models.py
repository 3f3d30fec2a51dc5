"""Small models of MACE, and frames as its data."""

from typing import Any

import numpy as np
import torch
from ellipsoid_frames import Frame
from mace import data, modules
from mace.tools import AtomicNumberTable, torch_geometric
from torch import Tensor

from anisoap_e3nn.interop.mace import AniSOAPScaleShiftMACE

CUTOFF = 2.5
ARRAYS = {name: name for name in ("orientations", "semiaxes", "torques")}


def small_mace(
    first: str = "RealAgnosticResidualInteractionBlock", seed: int = 1, **options: Any
) -> Any:
    from e3nn import o3

    torch.manual_seed(seed)
    arguments: dict[str, Any] = {
        "r_max": CUTOFF,
        "num_bessel": 4,
        "num_polynomial_cutoff": 5,
        "max_ell": 2,
        "interaction_cls": modules.interaction_classes["RealAgnosticResidualInteractionBlock"],
        "interaction_cls_first": modules.interaction_classes[first],
        "num_interactions": 2,
        "num_elements": 2,
        "hidden_irreps": o3.Irreps("4x0e+4x1o"),
        "MLP_irreps": o3.Irreps("4x0e"),
        "atomic_energies": np.array([-2.0, -1.0]),
        "avg_num_neighbors": 10.0,
        "atomic_numbers": [0, 1],
        "correlation": 2,
        "gate": torch.nn.functional.silu,
        "atomic_inter_scale": 1.0,
        "atomic_inter_shift": 0.0,
        "radial_MLP": [8],
        "embedding": {"max_angular": 3},
    }
    return AniSOAPScaleShiftMACE(**{**arguments, **options})


def mace_data(*frames: Frame) -> dict[str, Tensor]:
    """A batch of MACE."""
    keys = data.KeySpecification(info_keys={}, arrays_keys=ARRAYS)
    graphs = [
        data.AtomicData.from_config(
            data.config_from_atoms(frame.atoms(), key_specification=keys),
            z_table=AtomicNumberTable([0, 1]),
            cutoff=CUTOFF,
        )
        for frame in frames
    ]
    return torch_geometric.Batch.from_data_list(graphs).to_dict()
