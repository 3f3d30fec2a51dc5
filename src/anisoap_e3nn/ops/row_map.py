"""Rows times a constant matrix whose entries fill few blocks."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor


class MapBlock(NamedTuple):
    """Entries of a matrix B: ``B[sources[i], targets[j]] = matrix[i, j]`` at each place.

    Attributes
    ----------
    matrix : Tensor ``(len(sources), len(targets))``, float64
    places : list of pairs of list of int
        `sources` and `targets`, rows and columns of B.
    """

    matrix: Tensor
    places: list[tuple[list[int], list[int]]]

    def transposed(self) -> "MapBlock":
        return MapBlock(self.matrix.mT, [(targets, sources) for sources, targets in self.places])


def map_program(blocks: Iterable[MapBlock]) -> tuple[Tensor, Tensor]:
    """Matrices and program of a map ``y = x B`` for the native backend.

    Parameters
    ----------
    blocks : iterable of MapBlock
        Each row and column of B is in one place at most.

    Returns
    -------
    matrices : Tensor ``(number,)``, float64
        The matrices, one after the other.
    program : Tensor ``(number,)``, int64
        Number of places, five numbers for each place as ``csrc/row_map.hpp`` has them, and the positions.
    """
    matrices, records = [torch.zeros(0, dtype=torch.float64)], [0]
    positions: list[int] = []
    start = 0
    for matrix, places in blocks:
        for sources, targets in places:
            first = len(positions)
            positions += [*sources, *targets]
            records += [len(sources), len(targets), first, first + len(sources), start]
            records[0] += 1
        matrices.append(matrix.flatten())
        start += matrix.numel()
    return torch.cat(matrices), torch.tensor(records + positions)
