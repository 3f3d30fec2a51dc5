"""C structures that the pair style and its models exchange: those of ``pair_style/interface.h``."""

import ctypes
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

Int, Double = ctypes.c_int64, ctypes.c_double
Ints, Doubles = ctypes.POINTER(Int), ctypes.POINTER(Double)


class ModelProperties(ctypes.Structure):
    """What ``pair_coeff`` learns of a model."""

    _fields_ = (
        ("cutoff", Double),
        ("pairs", Int),
        ("neighborhoods", Int),
        ("width", Int),
    )


class StepPointers(ctypes.Structure):
    """One evaluation, as the pair style describes it."""

    _fields_ = (
        *((name, Int) for name in ("model", "n_local", "n_all", "n_pairs", "n_neighborhoods")),
        *((name, Doubles) for name in ("positions", "quaternions", "semiaxes")),
        *(("types", Ints), ("pair_edges", Ints), ("pair_vectors", Doubles)),
        ("neighborhood_edges", Ints),
        *((name, Doubles) for name in ("energies", "forces", "torques")),
    )


Open = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, Int, ctypes.POINTER(ModelProperties),
    ctypes.c_void_p, Int,
)  # fmt: skip
Evaluate = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(StepPointers), ctypes.c_void_p, Int)


class Functions(ctypes.Structure):
    """The two functions of a model."""

    _fields_ = (("open", Open), ("evaluate", Evaluate))


class Step(NamedTuple):
    """One evaluation: tensors on LAMMPS' memory. The first `n_local` particles belong to this rank."""

    n_local: int
    positions: Tensor  # [all, 3]
    quaternions: Tensor  # [all, 4], w x y z, body to space
    semiaxes: Tensor  # [all, 3]
    types: Tensor  # [all], LAMMPS' types
    pair_edges: Tensor  # [2, edge], both directions of each pair, which one rank alone has
    pair_vectors: Tensor  # [edge, 3], from centre to neighbour
    neighborhood_edges: Tensor  # [2, edge], all neighbours of local centres
    energies: Tensor  # [all], to be written
    forces: Tensor  # [all, 3], to be written
    torques: Tensor  # [all, 3], to be written

    @classmethod
    def of(cls, step: StepPointers) -> "Step":
        n = step.n_all
        return cls(
            step.n_local,
            _tensor(step.positions, n, 3),
            _tensor(step.quaternions, n, 4),
            _tensor(step.semiaxes, n, 3),
            _tensor(step.types, n),
            _tensor(step.pair_edges, 2, step.n_pairs),
            _tensor(step.pair_vectors, step.n_pairs, 3),
            _tensor(step.neighborhood_edges, 2, step.n_neighborhoods),
            _tensor(step.energies, n),
            _tensor(step.forces, n, 3),
            _tensor(step.torques, n, 3),
        )


def _tensor(pointer: Any, *shape: int) -> Tensor:
    if not all(shape):  # a rank without particles or pairs: the pointer is null
        dtype = torch.int64 if isinstance(pointer, Ints) else torch.float64
        return torch.zeros(shape, dtype=dtype)
    return torch.from_numpy(np.ctypeslib.as_array(pointer, shape))
