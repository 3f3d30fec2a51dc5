"""Ellipsoids and edges in nequip's data, in our conventions."""

import torch
from e3nn import o3
from nequip.data import AtomicDataDict
from nequip.nn.utils import with_edge_vectors_
from torch import Tensor

from ..ellipsoid_features import EllipsoidInputs
from .keys import ORIENTATIONS, SEMIAXES

INPUT_IRREPS = {ORIENTATIONS: None, SEMIAXES: o3.Irreps("3x0e")}
"""The fields that models of ellipsoids read besides nequip's own, with their irreps."""


def ellipsoid_inputs(data: dict[str, Tensor], dtype: torch.dtype) -> EllipsoidInputs:
    """Take ellipsoids and edges from nequip's data, which gets its edge vectors by the way.

    The rows of nequip's ``edge_index`` are centres and neighbours. Ours are the other way round. The vectors
    are the same, from the centre to the neighbour.

    Raises
    ------
    ValueError
        If a field of ellipsoids is missing.
    """
    for name in INPUT_IRREPS:
        if name not in data:
            raise ValueError(
                f"found no {name!r} in the data, expected an array of each frame's particles; use "
                "anisoap_e3nn.interop.nequip.EllipsoidDataModule, or include_keys of your data module"
            )
    data = with_edge_vectors_(data, with_lengths=False)
    return EllipsoidInputs(
        data[AtomicDataDict.EDGE_VECTORS_KEY].to(dtype),
        data[AtomicDataDict.EDGE_INDEX_KEY].flip(0),
        data[AtomicDataDict.ATOM_TYPE_KEY].view(-1),
        data[ORIENTATIONS].to(dtype),
        data[SEMIAXES].to(dtype),
    )
