r"""Backend ``native``: C++ on the CPU, with as many threads as torch has, twice differentiable.

There are three operations on torch's dispatcher. The second is the derivative of the first, the third that of
the second. With J the Jacobian of the moments A(x), they are A(x), the product of a cotangent g with J, and
the derivatives of :math:`g^\top J t` with respect to g and x. The derivative with respect to g is J t, the
tangent of the moments in forward mode. Programs saved by ``torch.export`` call the operations by name and
schema: change neither.
"""

from collections.abc import Sequence
from functools import cache, partial
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..moment_inputs import MomentInputs
from ..monomials import moment_exponents
from .batching import one_by_one
from .differentiation import Tensors, register_derivatives

unavailable = ""  # why the compiled extension cannot be used, in words
try:
    _native: Any = import_module("anisoap_e3nn._native")
except ImportError as error:
    unavailable = str(error)

FourTensors = tuple[Tensor, Tensor, Tensor, Tensor]
FiveTensors = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]

_INPUTS = (  # the fields of MomentInputs
    "Tensor edge_vectors, Tensor neighbors, Tensor segments, SymInt n_segments, Tensor covariances, "
    "Tensor weights, Tensor? pair_weights, Tensor? own_segments, float exponent, SymInt degree"
)
_TANGENTS = (
    "Tensor edge_tangents, Tensor covariance_tangents, Tensor weight_tangents, "
    "Tensor pair_weight_tangents"
)
_NOT_IMPLEMENTED = (
    "the native and triton backends have first and second derivatives, save by forward mode through forward "
    "mode; for that and for a third, use backend='torch' or the environment variable "
    "ANISOAP_E3NN_BACKEND=torch"
)
_operation = partial(torch.library.custom_op, mutates_args=(), device_types="cpu")


def gaussian_moments(inputs: MomentInputs) -> Tensor:
    """See :func:`anisoap_e3nn.ops.gaussian_moments`; no array of size edges × moments is made."""
    result: Tensor = moments(*inputs)
    return result


@_operation("anisoap_e3nn::gaussian_moments", schema=f"({_INPUTS}) -> Tensor")
def moments(*arguments: Any) -> Tensor:
    """The moments of every segment."""
    inputs = MomentInputs(*arguments)
    result = _empty_moments(inputs)
    _problem(inputs).value(result.numpy())
    return result


@_operation(
    "anisoap_e3nn::gaussian_moments_backward",
    schema=f"(Tensor cotangent, {_INPUTS}, bool of_particles) -> (Tensor, Tensor, Tensor, Tensor)",
)
def backward(cotangent: Tensor, *arguments: Any) -> FourTensors:
    """Derivatives of ⟨cotangent, moments⟩ with respect to vectors, covariances, weights and pair weights.

    The last argument, `of_particles`, says whether covariances and weights need derivatives. Derivatives
    that nobody needs have size 0, and so has that of absent pair weights.
    """
    *fields, of_particles = arguments
    inputs = MomentInputs(*fields)
    out = _empty_derivatives(inputs, of_particles)
    _problem(inputs).first_derivative(_array(cotangent), *_present(out, inputs, of_particles))
    return out


@_operation(
    "anisoap_e3nn::gaussian_moments_double_backward",
    schema=f"({_TANGENTS}, Tensor cotangent, {_INPUTS}, bool of_particles) "
    "-> (Tensor, Tensor, Tensor, Tensor, Tensor)",
)
def double_backward(*arguments: Any) -> FiveTensors:
    """Derivatives of ⟨tangents, first derivatives⟩ with respect to the cotangent and the inputs.

    Those of the inputs are the four of :func:`backward`, under the same rules.
    """
    *tangents, cotangent = arguments[:5]
    *fields, of_particles = arguments[5:]
    inputs = MomentInputs(*fields)
    d_cotangent, out = _empty_like(cotangent), _empty_derivatives(inputs, of_particles)
    _problem(inputs).second_derivative(
        *(_array(tangent) for tangent in tangents[:3]),
        None if inputs.pair_weights is None else _array(tangents[3]),
        _array(cotangent),
        d_cotangent.numpy(),
        *_present(out, inputs, of_particles),
    )
    return (d_cotangent, *out)


@moments.register_fake
def _(*arguments: Any) -> Tensor:
    return _empty_moments(MomentInputs(*arguments))


@backward.register_fake
def _(cotangent: Tensor, *arguments: Any) -> FourTensors:
    *fields, of_particles = arguments
    return _empty_derivatives(MomentInputs(*fields), of_particles)


@double_backward.register_fake
def _(*arguments: Any) -> FiveTensors:
    cotangent, *fields, of_particles = arguments[4:]
    return (_empty_like(cotangent), *_empty_derivatives(MomentInputs(*fields), of_particles))


def _moments_backward(
    fields: Sequence[Any], cotangents: Tensors, needed: Sequence[bool]
) -> Tensors:
    inputs = MomentInputs(*fields)
    of_particles = _of_particles(needed)
    derivatives = backward(cotangents[0], *inputs, of_particles)
    return _by_input(derivatives, inputs, of_particles)


def _moments_jvp(fields: Sequence[Any], tangents: Tensors) -> Tensor:
    inputs = MomentInputs(*fields)
    unused = inputs.edge_vectors.new_zeros(inputs.n_segments, len(moment_exponents(inputs.degree)))
    result: Tensor = double_backward(
        *_four_tangents(_of_fields(tangents), inputs), unused, *inputs, False
    )[0]
    return result


def _backward_backward(
    arguments: Sequence[Any], cotangents: Tensors, needed: Sequence[bool]
) -> Tensors:
    cotangent, *fields, first_of_particles = arguments
    inputs = MomentInputs(*fields)
    of_edges, of_covariances, of_weights, of_pair_weights = cotangents
    if not first_of_particles:
        of_covariances = of_weights = None
    tangents = _four_tangents((of_edges, of_covariances, of_weights, of_pair_weights), inputs)
    of_particles = _of_particles(needed[1:-1])
    d_cotangent, *derivatives = double_backward(*tangents, cotangent, *inputs, of_particles)
    return (d_cotangent, *_by_input(derivatives, inputs, of_particles), None)


def _backward_jvp(arguments: Sequence[Any], tangents: Tensors) -> tuple[Tensor, ...]:
    cotangent, *fields, of_particles = arguments
    inputs = MomentInputs(*fields)
    of_cotangent, of_inputs = tangents[0], _of_fields(tangents[1:-1])
    terms = []
    if of_cotangent is not None:
        terms.append(backward(of_cotangent, *inputs, of_particles))
    if any(tangent is not None for tangent in of_inputs):  # the second derivative is symmetric
        of_inputs = _four_tangents(of_inputs, inputs)
        terms.append(double_backward(*of_inputs, cotangent, *inputs, of_particles)[1:])
    return tuple(sum(parts[1:], start=parts[0]) for parts in zip(*terms, strict=True))


def _double_backward_backward(
    arguments: Sequence[Any], cotangents: Tensors, needed: Sequence[bool]
) -> Tensors:
    """That of d_cotangent alone: it is the derivative of the moments along the tangents."""
    of_moments, *of_others = cotangents
    if of_moments is None or any(cotangent is not None for cotangent in of_others):
        raise NotImplementedError(_NOT_IMPLEMENTED)
    tangents, fields = arguments[:4], arguments[5:-1]
    inputs = MomentInputs(*fields)
    of_covariances, of_weights = needed[1:3]
    d_tangents = backward(of_moments, *inputs, of_covariances or of_weights)
    of_particles = _of_particles(needed[5:-1])
    _, *derivatives = double_backward(*tangents, of_moments, *inputs, of_particles)
    return (*d_tangents, None, *_by_input(derivatives, inputs, of_particles), None)


def _double_backward_jvp(arguments: Sequence[Any], tangents: Tensors) -> Any:
    raise NotImplementedError(_NOT_IMPLEMENTED)


register_derivatives(moments, _moments_backward, _moments_jvp)
register_derivatives(backward, _backward_backward, _backward_jvp)
register_derivatives(double_backward, _double_backward_backward, _double_backward_jvp)
for _operator in (moments, backward, double_backward):
    _operator.register_vmap(one_by_one(_operator))


def _problem(inputs: MomentInputs) -> Any:
    double = inputs.edge_vectors.dtype == torch.float64
    problem = _native.GaussianMoments64 if double else _native.GaussianMoments32
    arrays = (_array(value) if isinstance(value, Tensor) else value for value in inputs)
    return problem(*arrays, _positions(inputs.degree), torch.get_num_threads())


@cache
def _positions(degree: int) -> NDArray[np.int64]:
    """Where each moment is stored. The kernel counts moments with their exponents in rising order."""
    stored_at = {n: position for position, n in enumerate(moment_exponents(degree))}
    return np.array([stored_at[n] for n in sorted(stored_at)], dtype=np.int64)


def _empty_moments(inputs: MomentInputs) -> Tensor:
    return inputs.edge_vectors.new_empty(inputs.n_segments, len(moment_exponents(inputs.degree)))


def _empty_derivatives(inputs: MomentInputs, of_particles: bool) -> FourTensors:
    """Memory for the four derivatives; of size 0 where there is none."""
    empty, pair_weights = inputs.edge_vectors.new_empty, inputs.pair_weights
    return (
        empty(inputs.edge_vectors.shape),
        empty(inputs.covariances.shape if of_particles else (0,)),
        empty(inputs.weights.shape if of_particles else (0,)),
        empty((0,) if pair_weights is None else pair_weights.shape),
    )


def _empty_like(cotangent: Tensor) -> Tensor:
    return torch.empty_like(cotangent, memory_format=torch.contiguous_format)


def _present(
    derivatives: FourTensors, inputs: MomentInputs, of_particles: bool
) -> list[NDArray[np.generic] | None]:
    """The arrays for the kernel to write; None where there is no derivative."""
    present = (True, of_particles, of_particles, inputs.pair_weights is not None)
    return [t.numpy() if given else None for t, given in zip(derivatives, present, strict=True)]


def _of_fields(tangents: Tensors) -> Tensors:
    """The tangents of vectors, covariances, weights and pair weights, from those of all inputs."""
    fields = dict(zip(MomentInputs._fields, tangents, strict=True))
    return [fields[name] for name in ("edge_vectors", "covariances", "weights", "pair_weights")]


def _four_tangents(tangents: Tensors, inputs: MomentInputs) -> list[Tensor]:
    """The four tangents that :func:`double_backward` takes, with zeros for None."""
    primals = (inputs.edge_vectors, inputs.covariances, inputs.weights, inputs.pair_weights)
    absent = inputs.edge_vectors.new_empty(0)
    return [
        absent if primal is None else torch.zeros_like(primal) if tangent is None else tangent
        for tangent, primal in zip(tangents, primals, strict=True)
    ]


def _of_particles(needed: Sequence[bool]) -> bool:
    """Whether covariances or weights need derivatives, from the flags of all inputs."""
    flags = dict(zip(MomentInputs._fields, needed, strict=True))
    return flags["covariances"] or flags["weights"]


def _by_input(
    derivatives: Sequence[Tensor], inputs: MomentInputs, of_particles: bool
) -> tuple[Tensor | None, ...]:
    """One derivative for each field of MomentInputs, None where there is none."""
    d_vectors, d_covariances, d_weights, d_pair_weights = derivatives
    return (
        d_vectors,
        *(None, None, None),  # neighbors, segments, n_segments
        *((d_covariances, d_weights) if of_particles else (None, None)),
        None if inputs.pair_weights is None else d_pair_weights,
        *(None, None, None),  # own_segments, exponent, degree
    )


def _array(tensor: Tensor) -> NDArray[np.generic]:
    array: NDArray[np.generic] = tensor.detach().contiguous().numpy()
    return array
