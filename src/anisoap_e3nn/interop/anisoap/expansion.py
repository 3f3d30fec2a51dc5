"""Run the layer over frames, and split its output into blocks with AniSOAP's labels."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from ...conventions import wiki_to_e3nn
from ...extras import import_metatensor
from ...nn import AniSOAPEmbedding
from .frames import Ellipsoids, groups, read_ellipsoids
from .position_gradients import position_gradients

Array = NDArray[Any]


class Gradients(NamedTuple):
    """Gradients of the coefficients with respect to the positions."""

    pairs: Array  # [pair, (centre, moving particle)]
    values: Array  # [pair, 3, coefficient]


class Expansion(NamedTuple):
    """Coefficients of all particles of all frames, in e3nn's basis and order."""

    coefficients: Array  # [particle, coefficient]
    types: Array  # [particle]
    samples: Array  # [particle, (frame, index in the frame)]
    gradients: Gradients | None

    def tensor_map(self, types: Sequence[int], n_radial: Sequence[int]) -> Any:
        """TensorMap with a block for each type of centre and each l, of `n_radial[l]` functions."""
        keys, blocks = [], []
        for center_type in types:
            rows = np.flatnonzero(self.types == center_type)  # -> [sample]
            first = 0
            for l, count in enumerate(n_radial):
                size = len(types) * count * (2 * l + 1)
                keys.append((center_type, l))
                blocks.append(self._block(rows, slice(first, first + size), l, types))
                first += size
        return import_metatensor().TensorMap(
            _labels(["types_center", "angular_channel"], keys), blocks
        )

    def _block(self, rows: Array, columns: slice, l: int, types: Sequence[int]) -> Any:
        n_radial = (columns.stop - columns.start) // (len(types) * (2 * l + 1))
        component = _labels(["spherical_component_m"], range(-l, l + 1))
        properties = _labels(
            ["n", "neighbor_types"], [(n, type_) for type_ in types for n in range(n_radial)]
        )
        block = import_metatensor().TensorBlock(
            _in_wiki(self.coefficients[rows, columns], l),
            _labels(["type", "center"], self.samples[rows]),
            [component],
            properties,
        )
        if self.gradients is not None:
            row_of = np.full(len(self.types), -1)
            row_of[rows] = np.arange(len(rows))
            centers, moving = self.gradients.pairs.T
            here = row_of[centers] >= 0  # -> [pair]
            samples = np.hstack([row_of[centers[here], None], self.samples[moving[here]]])
            gradient = import_metatensor().TensorBlock(
                _in_wiki(self.gradients.values[here][..., columns], l),
                _labels(["sample", "system", "atom"], samples),
                [_labels(["xyz"], range(3)), component],
                properties,
            )
            block.add_gradient("positions", gradient)
        return block


def expand(
    frames: Sequence[Any],
    embedding: AniSOAPEmbedding,
    rotation_key: str,
    rotation_type: str,
    compute_gradients: bool,
    show_progress: bool,
) -> Expansion:
    """Run the layer over all frames.

    Parameters
    ----------
    frames : sequence of ase.Atoms
    embedding : AniSOAPEmbedding
    rotation_key : str
        Name of the array of orientations.
    rotation_type : {"quaternion", "matrix"}
        Form of the orientations.
    compute_gradients : bool
        Whether to add gradients with respect to the positions.
    show_progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Expansion
    """
    coefficients, types, samples, pairs, gradients = ([] for _ in range(5))
    n_particles = 0
    with tqdm(total=len(frames), desc="expanding frames", disable=not show_progress) as progress:
        for start, group in groups(frames):
            particles = read_ellipsoids(
                group, start, rotation_key, rotation_type, embedding.type_index.values.device
            )
            vectors, edge_index = particles.edges(embedding.cutoff)
            coefficients.append(_expand(embedding, particles, vectors, edge_index))
            if compute_gradients:
                found = position_gradients(embedding, particles, vectors, edge_index)
                pairs.append(found[0].cpu().numpy() + n_particles)
                gradients.append(found[1].cpu().numpy())
            types.append(particles.types.cpu().numpy())
            places = np.concatenate([np.arange(len(frame)) for frame in group])
            samples.append(np.stack([particles.batch.cpu().numpy() + start, places], axis=1))
            n_particles += len(places)
            progress.update(len(group))
    return Expansion(
        np.concatenate(coefficients),
        np.concatenate(types),
        np.concatenate(samples),
        Gradients(np.concatenate(pairs), np.concatenate(gradients)) if compute_gradients else None,
    )


@torch.no_grad()
def _expand(
    embedding: AniSOAPEmbedding, particles: Ellipsoids, edge_vectors: Tensor, edge_index: Tensor
) -> Array:
    x: Tensor = embedding(
        edge_vectors, edge_index, particles.types, particles.rotations, particles.semiaxes
    )
    return x.cpu().numpy()  # -> [particle, coefficient]


def _in_wiki(x: Array, l: int) -> Array:
    """Turn e3nn's ``mul_ir`` layout and basis into AniSOAP's: (..., coefficient) -> (..., m, channel)."""
    channels = x.reshape(*x.shape[:-1], x.shape[-1] // (2 * l + 1), 2 * l + 1)
    turned = channels @ wiki_to_e3nn(l).numpy()  # Qᵀ from the left is Q from the right
    return np.ascontiguousarray(np.swapaxes(turned, -1, -2))


def _labels(names: list[str], values: Any) -> Any:
    rows = np.asarray(values, dtype=np.int32).reshape(-1, len(names))
    return import_metatensor().Labels(names, rows)
