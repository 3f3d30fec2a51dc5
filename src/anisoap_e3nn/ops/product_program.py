"""Plans of sparse products between irreps, and the programs that the native backend runs for them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import mul
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..constant import Constant

_LOAD, _RUN, _STORE, _DOT = range(4)  # as in sparse_product.hpp
_HEAD = 12


class Block(NamedTuple):
    """Positions of an irrep's components m and channels (u, v) along the last dimension of a tensor.

    They are ``offset + m * component_stride + u * stride_u + v * stride_v``.
    """

    offset: int
    components: int
    component_stride: int
    stride_u: int
    stride_v: int

    def indices(self, n_u: int, n_v: int, device: torch.device | None = None) -> Tensor:
        """The positions, ``(u, v, m)``."""
        lengths = (self.components, n_u, n_v)
        m, u, v = (
            torch.arange(length, device=device) * stride
            for length, stride in zip(lengths, self[2:], strict=True)
        )
        return self.offset + u[:, None, None] + v[:, None] + m

    def last(self, n_u: int, n_v: int) -> int:
        """The largest position; -1 if the block is empty."""
        lengths = (self.components, n_u, n_v)
        steps = (length - 1 for length in lengths)
        return -1 if 0 in lengths else self.offset + sum(map(mul, steps, self[2:]))


@dataclass(frozen=True)
class Path:
    r"""The coupling of an irrep of x1 and an irrep of x2 to an irrep of the output.

    .. math::
        out_{u v m_3(k)} \mathrel{+}= C_k \, x^1_{u v m_1(k)} \, x^2_{u v m_2(k)}, \qquad u < n_u, \; v < n_v

    With :math:`n_u = 1` channels are multiplied one by one. The path is an outer product of channels if x1
    does not depend on v (``stride_v = 0``) and x2 does not depend on u (``stride_u = 0``).

    Raises
    ------
    ValueError
        If indices and coefficients differ in number, or a number is negative or out of range.
    """

    x1: Block
    x2: Block
    out: Block
    n_u: int
    n_v: int
    m1: Sequence[int]
    m2: Sequence[int]
    m3: Sequence[int]
    coefficients: Sequence[float]
    # of each coefficient in the dense tensor [m1, m2, m3]
    positions: Constant = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lengths = [len(given) for given in (self.m1, self.m2, self.m3, self.coefficients)]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"m1, m2, m3 and coefficients have {lengths} entries, expected as many of each"
            )
        if self.n_u < 0 or self.n_v < 0:
            raise ValueError(f"n_u, n_v are {self.n_u}, {self.n_v}, expected numbers of channels")
        for name, block in (("x1", self.x1), ("x2", self.x2), ("out", self.out)):
            if min(block) < 0:
                raise ValueError(f"{name} is {block}, expected no negative numbers in it")
        for name, m, block in (
            ("m1", self.m1, self.x1), ("m2", self.m2, self.x2), ("m3", self.m3, self.out)
        ):  # fmt: skip
            if len(m) and not 0 <= min(m) <= max(m) < block.components:
                raise ValueError(
                    f"{name} goes from {min(m)} to {max(m)}, expected indices of the "
                    f"{block.components} components, 0 to {block.components - 1}"
                )
        m1, m2, m3 = (np.array(m, dtype=np.int64) for m in (self.m1, self.m2, self.m3))
        positions = (m1 * self.x2.components + m2) * self.out.components + m3
        object.__setattr__(self, "positions", Constant(positions))

    @property
    def blocks(self) -> tuple[Block, Block, Block]:
        """The blocks out, x1 and x2, in the order of the program's operands."""
        return self.out, self.x1, self.x2


@dataclass(frozen=True)
class ProductPlan:
    """Paths between tensors. The last dimensions of out, x1 and x2 have the sizes `dims`.

    Raises
    ------
    ValueError
        If a path reaches beyond the last dimension of a tensor.
    """

    paths: tuple[Path, ...]
    dims: tuple[int, int, int]
    program: Tensor = field(init=False, repr=False, compare=False)  # what the native backend runs

    def __post_init__(self) -> None:
        for path in self.paths:
            for name, block, dim in zip(("out", "x1", "x2"), path.blocks, self.dims, strict=True):
                last = block.last(path.n_u, path.n_v)
                if last >= dim:
                    raise ValueError(
                        f"a path reaches position {last} of {name}, whose last dimension has {dim}"
                    )

        with torch._C._DisableFuncTorch():  # a constant, for torch.func too
            object.__setattr__(self, "program", build_program(self.paths, self.dims))


def build_program(paths: Sequence[Path], dims: tuple[int, int, int]) -> Tensor:
    """Instructions that compute each of the targets: out, x1, x2 and the coefficients.

    Parameters
    ----------
    paths : sequence of Path
    dims : tuple of int
        Sizes of the last dimensions of out, x1 and x2.

    Returns
    -------
    Tensor ``(numbers,)``, int64
        In the layout that ``sparse_problem.hpp`` reads.
    """
    first_coefficients = np.cumsum([0, *(len(path.coefficients) for path in paths)])
    channels: defaultdict[tuple[int, int], list[_NumberedPath]] = defaultdict(list)
    for path, first in zip(paths, first_coefficients, strict=False):
        if path.n_u * path.n_v > 0:
            channels[path.n_u, path.n_v].append(_NumberedPath(path, int(first)))
    groups = [_Group(n_u, n_v, members) for (n_u, n_v), members in channels.items()]

    numbers: list[int] = [0] * (_HEAD + len(groups))
    numbers[1:5] = [*dims, int(first_coefficients[-1])]
    numbers[11] = len(groups)
    for target in range(3):
        zeros = _settle_writes(groups, target, dims[target])
        numbers[5 + 2 * target : 7 + 2 * target] = [len(numbers), len(zeros)]
        numbers += [number for start_and_length in zeros for number in start_and_length]
    for index, group in enumerate(groups):
        blocks_at = len(numbers)
        numbers += [number for row in group.block_rows() for number in row]
        record = [group.n_u, group.n_v, len(group.blocks), blocks_at]
        for target in range(4):
            stream, n_slots = group.stream(target)
            record += [len(numbers), len(stream), n_slots, int(target in group.summed_targets)]
            numbers += stream
        numbers[_HEAD + index] = len(numbers)
        numbers += record
    numbers[0] = len(numbers)
    return torch.tensor(numbers)


class _NumberedPath(NamedTuple):
    path: Path
    first_coefficient: int


class _Group:
    """Paths with the same numbers of channels, which share one stream of instructions."""

    def __init__(self, n_u: int, n_v: int, members: Iterable[_NumberedPath]) -> None:
        self.n_u, self.n_v = n_u, n_v
        # By the output, usually the largest operand: few of its blocks are then in use at a time.
        self.members = sorted(members, key=lambda member: member.path.out)
        self.blocks: dict[tuple[int, Block], int] = {}
        for path, _ in self.members:
            for operand, block in enumerate(path.blocks):
                self.blocks.setdefault((operand, block), len(self.blocks))
        self.adds: set[tuple[int, Block]] = set()
        self.summed_targets: set[int] = set()

    def of_operand(self, operand: int) -> list[Block]:
        return [block for of, block in self.blocks if of == operand]

    def block_rows(self) -> list[tuple[int, ...]]:
        return [(key[0], *key[1], int(key in self.adds)) for key in self.blocks]

    def stream(self, target: int) -> tuple[list[int], int]:
        """The instructions for one target, and the number of slots they need."""
        slots = _Slots()
        last_use = {
            (operand, block): step
            for step, (path, _) in enumerate(self.members)
            for operand, block in enumerate(path.blocks)
        }
        stream: list[int] = []
        for step, (path, first) in enumerate(self.members):
            fresh = False
            at = []
            for operand, block in enumerate(path.blocks):
                key = (operand, block)
                if key not in slots.taken:
                    slot = slots.take(key, block.components)
                    if operand == target:
                        fresh = True
                    else:
                        stream += [_LOAD, self.blocks[key], slot]
                at.append(slots.taken[key])
            m = np.array([path.m3, path.m1, path.m2], dtype=np.int64).reshape(3, -1)
            rows = m + np.array(at)[:, None]  # -> [operand, entry]
            k = first + np.arange(m.shape[1])
            if target == 3:
                stream += [_DOT, len(k), *np.stack([k, *rows], axis=1).ravel().tolist()]
            else:
                others = [operand for operand in range(3) if operand != target]
                for component in range(path.blocks[target].components):
                    here = m[target] == component
                    if here.any() or fresh:
                        entries = np.stack([k, *rows[others]], axis=1)[here]
                        slot = at[target] + component
                        stream += [_RUN, slot, int(not fresh), len(entries)]
                        stream += entries.ravel().tolist()
            for operand, block in enumerate(path.blocks):
                key = (operand, block)
                if last_use[key] == step:
                    if operand == target:
                        stream += [_STORE, self.blocks[key], slots.taken[key]]
                    slots.give_back(key, block.components)
        return stream, slots.n_slots


class _Slots:
    """Allocation of the consecutive slots of a tile to blocks."""

    def __init__(self) -> None:
        self.n_slots = 0
        self.taken: dict[tuple[int, Block], int] = {}
        self._free: defaultdict[int, list[int]] = defaultdict(list)

    def take(self, key: tuple[int, Block], count: int) -> int:
        if self._free[count]:
            self.taken[key] = self._free[count].pop()
        else:
            self.taken[key] = self.n_slots
            self.n_slots += count
        return self.taken[key]

    def give_back(self, key: tuple[int, Block], count: int) -> None:
        self._free[count].append(self.taken.pop(key))


def _settle_writes(groups: Sequence[_Group], target: int, dim: int) -> list[tuple[int, int]]:
    """Decide which blocks of the target are added and which are written.

    A block is written if its positions are distinct and no other block of its group or of an earlier one
    has any of them. All others are added.

    Returns
    -------
    list of (start, length)
        The ranges that no block writes, to be set to zero first.
    """
    touched = np.zeros(dim, dtype=bool)  # by this group or one before
    written = np.zeros(dim, dtype=bool)
    for group in groups:
        places = {
            block: block.indices(group.n_u, group.n_v).flatten().numpy()
            for block in group.of_operand(target)
        }
        counts = np.zeros(dim, dtype=np.int64)
        for indices in places.values():
            np.add.at(counts, indices, 1)
        for block, indices in places.items():
            if (counts[indices] > 1).any():
                group.summed_targets.add(target)
                group.adds.add((target, block))
            elif touched[indices].any():
                group.adds.add((target, block))
            else:
                written[indices] = True
        touched |= counts > 0
    edges = np.flatnonzero(np.diff(np.concatenate([[True], written, [True]])))
    return [(int(start), int(end - start)) for start, end in edges.reshape(-1, 2)]
