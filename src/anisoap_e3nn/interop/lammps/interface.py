"""C structures that the pair style and its models exchange: those of ``pair_style/interface.h``."""

import ctypes
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

Int, Double, Address = ctypes.c_int64, ctypes.c_double, ctypes.c_void_p


class KernelProperties(ctypes.Structure):
    """A native kernel that is the whole model."""

    _fields_ = (
        *((name, Address) for name in ("evaluate", "constants", "types", "known_types")),
        ("n_known_types", Int),
        ("threads", Int),
        ("factor", Double),
    )


class ModelProperties(ctypes.Structure):
    """What ``pair_coeff`` learns of a model."""

    _fields_ = (
        ("cutoff", Double),
        ("pairs", Int),
        ("neighborhoods", Int),
        ("width", Int),
        ("kernel", KernelProperties),
    )


class StepPointers(ctypes.Structure):
    """One evaluation, as the pair style describes it."""

    _fields_ = (
        *((name, Int) for name in ("model", "selection")),
        *((name, Int) for name in ("n_local", "n_all", "n_pairs", "n_neighborhoods")),
        *((name, Address) for name in ("positions", "quaternions", "semiaxes", "types")),
        *((name, Address) for name in ("pair_edges", "pair_vectors", "neighborhood_edges")),
        *((name, Address) for name in ("energies", "forces", "torques")),
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

    selection: int  # another number when arrays of particles have moved, and types changed
    n_local: int
    positions: Tensor  # [all, 3]
    quaternions: Tensor  # [all, 4], w x y z, body to space
    semiaxes: Tensor  # [all, 3]
    types: Tensor  # [all], LAMMPS' types
    energies: Tensor  # [all], to be written
    forces: Tensor  # [all, 3], to be written
    torques: Tensor  # [all, 3], to be written
    pair_edges: Tensor  # [2, edge], one of each pair, which one rank alone has
    pair_vectors: Tensor  # [edge, 3], from centre to neighbour
    neighborhood_edges: Tensor  # [2, edge], all neighbours of local centres

    @classmethod
    def of(cls, step: StepPointers, before: "Step | None" = None) -> "Step":
        """Tensors of a step. Those of particles are taken from the step before as long as they stay."""
        edges = (
            _integers(step.pair_edges, 2, step.n_pairs),
            _doubles(step.pair_vectors, step.n_pairs, 3),
            _integers(step.neighborhood_edges, 2, step.n_neighborhoods),
        )
        if before is not None and before.selection == step.selection:
            particles: tuple[Any, ...] = before[:_N_OF_PARTICLES]
            return cls._make(particles + edges)
        n = step.n_all
        return cls(
            step.selection,
            step.n_local,
            _doubles(step.positions, n, 3),
            _doubles(step.quaternions, n, 4),
            _doubles(step.semiaxes, n, 3),
            _integers(step.types, n),
            _doubles(step.energies, n),
            _doubles(step.forces, n, 3),
            _doubles(step.torques, n, 3),
            *edges,
        )


_N_OF_PARTICLES = Step._fields.index("pair_edges")


class _Memory:
    """LAMMPS' memory for NumPy. Arrays of ctypes would leave a new class behind for every shape."""

    def __init__(self, address: int, kind: str, shape: tuple[int, ...]) -> None:
        self.__array_interface__ = {
            "version": 3,
            "data": (address, False),
            "typestr": kind,
            "shape": shape,
        }


def _tensor(kind: str, address: int | None, shape: tuple[int, ...]) -> Tensor:
    if address is None or not all(shape):  # a rank without particles or pairs
        return torch.from_numpy(np.zeros(shape, kind))
    return torch.from_numpy(np.asarray(_Memory(address, kind, shape)))


def _doubles(address: int | None, *shape: int) -> Tensor:
    return _tensor("=f8", address, shape)


def _integers(address: int | None, *shape: int) -> Tensor:
    return _tensor("=i8", address, shape)
