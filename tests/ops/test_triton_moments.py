"""Gaussian moments of the Triton kernels, against autograd on the definition.

They run on the GPU, or, with TRITON_INTERPRET=1, in Triton's interpreter on the CPU.
"""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from anisoap_e3nn.ops import gaussian_moments
from anisoap_e3nn.ops.backends import reference, triton_source
from anisoap_e3nn.ops.moment_inputs import MomentInputs

DEVICE = "cpu" if triton_source.interpreted else "cuda"
pytestmark = pytest.mark.skipif(
    not triton_source.interpreted
    and (bool(triton_source.unavailable) or not torch.cuda.is_available()),
    reason="there is no GPU and TRITON_INTERPRET is not 1, or triton is not installed",
)


@pytest.fixture(autouse=True)
def on_device() -> Iterator[None]:
    with torch.device(DEVICE):
        yield


def random_inputs(
    degree: int, everything: bool, dtype: torch.dtype, n_segments: int = 19
) -> MomentInputs:
    """Unsorted segments, some of them empty, with pair weights and own Gaussians or without."""
    n_edges, n_particles = 60, 9
    A = torch.randn(n_particles, 3, 3, dtype=dtype)
    return MomentInputs(
        torch.randn(n_edges, 3, dtype=dtype),
        torch.randint(n_particles, (n_edges,)),
        torch.randint(n_segments, (n_edges,)),
        n_segments,
        0.05 * A @ A.mT,
        torch.rand(n_particles, dtype=dtype),
        torch.rand(n_edges, dtype=dtype) if everything else None,
        torch.randperm(n_segments)[:n_particles] if everything else None,
        0.7,
        degree,
    )


@pytest.mark.parametrize("everything", [True, False])
@pytest.mark.parametrize("degree", [0, 1, 2, 4, 7])  # 7: in two groups, without resident cotangents
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_moments_and_two_derivatives(degree: int, everything: bool, dtype: torch.dtype) -> None:
    agree_with_autograd(random_inputs(degree, everything, dtype), everything, dtype)


@pytest.fixture
def in_loops(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take the kernels of high degrees, for a few segments at a time."""
    from anisoap_e3nn.ops.backends import moment_kernels, moment_text  # imports triton

    moment_kernels._kernel.cache_clear()
    monkeypatch.setattr(moment_text, "UNROLLED", -1)
    monkeypatch.setattr(moment_kernels, "_PROGRAMS", 8)
    yield
    moment_kernels._kernel.cache_clear()


@pytest.mark.usefixtures("in_loops")
@pytest.mark.parametrize(
    ("degree", "everything", "dtype"),
    [
        (0, True, torch.float64),
        (1, False, torch.float64),
        (2, True, torch.float32),
        (3, True, torch.float64),
    ],
)
def test_moments_and_two_derivatives_in_loops(
    degree: int, everything: bool, dtype: torch.dtype
) -> None:
    few = random_inputs(degree, everything, dtype, n_segments=9)
    few = few._replace(
        segments=torch.where(few.segments < 6, 0, few.segments)
    )  # more than 32 in one
    agree_with_autograd(few, everything, dtype)


def agree_with_autograd(inputs: MomentInputs, everything: bool, dtype: torch.dtype) -> None:
    from anisoap_e3nn.ops.backends import moment_kernels  # imports triton

    names = ["edge_vectors", "covariances", "weights", *(["pair_weights"] if everything else [])]
    variables = {name: getattr(inputs, name).double().requires_grad_() for name in names}
    moments = reference.gaussian_moments(inputs._replace(**variables))
    cotangent = torch.randn_like(moments, requires_grad=True)
    first = torch.autograd.grad(moments, list(variables.values()), cotangent, create_graph=True)
    tangents = [torch.randn_like(variable) for variable in variables.values()]
    tangents[1] = tangents[1] + tangents[1].mT
    along = torch.stack([(a * b).sum() for a, b in zip(first, tangents, strict=True)]).sum()
    second = torch.autograd.grad(
        along, [cotangent, *variables.values()], allow_unused=True, materialize_grads=True
    )

    G = cotangent.detach().to(dtype)
    directions = [tangent.to(dtype) for tangent in tangents]
    if not everything:
        directions.append(G.new_empty(0))
    agree(moment_kernels.moments(inputs), moments)
    for ours, expected in zip(moment_kernels.backward(G, inputs, True), first, strict=False):
        agree(ours, expected)
    ours_second = moment_kernels.double_backward(tuple(directions), G, inputs, True)
    for ours, expected in zip(ours_second, second, strict=False):
        agree(ours, expected)


def agree(ours: Tensor, expected: Tensor) -> None:
    if expected.dim() == 3:  # of covariances, which are symmetric
        expected = (expected + expected.mT) / 2
    tolerance = 1e-12 if ours.dtype == torch.float64 else 1e-5
    assert (ours - expected).norm() <= tolerance * expected.norm()


@pytest.mark.parametrize("everything", [True, False])
def test_autograd_through_the_operations(everything: bool) -> None:
    inputs = random_inputs(1, everything, torch.float64)
    few = inputs._replace(
        edge_vectors=inputs.edge_vectors[:5],
        neighbors=inputs.neighbors[:5],
        segments=inputs.segments[:5],
        pair_weights=inputs.pair_weights[:5] if everything else None,
    )

    def moments(r: Tensor, C: Tensor, w: Tensor, *f: Tensor) -> Tensor:
        symmetric = few._replace(
            edge_vectors=r, covariances=(C + C.mT) / 2, weights=w, pair_weights=f[0] if f else None
        )
        named = symmetric._asdict()
        return gaussian_moments(**named, backend="triton")

    given = (few.edge_vectors, few.covariances, few.weights, few.pair_weights)
    variables = tuple(x.clone().requires_grad_() for x in given if x is not None)
    assert torch.autograd.gradcheck(moments, variables, fast_mode=True)
    assert torch.autograd.gradgradcheck(moments, variables, fast_mode=True)


@pytest.mark.parametrize("n_particles", [0, 3])
def test_no_edges(n_particles: int) -> None:
    inputs = random_inputs(2, True, torch.float64)
    empty = inputs._replace(
        edge_vectors=inputs.edge_vectors[:0],
        neighbors=inputs.neighbors[:0],
        segments=inputs.segments[:0],
        pair_weights=torch.empty(0, dtype=torch.float64),
        covariances=inputs.covariances[:n_particles],
        weights=inputs.weights[:n_particles],
        own_segments=torch.arange(n_particles),
    )
    agree(gaussian_moments(**empty._asdict(), backend="triton"), reference.gaussian_moments(empty))


def test_high_degrees_are_left_to_torch() -> None:
    inputs = random_inputs(21, True, torch.float64)
    agree(
        gaussian_moments(**inputs._asdict(), backend="triton"), reference.gaussian_moments(inputs)
    )
