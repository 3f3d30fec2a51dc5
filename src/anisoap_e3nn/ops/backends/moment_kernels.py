"""Gaussian moments on NVIDIA GPUs: Triton kernels, generated for the degree, twice differentiable.

One program sums eight segments, with four lanes for each. No two programs write the same numbers, so results
repeat to the last bit. The derivatives of a particle's covariance are first written for each pair, seven
numbers, and then summed over the pairs of each particle. Nothing waits for the GPU.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from ..moment_inputs import MomentInputs
from ..monomials import Exponents, moment_exponents
from . import moment_memory, moment_source
from .moment_text import LANES, RESIDENT, SEGMENTS, source
from .triton_source import interpreted, kernel_from, on

_FIELDS = 8  # of a particle: the six entries of C, w, and one to fill the row
_ROW = (0, 1, 2, 4, 5, 8, 9, 9)  # where they lie in the nine entries of C and w
_SYMMETRIC = (0, 1, 2, 1, 3, 4, 2, 4, 5)  # and where the nine entries are among the six
_Four = tuple[Tensor, Tensor, Tensor, Tensor]


def moments(inputs: MomentInputs) -> Tensor:
    """The moments of every segment."""
    problem = _problem(inputs)
    out = _empty_moments(inputs)
    for part in range(len(_groups(inputs))):
        _launch(inputs, _kernel("value", inputs.degree, _word(out), part), (*problem, out))
    return out


def backward(cotangent: Tensor, inputs: MomentInputs, of_particles: bool) -> _Four:
    """Derivatives of ⟨cotangent, moments⟩ with respect to vectors, covariances, weights and pair weights."""
    kernel = _kernel("first", inputs.degree, _word(cotangent), int(of_particles))
    return _differentiate(inputs, kernel, (*_problem(inputs), cotangent.contiguous()), of_particles)


def double_backward(
    tangents: _Four, cotangent: Tensor, inputs: MomentInputs, of_particles: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Derivatives of ⟨tangents, first derivatives⟩ with respect to the cotangent and the inputs."""
    of_vectors, of_covariances, of_weights, of_pair_weights = (t.contiguous() for t in tangents)
    problem = (
        *_problem(inputs),
        of_vectors,
        of_vectors if inputs.pair_weights is None else of_pair_weights,
        _rows_of_particles(of_covariances, of_weights),
    )
    d_cotangent = _empty_moments(inputs)
    for part in range(len(_groups(inputs))):
        kernel = _kernel("tangent", inputs.degree, _word(cotangent), part)
        _launch(inputs, kernel, (*problem, d_cotangent))
    kernel = _kernel("second", inputs.degree, _word(cotangent), int(of_particles))
    derivatives = _differentiate(inputs, kernel, (*problem, cotangent.contiguous()), of_particles)
    return (d_cotangent, *derivatives)


class _Order(NamedTuple):
    """Entries in the order of their rows: those of row i are ``order[offsets[i]:offsets[i + 1]]``."""

    order: Tensor
    offsets: Tensor


def _order(rows: Tensor, n_rows: int) -> _Order:
    found: _Order = _kept(rows, n_rows, _sorted)
    return found


def _sorted(rows: Tensor, n_rows: int) -> _Order:
    in_order, order = torch.sort(rows.to(torch.int32), stable=True)
    bounds = torch.arange(n_rows + 1, device=rows.device, dtype=torch.int32)
    offsets = torch.searchsorted(in_order, bounds, out_int32=True)
    return _Order(order.to(torch.int32), offsets)


def _inverse(segments: Tensor, n_segments: int) -> Tensor:
    """The particle of each segment, -1 where there is none."""
    particles = torch.arange(segments.shape[0], device=segments.device)
    return particles.new_full((n_segments,), -1).scatter_(0, segments, particles)


def _kept(indices: Tensor, n: int, function: Callable[[Tensor, int], Any]) -> Any:
    """What a function makes of indices, kept as long as they live: for derivatives, and for later calls."""
    if indices.is_inference() or (indices.is_cuda and torch.cuda.is_current_stream_capturing()):
        return function(indices, n)
    results = _results.setdefault(indices, {})
    key = n, indices._version, function
    if key not in results:
        results.clear()  # of indices that were overwritten
        results[key] = function(indices, n)
    return results[key]


_results: Any = WeakTensorKeyDictionary()


def _problem(inputs: MomentInputs) -> tuple[Tensor, ...]:
    """The leading arguments of all kernels."""
    vectors = inputs.edge_vectors.contiguous()
    own = inputs.own_segments
    if own is not None:
        own = _kept(own, inputs.n_segments, _inverse)
    order = _order(inputs.segments, inputs.n_segments)
    return (
        vectors,
        inputs.neighbors.contiguous(),
        vectors if inputs.pair_weights is None else inputs.pair_weights.contiguous(),
        order.order,
        order.offsets,
        inputs.neighbors if own is None else own,
        _rows_of_particles(inputs.covariances, inputs.weights),
        _exponent(inputs.exponent, vectors.dtype, vectors.device),
    )


@cache
def _exponent(value: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """As a tensor, since float arguments of kernels are float32."""
    return torch.full((1,), value, dtype=dtype, device=device)


def _rows_of_particles(covariances: Tensor, weights: Tensor) -> Tensor:
    C = (covariances + covariances.mT) / 2  # -> [particle, 3, 3]
    fields = torch.cat([C.flatten(1), weights[:, None]], dim=1)  # -> [particle, 10]
    return fields.index_select(1, _constant(_ROW, fields.device))  # -> [particle, 8]


@cache
def _constant(values: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(values, device=device)


def _launch(inputs: MomentInputs, kernel: Any, arguments: tuple[Any, ...]) -> None:
    n = inputs.n_segments
    if n == 0:
        return
    with on(inputs.edge_vectors.device):
        kernel[(triton.cdiv(n, SEGMENTS),)](
            *arguments,
            n,
            WITH_OWN=inputs.own_segments is not None,
            WITH_PAIR_WEIGHTS=inputs.pair_weights is not None,
            num_warps=1,
        )


def _differentiate(
    inputs: MomentInputs, kernel: Any, arguments: tuple[Tensor, ...], of_particles: bool
) -> _Four:
    vectors, covariances = inputs.edge_vectors, inputs.covariances
    n_edges, n_particles = vectors.shape[0], covariances.shape[0]
    d_vectors = vectors.new_empty(n_edges, 3)
    d_pair_weights = vectors.new_empty(0 if inputs.pair_weights is None else n_edges)
    absent = vectors.new_empty(0)
    rows = absent
    if of_particles:
        rows = vectors.new_empty(n_edges + n_particles, _FIELDS)
    _launch(inputs, kernel, (*arguments, d_vectors, d_pair_weights, rows, n_edges))
    if not of_particles:
        return d_vectors, absent, absent, d_pair_weights
    sums = _summed_rows(inputs, rows)
    d_covariances = sums.index_select(1, _constant(_SYMMETRIC, sums.device))  # -> [particle, 9]
    d_weights = sums[:, _FIELDS - 2].contiguous()
    return d_vectors, d_covariances.view(n_particles, 3, 3), d_weights, d_pair_weights


def _summed_rows(inputs: MomentInputs, rows: Tensor) -> Tensor:
    """The rows of pairs and own Gaussians, summed for each particle."""
    n_particles, n_edges = inputs.covariances.shape[0], inputs.edge_vectors.shape[0]
    sums = rows.new_empty(n_particles, _FIELDS)
    if n_particles:
        with on(rows.device):
            _sum_rows[(triton.cdiv(n_particles, SEGMENTS),)](
                rows,
                *_order(inputs.neighbors, n_particles),
                sums,
                n_particles,
                n_edges,
                WITH_OWN=inputs.own_segments is not None,
                PARTICLES=SEGMENTS,
                FIELDS=_FIELDS,
                num_warps=1,
            )
    return sums  # -> [particle, field]


@triton.jit  # type: ignore[untyped-decorator]
def _sum_rows(  # type: ignore[no-untyped-def]
    rows, order, offsets, sums, n_particles, n_edges,
    WITH_OWN: tl.constexpr, PARTICLES: tl.constexpr, FIELDS: tl.constexpr,
):  # fmt: skip
    """Sum the rows of each particle's pairs, and its own."""
    particle = tl.program_id(0).to(tl.int64) * PARTICLES + tl.arange(0, PARTICLES)[:, None]
    field = tl.arange(0, FIELDS)[None, :]
    inside = particle < n_particles
    used = field < 7  # the last one fills the row
    start = tl.load(offsets + particle, mask=inside, other=0)
    count = tl.load(offsets + particle + 1, mask=inside, other=0) - start
    total = tl.zeros([PARTICLES, FIELDS], rows.dtype.element_ty)
    if WITH_OWN:
        total += tl.load(
            rows + (n_edges + particle) * FIELDS + field, mask=inside & used, other=0.0
        )
    for k in range(0, tl.max(count)):
        entry = tl.load(order + start + k, mask=k < count, other=0)
        total += tl.load(rows + entry * FIELDS + field, mask=(k < count) & used, other=0.0)
    tl.store(sums + particle * FIELDS + field, total, mask=inside)


@triton.jit
def multiply(cxx, cxy, cxz, cyy, cyz, czz, x, y, z):  # type: ignore[no-untyped-def]
    """C r."""
    return (
        cxx * x + cxy * y + cxz * z,
        cxy * x + cyy * y + cyz * z,
        cxz * x + cyz * y + czz * z,
    )


def _on_blocks(function: Any, *arguments: Any) -> Any:
    return function(*arguments)


# the interpreter does not know functions of numbers
each = _on_blocks if interpreted else tl.map_elementwise


def _word(tensor: Tensor) -> int:
    return tensor.element_size()


def _groups(inputs: MomentInputs) -> list[list[Exponents]]:
    return moment_source.groups(inputs.degree, 4 * RESIDENT // _word(inputs.edge_vectors))


@cache
def _kernel(kind: str, degree: int, word: int, part: int) -> Any:
    """A kernel: ``value`` or ``tangent`` of a group of moments, or ``first`` or ``second`` derivatives.

    For derivatives, `part` says whether those of particles are wanted.
    """
    return kernel_from(
        source(kind, degree, word, part),
        f"{kind} moments, degree {degree}, {8 * word} bits, part {part}",
        multiply=multiply,
        each=each,
        edge_of=moment_memory.edge_of,
        particle_of=moment_memory.particle_of,
        load=moment_memory.load,
        load_row=moment_memory.load_row,
        store_row=moment_memory.store_row,
        SEGMENTS=tl.constexpr(SEGMENTS),
        LANES=tl.constexpr(LANES),
        N_MOMENTS=tl.constexpr(len(moment_exponents(degree))),
        LIMIT=tl.constexpr(-math.log(torch.finfo(_DTYPES[word]).tiny)),
        DTYPE=tl.constexpr(tl.float32 if word == 4 else tl.float64),
    )


_DTYPES = {4: torch.float32, 8: torch.float64}


def _empty_moments(inputs: MomentInputs) -> Tensor:
    return inputs.edge_vectors.new_empty(inputs.n_segments, len(moment_exponents(inputs.degree)))
