"""Rows times a constant matrix whose entries fill few blocks."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor


class MapBlock(NamedTuple):
    """Entries of a matrix B: ``B[sources[i], targets[j]] = matrix[i, j]``.

    Attributes
    ----------
    sources, targets : list of int
        Rows and columns of B.
    matrix : Tensor ``(len(sources), len(targets))``, float64
    """

    sources: list[int]
    targets: list[int]
    matrix: Tensor

    def transposed(self) -> "MapBlock":
        return MapBlock(self.targets, self.sources, self.matrix.mT)


def map_program(blocks: Iterable[MapBlock]) -> tuple[Tensor, Tensor]:
    """Matrices and program of a map ``y = x B`` for the native backend.

    Parameters
    ----------
    blocks : iterable of MapBlock
        Each row and column of B is in one block at most.

    Returns
    -------
    matrices : Tensor ``(number,)``, float64
        The matrices, one after the other.
    program : Tensor ``(number,)``, int64
        Number of blocks, five numbers for each block as ``csrc/row_map.hpp`` has them, and the positions.
    """
    blocks = list(blocks)
    matrices, records = [torch.zeros(0, dtype=torch.float64)], [len(blocks)]
    positions: list[int] = []
    start = 0
    for sources, targets, matrix in blocks:
        first = len(positions)
        positions += [*sources, *targets]
        records += [len(sources), len(targets), first, first + len(sources), start]
        matrices.append(matrix.flatten())
        start += matrix.numel()
    return torch.cat(matrices), torch.tensor(records + positions)
