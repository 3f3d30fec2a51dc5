"""The choice of a backend, and the names under which torch knows the native operations."""

import platform
from pathlib import Path

import pytest
import torch

from anisoap_e3nn.ops import backends, gaussian_moments
from anisoap_e3nn.ops.backends import native
from common import make_case, needs_native

INPUTS = (
    "Tensor edge_vectors, Tensor neighbors, Tensor segments, SymInt n_segments, Tensor covariances, "
    "Tensor weights, Tensor? pair_weights, Tensor? own_segments, float exponent, SymInt degree"
)
POINT = "Tensor x, Tensor harmonics, Tensor weights"
TANGENT = "Tensor x_tangent, Tensor harmonics_tangent, Tensor weights_tangent"
GRAPH = "Tensor edge_index, Tensor program"
SCHEMAS = {
    "gaussian_moments": f"({INPUTS}) -> Tensor",
    "gaussian_moments_backward": f"(Tensor cotangent, {INPUTS}, bool of_particles) "
    "-> (Tensor, Tensor, Tensor, Tensor)",
    "gaussian_moments_double_backward": "(Tensor edge_tangents, Tensor covariance_tangents, "
    f"Tensor weight_tangents, Tensor pair_weight_tangents, Tensor cotangent, {INPUTS}, "
    "bool of_particles) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
    "convolution": f"({POINT}, {GRAPH}, SymInt dim_out) -> Tensor",
    "convolution_gradient": f"(Tensor g, {POINT}, {GRAPH}) -> (Tensor, Tensor, Tensor)",
    "convolution_tangent": f"({TANGENT}, {POINT}, {GRAPH}, SymInt dim_out) -> Tensor",
    "convolution_curvature": f"({TANGENT}, Tensor g, {POINT}, {GRAPH}) -> (Tensor, Tensor, Tensor)",
    "product_of_two": "(Tensor first, Tensor second, Tensor coefficients, Tensor program, "
    "SymInt target, SymInt n_batch, SymInt size) -> Tensor",
    "product_of_three": "(Tensor out, Tensor x1, Tensor x2, Tensor coefficients, Tensor program, "
    "SymInt n_batch) -> Tensor",
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_saved_programs_find_the_operations(name: str) -> None:
    """Programs saved by earlier versions call these schemas."""
    operation = getattr(torch.ops.anisoap_e3nn, name).default
    assert str(operation._schema) == f"anisoap_e3nn::{name}{SCHEMAS[name]}"


def test_unknown_backend_is_refused(
    generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(generator, torch.float64)
    with pytest.raises(
        ValueError, match="unknown backend 'cuda', expected one of torch, native, triton"
    ):
        gaussian_moments(**case, degree=2, backend="cuda")
    monkeypatch.setenv("ANISOAP_E3NN_BACKEND", "fortran")
    with pytest.raises(ValueError, match="unknown backend 'fortran'"):
        gaussian_moments(**case, degree=2)


def test_without_the_extension_torch_serves_and_says_so_once(
    generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(generator, torch.float64)
    definition = gaussian_moments(**case, degree=2, backend="torch")
    monkeypatch.setattr(native, "unavailable", "no compiler was found")
    monkeypatch.setattr(backends, "_warned", False)
    monkeypatch.delenv("ANISOAP_E3NN_BACKEND", raising=False)
    with pytest.warns(RuntimeWarning, match=r"torch backend.*no compiler was found"):
        assert torch.equal(gaussian_moments(**case, degree=2), definition)
    assert torch.equal(gaussian_moments(**case, degree=2), definition)  # and no second warning
    with pytest.raises(
        ValueError, match=r"native backend is not available \(no compiler was found\)"
    ):
        gaussian_moments(**case, degree=2, backend="native")


@needs_native
@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="needs /proc of Linux")
@pytest.mark.skipif(
    platform.machine() != "x86_64", reason="other machines have one instruction set"
)
def test_the_instruction_sets_are_those_of_the_processor() -> None:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = set(next(line for line in lines if line.startswith("flags")).split())
    expected = ["v2"]
    if {"avx2", "fma", "bmi1", "bmi2"} <= flags:
        expected.insert(0, "v3")
        if {f"avx512{part}" for part in ("f", "bw", "cd", "dq", "vl")} <= flags:
            expected.insert(0, "v4")
    assert native._native.instruction_sets() == expected
