"""Plans of convolutions: paths between features, harmonics, weights and messages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..constant import Constant
from .product_program import Block, Path, ProductPlan


class ConvolutionPath(NamedTuple):
    r"""Coupling of an irrep of the features and an irrep of the harmonics to an irrep of the messages.

    .. math::
        out_{u m_3(k)} \mathrel{+}= C_k \, x_{u m_1(k)} \, Y_{m_2(k)} \, W_u, \qquad u < n

    The components m of a channel u are contiguous, as in e3nn.
    """

    channels: int  # n
    dims: tuple[int, int, int]  # numbers of components of x, Y and out
    x: int  # position of the irrep's first number in x, and so on
    harmonics: int
    weights: int
    out: int
    m1: Sequence[int]
    m2: Sequence[int]
    m3: Sequence[int]
    coefficients: Sequence[float]


@dataclass(frozen=True)
class ConvolutionPlan:
    """Paths of a convolution. The last dimensions of x, Y, W and out have the sizes `dims`.

    Raises
    ------
    ValueError
        If a path reaches beyond the last dimension of a tensor, two paths share a weight, indices and
        coefficients differ in number, or a number is negative or out of range.
    """

    paths: tuple[ConvolutionPath, ...]
    dims: tuple[int, int, int, int]
    program: Tensor = field(init=False, repr=False, compare=False)  # what the kernels are made of
    # the coefficients of each path as a dense tensor [m1, m2, m3]
    tables: tuple[Constant, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        weighted = sorted((path.weights, path.weights + path.channels) for path in self.paths)
        for (_, before), (first, _) in pairwise(weighted):
            if first < before:
                raise ValueError(f"two paths have weight {first}, expected weights of their own")
        _refuse_faulty(self.paths, self.dims)
        object.__setattr__(self, "tables", tuple(map(_table, self.paths)))
        with torch._C._DisableFuncTorch():  # a constant, for torch.func too
            object.__setattr__(self, "program", build_program(self.paths, self.dims))


def _refuse_faulty(paths: Sequence[ConvolutionPath], dims: tuple[int, int, int, int]) -> None:
    """Refuse what plans of the same sum as two products refuse: W with Y, and x with the result."""
    dim_x, dim_harmonics, n_weights, dim_out = dims
    weighting, coupling, end = [], [], 0
    for n, (d1, d2, d3), x, harmonics, weights, out, m1, m2, m3, values in paths:
        y, m = Block(end, d2, 1, 0, d2), range(d2)  # Y times the weight of each channel
        given = Block(weights, 1, 1, 0, 1), Block(harmonics, d2, 1, 0, 0)
        weighting.append(Path(*given, y, 1, n, [0] * d2, m, m, [1.0] * d2))
        ends = Block(x, d1, 1, 0, d1), y, Block(out, d3, 1, 0, d3)
        coupling.append(Path(*ends, 1, n, m1, m2, m3, values))
        end += n * d2
    ProductPlan(tuple(weighting), (end, n_weights, dim_harmonics))
    ProductPlan(tuple(coupling), (dim_out, dim_x, end))


def _table(path: ConvolutionPath) -> Constant:
    table = np.zeros(path.dims)
    np.add.at(table, tuple(np.array(m, np.int64) for m in path[6:9]), path.coefficients)
    return Constant(table)


def build_program(paths: Sequence[ConvolutionPath], dims: tuple[int, int, int, int]) -> Tensor:
    """The plan as integers, in the layout that ``convolution_problem.hpp`` reads.

    Parameters
    ----------
    paths : sequence of ConvolutionPath
    dims : tuple of int
        Sizes of the last dimensions of x, Y, W and out.

    Returns
    -------
    Tensor ``(numbers,)``, int64
        The size of the program, dims, the numbers of irreps of x and out and of paths. Then each irrep's
        position, number of channels and of components. Then each path's irreps of x and out, first weight,
        number of coefficients, and the coefficients: m1, position in Y, m3 and the bits of the float64.
    """
    used = [path for path in paths if path.channels > 0 and len(path.coefficients) > 0]
    inputs = list(dict.fromkeys((path.x, path.channels, path.dims[0]) for path in used))
    outputs = list(dict.fromkeys((path.out, path.channels, path.dims[2]) for path in used))
    numbers = [0, *dims, len(inputs), len(outputs), len(used)]
    numbers += [number for irrep in [*inputs, *outputs] for number in irrep]
    for path in used:
        i_in = inputs.index((path.x, path.channels, path.dims[0]))
        i_out = outputs.index((path.out, path.channels, path.dims[2]))
        numbers += [i_in, i_out, path.weights, len(path.coefficients)]
        bits = np.asarray(path.coefficients, dtype=np.float64).view(np.int64)
        m2 = np.asarray(path.m2) + path.harmonics
        numbers += np.stack([path.m1, m2, path.m3, bits], axis=1).ravel().tolist()
    numbers[0] = len(numbers)
    return torch.tensor(numbers)
