"""The embedding's call into C++ against the steps that it stands for."""

from typing import Any

import pytest
import torch
from torch import Tensor

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.geometry import quaternions_to_matrices
from anisoap_e3nn.nn import embedding as module
from anisoap_e3nn.nn.native_coefficients import native_coefficients
from common import Ellipsoids, by_number_of_threads, needs_native

pytestmark = needs_native
CUTOFF = 3.0
ARGUMENTS: dict[str, dict[str, Any]] = {
    "AniSOAP's": {},
    "without itself": {"include_self": False},
    "itself apart": {"include_self": "separate", "density_width": 0.4},
    "several widths": {"radial_gaussian_width": [0.5, 1.1], "max_radial": 2},
    "monomials": {"radial_basis": "monomial", "radial_gaussian_width": None},
}


def embedding(**changes: Any) -> AniSOAPEmbedding:
    arguments = {"types": [1, 6], "cutoff": CUTOFF, "max_angular": 4, "radial_gaussian_width": 0.8}
    return AniSOAPEmbedding(**(arguments | changes)).double()


def step_by_step(layer: AniSOAPEmbedding, inputs: dict[str, Tensor]) -> Tensor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "native_coefficients", lambda *_: None)
        features: Tensor = layer(**inputs)
    return features


@pytest.mark.parametrize("name", ARGUMENTS)
def test_one_call_or_step_by_step(name: str, ellipsoids: Ellipsoids) -> None:
    layer, inputs = embedding(**ARGUMENTS[name]), ellipsoids.inputs(CUTOFF)
    for orientations in (inputs["orientations"], quaternions_to_matrices(inputs["orientations"])):
        given = inputs | {"orientations": orientations}
        assert native_coefficients(layer, **given) is not None
        expected = step_by_step(layer, given)
        scale = float(expected.abs().max())
        torch.testing.assert_close(layer(**given), expected, rtol=1e-12, atol=1e-13 * scale)
    single = {k: x.float() if x.is_floating_point() else x for k, x in inputs.items()}
    features = layer.float()(**single)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features.double(), expected, rtol=1e-3, atol=1e-5 * scale)


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_any_number_of_particles(
    instruction_set: str, name: str, dtype: torch.dtype, ellipsoids: Ellipsoids
) -> None:
    """Particles share vectors, of which the last is not always full; without edges too."""
    layer = embedding(**ARGUMENTS[name]).to(dtype)
    whole = ellipsoids.inputs(CUTOFF)
    tolerance = 1e-12 if dtype == torch.float64 else 1e-4
    for n in range(1, 2 + min(17, len(whole["types"]) - 1)):
        some = (whole["edge_index"] < n).all(0)
        inputs = {k: x[some] if k == "edge_vectors" else x[:n] for k, x in whole.items()}
        inputs["edge_index"] = whole["edge_index"][:, some]
        inputs = {k: x.to(dtype) if x.is_floating_point() else x for k, x in inputs.items()}
        found = native_coefficients(layer, **inputs)
        expected = step_by_step(layer, inputs)
        assert found is not None
        assert (found - expected).norm() <= tolerance * expected.norm()


def test_overflow_is_left_to_the_steps(ellipsoids: Ellipsoids) -> None:
    inputs = ellipsoids.inputs(CUTOFF)
    layer = embedding(radial_basis="monomial", radial_gaussian_width=None)
    assert native_coefficients(layer, **inputs) is not None
    inputs["semiaxes"][-1] = 1e160
    assert native_coefficients(layer, **inputs) is None


def test_what_is_left_to_the_steps(ellipsoids: Ellipsoids, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, inputs = embedding(), ellipsoids.inputs(CUTOFF)
    changed = {
        "derivatives": {"semiaxes": inputs["semiaxes"].clone().requires_grad_()},
        "edges beyond the cutoff": {"edge_vectors": 1.5 * inputs["edge_vectors"]},
        "an unknown type": {"types": inputs["types"] + 1},
        "an index out of range": {"edge_index": inputs["edge_index"] + 1},
        "NaN": {"edge_vectors": inputs["edge_vectors"] * torch.nan},
        "a negative size": {"semiaxes": inputs["semiaxes"] - 1},
        "no rotation": {"orientations": 0 * inputs["orientations"]},
        "another dtype": {"semiaxes": inputs["semiaxes"].float()},
    }
    for what, change in changed.items():
        assert native_coefficients(layer, **(inputs | change)) is None, what
    large = {"max_angular": 14, "max_radial": 6}
    for other in ({"cutoff_function": "polynomial"}, {"irreps_out": "2x0e"}, large):
        assert native_coefficients(embedding(**other), **inputs) is None
    monkeypatch.setenv("ANISOAP_E3NN_BACKEND", "torch")
    assert native_coefficients(layer, **inputs) is None


def test_no_particles_and_no_edges(ellipsoids: Ellipsoids) -> None:
    layer, inputs = embedding(), ellipsoids.inputs(CUTOFF)
    alone = inputs | {"edge_vectors": torch.empty(0, 3).double()}
    alone["edge_index"] = torch.empty(2, 0, dtype=torch.int64)
    torch.testing.assert_close(layer(**alone), step_by_step(layer, alone))
    nobody = {k: x if "edge" in k else x[:0] for k, x in alone.items()}
    assert layer(**nobody).shape == (0, layer.irreps_out.dim)


def test_results_do_not_depend_on_the_number_of_threads(ellipsoids: Ellipsoids) -> None:
    layer, inputs = embedding(max_angular=6), ellipsoids.inputs(2 * CUTOFF)
    inputs["edge_vectors"] = inputs["edge_vectors"] / 2
    results = by_number_of_threads(lambda: layer(**inputs))
    assert all(torch.equal(results[0], other) for other in results[1:])
