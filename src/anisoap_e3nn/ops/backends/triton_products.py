"""Backend ``triton`` for sparse products: kernels for NVIDIA GPUs, generated for each plan and target.

They implement the two operations of :mod:`.sparse_native`, so derivatives of any order need nothing more.
Results do not depend on the order in which programs run: sums over channels stay in one program, and partial
sums of several programs are added in a fixed order.
"""

from functools import lru_cache, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from . import sparse_native
from .lane_text import Lanes
from .product_kernels import Sizes, kernel_source
from .product_parts import COEFFICIENTS, Division, Limits, Part, Product, divide, read_program
from .triton_source import FUSED, interpreted, kernel_of_kind, on

sparse_product = sparse_native.sparse_product

_GATHERED_SUM = '''
@triton.jit(do_not_specialize=["n_lanes", "n_positions", "n_sources", "dim", "scratch_size"])
def kernel(target, scratch, positions, sources, n_lanes, n_positions, n_sources, dim, scratch_size):
    """Sum numbers of the scratch memory, in the order of their sources."""
    lane = tl.program_id(0).to(tl.int64) * 256 + tl.arange(0, 256)
    ok = lane < n_lanes
    batch = lane // n_positions
    place = lane % n_positions
    total = tl.zeros([256], target.dtype.element_ty)
    for n in range(n_sources):
        source = tl.load(sources + n * n_positions + place, mask=ok, other=-1)
        total += tl.load(scratch + batch * scratch_size + source, mask=ok & (source >= 0), other=0.0)
    position = tl.load(positions + place, mask=ok, other=0)
    tl.store(target + batch * dim + position, total, mask=ok)
'''

_WARPS = 2
_TERMS_OF_KERNEL = 1200
_SUMS = 128  # partial sums of the coefficients' derivative
_CHUNK = 1024  # tiles


def product_of_two(
    first: Tensor,
    second: Tensor,
    coefficients: Tensor,
    program: Tensor,
    target: int,
    n_batch: int,
    size: int,
) -> Tensor:
    """See :func:`.sparse_native.product_of_two`."""
    kernels = _kernels(program, target, first.dtype)
    result = first.new_empty(size)
    scratch = first.new_empty(n_batch * kernels.division.scratch_size)
    operands = [first.contiguous(), second.contiguous()]
    operands.insert(target, result)  # not read
    with on(first.device):
        kernels.run(result, scratch, operands, coefficients.contiguous(), n_batch)
        kernels.add_scratch(result, scratch, n_batch)
    return result


def product_of_three(
    out: Tensor, x1: Tensor, x2: Tensor, coefficients: Tensor, program: Tensor, n_batch: int
) -> Tensor:
    """See :func:`.sparse_native.product_of_three`."""
    kernels = _kernels(program, COEFFICIENTS, out.dtype)
    sums = out.new_zeros(kernels.n_chunk(n_batch), coefficients.shape[0], kernels.sizes.tile)
    operands = [operand.contiguous() for operand in (out, x1, x2)]
    with on(out.device):
        kernels.run(sums, sums, operands, sums, n_batch)
    return sums.sum((0, 2))


class KernelSource(NamedTuple):
    """A kernel's text and the parts that it computes."""

    parts: list[Part]
    text: str


def kernel_sources(
    product: Product, target: int, dtype: torch.dtype
) -> tuple[Division, list[KernelSource], Sizes]:
    """The kernels that compute one target of a product."""
    double = dtype == torch.float64
    sums = target == COEFFICIENTS
    limits = Limits(48, 24 if sums else 400)
    division = divide(product, target, limits)
    tile = 32 * _WARPS * (1 if double or sums else 2)
    scalar = "float64" if double else "float32"
    sizes = Sizes(product.dims, division.scratch_size, product.n_coefficients, tile, scalar)
    groups: list[list[Part]] = []
    for part in division.parts:
        n_terms = sum(other.n_terms for other in groups[-1]) if groups else _TERMS_OF_KERNEL
        if n_terms + part.n_terms > _TERMS_OF_KERNEL:
            groups.append([])
        groups[-1].append(part)
    return division, [KernelSource(parts, kernel_source(parts, sizes)) for parts in groups], sizes


class _Kernels:
    """The compiled kernels for one target of a product."""

    def __init__(self, product: Product, target: int, dtype: torch.dtype) -> None:
        self.target = target
        self.division, self.sources, self.sizes = kernel_sources(product, target, dtype)
        self.functions = [_kernel_of(source.text) for source in self.sources]
        self._tables: dict[torch.device, tuple[Tensor, Tensor]] = {}

    def run(
        self,
        result: Tensor,
        scratch: Tensor,
        operands: list[Tensor],
        coefficients: Tensor,
        n_batch: int,
    ) -> None:
        if n_batch == 0 or not self.sources:
            return
        chunk = self.n_chunk(n_batch)
        n_chunks = 1 if self.target == COEFFICIENTS else -(-self._n_tiles(n_batch) // chunk)
        for source, function in zip(self.sources, self.functions, strict=True):
            grid = (n_chunks * chunk * len(source.parts),)
            function[grid](
                result, scratch, *operands, coefficients, n_batch, chunk, 0,
                num_warps=_WARPS, num_stages=1, **FUSED,
            )  # fmt: skip

    def n_chunk(self, n_batch: int) -> int:
        """Number of tiles in a chunk, and of partial sums for each coefficient."""
        return min(self._n_tiles(n_batch), _SUMS if self.target == COEFFICIENTS else _CHUNK)

    def _n_tiles(self, n_batch: int) -> int:
        lanes = (Lanes.of(part, self.sizes.tile).n_channels for part in self.division.parts)
        return -(-n_batch * max(lanes, default=0) // self.sizes.tile)

    def add_scratch(self, result: Tensor, scratch: Tensor, n_batch: int) -> None:
        """Sum the numbers in scratch memory to where they belong; zeros where no part writes."""
        n_positions = len(self.division.positions)
        if n_batch * n_positions == 0:
            return
        dim = self.sizes.dims[self.target]
        if n_positions == dim and self.division.scratch_size == 0:
            result.zero_()
            return
        if result.device not in self._tables:
            positions = torch.from_numpy(self.division.positions).to(result.device)
            sources = torch.from_numpy(self.division.sources).to(result.device)
            self._tables[result.device] = positions, sources
        positions, sources = self._tables[result.device]
        n_lanes = n_batch * n_positions
        _kernel_of(_GATHERED_SUM)[(-(-n_lanes // 256),)](
            result, scratch, positions, sources, n_lanes, n_positions, sources.shape[0], dim,
            self.division.scratch_size,
        )  # fmt: skip


_seen: Any = WeakTensorKeyDictionary()


def _kernels(program: Tensor, target: int, dtype: torch.dtype) -> _Kernels:
    """The kernels for a program, a constant. Its numbers are read only where the tensor is a new one."""
    kernels = _seen.setdefault(program, {})
    if (target, dtype) not in kernels:
        numbers = program.cpu().contiguous().numpy().tobytes()
        kernels[target, dtype] = _kernels_for(numbers, target, dtype)
    found: _Kernels = kernels[target, dtype]
    return found


@lru_cache(maxsize=256)
def _kernels_for(program: bytes, target: int, dtype: torch.dtype) -> _Kernels:
    numbers = torch.frombuffer(bytearray(program), dtype=torch.int64).tolist()
    return _Kernels(read_program(numbers), target, dtype)


_kernel_of = partial(kernel_of_kind, "sparse product")


for _device in ("cuda", "cpu") if interpreted else ("cuda",):
    sparse_native.product_of_two.register_kernel(_device)(product_of_two)
    sparse_native.product_of_three.register_kernel(_device)(product_of_three)
