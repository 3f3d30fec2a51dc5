"""Networks as models of metatomic."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.extras import import_metatomic_torch
from anisoap_e3nn.networks import NequIPStylePotential
from anisoap_e3nn.potentials import PairPotential, mechanics
from common import Ellipsoids, needs_compiler

pytest.importorskip("metatomic", reason="metatomic is not installed")
metatomic = import_metatomic_torch()

TORQUES = "anisoap_e3nn::torques"


@pytest.fixture
def network(float64_by_default: None) -> torch.nn.Module:
    torch.manual_seed(0)
    return NequIPStylePotential([1, 6], 2.5, "2x0e+2x1o", n_layers=1, max_angular=1, max_radial=0)


def evaluate(model: Any, frame: EllipsoidData) -> tuple[Tensor, Tensor, Tensor]:
    from anisoap_e3nn.interop.metatomic import metatomic_system

    system = metatomic_system(frame, model)
    outputs = {
        "energy": metatomic.ModelOutput(quantity="energy", unit="eV", sample_kind="system"),
        TORQUES: metatomic.ModelOutput(quantity="", unit="", sample_kind="atom"),
    }
    options = metatomic.ModelEvaluationOptions(length_unit="angstrom", outputs=outputs)
    out = model([system], options, check_consistency=True)
    energy = out["energy"].block().values
    (gradient,) = torch.autograd.grad(energy.sum(), system.positions)
    return energy.detach(), -gradient, out[TORQUES].block().values[:, :, 0]


@needs_compiler
def test_a_loaded_model_gives_our_mechanics(
    network: torch.nn.Module, ellipsoids: Ellipsoids, tmp_path: Path
) -> None:
    from anisoap_e3nn.interop.metatomic import export_metatomic

    frame, other = (
        ellipsoids.data,
        Ellipsoids(
            ellipsoids.positions[:13],
            ellipsoids.orientations[:13],
            ellipsoids.semiaxes[:13],
            ellipsoids.types[:13],
            ellipsoids.cell,
            ellipsoids.pbc,
        ).data,
    )
    path = tmp_path / "model.pt"
    export_metatomic(network, path, frame, length_unit="angstrom", energy_unit="eV")
    model = metatomic.load_atomistic_model(str(path))
    for each in (frame, other):
        energy, forces, torques = evaluate(model, each)
        ours = mechanics(network, each)
        assert ours.torques.abs().max() > 1e-3
        torch.testing.assert_close(energy[0], ours.energy, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(forces, ours.forces, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(torques, ours.torques, rtol=1e-10, atol=1e-12)
    with pytest.raises(FileExistsError, match=r"model\.pt exists already"):
        export_metatomic(network, path, frame, length_unit="angstrom", energy_unit="eV")


def test_models_whose_shapes_depend_on_values_are_refused(
    float64_by_default: None, ellipsoids: Ellipsoids, tmp_path: Path
) -> None:
    from anisoap_e3nn.interop.metatomic import export_metatomic

    potential = PairPotential([1, 6], 2.5)
    with pytest.raises(ValueError, match="makes shapes of values"):
        export_metatomic(
            potential, tmp_path / "x.pt", ellipsoids.data, length_unit="", energy_unit=""
        )
    assert not (tmp_path / "x.pt").exists()
