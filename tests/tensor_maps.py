"""TensorMaps to convert: random ones, and what tests compare of them."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from e3nn.o3 import Irreps
from hypothesis import strategies as st
from torch import Tensor

from anisoap_e3nn.extras import import_metatensor, import_metatensor_torch

KEY_NAMES = [
    ("o3_lambda", "o3_sigma"),
    ("spherical_harmonics_l", "inversion_sigma"),
    ("angular_channel", None),
]
COMPONENTS = ["o3_mu", "spherical_harmonics_m", "spherical_component_m"]
CENTERS = ["center_type", "species_center", "types_center", None]
NEIGHBORS = ["neighbor_type", "species_neighbor", "types_neighbor", "order_nu", None]


@dataclass(frozen=True)
class Kind:
    """Which library a TensorMap is of, and what its values are."""

    library: str
    values: str

    def labels(self, names: list[str], rows: npt.ArrayLike) -> Any:
        table = np.asarray(rows, dtype=np.int32).reshape(-1, len(names))
        if self.library == "metatensor.torch":
            return import_metatensor_torch().Labels(names, torch.from_numpy(table.copy()))
        return import_metatensor().Labels(names, table)

    def block(self, values: npt.NDArray[np.floating] | Tensor, *labels: Any) -> Any:
        samples, *components, properties = labels
        array = values if self.values == "numpy" else torch.as_tensor(values)
        return self._module.TensorBlock(array, samples, components, properties)

    def tensor_map(self, keys: Any, blocks: list[Any]) -> Any:
        return self._module.TensorMap(keys, blocks)

    @property
    def _module(self) -> Any:
        torch_too = self.library == "metatensor.torch"
        return import_metatensor_torch() if torch_too else import_metatensor()


KINDS = [
    Kind("metatensor", "numpy"),
    Kind("metatensor", "torch"),
    Kind("metatensor.torch", "torch"),
]


def spherical(
    values: dict[tuple[int, int], npt.NDArray[np.floating]], kind: Kind = KINDS[0]
) -> Any:
    """One block ``(samples, 2l+1, properties)`` for each (λ, σ)."""
    blocks = [
        kind.block(
            array,
            kind.labels(["atom"], np.arange(len(array))),
            kind.labels(["o3_mu"], np.arange(array.shape[1]) - array.shape[1] // 2),
            kind.labels(["n"], np.arange(array.shape[2])),
        )
        for array in values.values()
    ]
    return kind.tensor_map(kind.labels(["o3_lambda", "o3_sigma"], list(values)), blocks)


@st.composite
def tensor_maps(draw: Callable[..., Any]) -> Any:
    """Any names, missing blocks, several sample and property sets, zero of either, gradients."""
    kind = draw(st.sampled_from(KINDS))
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    angular, inversion = draw(st.sampled_from(KEY_NAMES))
    component = draw(st.sampled_from(COMPONENTS))
    center, neighbor = draw(st.sampled_from(CENTERS)), draw(st.sampled_from(NEIGHBORS))
    gradient = draw(st.sampled_from([None, "positions", "strain"]))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    sigmas = (1, -1) if inversion else (1,)
    irreps = draw(
        st.lists(st.tuples(st.integers(0, 4), st.sampled_from(sigmas)), unique=True, max_size=4)
    )
    centers = draw(st.lists(st.sampled_from([1, 6, 8]), unique=True, min_size=1)) if center else [0]
    neighbors = (
        draw(st.lists(st.sampled_from([1, 2, 3]), unique=True, min_size=1)) if neighbor else [0]
    )
    atoms = np.array([(system, atom) for system in range(2) for atom in range(3)])

    keys, blocks = [], []
    for (l, sigma), c, n in product(irreps, centers, neighbors):
        if draw(st.integers(0, 4)) == 0:
            continue  # a missing block
        keys.append(
            [
                l,
                *([sigma] if inversion else []),
                *([c] if center else []),
                *([n] if neighbor else []),
            ]
        )
        samples = generator.permutation(atoms)[: draw(st.integers(0, len(atoms)))]
        properties = generator.permutation(4)[: draw(st.integers(0, 4))]
        shape = (len(samples), 2 * l + 1, len(properties))
        m = kind.labels([component], np.arange(-l, l + 1))
        n_labels = kind.labels(["n"], properties)
        block = kind.block(
            generator.normal(size=shape).astype(dtype),
            kind.labels(["system", "atom"], samples), m, n_labels,
        )  # fmt: skip
        if gradient:
            all_pairs = np.array([(s, a) for s in range(len(samples)) for a in range(3)]).reshape(
                -1, 2
            )
            pairs = generator.permutation(all_pairs)[: draw(st.integers(0, 5))]
            names = ["xyz"] if gradient == "positions" else ["xyz_1", "xyz_2"]
            extra = [kind.labels([name], np.arange(3)) for name in names]
            grown = (len(pairs), *[3] * len(names), *shape[1:])
            block.add_gradient(gradient, kind.block(
                generator.normal(size=grown).astype(dtype),
                kind.labels(["sample", "atom"], pairs), *extra, m, n_labels,
            ))  # fmt: skip
        blocks.append(block)
    names = [name for name in (angular, inversion, center, neighbor) if name]
    return kind.tensor_map(kind.labels(names, keys), blocks)


def blocks(tensor_map: Any) -> list[Any]:
    return [tensor_map.block_by_id(i) for i in range(len(tensor_map.keys))]


def array(values: Any) -> npt.NDArray[np.floating]:
    return values.detach().numpy() if isinstance(values, Tensor) else np.asarray(values)


def entries(labels: Any) -> list[tuple[int, ...]]:
    return [tuple(row) for row in array(labels.values).tolist()]


def turn(irreps: Irreps, data: Tensor, rotation: Tensor) -> Tensor:
    """``data @ irreps.D_from_matrix(rotation).T`` without the large matrix; float64 by default."""
    parts = []
    for (mul, ir), span in zip(irreps, irreps.slices(), strict=True):
        x = data[..., span].unflatten(-1, (mul, ir.dim))
        parts.append((x @ ir.D_from_matrix(rotation).T).flatten(-2))
    return torch.cat(parts, dim=-1)
