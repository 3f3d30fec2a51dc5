"""Native kernels that the pair style calls itself in a step, without Python."""

import ctypes
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...gay_berne import GayBerne
from ...ops.backends import backend_for, native

Int, Double, Address = ctypes.c_int64, ctypes.c_double, ctypes.c_void_p


class GayBerneConstants(ctypes.Structure):
    """``anisoap_gay_berne_numbers`` of ``anisoap_kernels.h``."""

    _fields_ = (
        *((name, Address) for name in ("epsilon", "sigma", "well_depths", "is_sphere")),
        *((name, Double) for name in ("cutoff", "smoothing_width", "gamma", "upsilon", "mu")),
        ("shift", ctypes.c_int),
    )


class PairPotentialConstants(ctypes.Structure):
    """``anisoap_pair_potential_numbers`` of ``anisoap_kernels.h``."""

    _fields_ = (
        ("n_weights", Int),
        ("n_products", Int),
        *((name, Address) for name in ("weights", "shorter", "factors", "exchanged")),
        ("n_types", Int),
        ("n_radial", Int),
        *((name, Double) for name in ("thickness", "cutoff", "decay_length", "switch_width")),
        ("smallest_gap", Double),
        ("floor_width", Double),
    )


class PairKernel(NamedTuple):
    """Kernel of a pair potential with its constants, which it keeps alive."""

    address: int
    constants: ctypes.Structure
    memory: list[Tensor]

    @classmethod
    def of(cls, term: Any) -> "PairKernel | None":
        """Kernel of a :class:`~anisoap_e3nn.gay_berne.GayBerne` or a pair potential.

        Returns
        -------
        PairKernel or None
            None in single precision, with another backend, or without the library of the kernels.
        """
        is_gay_berne = isinstance(term, GayBerne)
        weights = term.epsilon if is_gay_berne else term.weights
        if weights.dtype is not torch.float64 or backend_for([weights]) != "native":
            return None
        folder = Path(native._native.__file__).parent
        path = next(folder.glob("libanisoap_kernels.*"), None)
        if path is None:
            return None
        library = ctypes.CDLL(str(path))
        memory: list[Tensor] = []

        def kept(array: Any) -> int:
            tensor = torch.as_tensor(array).detach().contiguous()
            memory.append(tensor)
            return tensor.data_ptr()

        constants: ctypes.Structure
        if is_gay_berne:
            arrays = term.epsilon, term.sigma, term.well_depths, term.is_sphere
            constants = GayBerneConstants(*map(kept, arrays), *term.numbers)
            function = library.anisoap_gay_berne
        else:
            numbers = term.functions._asdict()
            indices = {name: x for name, x in numbers.items() if isinstance(x, np.ndarray)}
            constants = PairPotentialConstants(
                n_weights=len(weights),
                n_products=len(numbers["exchanged"]),
                weights=kept(weights),
                **{name: kept(x) for name, x in indices.items()},
                **{name: x for name, x in numbers.items() if name not in indices},
            )
            function = library.anisoap_pair_potential
        return cls(ctypes.cast(function, Address).value or 0, constants, memory)
