"""Systems that many tests share: random ellipsoids and the reference figures."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from packaging.version import Version
from torch import Tensor

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.geometry import damped_covariances
from anisoap_e3nn.graph import edge_vectors, neighbor_list
from anisoap_e3nn.ops.backends import native

T = TypeVar("T")
REFERENCE_FILES = sorted((Path(__file__).parent / "reference_data").glob("*.npz"))

needs_native = pytest.mark.skipif(
    bool(native.unavailable), reason=f"the native backend is not built: {native.unavailable}"
)

OLD_E3NN = Version(version("e3nn")) < Version("0.5")
needs_traceable_e3nn = pytest.mark.skipif(
    OLD_E3NN, reason="this e3nn compiles its layers with TorchScript, which nothing traces"
)
needs_order_of_e3nn = pytest.mark.skipif(
    OLD_E3NN, reason="o3.FullTensorProduct of this e3nn orders products in another way"
)

needs_compiler = pytest.mark.skipif(
    torch.__version__ < "2.13", reason="compilation and export by tracing need torch 2.13"
)


@dataclass
class Ellipsoids:
    """One periodic or open frame of random ellipsoids."""

    positions: Tensor
    orientations: Tensor
    semiaxes: Tensor
    types: Tensor
    cell: Tensor
    pbc: Tensor

    @property
    def data(self) -> EllipsoidData:
        return EllipsoidData(
            self.positions, self.orientations, self.semiaxes, self.types, self.cell, self.pbc
        )

    def inputs(self, cutoff: float) -> dict[str, Tensor]:
        """The five tensors that the embedding takes."""
        edge_index, shifts = neighbor_list(
            self.positions, cutoff, cell=self.cell, pbc=self.pbc, types=self.types
        )
        return {
            "edge_vectors": edge_vectors(self.positions, edge_index, shifts, self.cell),
            "edge_index": edge_index,
            "types": self.types,
            "orientations": self.orientations,
            "semiaxes": self.semiaxes,
        }


@dataclass
class Reference:
    """Figures computed with AniSOAP itself; see tests/data."""

    hypers: dict[str, Any]
    arrays: dict[str, Tensor]

    @classmethod
    def load(cls, path: Path) -> "Reference":
        with np.load(path) as file:
            arrays = {k: torch.from_numpy(file[k]) for k in file.files if k != "hypers"}
            return cls(json.loads(str(file["hypers"])), arrays)

    @property
    def embedding_arguments(self) -> dict[str, Any]:
        """AniSOAP's hyperparameters by our names."""
        return {
            "types": self.arrays["types"].tolist(),
            "cutoff": self.hypers["cutoff_radius"],
            "max_angular": self.hypers["max_angular"],
            "max_radial": self.hypers.get("max_radial"),
            "radial_basis": self.hypers["radial_basis_name"],
            "radial_gaussian_width": self.hypers.get("radial_gaussian_width"),
            "rcond": self.hypers["basis_rcond"],
            "include_self": not self.hypers.get("subtract_center_contribution", False),
        }

    def inputs(self, dtype: torch.dtype) -> dict[str, Tensor]:
        """The five tensors that the embedding takes, of all frames together."""
        a = self.arrays
        batch = torch.arange(len(a["n_particles"])).repeat_interleave(a["n_particles"])
        edge_index, shifts = neighbor_list(
            a["positions"],
            self.hypers["cutoff_radius"],
            cell=a["cell"],
            pbc=a["pbc"],
            types=a["numbers"],
            batch=batch,
        )
        return {
            "edge_vectors": edge_vectors(a["positions"], edge_index, shifts, a["cell"], batch).to(
                dtype
            ),
            "edge_index": edge_index,
            "types": a["numbers"],
            "orientations": a["quaternions_wxyz"].to(dtype),
            "semiaxes": a["semiaxes"].to(dtype),
        }


def make_case(generator: torch.Generator, dtype: torch.dtype, n_edges: int = 300) -> dict[str, Any]:
    """Edges in random order; of the 40 segments some are empty and some larger than a vector."""
    n = 12
    orientations = torch.randn(n, 4, dtype=dtype, generator=generator)
    semiaxes = torch.rand(n, 3, dtype=dtype, generator=generator) * 1.5
    semiaxes[0] = 0  # a point
    semiaxes[1, 2] = 0  # a disk
    exponent = 0.4
    C, w = damped_covariances(orientations, semiaxes, exponent)
    return {
        "edge_vectors": 2 * torch.randn(n_edges, 3, dtype=dtype, generator=generator),
        "neighbors": torch.randint(n, (n_edges,), generator=generator),
        "segments": torch.randint(40, (n_edges,), generator=generator).square() // 40,
        "n_segments": 40,
        "covariances": C,
        "weights": w,
        "pair_weights": torch.rand(n_edges, dtype=dtype, generator=generator),
        "own_segments": torch.randperm(40, generator=generator)[:n],
        "exponent": exponent,
    }


def by_number_of_threads(function: Callable[[], T]) -> list[T]:
    """What a function returns with 1, 2 and 4 threads."""
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 4):
            torch.set_num_threads(count)
            results.append(function())
    finally:
        torch.set_num_threads(threads)
    return results


def relative_error(a: torch.Tensor, b: torch.Tensor) -> float:
    """Largest difference, by moment, relative to the largest moment of that kind."""
    scale = b.abs().amax(0).clamp(min=torch.finfo(b.dtype).tiny)
    return float(((a - b).abs().amax(0) / scale).max())
