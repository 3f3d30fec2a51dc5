"""AniSOAP's algorithm, pair by pair: the baseline of the benchmarks.

The same steps in the same order as AniSOAP's ``pairwise_ellip_expansion``, ``compute_gaussian_parameters``
and ``contract_pairwise_feat``: a Python loop runs over the labelled samples of featomic's neighbour list,
each pair builds the precision matrix of its product Gaussian, fetches its moments from compiled code and
contracts them, for every l, with a table of Cartesian coefficients; the pairs of each centre are then found
by dictionaries and summed. It does less than AniSOAP in two respects:

- The neighbour list, the rotation matrices and the Löwdin matrices are made before the loop is timed.
- The moments, which AniSOAP's Rust extension computes within the loop, in a call of one to three
  microseconds, are also computed before; the loop only arranges them like that call.
"""

import os
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.geometry import rotation_matrices
from anisoap_e3nn.ops import gaussian_moments, moment_exponents

from ..systems import System
from .cartesian_tables import CartesianTables

os.environ["RAYON_NUM_THREADS"] = "1"  # read once, when featomic first computes

from featomic import NeighborList
from metatensor import Labels, TensorBlock, TensorMap
from tqdm.auto import tqdm

Array = NDArray[np.float64]


class PerPairLoop:
    """Expansion of one frame by AniSOAP's algorithm, with the hyperparameters of an embedding.

    Parameters
    ----------
    embedding : AniSOAPEmbedding
        Embedding with Gaussian-type orbitals and sorted types, without cutoff function and linear map.
    system : System
        One frame.
    """

    def __init__(self, embedding: AniSOAPEmbedding, system: System) -> None:
        self.types = embedding.types
        self.sigma = embedding.hyperparameters["radial_gaussian_width"]
        self.n_particles = len(system.types)
        self.frame_starts = np.zeros(1, dtype=int)
        self.rotations = rotation_matrices(system.orientations).numpy()
        self.semiaxes = system.semiaxes.numpy()
        self.neighbors = NeighborList(
            cutoff=embedding.cutoff,
            full_neighbor_list=True,
            self_pairs=embedding.include_self,
        ).compute(system.to_atoms())
        self.n_pairs = sum(len(block.samples) for block in self.neighbors)

        tables = CartesianTables(embedding)
        self.n_radial, self.tables, self.mixing = tables.n_radial, tables.tables, tables.mixing
        self.degree = max(l + 2 * n for l, n in enumerate(self.n_radial))  # AniSOAP's: 2 too many

        self.moments = [self._compiled_moments(block) for block in self.neighbors]
        exponents = moment_exponents(self.degree)
        self.cells = np.full(
            (self.degree + 1,) * 3, len(exponents)
        )  # index of a zero where there is no moment
        self.cells[tuple(np.transpose(exponents))] = range(len(exponents))

    def __call__(self) -> TensorMap:
        """Orthonormalised coefficients, one block for each type of the centre and each l."""
        return self.orthonormalize(self.contract(self.expand_pairs()))

    def expand_pairs(self) -> TensorMap:
        """Coefficients of every pair, one block for each l and each pair of types."""
        keys, blocks = [], []
        for center_type, neighbor_type in product(self.types, self.types):
            key = self.neighbors.keys.position((center_type, neighbor_type))
            if key is None:
                continue
            block, compiled = self.neighbors.block(key), self.moments[key]
            values: list[list[Array]] = [[] for _ in self.tables]
            for k, sample in enumerate(_progress(block.samples)):
                moments = self.moments_of_pair(sample, block.values[k], compiled[k])
                for found, of_l in zip(values, self.harmonics_of_pair(moments), strict=True):
                    found.append(of_l)
            for l, found in enumerate(_progress(values)):
                keys.append((center_type, neighbor_type, l))
                blocks.append(
                    TensorBlock(
                        values=np.asarray(found),  # -> [pair, m, n]
                        samples=block.samples,
                        components=[Labels("o3_mu", np.arange(-l, l + 1, dtype=np.int32)[:, None])],
                        properties=Labels.range("n", self.n_radial[l]),
                    )
                )
        return TensorMap(
            Labels(["center_type", "neighbor_type", "o3_lambda"], np.array(keys)), blocks
        )

    def moments_of_pair(self, sample: Any, vector: Array, compiled: Array) -> Array:
        """Moments ``(x power, y power, z power)`` of one labelled pair, as AniSOAP's loop has them."""
        frame, _, j = sample["system"], sample["first_atom"], sample["second_atom"]
        j = self.frame_starts[frame] + j
        r = np.asarray([vector[0], vector[1], vector[2]]).reshape(3)
        semiaxes = self.semiaxes[j]
        norm = (np.prod(semiaxes) * (2 * np.pi) ** 1.5) ** -1.0
        # precision and centre are what AniSOAP hands to its compiled call
        _, _, constant = self.gaussian_parameters(r, semiaxes, self.rotations[j])
        moments = compiled.take(self.cells)
        moments *= np.exp(-0.5 * constant) * norm
        return moments

    def harmonics_of_pair(self, moments: Array) -> Iterator[Array]:
        """Coefficients ``(m, n)`` of one pair for each l, before they are orthonormalised."""
        for table in self.tables:
            size = table.shape[-1]
            yield np.einsum("mnpqr,pqr->mn", table, moments[:size, :size, :size])

    def gaussian_parameters(
        self, r: Array, semiaxes: Array, rotation: Array
    ) -> tuple[Array, Array, float]:
        """Precision matrix, centre and twice the negative logarithm of the product Gaussian's height."""
        diagonal = np.diag(1 / semiaxes**2)
        inverse_covariance = rotation @ diagonal @ rotation.T
        precision = inverse_covariance + np.eye(3) / self.sigma**2
        center = r - 1 / self.sigma**2 * np.linalg.solve(precision, r)
        constant = 1 / self.sigma**2 * r @ np.linalg.solve(precision, inverse_covariance @ r)
        return precision, center, constant

    def _compiled_moments(self, block: TensorBlock) -> Array:
        """Moments of the product Gaussian of each pair, of height 1, and a zero after them."""
        neighbors = self.frame_starts[block.samples["system"]] + block.samples["second_atom"]
        parameters = [
            self.gaussian_parameters(r, self.semiaxes[j], self.rotations[j])
            for r, j in zip(block.values[:, :, 0], neighbors, strict=True)
        ]
        precisions, centers = (np.array(p) for p in zip(*(p[:2] for p in parameters), strict=True))
        integrals = (2 * np.pi) ** 1.5 / np.sqrt(np.linalg.det(precisions))  # -> [pair]
        own = torch.arange(len(parameters))  # each pair is a sum of its own
        moments = gaussian_moments(
            torch.from_numpy(centers),
            own,
            own,
            len(own),
            torch.from_numpy(np.linalg.inv(precisions)),
            torch.from_numpy(integrals),
            exponent=0.0,
            degree=self.degree,
        )
        return np.pad(moments.numpy(), ((0, 0), (0, 1)))  # -> [pair, moment + 1]

    def contract(self, pairs: TensorMap) -> TensorMap:
        """Sums over the neighbours of each type."""
        keys = sorted({(center_type, l) for center_type, _, l in pairs.keys.values.tolist()})
        blocks = []
        for center_type, l in _progress(keys):
            sums: list[list[Array]] = []
            centers: list[list[tuple[int, int]]] = []
            properties: list[tuple[int, int]] = []
            for neighbor_type in _progress(self.types):
                if (center_type, neighbor_type, l) not in pairs.keys:
                    continue
                block = pairs.block(
                    center_type=center_type, neighbor_type=neighbor_type, o3_lambda=l
                )
                rows: dict[tuple[int, int], list[int]] = {}
                labels = zip(block.samples["system"], block.samples["first_atom"], strict=True)
                for row, center in enumerate(labels):
                    rows.setdefault(center, []).append(row)
                possible = product(
                    np.unique(block.samples["system"]), np.unique(block.samples["first_atom"])
                )
                found = [center for center in _progress(list(possible)) if center in rows]
                sums.append([block.values[rows[center]].sum(axis=0) for center in found])
                centers.append(found)
                properties += [(int(n), neighbor_type) for n in block.properties["n"]]
            everyone = sorted(set().union(*centers))
            position = {center: k for k, center in enumerate(everyone)}
            values = np.zeros((len(everyone), *block.values.shape[1:], len(sums)))
            for t, (found, summed) in enumerate(_progress(zip(centers, sums, strict=True))):
                values[[position[center] for center in found], :, :, t] = summed
            blocks.append(
                TensorBlock(
                    values=values.reshape(*values.shape[:2], -1),  # -> [center, m, n · type]
                    samples=Labels(["system", "atom"], np.asarray(everyone, dtype=np.int32)),
                    components=block.components,
                    properties=Labels(
                        ["n", "neighbor_type"], np.asarray(sorted(properties), dtype=np.int32)
                    ),
                )
            )
        return TensorMap(Labels(["center_type", "o3_lambda"], np.asarray(keys)), blocks)

    def orthonormalize(self, features: TensorMap) -> TensorMap:
        """Apply norms and Löwdin matrices, in place."""
        for key, block in features.items():
            mixing = self.mixing[key["o3_lambda"]]
            for neighbor_type in np.unique(block.properties["neighbor_type"]):
                mask = block.properties["neighbor_type"] == neighbor_type
                block.values[:, :, mask] = np.einsum(
                    "imn,nk->imk", block.values[:, :, mask], mixing
                )
        return features

    def coefficients(self, features: TensorMap) -> Array:
        """Coefficients ``(N, irreps_coefficients.dim)`` in the order of the embedding."""
        columns = []
        for l, n_radial in enumerate(self.n_radial):
            dense = np.zeros((self.n_particles, len(self.types), n_radial, 2 * l + 1))
            for block in features.blocks(o3_lambda=l):
                type_index = [self.types.index(t) for t in block.properties["neighbor_type"]]
                rows = block.samples["atom"][:, None]
                dense[rows, type_index, block.properties["n"]] = block.values.swapaxes(1, 2)
            columns.append(dense.reshape(self.n_particles, -1))
        return np.concatenate(columns, axis=1)


def _progress(work: Any) -> Any:
    """AniSOAP's progress bars, which are disabled by default."""
    return tqdm(work, disable=True, leave=False)
