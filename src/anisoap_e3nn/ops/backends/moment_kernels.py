"""Gaussian moments on NVIDIA GPUs: Triton kernels, generated for the degree, twice differentiable.

One program sums a few segments, with several lanes for each. No two programs write the same numbers, so
results repeat to the last bit. The derivatives of a particle's covariance are first written for each pair,
seven numbers, and then summed over the pairs of each particle. Nothing waits for the GPU.
"""

import math
from functools import cache
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..moment_inputs import MomentInputs
from ..monomial_tables import stored_positions
from ..monomials import Exponents, moment_exponents
from . import moment_loops, moment_memory, moment_source, moment_text
from .moment_problem import constant, order_of, problem_of, rows_of_particles
from .moment_text import RESIDENT, block_shape, source
from .triton_source import ONE_WARP, interpreted, kernel_from, on

_PROGRAMS = 2048  # of a high degree, at a time
_PARTICLES = 8  # of a program that sums rows
_FIELDS = 8  # of a particle: the six entries of C, w, and one to fill the row
_SYMMETRIC = (0, 1, 2, 1, 3, 4, 2, 4, 5)  # where the nine entries of C are among the six
_Four = tuple[Tensor, Tensor, Tensor, Tensor]


def moments(inputs: MomentInputs) -> Tensor:
    """The moments of every segment."""
    return _summed_moments(inputs, "value", problem_of(inputs))


def backward(cotangent: Tensor, inputs: MomentInputs, of_particles: bool) -> _Four:
    """Derivatives of ⟨cotangent, moments⟩ with respect to vectors, covariances, weights and pair weights."""
    return _differentiate(inputs, "first", problem_of(inputs), cotangent, of_particles)


def double_backward(
    tangents: _Four, cotangent: Tensor, inputs: MomentInputs, of_particles: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Derivatives of ⟨tangents, first derivatives⟩ with respect to the cotangent and the inputs."""
    of_vectors, of_covariances, of_weights, of_pair_weights = (t.contiguous() for t in tangents)
    problem = (
        *problem_of(inputs),
        of_vectors,
        of_vectors if inputs.pair_weights is None else of_pair_weights,
        rows_of_particles(of_covariances, of_weights),
    )
    d_cotangent = _summed_moments(inputs, "tangent", problem)
    derivatives = _differentiate(inputs, "second", problem, cotangent, of_particles)
    return (d_cotangent, *derivatives)


def _summed_moments(inputs: MomentInputs, kind: str, problem: tuple[Tensor, ...]) -> Tensor:
    """Moments of all segments, or their tangents."""
    shape = inputs.n_segments, len(moment_exponents(inputs.degree))
    word = _word(inputs.edge_vectors)
    if inputs.degree > moment_text.UNROLLED:
        out = inputs.edge_vectors.new_zeros(shape)
        _launch_loops(inputs, _kernel(kind, inputs.degree, word, 0), problem, out)
        return _in_stored_order(out, inputs.degree)
    out = inputs.edge_vectors.new_empty(shape)
    for part in range(len(_groups(inputs))):
        _launch(inputs, kind, _kernel(kind, inputs.degree, word, part), (*problem, out))
    return out


def _launch(inputs: MomentInputs, kind: str, kernel: Any, arguments: tuple[Any, ...]) -> None:
    n = inputs.n_segments
    if n == 0:
        return
    segments, _ = block_shape(kind, inputs.degree)
    with on(inputs.edge_vectors.device):
        kernel[(triton.cdiv(n, segments),)](*arguments, n, **_present(inputs))


def _launch_loops(
    inputs: MomentInputs, kernel: Any, problem: tuple[Tensor, ...], moments: Tensor, *others: Any
) -> None:
    """Launch a kernel of a high degree for some thousands of segments at a time, in one scratch memory."""
    scratch = moments.new_empty(min(_PROGRAMS, inputs.n_segments) * _scratch_size(inputs.degree))
    *leading, by_length = problem[:6]
    with on(moments.device):
        for first in range(0, inputs.n_segments, _PROGRAMS):
            some = by_length[first : first + _PROGRAMS]
            n = len(some)
            kernel[(n,)](
                *leading, some, *problem[6:], moments, *others, scratch, n, **_present(inputs)
            )


def _present(inputs: MomentInputs) -> dict[str, Any]:
    own, pair_weights = inputs.own_segments, inputs.pair_weights
    return {
        "WITH_OWN": own is not None,
        "WITH_PAIR_WEIGHTS": pair_weights is not None,
        **ONE_WARP,
    }


def _scratch_size(degree: int) -> int:
    """Numbers that a program of a high degree keeps: three degrees of moments, and of their tangents."""
    return 2 * 3 * _largest(degree) * moment_loops.LANES


def _largest(degree: int) -> int:
    """Number of moments of one degree."""
    return (degree + 1) * (degree + 2) // 2


def _in_stored_order(moments: Tensor, degree: int) -> Tensor:
    """Moments as they are stored, from scaled ones by rising degrees."""
    scales = _scales(degree, moments.dtype, moments.device)
    return moments.index_select(1, stored_positions(degree, moments)) * scales


def _by_degree(cotangent: Tensor, degree: int) -> Tensor:
    """Cotangents of scaled moments by rising degrees."""
    scaled = cotangent * _scales(degree, cotangent.dtype, cotangent.device)
    return torch.empty_like(scaled).index_copy_(1, stored_positions(degree, cotangent), scaled)


@cache
def _scales(degree: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    scales = [moment_source.scale(n) for n in moment_exponents(degree)]
    return torch.tensor(scales, dtype=dtype, device=device)


def _differentiate(
    inputs: MomentInputs,
    kind: str,
    problem: tuple[Tensor, ...],
    cotangent: Tensor,
    of_particles: bool,
) -> _Four:
    vectors, covariances = inputs.edge_vectors, inputs.covariances
    n_edges, n_particles = vectors.shape[0], covariances.shape[0]
    d_vectors = vectors.new_empty(n_edges, 3)
    d_pair_weights = vectors.new_empty(0 if inputs.pair_weights is None else n_edges)
    rows = vectors.new_empty(n_edges + n_particles if of_particles else 0, _FIELDS)
    kernel = _kernel(kind, inputs.degree, _word(cotangent), int(of_particles))
    results = d_vectors, d_pair_weights, rows, n_edges
    if inputs.degree > moment_text.UNROLLED:
        _launch_loops(inputs, kernel, problem, _by_degree(cotangent, inputs.degree), *results)
    else:
        _launch(inputs, kind, kernel, (*problem, cotangent.contiguous(), *results))
    if not of_particles:
        # two of them, since torch refuses results that share memory
        return d_vectors, vectors.new_empty(0), vectors.new_empty(0), d_pair_weights
    sums = _summed_rows(inputs, rows)
    d_covariances = sums.index_select(1, constant(_SYMMETRIC, sums.device))  # -> [particle, 9]
    d_weights = sums[:, _FIELDS - 2].contiguous()
    return d_vectors, d_covariances.view(n_particles, 3, 3), d_weights, d_pair_weights


def _summed_rows(inputs: MomentInputs, rows: Tensor) -> Tensor:
    """The rows of pairs and own Gaussians, summed for each particle."""
    n_particles, n_edges = inputs.covariances.shape[0], inputs.edge_vectors.shape[0]
    sums = rows.new_empty(n_particles, _FIELDS)
    if n_particles:
        with on(rows.device):
            _sum_rows[(triton.cdiv(n_particles, _PARTICLES),)](
                rows,
                *order_of(inputs.neighbors, n_particles),
                sums,
                n_particles,
                n_edges,
                WITH_OWN=inputs.own_segments is not None,
                PARTICLES=_PARTICLES,
                FIELDS=_FIELDS,
                **ONE_WARP,
            )
    return sums  # -> [particle, field]


@triton.jit  # type: ignore[untyped-decorator]
def _sum_rows(  # type: ignore[no-untyped-def]
    rows, order, offsets, by_length, sums, n_particles, n_edges,
    WITH_OWN: tl.constexpr, PARTICLES: tl.constexpr, FIELDS: tl.constexpr,
):  # fmt: skip
    """Sum the rows of each particle's pairs, and its own."""
    place = tl.program_id(0).to(tl.int64) * PARTICLES + tl.arange(0, PARTICLES)[:, None]
    field = tl.arange(0, FIELDS)[None, :]
    inside = place < n_particles
    particle = tl.load(by_length + place, mask=inside, other=0).to(tl.int64)
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
    segments, lanes = block_shape(kind, degree)
    return kernel_from(
        source(kind, degree, word, part),
        f"{kind} moments, degree {degree}, {8 * word} bits, part {part}",
        multiply=multiply,
        each=each,
        edge_of=moment_memory.edge_of,
        particle_of=moment_memory.particle_of,
        load=moment_memory.load,
        load_some=moment_memory.load_some,
        load_row=moment_memory.load_row,
        store_row=moment_memory.store_row,
        SEGMENTS=tl.constexpr(segments),
        LANES=tl.constexpr(lanes),
        DEGREE=tl.constexpr(degree),
        ROWS=tl.constexpr(_largest(degree)),
        SCRATCH=tl.constexpr(_scratch_size(degree)),
        TANGENTS=tl.constexpr(_scratch_size(degree) // 2),
        N_MOMENTS=tl.constexpr(len(moment_exponents(degree))),
        LIMIT=tl.constexpr(-math.log(torch.finfo(_DTYPES[word]).tiny)),
        DTYPE=tl.constexpr(tl.float32 if word == 4 else tl.float64),
    )


_DTYPES = {4: torch.float32, 8: torch.float64}
