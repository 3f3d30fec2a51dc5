"""Where the types of particles stand in a layer's own list of types."""

from collections.abc import Sequence

import torch
from torch import Tensor


def distinct_types(types: Sequence[int]) -> list[int]:
    """The types as integers; refuses none and equal ones."""
    values = [int(type_) for type_ in types]
    if not values or len(set(values)) != len(values):
        raise ValueError(f"types is {values}, expected one or more different integers")
    return values


def type_index(types: Tensor, type_values: Tensor, known: str) -> Tensor:
    """The position in `type_values` of each particle's type.

    Parameters
    ----------
    types : Tensor ``(N,)``, int64
    type_values : Tensor ``(types,)``, int64
        All different.
    known : str
        What the layer says of its types to who gives it others.

    Returns
    -------
    Tensor ``(N,)``, int64

    Raises
    ------
    ValueError
        For types that are not there, except inside ``torch.compile``, where to look would break the graph.
    """
    found, index = torch.eq(types[:, None], type_values).max(dim=1)  # -> [particle]
    if not torch.compiler.is_compiling() and not found.all():
        unknown = sorted(set(types.tolist()) - set(type_values.tolist()))
        raise ValueError(f"unknown particle types {unknown}: {known}")
    return index
